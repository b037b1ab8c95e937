"""Where the relatives of the LSTM start, what one step does, and where one cell is another."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from by_hand import DOUBLE, build, cell_of, fill, normal, outputs, sigmoid, uniform
from each import each

import zoo

XS = (0.9, -0.4, 0.7)


def copied(model: zoo.Model, lstm: zoo.Model, order: tuple[int, ...] = (0, 1, 2, 3)) -> None:
    """Give an LSTM of torch's layout (i, f, g, o) the blocks of another cell, in that order."""
    for name in ("weight_ih", "weight_hh", "bias"):
        blocks = getattr(cell_of(model), name).detach().chunk(4)
        with torch.no_grad():
            getattr(cell_of(lstm), name).copy_(torch.cat([blocks[index] for index in order]))


def as_lstm(cell: dict[str, Any], order: tuple[int, ...] = (0, 1, 2, 3), **zeros: float) -> None:
    """With some parameters filled with a number, a cell is the LSTM."""
    model, lstm = build(cell, inputs=3, hidden=4), build({"kind": "lstm", "bias": "one"}, inputs=3, hidden=4)
    with torch.no_grad():
        for name, value in zeros.items():
            for parameter in [p for n, p in cell_of(model).named_parameters() if n.partition(".")[0] == name]:
                parameter.fill_(value)
    copied(model, lstm, order)
    x = normal(2, 6, 3)
    torch.testing.assert_close(model(x)[0], lstm(x)[0])


def test_scalar_memory_by_hand() -> None:
    model = build("slstm")
    fill(cell_of(model), weight_ih=[1.0, -0.5, 0.8, 0.3], weight_hh=[0.4, 0.6, -0.7, 0.2], bias=[0.1, 0.5, 0.0, -0.2])
    y, c, n, expected = 0.0, 0.0, 0.0, []  # without a stabiliser
    for x in XS:
        i, f = math.exp(x + 0.4 * y + 0.1), sigmoid(-0.5 * x + 0.6 * y + 0.5)
        z, o = math.tanh(0.8 * x - 0.7 * y), sigmoid(0.3 * x + 0.2 * y - 0.2)
        c, n = f * c + i * z, f * n + i
        y = o * c / n
        expected.append(y)
    assert outputs(model, *XS) == pytest.approx(expected, abs=1e-15)


def test_scalar_memories_of_two_heads_see_nothing_of_each_other() -> None:
    model = build({"kind": "slstm", "heads": 2}, inputs=3, hidden=6)
    cell, x = cell_of(model), normal(2, 5, 3)
    W, b = (getattr(cell, name).detach() for name in ("weight_ih", "bias"))
    R = cell.weight_hh.detach().view(4, 2, 3, 3)  # block, head, to, from
    y, c, n = (torch.zeros(2, 6, dtype=DOUBLE) for _ in range(3))
    for t in range(5):
        recurrent = torch.cat([torch.cat([y[:, :3] @ R[k, 0].T, y[:, 3:] @ R[k, 1].T], 1) for k in range(4)], 1)
        i, f, z, o = (x[:, t] @ W.T + recurrent + b).chunk(4, 1)
        c, n = torch.sigmoid(f) * c + torch.exp(i) * torch.tanh(z), torch.sigmoid(f) * n + torch.exp(i)
        y = torch.sigmoid(o) * c / n
    torch.testing.assert_close(model(x)[0][:, -1], y)


@each("write", [-800.0, 800.0])
@each("forget", [-800.0, 0.0, 800.0])
def test_scalar_memory_is_finite_however_far_its_gates_go(write: float, forget: float) -> None:
    model = build("slstm", inputs=3, hidden=4)
    with torch.no_grad():
        cell_of(model).bias[:4] = write
        cell_of(model).bias[4:8] = forget
    x = normal(2, 50, 3).requires_grad_()
    y, _ = model(x)
    y.sum().backward()
    for tensor in (y, x.grad, *(parameter.grad for parameter in model.parameters())):
        assert torch.isfinite(tensor).all()


def test_scalar_memory_starts_with_forget_biases_by_a_power_law() -> None:
    cell = cell_of(build({"kind": "slstm", "heads": 2}, inputs=100, hidden=10))
    forget = cell.bias[10:20].view(2, 5)
    law = [5 - 12 * (k / 4) ** 0.3 for k in range(5)]
    for head in forget:
        assert head.tolist() == pytest.approx(law)
    assert not torch.cat([cell.bias[:10], cell.bias[20:]]).any()
    assert cell.weight_ih.std().item() == pytest.approx(math.sqrt(2 / 500), rel=0.05)


@pytest.mark.parametrize("squashing", ["paper", "tanh"])
def test_first_lstm_by_hand(squashing: str) -> None:
    model = build({"kind": "lstm-1997", "squashing": squashing})
    fill(cell_of(model), weight_ih=[1.0, -0.5, 0.8], weight_hh=[0.4, 0.6, -0.7], bias=[0.1, 0.5, 0.0])
    h, c, expected = 0.0, 0.0, []
    for x in XS:
        g = -0.5 * x + 0.6 * h + 0.5
        g = 4 * sigmoid(g) - 2 if squashing == "paper" else math.tanh(g)
        out = sigmoid(0.8 * x - 0.7 * h)
        c += sigmoid(x + 0.4 * h + 0.1) * g
        h = out * (2 * sigmoid(c) - 1 if squashing == "paper" else math.tanh(c))
        expected.append(h)
    assert outputs(model, *XS) == pytest.approx(expected, abs=1e-15)
    for parameter in cell_of(build("lstm-1997", inputs=50, hidden=100)).parameters():
        uniform(parameter.detach(), -0.1, 0.1)


