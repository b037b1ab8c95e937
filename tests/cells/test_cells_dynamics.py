"""Where the cells of differential equations start, what one step does, and where one cell is another."""

from __future__ import annotations

import math

import pytest
import torch
from by_hand import DOUBLE, build, cell_of, fill, normal, outputs, sigmoid, uniform


def test_long_memory_moves_y_by_the_new_z() -> None:
    model = build({"kind": "lem", "dt": 0.5})
    # gates half open: the paces are 0.25; z sees x, y sees z
    fill(cell_of(model), weight_ih=[0.0, 0.0, 1.0, 0.0], weight_hh=[0.0, 0.0, 0.0, 1.0])
    z = 0.25 * math.tanh(2.0)
    assert outputs(model, 2.0) == pytest.approx([0.25 * math.tanh(z)], abs=1e-15)


def test_long_memory_starts_as_the_official_code() -> None:
    cell = cell_of(build("lem", inputs=50, hidden=100))
    for parameter in cell.parameters():
        uniform(parameter.detach(), -0.1, 0.1)


@pytest.mark.parametrize("implicit", [False, True])
def test_coupled_oscillator_by_hand(implicit: bool) -> None:
    kind = "imex" if implicit else "explicit"
    model = build({"kind": "cornn", "discretisation": kind, "dt": 0.5, "gamma": 2.0, "epsilon": 3.0})
    fill(cell_of(model), weight_ih=1.0, weight_hh=[0.4, -0.7], bias=0.1)
    y, z, expected = 0.0, 0.0, []
    for x in (1.0, -0.5, 0.25):
        force = math.tanh(x + 0.4 * y - 0.7 * z + 0.1) - 2.0 * y
        z = (z + 0.5 * force) / (1 + 0.5 * 3.0) if implicit else z + 0.5 * (force - 3.0 * z)
        y = y + 0.5 * z
        expected.append(y)
    assert outputs(model, 1.0, -0.5, 0.25) == pytest.approx(expected, abs=1e-15)


def test_coupled_oscillator_starts_as_one_linear_map() -> None:
    cell = cell_of(build("cornn", inputs=44, hidden=50))
    for parameter in (cell.weight_ih, cell.weight_hh):
        uniform(parameter.detach(), -1 / 12, 1 / 12)


def test_undamped_oscillator_by_hand() -> None:
    model = build({"kind": "unicornn", "dt": 0.5, "alpha": 2.0})
    fill(cell_of(model), weight_ih=1.0, weight_hh=0.3, bias=0.1, c=-1.0)
    pace, y, z, expected = 0.5 * sigmoid(-1.0), 0.0, 0.0, []
    for x in (1.0, -0.5, 0.25):
        z = z - pace * (math.tanh(0.3 * y + x + 0.1) + 2.0 * y)
        y = y + pace * z
        expected.append(y)
    assert outputs(model, 1.0, -0.5, 0.25) == pytest.approx(expected, abs=1e-15)


def test_undamped_oscillators_start_as_the_official_code() -> None:
    cell = cell_of(build("unicornn", inputs=100, hidden=400))
    uniform(cell.weight_hh.detach(), 0.0, 1.0)
    uniform(cell.c.detach(), -0.1, 0.1)
    uniform(cell.weight_ih.detach(), -math.sqrt(6 / 6500), math.sqrt(6 / 6500))
    assert not cell.bias.any()


@pytest.mark.parametrize("gated", [False, True])
def test_antisymmetric_network_by_hand(gated: bool) -> None:
    model = build({"kind": "antisymmetric", "gated": gated, "epsilon": 0.5, "gamma": 0.25}, hidden=2)
    gate = {"weight_ih": [1.0, 2.0, 0.5, 0.0], "bias": [0.0, 0.1, 0.2, 0.0]} if gated else {}
    fill(cell_of(model), **{"weight_ih": [1.0, 2.0], "bias": [0.0, 0.1], **gate}, weight_hh=[[5.0, 0.3], [1.0, -7.0]])
    h = [0.0, 0.0]
    x = torch.tensor([0.4, -0.2], dtype=DOUBLE).view(1, 2, 1)
    for t in range(2):
        # W - W' - I/4 is ((-1/4, -0.7), (0.7, -1/4)): the diagonal of W does not count
        products = [-0.25 * h[0] - 0.7 * h[1], 0.7 * h[0] - 0.25 * h[1]]
        s = [products[0] + x[0, t, 0].item(), products[1] + 2 * x[0, t, 0].item() + 0.1]
        gates = [sigmoid(products[0] + 0.5 * x[0, t, 0].item() + 0.2), sigmoid(products[1])] if gated else [1.0, 1.0]
        h = [h[i] + 0.5 * gates[i] * math.tanh(s[i]) for i in range(2)]
    with torch.no_grad():
        assert model(x)[0][0, 1].tolist() == pytest.approx(h, abs=1e-15)


