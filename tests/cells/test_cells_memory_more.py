"""Cells with several states that are further from the LSTM: where they start, and what one step does."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from by_hand import DOUBLE, build, cell_of, fill, normal, outputs, sigmoid, uniform
from test_cells_memory import XS, as_lstm

import zoo
from zoo.engine.state import State


@pytest.mark.parametrize("bias", ["none", "one"])
def test_searched_cell_by_hand(bias: str) -> None:
    model = build({"kind": "nas", "bias": bias})
    W = [1.0, 0.5, 0.8, 0.9, -0.7, 0.6, 0.2, -0.4]
    U = [0.4, 0.6, -0.7, -1.2, 1.1, 0.3, -0.5, 0.9]
    b = [0.1, 0.2, 0.3, -0.8, 0.5, 0.6, 0.7, 0.8] if bias == "one" else [0.0] * 8
    fill(cell_of(model), weight_ih=W, weight_hh=U, **({"bias": b} if bias == "one" else {}))
    h, c, expected = 0.0, 0.0, []
    for x in XS:
        s = [W[k] * x + U[k] * h + b[k] for k in range(8)]
        product = W[3] * x * (U[3] * h + b[3])
        first = math.tanh(sigmoid(s[0]) * max(0.0, s[1]))
        second = math.tanh(sigmoid(s[2]) + max(0.0, product))
        third = math.tanh(math.tanh(s[4]) * sigmoid(s[5]))
        fourth = sigmoid(math.tanh(s[6]) + sigmoid(s[7]))
        c = math.tanh(first + c) * second
        h = math.tanh(c * math.tanh(third + fourth))
        expected.append(h)
    assert outputs(model, *XS) == pytest.approx(expected, abs=1e-15)


def test_searched_cell_starts_as_tensorflow_does() -> None:
    cell = cell_of(build({"kind": "nas", "bias": "one"}, inputs=40, hidden=20))
    uniform(cell.weight_ih.detach(), -math.sqrt(6 / 200), math.sqrt(6 / 200))
    uniform(cell.weight_hh.detach(), -math.sqrt(6 / 180), math.sqrt(6 / 180))
    assert not cell.bias.any()


def test_intersection_by_hand() -> None:
    model = build("intersection")
    fill(cell_of(model), weight_ih=[1.0, -0.5, 0.8, 0.3], weight_hh=[0.4, 0.6, -0.7, 0.2], bias=[0.1, 0.5, 0.0, 0.3])
    h, expected = 0.0, []
    for x in XS:
        g_h, g_y = sigmoid(x + 0.4 * h + 0.1), sigmoid(0.8 * x - 0.7 * h)
        y = max(0.0, 0.3 * x + 0.2 * h + 0.3)
        expected.append(g_y * x + (1 - g_y) * y)
        h = g_h * h + (1 - g_h) * math.tanh(-0.5 * x + 0.6 * h + 0.5)
    assert outputs(model, *XS) == pytest.approx(expected, abs=1e-15)


def test_intersection_of_another_width_is_one_behind_a_linear_map() -> None:
    model, inner = build("intersection", inputs=3, hidden=5), build("intersection", inputs=5, hidden=5)
    cell = cell_of(model)
    with torch.no_grad():
        cell.bias_in.copy_(normal(5))
    inner.load_state_dict({n: v for n, v in model.state_dict().items() if "_in" not in n})
    x = normal(2, 4, 3)
    torch.testing.assert_close(model(x)[0], inner(x @ cell.weight_in.T + cell.bias_in)[0])


def test_intersection_starts_with_open_gates_whatever_the_scheme() -> None:
    for init in ("paper", "keras"):
        cell = cell_of(build({"kind": "intersection", "forget_bias": 2.0}, inputs=3, hidden=5, init=init))
        assert cell.bias.tolist() == [2.0] * 5 + [0.0] * 5 + [2.0] * 5 + [0.0] * 5
    uniform(cell_of(build("intersection", inputs=9, hidden=25)).weight_hh.detach(), -0.2, 0.2)


def test_no_mass_is_lost() -> None:
    model = build({"kind": "mclstm", "mass": 2}, inputs=5, hidden=7)
    x = normal(3, 9, 5)
    x[..., :2].abs_()
    y, state = model(x)
    c = state["layers.0.c"]
    torch.testing.assert_close(y.sum((1, 2)) + c.sum(1), x[..., :2].sum((1, 2)))
    assert c.min() > 0
    assert y.min() > 0


def test_mass_by_hand() -> None:
    model = build({"kind": "mclstm", "mass": 1}, inputs=2, hidden=2)
    gates = {"weight_r": torch.arange(12.0).view(4, 3) / 10, "weight_i": [[0.3, 0.1, -0.2], [0.0, 0.5, 0.4]]}
    biases = {"bias_r": [0.1, 0.2, -0.3, 0.0], "bias_i": [0.2, -0.2], "bias_o": [-1.0, 0.5]}
    fill(cell_of(model), **gates, **biases, weight_o=[[0.7, -0.1, 0.2], [0.6, 0.3, -0.4]])
    cell = cell_of(model)
    c, expected = torch.tensor([0.0, 0.0], dtype=DOUBLE), []
    cell.requires_grad_(False)
    for mass, steer in ((1.5, -0.3), (0.5, 0.8), (2.0, 0.1)):
        share = c / c.sum() if c.sum() else c
        s = torch.cat([torch.tensor([steer], dtype=DOUBLE), share])
        R = torch.softmax((cell.weight_r @ s + cell.bias_r).view(2, 2), 1)
        i = torch.softmax(cell.weight_i @ s + cell.bias_i, 0)
        c = torch.tensor([c[0] * R[0, k] + c[1] * R[1, k] + mass * i[k] for k in range(2)], dtype=DOUBLE)
        h = torch.sigmoid(cell.weight_o @ s + cell.bias_o) * c
        c = c - h
        expected.append(h.tolist())
    x = torch.tensor([[[1.5, -0.3], [0.5, 0.8], [2.0, 0.1]]], dtype=DOUBLE)
    torch.testing.assert_close(model(x)[0], torch.tensor([expected], dtype=DOUBLE))


def test_mass_starts_by_staying_where_it_is() -> None:
    cell = cell_of(build("mclstm", inputs=4, hidden=5))
    assert torch.equal(cell.bias_r.view(5, 5), torch.eye(5, dtype=DOUBLE))
    assert cell.bias_o.tolist() == [-3.0] * 5
    assert not cell.bias_i.any()
    torch.testing.assert_close(cell.weight_r.T @ cell.weight_r, torch.eye(8, dtype=DOUBLE), atol=1e-10, rtol=0)


@pytest.mark.parametrize(("rounds", "rank"), [(1, None), (4, None), (5, 1)])
def test_mogrifier_by_hand(rounds: int, rank: int | None) -> None:
    model = build({"kind": "mogrifier", "rounds": rounds, **({"rank": rank} if rank else {})})
    q, r = ([0.9, -1.1, 0.4], [0.5, 1.3])
    maps: dict[str, Any] = {}
    for name, values, count in (("q", q, (rounds + 1) // 2), ("r", r, rounds // 2)):
        for j in range(count):
            maps[f"weight_{name}.{j}"] = values[j] / (2.0 if rank else 1.0)
            maps[f"bias_{name}.{j}"] = 0.1 * (j + 1)
            if rank:
                maps[f"right_{name}.{j}"] = 2.0
    blocks = {"weight_ih": [1.0, -0.5, 0.8, 0.3], "weight_hh": [0.4, 0.6, -0.7, 0.2], "bias": [0.1, 0.5, 0.0, -0.2]}
    fill(cell_of(model), **blocks, **maps)
    h, c, expected = 0.0, 0.0, []
    for value in XS:
        x = value
        for turn in range(rounds):
            j = turn // 2
            if turn % 2 == 0:
                x *= 2 * sigmoid(q[j] * h + 0.1 * (j + 1))
            else:
                h *= 2 * sigmoid(r[j] * x + 0.1 * (j + 1))
        i, f = sigmoid(x + 0.4 * h + 0.1), sigmoid(-0.5 * x + 0.6 * h + 0.5)
        c = f * c + i * math.tanh(0.8 * x - 0.7 * h)
        h = sigmoid(0.3 * x + 0.2 * h - 0.2) * math.tanh(c)
        expected.append(h)
    assert outputs(model, *XS) == pytest.approx(expected, abs=1e-15)


def test_mogrifier_of_nothing_is_an_lstm() -> None:
    as_lstm({"kind": "mogrifier", "rounds": 4}, weight_q=0.0, bias_q=0.0, weight_r=0.0, bias_r=0.0)


@pytest.mark.parametrize("chunk_size", [1, 2])
def test_ordered_neurons_by_hand(chunk_size: int) -> None:
    hidden = 2 * chunk_size
    model = build({"kind": "on-lstm", "chunk_size": chunk_size}, hidden=hidden)
    cell = cell_of(model)
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.copy_(normal(*parameter.shape))
    h, c = torch.zeros(hidden, dtype=DOUBLE), torch.zeros(hidden, dtype=DOUBLE)
    for x in XS:
        o, g, i, f = ((cell.weight_ih * x).squeeze(1) + cell.weight_hh @ h + cell.bias).detach().chunk(4)
        master = ((cell.weight_ih_master * x).squeeze(1) + cell.weight_hh_master @ h + cell.bias_master).detach()
        # of two values, the cumulated softmax is (σ(a - b), 1)
        write = torch.stack([1 - torch.sigmoid(master[0] - master[1]), torch.zeros((), dtype=DOUBLE)])
        keep = torch.stack([torch.sigmoid(master[2] - master[3]), torch.ones((), dtype=DOUBLE)])
        write, keep = (torch.repeat_interleave(level, chunk_size) for level in (write, keep))
        overlap = write * keep
        i, f = torch.sigmoid(i) * overlap + write - overlap, torch.sigmoid(f) * overlap + keep - overlap
        c = f * c + i * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
    with torch.no_grad():
        torch.testing.assert_close(model(torch.tensor(XS, dtype=DOUBLE).view(1, -1, 1))[0][0, -1], h)


def test_ordered_neurons_start_as_linear_maps_do() -> None:
    cell = cell_of(build({"kind": "on-lstm", "bias": "two"}, inputs=25, hidden=100))
    for name in ("weight_ih", "weight_ih_master", "bias_ih"):
        uniform(getattr(cell, name).detach(), -0.2, 0.2)
    for name in ("weight_hh", "weight_hh_master", "bias_hh"):
        uniform(getattr(cell, name).detach(), -0.1, 0.1)


def test_what_is_put_out_and_not_read_again_does_not_matter_as_a_state() -> None:
    for kind, name in (("intersection", "y"), ("mclstm", "h"), ("memory-control-lstm", "h")):
        model = build(kind, inputs=3, hidden=4)
        x = normal(2, 5, 3)
        _, state = model(x)
        changed = State({n: t + 1 if n.endswith(f".{name}") else t for n, t in state.items()})
        torch.testing.assert_close(model(x, changed)[0], model(x, state)[0], rtol=0, atol=0)


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ({"kind": "slstm", "heads": 3}, r"heads \(3\) must divide hidden_size \(4\)"),
        ({"kind": "on-lstm", "chunk_size": 3}, r"chunk_size \(3\) must divide hidden_size \(4\)"),
        ({"kind": "on-lstm", "chunk_size": 4}, r"chunk_size \(4\) must leave two chunks or more of hidden_size \(4\)"),
        ({"kind": "mclstm", "mass": 3}, r"mass \(3\) must be at most the number of input features \(2\)"),
        (
            {"kind": "residual-lstm", "shortcut": "identity"},
            r"shortcut: identity needs an input as wide as hidden_size \(4\), not 2; use shortcut: linear",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_the_file(cell: Any, said: str) -> None:
    with pytest.raises(zoo.SpecError, match=said) as caught:
        build(cell, inputs=2, hidden=4)
    assert len(caught.value.diagnostics) == 1
