"""The cells against a NumPy reference written from the equations alone, on every engine, and golden values of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from model_support import build, features
from reference import Array, run_row
from torch import Tensor

from zoo.model.base import Model
from zoo.model.build import with_engine

CELLS: list[dict[str, Any]] = [
    {"kind": kind, "bias": bias, **more}
    for bias in ("two", "one", "none")
    for kind, more in (
        ("rnn", {"nonlinearity": "tanh"}),
        ("rnn", {"nonlinearity": "relu"}),
        ("lstm", {}),
        ("lstm", {"projection": 2}),
        ("gru", {"reset_gate": "after"}),
        ("gru", {"reset_gate": "before"}),
    )
] + [{"kind": "lstm", "forget_bias": 1.5}, {"kind": "lstm", "bias": "one", "forget_bias": -0.5}]
LENGTHS = [3, 7, 1, 5]


def names(cell: dict[str, Any]) -> str:
    return "-".join(str(value) for value in cell.values())


def weights_of(model: Model, prefix: str) -> dict[str, Array]:
    found = {k.removeprefix(prefix): v.numpy() for k, v in model.state_dict().items() if k.startswith(prefix)}
    assert found
    return found


def start(cell: dict[str, Any], rows: int) -> tuple[Tensor, Tensor]:
    """A state that is not zero, as h (rows, D) and c (rows, 5)."""
    generator = torch.Generator().manual_seed(3)
    h = torch.randn(rows, cell.get("projection", 5), generator=generator, dtype=torch.float64)
    return h, torch.randn(rows, 5, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("engine", ["auto", "loop"])
@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("cell", CELLS, ids=names)
def test_a_cell_equals_the_reference(cell: dict[str, Any], ragged: bool, engine: str) -> None:
    model = with_engine(build(cell=cell), engine)
    weights = weights_of(model, "layers.0.cell.")
    x = features()
    h0, c0 = start(cell, 4)
    lstm = cell["kind"] == "lstm"
    with torch.no_grad():
        output, state = model(x, (h0[None], c0[None]) if lstm else h0[None], lengths=LENGTHS if ragged else None)
    for row, length in enumerate(LENGTHS if ragged else [7] * 4):
        y, h, c = run_row(cell, weights, x[row, :length].numpy(), h0[row].numpy(), c0[row].numpy())
        np.testing.assert_allclose(output[row, :length].numpy(), y, rtol=0, atol=1e-12)
        assert (output[row, length:] == 0).all()
        np.testing.assert_allclose((state[0] if lstm else state)[0, row].numpy(), h, rtol=0, atol=1e-12)
        if lstm:
            assert c is not None
            np.testing.assert_allclose(state[1][0, row].numpy(), c, rtol=0, atol=1e-12)


@pytest.mark.parametrize("engine", ["auto", "fused", "loop"])
@pytest.mark.parametrize("cell", [c for c in CELLS if c.get("reset_gate") != "before"], ids=names)
def test_two_layers_both_ways_equal_the_reference(cell: dict[str, Any], engine: str) -> None:
    model = build(cell=cell, layers=2, bidirectional=True, engine=engine)
    x = features()
    for lengths in (None, LENGTHS):
        with torch.no_grad():
            output, _ = model(x, lengths=lengths)
        for row, length in enumerate(lengths or [7] * 4):
            y = x[row, :length].numpy()
            for layer in range(2):
                zeros = np.zeros(cell.get("projection", 5)), np.zeros(5)
                ahead = run_row(cell, weights_of(model, f"layers.{layer}.cell."), y, *zeros)[0]
                back = run_row(cell, weights_of(model, f"layers.{layer}.reverse_cell."), y[::-1], *zeros)[0][::-1]
                y = np.concatenate([ahead, back], 1)
            np.testing.assert_allclose(output[row, :length].numpy(), y, rtol=0, atol=1e-12)


def test_forget_bias_is_the_sum_of_the_biases_in_every_layer_and_direction() -> None:
    model = build(cell={"kind": "lstm", "forget_bias": 1.5}, layers=2, bidirectional=True)
    values = model.state_dict()
    for cell in ("layers.0.cell", "layers.0.reverse_cell", "layers.1.cell", "layers.1.reverse_cell"):
        total = values[f"{cell}.bias_ih"] + values[f"{cell}.bias_hh"]
        assert total[5:10].tolist() == [1.5] * 5
        assert (total[:5] != 1.5).all()
        assert (total[10:] != 1.5).all()


GOLDEN: list[tuple[dict[str, Any], list[list[float]]]] = [
    (
        {"kind": "rnn"},
        [
            [-0.291312612451591, 0.148885033623318],
            [0.451800668770205, 0.889438640748597],
            [0.804934610691859, 0.920125440366109],
        ],
    ),
    ({"kind": "rnn", "nonlinearity": "relu"}, [[0.0, 0.15], [0.545, 1.565], [0.996, 1.704]]),
    (
        {"kind": "lstm"},
        [
            [-0.034790467712884, -0.085984051242193],
            [0.157472313544975, -0.422364896398048],
            [0.210274438758350, -0.289532026889821],
        ],
    ),
    (
        {"kind": "gru", "reset_gate": "after"},
        [
            [-0.072581841515903, -0.024495091200108],
            [0.461313195177974, -0.402395871314003],
            [0.755436864437399, -0.556062351198399],
        ],
    ),
    (
        {"kind": "gru", "reset_gate": "before"},
        [
            [-0.072581841515903, -0.092466755605044],
            [0.467920931756600, -0.443736949827098],
            [0.759880465117912, -0.597264285437224],
        ],
    ),
]


def golden_model(cell: dict[str, Any]) -> Model:
    """2 features, 2 units, with weights and inputs that a person can write down: ((7 i mod 11) - 5) / 10."""
    model = build(input=2, cell=cell, hidden_size=2)
    for number, parameter in enumerate(model.parameters()):
        grid = (7 * (torch.arange(parameter.numel()) + number) % 11 - 5).to(torch.float64) / 10
        parameter.data.copy_(grid.view_as(parameter))
    return model


@pytest.mark.parametrize("engine", ["auto", "loop"])
@pytest.mark.parametrize(("cell", "expected"), GOLDEN, ids=[names(cell) for cell, _ in GOLDEN])
def test_golden_values_of_the_reference(cell: dict[str, Any], expected: list[list[float]], engine: str) -> None:
    """Made by `reference.run_row` with these weights; a change of them is a change of what the cell computes."""
    model = with_engine(golden_model(cell), engine)
    x = torch.tensor([[[1.0, -0.5], [0.25, 2.0], [-1.5, 0.75]]], dtype=torch.float64)
    with torch.no_grad():
        np.testing.assert_allclose(model(x)[0][0].numpy(), expected, rtol=0, atol=2e-15)