@pytest.mark.parametrize("shortcut", ["linear", "identity"])
def test_residual_lstm_by_hand(shortcut: str) -> None:
    model = build({"kind": "residual-lstm", "shortcut": shortcut})
    linear = {"weight_res": -0.9} if shortcut == "linear" else {}
    blocks = {"weight_ih": [1.0, -0.5, 0.8, 0.3], "weight_hh": [0.4, 0.6, -0.7, 0.2], "bias": [0.1, 0.5, 0.0, -0.2]}
    fill(cell_of(model), **blocks, weight_ch=[0.3, -0.6, 0.9], weight_p=1.5, **linear)
    h, c, expected = 0.0, 0.0, []
    for x in XS:
        i, f = sigmoid(x + 0.4 * h + 0.3 * c + 0.1), sigmoid(-0.5 * x + 0.6 * h - 0.6 * c + 0.5)
        c = f * c + i * math.tanh(0.8 * x - 0.7 * h)
        o = sigmoid(0.3 * x + 0.2 * h + 0.9 * c - 0.2)
        h = o * (1.5 * math.tanh(c) + (-0.9 if linear else 1.0) * x)
        expected.append(h)
    assert outputs(model, *XS) == pytest.approx(expected, abs=1e-15)


def test_residual_lstm_without_its_shortcut_is_an_lstm() -> None:
    model, lstm = build("residual-lstm", inputs=3, hidden=4), build({"kind": "lstm", "bias": "one"}, inputs=3, hidden=4)
    cell = cell_of(model)
    with torch.no_grad():
        cell.weight_res.zero_()
        cell.weight_ch.zero_()
        cell.weight_p.copy_(torch.eye(4))
    copied(model, lstm)
    x = normal(2, 6, 3)
    torch.testing.assert_close(model(x)[0], lstm(x)[0])


def test_multiplicative_lstm_by_hand() -> None:
    model = build("multiplicative-lstm")
    blocks = {"weight_ih": [1.0, -0.5, 0.8, 0.3], "weight_hm": [0.4, 0.6, -0.7, 0.2], "bias": [0.1, 0.5, 0.0, -0.2]}
    fill(cell_of(model), **blocks, weight_mx=1.3, weight_mh=0.9)
    h, c, expected = 0.0, 0.0, []
    for x in XS:
        m = 1.3 * x * 0.9 * h
        i, o, f = sigmoid(-0.5 * x + 0.6 * m + 0.5), sigmoid(0.8 * x - 0.7 * m), sigmoid(0.3 * x + 0.2 * m - 0.2)
        c = f * c + i * math.tanh(x + 0.4 * m + 0.1)
        h = math.tanh(c) * o
        expected.append(h)
    assert outputs(model, *XS) == pytest.approx(expected, abs=1e-15)


def test_working_memory_connections_by_hand() -> None:
    model = build("wmc-lstm")
    blocks = {"weight_ih": [1.0, -0.5, 0.8, 0.3], "weight_hh": [0.4, 0.6, -0.7, 0.2], "bias": [0.1, 0.5, 0.0, -0.2]}
    fill(cell_of(model), **blocks, weight_ch=[0.8, -1.6, 1.9])
    h, c, expected = 0.0, 0.0, []
    for x in XS:
        i = sigmoid(x + 0.4 * h + math.tanh(0.8 * c) + 0.1)
        f = sigmoid(-0.5 * x + 0.6 * h + math.tanh(-1.6 * c) + 0.5)
        c = f * c + i * math.tanh(0.8 * x - 0.7 * h)
        h = sigmoid(0.3 * x + 0.2 * h + math.tanh(1.9 * c) - 0.2) * math.tanh(c)
        expected.append(h)
    assert outputs(model, *XS) == pytest.approx(expected, abs=1e-15)
    as_lstm({"kind": "wmc-lstm"}, weight_ch=0.0)


def test_memory_control_by_hand() -> None:
    model = build("memory-control-lstm")
    fill(
        cell_of(model),
        weight_ih=[1.0, -0.5, 0.8, 0.3, 0.7],
        weight_hh=[0.4, 0.6, -0.7, 0.2, 1.1],
        bias=[0.1, 0.5, 0.0, -0.2, 0.3],
    )
    v, c, expected = 0.0, 0.0, []
    for x in XS:
        f, i, o = sigmoid(x + 0.4 * v + 0.1), sigmoid(-0.5 * x + 0.6 * v + 0.5), sigmoid(0.8 * x - 0.7 * v)
        m, n = sigmoid(0.3 * x + 0.2 * v - 0.2), math.tanh(0.7 * x + 1.1 * v + 0.3)
        c = f * c + i * n
        v = m * math.tanh(c)
        expected.append(o * math.tanh(c))
    assert outputs(model, *XS) == pytest.approx(expected, abs=1e-15)


def test_elementwise_lstm_by_hand() -> None:
    model = build("elstm")
    blocks = {"weight_ih": [1.0, -0.5, 0.8], "bias": [0.1, 0.5, -0.2]}
    fill(cell_of(model), **blocks, weight_ch=[0.7, -0.9], weight_o=1.2)
    c, expected = 0.0, []
    for x in XS:
        f, z = sigmoid(x + 0.7 * c + 0.1), math.tanh(-0.5 * x - 0.9 * c + 0.5)
        c = f * c + (1 - f) * z
        expected.append(sigmoid(0.8 * x + 1.2 * c - 0.2) * c)
    assert outputs(model, *XS) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("kind", ["wmc-lstm", "residual-lstm", "multiplicative-lstm", "memory-control-lstm"])
def test_lstms_without_a_start_of_their_own_start_as_torch_does(kind: str) -> None:
    for parameter in cell_of(build(kind, inputs=70, hidden=100)).parameters():
        uniform(parameter.detach(), -0.1, 0.1)
