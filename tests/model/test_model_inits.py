"""Every initialisation scheme against its definition."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from model_support import build
from torch import Tensor

from zoo.model import Model

SCHEMES: list[Any] = ["paper", "torch", "keras", "orthogonal", "xavier", {"kind": "uniform", "range": 0.25}]
GATES = {"rnn": 1, "lstm": 4, "gru": 3}
I, H = 12, 16  # noqa: E741 - the sizes of input and state


def started(init: Any, cell: Any = "lstm", **keys: Any) -> Model:
    return build(input=I, hidden_size=H, cell=cell, init=init, **keys)


def blocks(model: Model, name: str, kind: str) -> tuple[Tensor, ...]:
    return model.get_parameter(f"layers.0.cell.{name}").detach().chunk(GATES[kind])


def fills(values: Tensor, bound: float) -> None:
    """Uniform in plus and minus the bound: within it, near it at both ends, and centred."""
    assert values.abs().max() <= bound
    slack = 24 / values.numel()
    assert values.max() > bound * (1 - slack)
    assert values.min() < -bound * (1 - slack)
    assert abs(values.mean()) < 5 * bound / math.sqrt(3 * values.numel())


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("init", ["paper", "torch"])
def test_paper_and_torch_are_uniform_by_the_hidden_size(init: str, kind: str) -> None:
    model = started(init, kind)
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        fills(model.get_parameter(f"layers.0.cell.{name}").detach(), 1 / math.sqrt(H))


def test_torch_draws_a_projection_by_the_hidden_size_too() -> None:
    for init in ("paper", "torch"):
        model = started(init, {"kind": "lstm", "projection": 6})
        fills(model.get_parameter("layers.0.cell.weight_hr").detach(), 1 / math.sqrt(H))


@pytest.mark.parametrize("kind", GATES)
def test_orthogonal_is_orthogonal_gate_by_gate(kind: str) -> None:
    model = started("orthogonal", kind)
    recurrent = blocks(model, "weight_hh", kind)
    for block in recurrent:
        torch.testing.assert_close(block @ block.T, torch.eye(H, dtype=torch.float64), rtol=0, atol=1e-12)
    for one in range(1, len(recurrent)):
        assert not torch.allclose(recurrent[0], recurrent[one])
    for block in blocks(model, "weight_ih", kind):
        fills(block, math.sqrt(6 / (I + H)))


@pytest.mark.parametrize("kind", GATES)
def test_xavier_is_glorot_gate_by_gate(kind: str) -> None:
    model = started("xavier", kind)
    for name, wide in (("weight_ih", I), ("weight_hh", H)):
        for block in blocks(model, name, kind):
            fills(block, math.sqrt(6 / (wide + H)))


@pytest.mark.parametrize("kind", GATES)
def test_keras_is_glorot_and_orthogonal_over_all_gates_at_once(kind: str) -> None:
    model = started("keras", kind)
    gates = GATES[kind]
    fills(model.get_parameter("layers.0.cell.weight_ih").detach(), math.sqrt(6 / (I + gates * H)))
    recurrent = model.get_parameter("layers.0.cell.weight_hh").detach()
    torch.testing.assert_close(recurrent.T @ recurrent, torch.eye(H, dtype=torch.float64), rtol=0, atol=1e-12)


@pytest.mark.parametrize("bias", ["two", "one"])
@pytest.mark.parametrize("init", ["keras", "orthogonal", "xavier"])
@pytest.mark.parametrize("kind", GATES)
def test_biases_are_zero_but_for_keras_forget_gates(kind: str, init: str, bias: str) -> None:
    model = started(init, {"kind": kind, "bias": bias}, bidirectional=True, layers=2)
    found = [(name, value) for name, value in model.named_parameters() if "bias" in name]
    assert len(found) == (8 if bias == "two" else 4)
    for name, value in found:
        expected = torch.zeros_like(value)
        if init == "keras" and kind == "lstm" and not name.endswith("bias_hh"):
            expected[H : 2 * H] = 1.0
        assert torch.equal(value, expected), name


@pytest.mark.parametrize("init", SCHEMES, ids=str)
@pytest.mark.parametrize("bias", ["two", "one"])
def test_forget_bias_stands_under_every_scheme(init: Any, bias: str) -> None:
    model = started(init, {"kind": "lstm", "bias": bias, "forget_bias": 2.5}, layers=2, bidirectional=True)
    cells = [module for module in model.modules() if type(module).__name__ == "LSTM"]
    assert len(cells) == 4
    for cell in cells:
        total = sum(value for name, value in cell.named_parameters() if name.startswith("bias"))
        assert isinstance(total, Tensor)
        assert total[H : 2 * H].tolist() == [2.5] * H
        assert (total[:H] != 2.5).all()


@pytest.mark.parametrize("init", SCHEMES, ids=str)
def test_the_padding_symbol_s_vector_is_zero_under_every_scheme_and_learns_nothing(init: Any) -> None:
    model = build(input={"kind": "tokens", "vocabulary": 9, "size": 4, "padding": 3}, cell="gru", init=init)
    weight = model.get_parameter("input.embedding.weight")
    assert (weight[3] == 0).all()
    assert (weight[[0, 1, 2, 4, 5, 6, 7, 8]].abs().sum(1) > 0).all()
    model(torch.tensor([[3, 3, 1]]))[0].sum().backward()
    assert weight.grad is not None
    assert (weight.grad[3] == 0).all()
    assert (weight.grad[1] != 0).all()


def test_uniform_covers_every_parameter() -> None:
    layers: list[dict[str, Any]] = [
        {
            "hidden_size": 40,
            "norm": "layer",
            "output_projection": 30,
            "initial_state": "learned",
            "bidirectional": True,
        },
        {"kind": "linear", "size": 30},
    ]
    model = build(
        input={"kind": "tokens", "vocabulary": 50, "size": 20},
        cell="gru",
        layers=layers,
        init={"kind": "uniform", "range": 0.25},
        head={"kind": "mlp", "size": 30, "hidden": [30], "pool": "attention"},
    )
    assert len(list(model.parameters())) == 24
    for name, value in model.named_parameters():
        assert value.numel() >= 30, name
        fills(value.detach(), 0.25)


@pytest.mark.parametrize("init", ["keras", "orthogonal", "xavier"])
def test_linear_maps_outside_cells_are_glorot_with_zero_biases(init: str) -> None:
    model = started(
        init,
        layers=[{"hidden_size": 16, "output_projection": 20}, {"kind": "linear", "size": 18}],
        head={"kind": "linear", "size": 14},
    )
    for name, wide, size in (
        ("layers.0.output_projection", 16, 20),
        ("layers.1.linear", 20, 18),
        ("head.linear", 18, 14),
    ):
        fills(model.get_parameter(f"{name}.weight").detach(), math.sqrt(6 / (wide + size)))
        assert (model.get_parameter(f"{name}.bias") == 0).all()


def test_keras_embeddings_are_uniform_within_a_twentieth() -> None:
    model = build(input={"kind": "tokens", "vocabulary": 200, "size": 10}, init="keras")
    fills(model.get_parameter("input.embedding.weight").detach(), 0.05)


def test_a_layer_s_own_scheme_stands_beside_the_model_s() -> None:
    model = build(
        input=I, hidden_size=H, layers=[{"cell": "rnn", "init": "orthogonal"}, {"cell": "rnn"}], init="xavier"
    )
    first, second = (model.get_parameter(f"layers.{index}.cell.weight_hh").detach() for index in (0, 1))
    eye = torch.eye(H, dtype=torch.float64)
    assert torch.allclose(first @ first.T, eye)
    assert not torch.allclose(second @ second.T, eye)
    fills(second, math.sqrt(6 / (2 * H)))
