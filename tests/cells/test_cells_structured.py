"""Recurrent matrices of a given structure: what they are, where they start, and single steps by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from alone import fill, run
from test_cells_starts import uniform
from test_cells_starts_sources import cut_normal
from torch import Tensor

from zoo.cells.structured.esn import ESN
from zoo.cells.structured.lmu import LMU, legendre
from zoo.cells.structured.options import (
    ESNOptions,
    LMUOptions,
    OrthogonalOptions,
    PLRNNOptions,
    SRNNOptions,
)
from zoo.cells.structured.orthogonal import Orthogonal
from zoo.cells.structured.plrnn import PLRNN
from zoo.cells.structured.rssm import RSSM
from zoo.cells.structured.srnn import SRNN
from zoo.cells.structured.world import RSSMOptions, describe_rssm
from zoo.errors import ZooError


def series(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64).view(1, -1, 1)


def test_legendre_matrices_are_the_papers() -> None:
    A, B = legendre(3, 10.0, exact=False)
    expected = torch.tensor([[-1.0, -1.0, -1.0], [3.0, -3.0, -3.0], [-5.0, 5.0, -5.0]]) / 10 + torch.eye(3)
    torch.testing.assert_close(A, expected.double(), atol=1e-7, rtol=1e-6)
    torch.testing.assert_close(B, torch.tensor([0.1, -0.3, 0.5], dtype=torch.float64))
    decay, gain = legendre(1, 10.0, exact=True)
    assert decay.item() == pytest.approx(math.exp(-0.1))
    assert gain.item() == pytest.approx(1 - math.exp(-0.1))


def test_a_legendre_memory_is_a_window_on_the_past() -> None:
    A, B = legendre(12, 50.0, exact=True)
    m = torch.zeros(12, dtype=torch.float64)
    sine = [math.sin(2 * math.pi * t / 80) for t in range(201)]
    for u in sine:
        m = A @ m + B * u
    # the polynomials at the window's two ends and in its middle, where the odd ones are 0
    signs = torch.tensor([(-1.0) ** i for i in range(12)]).double()
    middle = torch.tensor([1, 0, -1 / 2, 0, 3 / 8, 0, -5 / 16, 0, 35 / 128, 0, -63 / 256, 0]).double()
    assert (m @ signs).item() == pytest.approx(
        sine[200], abs=0.05
    )  # what is held since the last step is half a step old
    assert m.sum().item() == pytest.approx(sine[150], abs=0.05)
    assert (m @ middle).item() == pytest.approx(sine[175], abs=0.05)


def test_legendre_memory_unit_by_hand() -> None:
    cell = LMU(LMUOptions(order=1, theta=2.0, discretisation="euler"), (1,), 1).double()  # m = m / 2 + u / 2
    fill(cell, e_x=3.0, e_h=0.5, e_m=-0.25, W_x=0.1, W_h=0.2, W_m=0.3)
    h, m, expected = 0.0, 0.0, []
    for x in (1.0, -2.0):
        m = m / 2 + (3 * x + 0.5 * h - 0.25 * m) / 2
        h = math.tanh(0.1 * x + 0.2 * h + 0.3 * m)
        expected.append(h)
    assert run(cell, series(1.0, -2.0)).flatten().tolist() == pytest.approx(expected, rel=1e-12)


def test_legendre_memory_unit_starts_as_officially() -> None:
    torch.manual_seed(0)
    cell = LMU(LMUOptions(order=100), (300,), 400)
    uniform(cell.e_x.detach(), -0.1, 0.1)
    uniform(cell.e_h.detach(), -math.sqrt(3 / 400), math.sqrt(3 / 400))
    assert not cell.e_m.any()
    assert cell.W_x.std().item() == pytest.approx(math.sqrt(2 / 700), rel=0.02)
    assert cell.W_m.std().item() == pytest.approx(math.sqrt(2 / 500), rel=0.02)
    assert {"A", "B"}.isdisjoint(cell.state_dict())


@pytest.mark.parametrize("parametrisation", ["exp", "cayley"])
@pytest.mark.parametrize("initialisation", ["cayley", "henaff"])
def test_the_recurrent_matrix_is_orthogonal(parametrisation: Any, initialisation: Any) -> None:
    torch.manual_seed(0)
    cell = Orthogonal(
        OrthogonalOptions(parametrisation=parametrisation, initialisation=initialisation), (2,), 7
    ).double()
    with torch.no_grad():
        cell.A.add_(torch.randn_like(cell.A))
    fill(cell, b=0.0)
    h = torch.randn(1, 7, dtype=torch.float64)
    y = run(cell, torch.zeros(1, 50, 2, dtype=torch.float64), h=h)
    torch.testing.assert_close(y.norm(dim=2), h.norm().expand(1, 50))
    assert (y[0, 1] - y[0, 0]).abs().max() > 0.1


@pytest.mark.parametrize("parametrisation", ["exp", "cayley"])
def test_a_row_is_turned_by_the_matrix_from_the_right(parametrisation: Any) -> None:
    cell = Orthogonal(OrthogonalOptions(parametrisation=parametrisation), (1,), 3).double()
    fill(cell, weight_ih=0.0, b=0.0, A=[0.0, 0.0, 0.5])  # units 2 and 3
    angle = 0.5 if parametrisation == "exp" else -2 * math.atan(0.5)
    y = run(cell, series(0.0), h=torch.tensor([[1.0, 1.0, 0.0]], dtype=torch.float64))
    assert y[0, 0].tolist() == pytest.approx([1.0, math.cos(angle), math.sin(angle)])


def test_modrelu_keeps_the_sign() -> None:
    cell = Orthogonal(OrthogonalOptions(), (1,), 3).double()
    fill(cell, weight_ih=[1.0, -1.0, 0.25], b=[0.5, -0.5, -0.5])
    assert run(cell, series(2.0))[0, 0].tolist() == [2.5, -1.5, 0.0]


@pytest.mark.parametrize(
    ("initialisation", "low", "high"), [("henaff", -math.pi, math.pi), ("cayley", 0.0, math.pi / 2)]
)
def test_rotations_start_in_planes(initialisation: Any, low: float, high: float) -> None:
    torch.manual_seed(0)
    cell = Orthogonal(OrthogonalOptions(initialisation=initialisation), (100,), 401)
    square = torch.zeros(401, 401)
    square[*torch.triu_indices(401, 401, 1)] = cell.A.detach()
    angles = square.diagonal(1)[:400:2]
    uniform(angles if initialisation == "henaff" else -2 * torch.atan(angles), low, high)
    assert square.count_nonzero() == angles.count_nonzero() == 200
    assert cell.weight_ih.std().item() == pytest.approx(math.sqrt(2 / 100), rel=0.02)
    uniform(cell.b.detach(), -0.01, 0.01)


def test_shuffling_shifts_by_one_unit() -> None:
    cell = SRNN(SRNNOptions(), (1,), 4).double()
    for parameter in cell.out.parameters():
        torch.nn.init.zeros_(parameter)
    y = run(cell, torch.zeros(1, 2, 1, dtype=torch.float64), h=torch.tensor([[1.0, 2.0, 3.0, -4.0]]).double())
    assert y[0].tolist() == [[0.0, 1.0, 2.0, 3.0], [3.0, 0.0, 1.0, 2.0]]


@pytest.mark.parametrize("gate", [True, False])
def test_shuffling_adds_what_its_network_gives(gate: bool) -> None:
    torch.manual_seed(0)
    cell = SRNN(SRNNOptions(hyper_size=2, depth=2, gate=gate), (1,), 1).double()
    assert isinstance(cell.hidden[0], torch.nn.Linear)
    assert isinstance(cell.hidden[1], torch.nn.Linear)
    parts = [(cell.hidden[0], [[1.0], [-1.0]], [0.0, 0.5]), (cell.hidden[1], [[2.0, 1.0], [-1.0, 0.0]], [0.5, 0.0])]
    parts.append((cell.out, [[3.0, 7.0]], [0.25]))
    if cell.gate is not None:
        parts.append((cell.gate, [[1.0]], [1.0]))
    with torch.no_grad():
        for linear, weight, bias in parts:
            linear.weight.copy_(torch.tensor(weight))
            linear.bias.copy_(torch.tensor(bias))
    drive = 3 * (2 * 1.0 + 0.5) + 0.25  # the other hidden units are rectified to 0
    share = 1 / (1 + math.exp(-2.0)) if gate else 1.0
    assert run(cell, series(1.0, 1.0)).flatten().tolist() == pytest.approx([drive * share, 2 * drive * share])


@pytest.mark.parametrize(("centred", "seen"), [(False, [1.0, 3.0]), (True, [0.0, 1.0])])
def test_piecewise_linear_by_hand(centred: bool, seen: list[float]) -> None:
    cell = PLRNN(PLRNNOptions(mean_centring=centred), (1,), 2).double()
    fill(cell, AW=[[0.5, 0.9], [7.0, 0.25]], C=[2.0, 0.3], h=[0.1, -0.5])
    found = run(cell, series(1.0), z=torch.tensor([[1.0, 3.0]]).double())[0, 0].tolist()
    assert found == pytest.approx([0.5 * 1 + 0.9 * seen[1] + 2.1, 0.25 * 3 + 7 * seen[0] - 0.2])


def test_piecewise_linear_leak_has_no_threshold() -> None:
    cell = PLRNN(PLRNNOptions(), (1,), 2).double()
    fill(cell, AW=[[0.5, 0.9], [7.0, 0.25]], C=0.0, h=0.0)
    found = run(cell, series(0.0), z=torch.tensor([[-1.0, -3.0]]).double())[0, 0].tolist()
    assert found == pytest.approx([-0.5, -0.75])


def test_piecewise_linear_network_starts_with_a_largest_eigenvalue_of_one() -> None:
    torch.manual_seed(0)
    cell = PLRNN(PLRNNOptions(), (100,), 400)
    AW = cell.AW.detach()
    torch.testing.assert_close(AW, AW.T)
    eigenvalues = torch.linalg.eigvalsh(AW)
    assert eigenvalues[-1].item() == pytest.approx(1.0, abs=1e-5)
    # 1 + RᵀR / H has eigenvalues between 1 and 5 for many units
    assert eigenvalues[0].item() == pytest.approx(1 / 5, rel=0.05)
    uniform(cell.C.detach(), -0.05, 0.05)
    uniform(cell.h.detach(), -0.05, 0.05)


def test_reservoir_by_hand() -> None:
    cell = ESN(ESNOptions(leak=0.25), (1,), 2).double()
    fill(cell, W_in=[1.0, -2.0], W=[[0.0, 0.5], [1.0, 0.0]], bias=[0.1, 0.0])
    x, expected = [0.0, 0.0], []
    for u in (1.0, 0.5):
        new = [math.tanh(u + 0.5 * x[1] + 0.1), math.tanh(-2 * u + x[0])]
        x = [0.75 * old + 0.25 * value for old, value in zip(x, new, strict=True)]
        expected.append(x)
    torch.testing.assert_close(run(cell, series(1.0, 0.5))[0], torch.tensor(expected, dtype=torch.float64))


def test_reservoir_is_drawn_as_asked_and_never_trained() -> None:
    torch.manual_seed(0)
    chosen = ESNOptions(
        spectral_radius=0.7, connectivity=0.3, input_scaling=0.2, input_connectivity=0.6, bias_scaling=0.5
    )
    cell = ESN(chosen, (50,), 200)
    assert torch.linalg.eigvals(cell.W).abs().max().item() == pytest.approx(0.7, rel=1e-4)
    assert cell.W.count_nonzero().item() / 40_000 == pytest.approx(0.3, abs=0.02)
    assert cell.W_in.unique().tolist() == pytest.approx([-0.2, 0.0, 0.2])
    assert cell.W_in.count_nonzero().item() / 10_000 == pytest.approx(0.6, abs=0.03)
    assert cell.bias.unique().tolist() == [-0.5, 0.5]
    assert not list(cell.parameters())
    assert list(cell.state_dict()) == ["W_in", "W", "bias"]


def test_a_reservoir_without_connections_is_one_without_memory() -> None:
    cell = ESN(ESNOptions(connectivity=1e-9), (1,), 3)
    assert not cell.W.any()


def test_the_core_of_dreamer_has_the_size_of_the_official_12m_model() -> None:
    # deter 2048, hidden 256, stoch 32 of 16 classes, blocks 8; six actions, as in a game of Atari's
    assert describe_rssm(RSSMOptions(action=6, blocks=8), (32 * 16 + 6,), 2048).parameters == 4_338_688


def test_the_core_of_dreamer_starts_as_its_code() -> None:
    torch.manual_seed(0)
    cell = RSSM(RSSMOptions(action=100, blocks=2, units=60, layers=2), (300,), 80)
    for weight, inputs in ((cell.weight_p, 80), (cell.weight_q, 200), (cell.weight_e, 100)):
        cut_normal(weight.detach(), inputs**-0.5)
    # the inputs of a block-diagonal product are those of all blocks
    for weight, inputs in ((cell.weight_v[0], 2 * (40 + 180)), (cell.weight_v[1], 80), (cell.weight_g, 80)):
        cut_normal(weight.detach(), inputs**-0.5)
    assert not any(bias.any() for bias in (cell.bias_p, cell.bias_q, cell.bias_e, *cell.bias_v, cell.bias_g))
    assert all((norm == 1).all() for norm in (cell.norm_p, cell.norm_q, cell.norm_e, *cell.norm_v))


@pytest.mark.parametrize("action", [0.5, -3.0])
def test_the_core_of_dreamer_by_hand(action: float) -> None:
    """One unit of everything, where a norm leaves a sign that is a little less than 1."""
    cell = RSSM(RSSMOptions(units=1), (2,), 1).double()
    fill(cell, weight_p=1.0, weight_q=2.0, weight_e=0.01, norm_p=1.0, norm_q=0.5, norm_e=1.5)
    fill(cell, weight_g=[0.5, 2.0, -1.0], bias_g=[0.1, 0.2, 0.3])
    for name, value in (("weight_v", [0.3, 1.0, -1.0, 2.0]), ("norm_v", [2.0]), ("bias_v", [0.1])):
        with torch.no_grad():
            getattr(cell, name)[0].copy_(torch.tensor(value, dtype=torch.float64).view_as(getattr(cell, name)[0]))

    def sigmoid(x: float) -> float:
        return 1 / (1 + math.exp(-x))

    def active(x: float, scale: float) -> float:
        x = scale * x / math.sqrt(x * x + 1e-4)
        return x * sigmoid(x)

    h, expected = 0.0, []
    for x in (1.0, -0.5):
        e = active(0.01 * action / max(1.0, abs(action)), 1.5)
        v = active(0.3 * h + active(h, 1.0) - active(2 * x, 0.5) + 2 * e + 0.1, 2.0)
        update = sigmoid(-v + 0.3 - 1)
        h = update * math.tanh(sigmoid(0.5 * v + 0.1) * (2 * v + 0.2)) + (1 - update) * h
        expected.append(h)
    given = torch.tensor([[[1.0, action], [-0.5, action]]], dtype=torch.float64)
    assert run(cell, given).flatten().tolist() == pytest.approx(expected, rel=1e-12)


def test_sizes_that_the_core_of_dreamer_cannot_have() -> None:
    with pytest.raises(ZooError, match=r"blocks \(3\) must divide hidden_size \(8\)"):
        describe_rssm(RSSMOptions(blocks=3), (4,), 8)
    with pytest.raises(ZooError, match=r"action \(4\) must be less than the number of input features \(4\)"):
        describe_rssm(RSSMOptions(action=4), (4,), 8)
