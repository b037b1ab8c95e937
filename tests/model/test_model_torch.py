"""Models of rnn, lstm and gru against torch.nn's own modules with the same weights: values, states, gradients."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from each import each
from model_support import build, close, features, flat, noise
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from zoo.model.base import Model

CASES = [
    (kind, layers, both, projection)
    for kind in ("tanh", "relu", "lstm", "gru")
    for layers in (1, 2, 3)
    for both in (False, True)
    for projection in ((None, 2) if kind == "lstm" else (None,))
]
Case = tuple[str, int, bool, int | None]
LENGTHS = [3, 7, 1, 5]
ENGINES = ["auto", "loop"]


def identity(case: Case) -> str:
    kind, layers, both, projection = case
    return f"{kind}-{layers}{'-both' if both else ''}{'-projected' if projection else ''}"


def ours(case: Case, engine: str) -> Model:
    kind, layers, both, projection = case
    cell: dict[str, Any] = {"kind": "rnn", "nonlinearity": kind} if kind in ("tanh", "relu") else {"kind": kind}
    if projection:
        cell["projection"] = projection
    return build(cell=cell, layers=layers, bidirectional=both, engine=engine)


def theirs(case: Case, model: Model) -> nn.RNNBase:
    """torch's module, holding the model's weights."""
    kind, layers, both, projection = case
    options: dict[str, Any] = {"num_layers": layers, "bidirectional": both, "batch_first": True, "dtype": torch.float64}
    module: nn.RNNBase
    if kind == "lstm":
        module = nn.LSTM(3, 5, proj_size=projection or 0, **options)
    elif kind == "gru":
        module = nn.GRU(3, 5, **options)
    else:
        module = nn.RNN(3, 5, nonlinearity=kind, **options)
    module.load_state_dict(as_torch_keys(model))
    return module


def as_torch_keys(model: Model) -> dict[str, Tensor]:
    found = {}
    for key, value in model.state_dict().items():
        _, layer, cell, name = key.split(".")
        found[f"{name}_l{layer}" + ("_reverse" if cell == "reverse_cell" else "")] = value
    return found


def start(case: Case) -> Any:
    kind, layers, both, projection = case
    rows = layers * (1 + both)
    h = noise(torch.zeros(rows, 4, projection or 5, dtype=torch.float64), seed=5).requires_grad_()
    c = noise(torch.zeros(rows, 4, 5, dtype=torch.float64), seed=6).requires_grad_()
    return (h, c) if kind == "lstm" else h


def compare(case: Case, engine: str, lengths: list[int] | None, *, packed: bool) -> None:
    model = ours(case, engine)
    module = theirs(case, model)
    grads = []
    for run in (model, module):
        x = features().requires_grad_()
        state = start(case)
        if run is model and not packed:
            output, after = run(x, state, lengths=lengths)
        elif lengths is None:
            output, after = run(x, state)
        else:
            bundle = pack_padded_sequence(x, torch.tensor(lengths), batch_first=True, enforce_sorted=False)
            output, after = run(bundle, state)
            output, seen = pad_packed_sequence(output, batch_first=True)
            assert seen.tolist() == lengths
        total = (output * noise(output)).sum()
        for index, one in enumerate(flat(after)):
            total = total + (one * noise(one, seed=10 + index)).sum()
        total.backward()
        named = as_torch_keys(model) if run is model else dict(module.named_parameters())
        parameters = dict(zip(named, (p.grad for p in run.parameters()), strict=True))
        grads.append((output.detach(), flat(after), x.grad, [s.grad for s in flat(state)], parameters))
    mine, reference = grads
    close(mine[0], reference[0])
    assert len(mine[1]) == len(reference[1])
    for one, other in zip(mine[1], reference[1], strict=True):
        close(one.detach(), other.detach())
    close(mine[2], reference[2])
    for slope, expected in zip(mine[3], reference[3], strict=True):
        close(slope, expected)
    assert mine[4].keys() == reference[4].keys()
    for name, gradient in mine[4].items():
        expected = reference[4][name]
        assert expected is not None
        assert expected.abs().max() > 0
        close(gradient, expected, 1e-11)


@each("engine", ENGINES)
@each("case", CASES, ids=identity)
def test_a_full_batch_equals_torch(case: Case, engine: str) -> None:
    compare(case, engine, None, packed=False)


@each("engine", ENGINES)
@each("case", [c for c in CASES if c[1] < 3], ids=identity)
def test_lengths_equal_torch_on_a_packed_batch(case: Case, engine: str) -> None:
    compare(case, engine, LENGTHS, packed=False)


@each("case", [c for c in CASES if c[1] == 2], ids=identity)
def test_a_packed_batch_equals_torch_on_one(case: Case) -> None:
    compare(case, "auto", LENGTHS, packed=True)


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_parameters_start_within_torch_s_bounds_and_fill_them(kind: str) -> None:
    model = build(input=40, cell=kind, hidden_size=64, layers=2)
    for name, parameter in model.named_parameters():
        assert parameter.abs().max() <= 1 / 8, name
        assert parameter.abs().max() > 0.115, name
        assert abs(parameter.mean().item()) < 5 * (1 / 8 / 3**0.5) / parameter.numel() ** 0.5, name


def test_one_layer_draws_the_very_numbers_that_torch_draws() -> None:
    torch.manual_seed(11)
    module = nn.LSTM(3, 5, dtype=torch.float64)
    model = build(cell="lstm", seed=11)
    for key, value in as_torch_keys(model).items():
        assert torch.equal(value, module.state_dict()[key]), key
