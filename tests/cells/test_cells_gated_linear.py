"""What gated cells that are linear in their state do by hand: the strongly typed ones, the QRNN and the SRU."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from alone import fill, run
from by_hand import DOUBLE, sigmoid, uniform
from each import each
from torch import Tensor

from zoo.cells.gated.sru import SRU, LinearSRU
from zoo.cells.gated.sru import make as make_sru
from zoo.cells.gated.typed import QRNNOptions, SRUOptions
from zoo.cells.gated.windowed import QRNN, TGRU, TLSTM, TRNN
from zoo.components import NoOptions

tanh = math.tanh
XS = (1.0, -0.5, 2.0)
BEFORE = (0.0, 1.0, -0.5)
"""The input one step ago."""
NONE = NoOptions()


def series(*values: float) -> Tensor:
    return torch.tensor(values, dtype=DOUBLE).view(1, -1, 1)


def outputs(cell: Any) -> list[float]:
    found: list[float] = run(cell.double(), series(*XS)).flatten().tolist()
    return found


def test_strongly_typed_network_averages() -> None:
    cell = TRNN(NONE, (1,), 1)
    fill(cell, weight_ih=[0.7, 1.1], bias=0.1)
    h, expected = 0.0, []
    for x in XS:
        f = sigmoid(0.7 * x + 0.1)
        h = f * h + (1 - f) * 1.1 * x
        expected.append(h)
    assert outputs(cell) == pytest.approx(expected)


@pytest.mark.parametrize("kind", [TGRU, TLSTM])
def test_strongly_typed_gates_see_two_inputs(kind: type[Any]) -> None:
    cell = kind(NONE, (1,), 1)
    # rows z, f, o; columns the input now, and the one before
    fill(cell, weight_ih=[[0.7, -0.3], [-0.2, 0.4], [1.1, 0.5]], bias=[0.1, 0.3, -0.6])
    h, expected = 0.0, []
    for x, old in zip(XS, BEFORE, strict=True):
        z, f, o = 0.7 * x - 0.3 * old + 0.1, sigmoid(-0.2 * x + 0.4 * old + 0.3), tanh(1.1 * x + 0.5 * old - 0.6)
        h = f * h + (z * o if kind is TGRU else (1 - f) * z)
        expected.append(h if kind is TGRU else h * o)
    assert outputs(cell) == pytest.approx(expected)


@pytest.mark.parametrize("pooling", ["f", "fo", "ifo"])
def test_quasi_recurrent_pooling(pooling: Any) -> None:
    cell = QRNN(QRNNOptions(pooling=pooling), (1,), 1)
    gates = 1 + len(pooling)
    weights, biases = [[0.7, -0.3], [-0.2, 0.4], [1.1, 0.5], [0.9, -0.8]], [0.1, 0.3, -0.6, 0.2]
    fill(cell, weight_ih=weights[:gates], bias=biases[:gates])
    c, expected = 0.0, []
    for x, old in zip(XS, BEFORE, strict=True):
        z, f, o, i = (w * x + v * old + b for (w, v), b in zip(weights, biases, strict=True))
        f = sigmoid(f)
        c = f * c + (sigmoid(i) if pooling == "ifo" else 1 - f) * tanh(z)
        expected.append(c if pooling == "f" else sigmoid(o) * c)
    assert outputs(cell) == pytest.approx(expected)


def test_quasi_recurrent_window_reaches_back_as_far_as_it_says() -> None:
    cell = QRNN(QRNNOptions(window=3, pooling="f"), (1,), 1).double()
    fill(cell, weight_ih=[[0.0, 0.0, 1.0], [0.0, 0.0, 0.0]], bias=[0.0, -1000.0])
    assert run(cell, series(0.3, -0.4, 0.5, 0.6)).flatten().tolist() == pytest.approx([0.0, 0.0, tanh(0.3), tanh(-0.4)])


@each("skip", ["scaled", "plain", "none"])
@each("peephole", [True, False])
def test_simple_unit_by_hand(peephole: bool, skip: Any) -> None:
    cell = make_sru(SRUOptions(peephole=peephole, skip=skip, highway_bias=-0.5), (1,), 1)
    v_f, v_r = (0.8, -0.9) if peephole else (0.0, 0.0)
    fill(cell, weight_ih=[0.7, -0.2, 1.1], bias=[0.1, 0.3], **({"weight_c": [v_f, v_r]} if peephole else {}))
    share = {"scaled": math.sqrt(1 + 2 * math.exp(-0.5)), "plain": 1.0, "none": 0.0}[skip]
    c, expected = 0.0, []
    for x in XS:
        f, r = sigmoid(-0.2 * x + v_f * c + 0.1), sigmoid(1.1 * x + v_r * c + 0.3)  # both of the old c
        c = f * c + (1 - f) * 0.7 * x
        expected.append(r * c + (1 - r) * share * x)
    assert outputs(cell) == pytest.approx(expected)


@pytest.mark.parametrize("peephole", [True, False])
def test_simple_unit_brings_its_input_to_its_own_width(peephole: bool) -> None:
    cell = make_sru(SRUOptions(peephole=peephole), (1,), 2)
    fill(cell, weight_ih=[0.0] * 6 + [0.25, -3.0], bias=[0.0, 0.0, -1000.0, -1000.0])
    assert run(cell.double(), series(2.0)).flatten().tolist() == [0.5, -6.0]  # nothing but W_x x, and no α


def test_simple_unit_without_weights_of_its_state_is_linear() -> None:
    torch.manual_seed(0)
    one, other = SRU(SRUOptions(), (3,), 4).double(), LinearSRU(SRUOptions(peephole=False), (3,), 4).double()
    other.load_state_dict({name: value for name, value in one.state_dict().items() if name != "weight_c"})
    fill(one, weight_c=0.0)
    x = torch.randn(2, 6, 3, dtype=DOUBLE)
    torch.testing.assert_close(run(one, x), run(other, x), rtol=0, atol=1e-14)


def test_simple_unit_starts_as_the_official_code() -> None:
    torch.manual_seed(0)
    cell = SRU(SRUOptions(highway_bias=-1.0), (300,), 100)
    c, f, r, x = cell.weight_ih.detach().chunk(4)
    bound = math.sqrt(3 / 300)
    uniform(c, -bound, bound)
    for gate in (f, r):
        uniform(gate, -bound * math.sqrt(0.5), bound * math.sqrt(0.5))
    scale = math.sqrt(1 + 2 * math.exp(-1.0))
    uniform(x, -bound * scale, bound * scale)
    uniform(cell.weight_c.detach(), -math.sqrt(1.5), math.sqrt(1.5))
    assert cell.bias.tolist() == [0.0] * 100 + [-1.0] * 100
    linear = LinearSRU(SRUOptions(peephole=False, skip="none"), (300,), 100)
    assert linear.weight_ih.shape == (300, 300)
    uniform(linear.weight_ih.detach(), -bound, bound)


def test_quasi_recurrent_network_starts_as_one_linear_map() -> None:
    torch.manual_seed(0)
    cell = QRNN(QRNNOptions(window=2), (50,), 100)
    for parameter in cell.parameters():
        uniform(parameter.detach(), -0.1, 0.1)