def test_antisymmetric_network_starts_normal() -> None:
    cell = cell_of(build({"kind": "antisymmetric", "sigma": 2.0}, inputs=100, hidden=400))
    assert cell.weight_ih.std().item() == pytest.approx(0.1, rel=0.02)
    assert cell.weight_hh.std().item() == pytest.approx(0.1, rel=0.02)
    assert not cell.bias.any()


def test_lipschitz_network_all_skew_begins_as_an_antisymmetric_network() -> None:
    plain = build({"kind": "antisymmetric", "epsilon": 0.3, "gamma": 0.2}, inputs=3, hidden=4)
    other = build({"kind": "lipschitz", "epsilon": 0.3, "gamma": 0.2, "beta": 1.0}, inputs=3, hidden=4)
    fill(cell_of(other), weight_ih=cell_of(plain).weight_ih, weight_W=cell_of(plain).weight_hh)
    x = normal(2, 2, 3)
    y, expected = other(x)[0], plain(x)[0]
    torch.testing.assert_close(y[:, 0], expected[:, 0])
    torch.testing.assert_close(y[:, 1], expected[:, 1] - 0.3 * 0.2 * expected[:, 0])  # A is -0.2 I


@pytest.mark.parametrize("integrator", ["euler", "rk2"])
def test_lipschitz_network_by_hand(integrator: str) -> None:
    model = build({"kind": "lipschitz", "integrator": integrator, "epsilon": 0.5, "beta": 0.25, "gamma": 0.1}, hidden=2)
    M_A, M_W = torch.tensor([[0.5, -1.0], [2.0, 0.1]]), torch.tensor([[0.2, 0.7], [-0.4, 0.9]])
    fill(cell_of(model), weight_ih=[1.0, -2.0], bias=[0.1, 0.2], weight_A=M_A, weight_W=M_W)
    A, W = (
        0.75 * (M + M.T) + 0.25 * (M - M.T) - 0.1 * torch.eye(2, dtype=DOUBLE) for M in (M_A.to(DOUBLE), M_W.to(DOUBLE))
    )
    h = torch.zeros(2, dtype=DOUBLE)
    x = torch.tensor([0.4, -0.2], dtype=DOUBLE)
    for value in x:
        u = value * torch.tensor([1.0, -2.0], dtype=DOUBLE) + torch.tensor([0.1, 0.2], dtype=DOUBLE)
        middle = h + 0.25 * (A @ h + torch.tanh(W @ h + u)) if integrator == "rk2" else h
        h = h + 0.5 * (A @ middle + torch.tanh(W @ middle + u))
    with torch.no_grad():
        torch.testing.assert_close(model(x.view(1, 2, 1))[0][0, 1], h, atol=1e-7, rtol=0)


def test_lipschitz_network_starts_as_the_official_code() -> None:
    cell = cell_of(build({"kind": "lipschitz", "std": 2.0}, inputs=100, hidden=400))
    for matrix in (cell.weight_A, cell.weight_W):
        assert matrix.std().item() == pytest.approx(2.0 / 400, rel=0.02)
    uniform(cell.weight_ih.detach(), -0.1, 0.1)


@pytest.mark.parametrize("delay", [1, 2])
def test_delayed_feedback_by_hand(delay: int) -> None:
    model = build({"kind": "taugru", "delay": delay})
    fill(cell_of(model), weight_ih=[1.0, 0.5, 0.2, -0.4], weight_hh=[0.3, 2.0, -0.6, 0.8], bias=[0.1, 0.0, 0.3, 0.2])
    xs = (1.0, -0.5, 0.25, 0.75)
    h = [0.0] * (delay + 1)  # the last one is the present state
    for x in xs:
        u = math.tanh(x + 0.3 * h[-1] + 0.1)
        z = math.tanh(0.5 * x + 2.0 * h[-1 - delay])
        g, a = sigmoid(0.2 * x - 0.6 * h[-1] + 0.3), sigmoid(-0.4 * x + 0.8 * h[-1] + 0.2)
        h.append((1 - g) * h[-1] + g * (u + a * z))
    assert outputs(model, *xs) == pytest.approx(h[delay + 1 :], abs=1e-15)


def test_delayed_feedback_keeps_its_buffer_from_chunk_to_chunk() -> None:
    model = build({"kind": "taugru", "delay": 5}, inputs=2, hidden=3)
    x = normal(2, 12, 2)
    whole = model(x)[0]
    first, state = model(x[:, :4])
    second, _ = model(x[:, 4:], state)
    torch.testing.assert_close(torch.cat([first, second], 1), whole)
