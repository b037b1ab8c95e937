"""Every initialisation scheme against its definition."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from each import each
from model_support import build
from torch import Tensor

from zoo.errors import BuildError
from zoo.model.base import Model

SCHEMES: list[Any] = ["paper", "torch", "keras", "orthogonal", "xavier", {"kind": "uniform", "range": 0.25}]
CHRONO = {"kind": "chrono", "longest": 50}
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


@each("kind", GATES)
@each("init", ["paper", "torch"])
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


@each("bias", ["two", "one"])
@each("init", ["keras", "orthogonal", "xavier"])
@each("kind", GATES)
def test_biases_are_zero_but_for_keras_forget_gates(kind: str, init: str, bias: str) -> None:
    model = started(init, {"kind": kind, "bias": bias}, bidirectional=True, layers=2)
    found = [(name, value) for name, value in model.named_parameters() if "bias" in name]
    assert len(found) == (8 if bias == "two" else 4)
    for name, value in found:
        expected = torch.zeros_like(value)
        if init == "keras" and kind == "lstm" and not name.endswith("bias_hh"):
            expected[H : 2 * H] = 1.0
        assert torch.equal(value, expected), name


@each("init", SCHEMES, ids=str)
@each("bias", ["two", "one"])
def test_forget_bias_stands_under_every_scheme(init: Any, bias: str) -> None:
    model = started(init, {"kind": "lstm", "bias": bias, "forget_bias": 2.5}, layers=2, bidirectional=True)
    cells = [module for module in model.modules() if type(module).__name__ == "LSTM"]
    assert len(cells) == 4
    for cell in cells:
        total = sum(value for name, value in cell.named_parameters() if name.startswith("bias"))
        assert isinstance(total, Tensor)
        assert total[H : 2 * H].tolist() == [2.5] * H
        assert (total[:H] != 2.5).all()


@each("init", SCHEMES, ids=str)
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


def bias_blocks(model: Model, gates: int, name: str = "bias") -> list[Tensor]:
    return list(model.get_parameter(f"layers.0.cell.{name}").detach().chunk(gates))


def test_chrono_spreads_the_memory_of_an_lstm_over_all_times() -> None:
    model = build(input=I, hidden_size=400, cell="lstm", init=CHRONO)
    i, f, g, o = bias_blocks(model, 4, "bias_ih")
    assert torch.equal(i, -f)
    times = f.exp()  # uniform in [1, T - 1]
    assert times.min() >= 1 - 1e-12
    assert times.max() <= 49
    assert abs(times.mean() - 25) < 5 * 48 / math.sqrt(12 * 400)
    assert times.min() < 3
    assert times.max() > 47
    second = bias_blocks(model, 4, "bias_hh")
    assert (torch.cat(second[:2]) == 0).all()
    for own in (g, o, *second[2:]):
        fills(own, 1 / math.sqrt(400))
    fills(model.get_parameter("layers.0.cell.weight_hh").detach(), 1 / math.sqrt(400))


@each(
    ("cell", "gates", "keep", "write"),
    [
        ({"kind": "gru", "bias": "one"}, 3, 1, None),  # h = z h + (1 - z) n
        ("mingru", 2, None, 0),  # h = (1 - z) h + z n
        ("mgu", 2, None, 0),
        ("minlstm", 3, 0, 1),
        ("janet", 2, 0, None),
        ({"kind": "lstm", "bias": "one", "coupled": True}, 3, 0, None),
        ("ugrnn", 2, 1, None),
        ("qrnn", 3, 1, None),
        ("gru-d", 3, None, 1),
        ("lstm-1997", 3, None, 0),
    ],
    ids=str,
)
def test_chrono_knows_which_gate_keeps_and_which_writes(
    cell: Any, gates: int, keep: int | None, write: int | None
) -> None:
    kinds = {"bias": "one"} if cell in ("mingru", "mgu", "minlstm") else {}
    chosen = {"kind": cell, **kinds} if isinstance(cell, str) else cell
    model = build(input=I, hidden_size=H, cell=chosen, init=CHRONO)
    found = bias_blocks(model, gates)
    for place, sign in ((keep, 1), (write, -1)):
        if place is not None:
            logs = sign * found[place]
            assert ((logs >= 0) & (logs <= math.log(49))).all()
            assert logs.max() > 2
    if keep is not None and write is not None:
        assert torch.equal(found[keep], -found[write])


@pytest.mark.parametrize(("last", "least"), [(False, 0.0), (True, 2 ** (-1 / 10))])
def test_indrnn_bounds_each_unit_by_what_is_left_after_t_steps(last: bool, least: float) -> None:
    init = {"kind": "indrnn", "longest": 10, "last": last}
    weight = build(input=I, hidden_size=500, cell="indrnn", init=init).get_parameter("layers.0.cell.weight_hh")
    assert weight.min() >= least
    assert (weight**10).max() <= 2 + 1e-12
    middle = (least + 2**0.1) / 2
    fills(weight.detach() - middle, 2**0.1 - middle)


@each(
    ("init", "cell", "told"),
    [
        (CHRONO, "rnn", "layers.0: init 'chrono' sets the bias of a forget or input gate, and a cell"),
        (CHRONO, {"kind": "lstm", "bias": "none"}, "of class LSTM has none; give its layer init: paper"),
        (
            {"kind": "indrnn", "longest": 9},
            "gru",
            "one recurrent weight for each unit, and a cell of class GRU has none",
        ),
        ("keras", "lru", "layers.0: no scheme for matrices and biases can initialise a cell of class LRU"),
        ("torch", {"kind": "s5"}, "whose parameters are all of other kinds; give its layer init: paper"),
        ("orthogonal", "ltc", "a cell of class LTC"),
    ],
    ids=str,
)
def test_a_scheme_that_cannot_start_a_cell_says_so(init: Any, cell: Any, told: str) -> None:
    with pytest.raises(BuildError) as caught:
        started(init, cell)
    assert told in str(caught.value)


def test_forget_bias_is_the_sum_of_the_biases_in_every_layer_and_direction() -> None:
    model = build(cell={"kind": "lstm", "forget_bias": 1.5}, layers=2, bidirectional=True)
    values = model.state_dict()
    for cell in ("layers.0.cell", "layers.0.reverse_cell", "layers.1.cell", "layers.1.reverse_cell"):
        total = values[f"{cell}.bias_ih"] + values[f"{cell}.bias_hh"]
        assert total[5:10].tolist() == [1.5] * 5
        assert (total[:5] != 1.5).all()
        assert (total[10:] != 1.5).all()
