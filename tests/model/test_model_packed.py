"""Packed batches in and out, against the same rows padded."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from each import each
from model_support import build, close, features, same, symbols
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

LENGTHS = [3, 7, 1, 5]


def packed(x: Tensor, lengths: list[int], *, in_order: bool) -> tuple[PackedSequence, list[int]]:
    lengths = sorted(lengths, reverse=True) if in_order else lengths
    return pack_padded_sequence(x, torch.tensor(lengths), batch_first=True, enforce_sorted=in_order), lengths


@each("in_order", [False, True])
@each("head", [False, True])
@each("tokens", [False, True])
def test_a_packed_batch_equals_lengths(tokens: bool, head: bool, in_order: bool) -> None:
    keys: dict[str, Any] = {"head": {"kind": "linear", "size": 2}} if head else {}
    if tokens:
        keys["input"] = {"kind": "tokens", "vocabulary": 9, "size": 3}
    model = build(cell="gru", **keys)
    x = symbols(4, 7, 9) if tokens else features()
    bundle, lengths = packed(x, LENGTHS, in_order=in_order)
    output, state = model(bundle, return_state=True)
    assert isinstance(output, PackedSequence)
    assert torch.equal(output.batch_sizes, bundle.batch_sizes)
    unpacked, seen = pad_packed_sequence(output, batch_first=True)
    expected, expected_state = model(x, lengths=lengths, return_state=True)
    assert seen.tolist() == lengths
    close(unpacked, expected)
    close(state, expected_state)
    assert isinstance(model(bundle) if head else model(bundle)[0], PackedSequence)


@pytest.mark.parametrize("in_order", [False, True])
def test_a_packed_batch_behind_a_pool_gives_a_tensor_in_the_order_of_the_rows(in_order: bool) -> None:
    model = build(cell="gru", bidirectional=True, head={"kind": "linear", "size": 2, "pool": "last"})
    bundle, lengths = packed(features(), LENGTHS, in_order=in_order)
    output = model(bundle)
    assert isinstance(output, Tensor)
    close(output, model(features(), lengths=lengths))


def test_a_packed_batch_goes_on_from_a_state_in_the_order_of_the_rows() -> None:
    model = build(cell="lstm")
    _, state = model(features(seed=8))
    bundle, lengths = packed(features(), LENGTHS, in_order=False)
    output, after = model(bundle, state)
    expected, expected_after = model(features(), state, lengths=lengths)
    close(pad_packed_sequence(output, batch_first=True)[0], expected)
    same(after, expected_after)
