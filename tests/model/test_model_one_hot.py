"""Symbols as one-hot vectors: zeros and a one, in the model's own dtype, and nothing that is trained or saved."""

from __future__ import annotations

import copy

import pytest
import torch
from model_support import build, close, symbols
from torch.nn import functional as F

import zoo

KEYS = {"input": {"kind": "one_hot", "vocabulary": 9}, "cell": "gru"}


def test_a_model_over_one_hot_symbols_is_one_over_their_vectors() -> None:
    model = build(**KEYS)
    over_vectors = build(input=9, cell="gru")
    over_vectors.load_state_dict(model.state_dict())
    x = symbols(4, 7, 9)
    lengths = [3, 7, 1, 5]
    close(model(x, lengths=lengths)[0], over_vectors(F.one_hot(x, 9).double(), lengths=lengths)[0])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_vectors_are_in_the_model_s_dtype_whatever_it_is_cast_to(dtype: torch.dtype) -> None:
    one_hot = build(**KEYS).to(dtype).input
    x = symbols(2, 3, 9)
    found = one_hot(x)
    assert found.dtype == dtype
    assert torch.equal(found, F.one_hot(x, 9).to(dtype))
    assert copy.deepcopy(one_hot)(x).dtype == dtype


def test_it_has_no_numbers_of_its_own() -> None:
    model = build(**KEYS)
    assert not [key for key in model.state_dict() if key.startswith("input")]
    assert sum(p.numel() for p in model.parameters()) == 3 * 5 * (9 + 5 + 2)
    found = zoo.describe(model.spec)
    assert (found.parameters, found.buffers) == (3 * 5 * (9 + 5 + 2), 0)
    assert repr(model.input) == "OneHot(vocabulary=9)"


def test_symbols_beyond_the_vocabulary_are_refused_and_padding_may_hold_any() -> None:
    model = build(**KEYS)
    x = symbols(2, 3, 9)
    x[1, 2] = 9
    with pytest.raises(zoo.InputError, match="symbols from 0 to 8"):
        model(x)
    assert torch.isfinite(model(x, lengths=[3, 2])[0]).all()


def test_step_by_step_is_the_whole() -> None:
    model = build(**KEYS).eval()
    x = symbols(2, 5, 9)
    state, found = None, []
    for t in range(5):
        y, state = model.step(x[:, t], state)
        found.append(y)
    close(torch.stack(found, 1), model(x)[0])


def test_a_tied_head_has_no_table_to_share() -> None:
    with pytest.raises(zoo.SpecError, match="a tied head shares the embedding's weights: it needs input"):
        build(input={"kind": "one_hot", "vocabulary": 5}, cell="gru", head="tied")
