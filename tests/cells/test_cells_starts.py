"""Where parameters start, and what single options do, as papers and official code have it."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

import zoo
from zoo.engine.cell import Cell


def build(cell: Any, *, inputs: int = 100, hidden: int = 400, **keys: Any) -> zoo.Model:
    return zoo.build({"schema": 1, "name": "t", "input": inputs, "cell": cell, "hidden_size": hidden, **keys}, seed=0)


def cell_of(model: zoo.Model) -> Any:
    return next(module for module in model.modules() if isinstance(module, Cell))


def uniform(values: Tensor, low: float, high: float) -> None:
    """Within the bounds, and spread over them: by extremes and mean, at four deviations of the mean."""
    assert values.min() >= low
    assert values.max() <= high
    width = high - low
    assert values.max() - values.min() > 0.95 * width
    assert abs(values.mean().item() - (low + high) / 2) < 4 * width / math.sqrt(12 * values.numel())


def test_chrono_initialisation_draws_time_constants_evenly() -> None:
    cell = cell_of(build({"kind": "janet", "longest": 101}))
    uniform(cell.bias[:400].detach().exp(), 1.0, 100.0)
    assert not cell.bias[400:].any()


def test_chrono_initialisation_stays_whatever_the_scheme() -> None:
    cell = cell_of(build({"kind": "janet", "longest": 101, "bias": "two"}, init="keras"))
    uniform(cell.bias_ih[:400].detach().exp(), 1.0, 100.0)
    assert not cell.bias_hh.any()


def test_janet_forgets_little_to_begin_with() -> None:
    cell = cell_of(build("janet"))
    assert cell.bias.tolist() == [1.0] * 400 + [0.0] * 400
    uniform(cell.weight_ih.detach(), -math.sqrt(6 / 900), math.sqrt(6 / 900))


def test_light_gru_starts_orthogonal_as_a_whole() -> None:
    cell = cell_of(build("ligru", hidden=50))
    torch.testing.assert_close(cell.weight_hh.T @ cell.weight_hh, torch.eye(50), atol=1e-5, rtol=0)
    uniform(cell.weight_ih.detach(), -0.1, 0.1)
    assert cell.norm.momentum == 0.05


@pytest.mark.parametrize(("options", "high"), [({}, 1.0), ({"bound": 1.0162}, 1.0162)])
def test_independent_units_start_between_nothing_and_their_bound(options: dict[str, float], high: float) -> None:
    cell = cell_of(build({"kind": "indrnn", **options}))
    uniform(cell.weight_hh.detach(), 0.0, high)
    uniform(cell.weight_ih.detach(), -math.sqrt(6 / 6500), math.sqrt(6 / 6500))


def test_a_weight_beyond_its_bound_counts_as_the_bound_and_can_come_back() -> None:
    model = build({"kind": "indrnn", "bound": 0.5, "bias": "none"}, inputs=1, hidden=2)
    cell = cell_of(model)
    with torch.no_grad():
        cell.weight_hh.copy_(torch.tensor([0.75, -0.75]))
        cell.weight_ih.copy_(torch.tensor([[1.0], [1.0]]))
    y, _ = model(torch.tensor([[[1.0], [1.0]]]))
    assert y[0, 1].tolist() == [1.5, 0.5]  # 1 + 0.5, and 1 - 0.5
    y[0, 1].sum().backward()
    assert cell.weight_hh.grad.tolist() == [1.0, 1.0]


def test_gated_linear_unit_starts_on_its_ring() -> None:
    cell = cell_of(build({"kind": "rglru", "heads": 4}, inputs=4000, hidden=4000))
    radius = torch.exp(-torch.nn.functional.softplus(cell.Lambda.detach()))
    uniform(radius**2, 0.9**2, 0.999**2)
    assert cell.weight_a.std().item() == pytest.approx(1000**-0.5, rel=0.02)
    assert not cell.bias_a.any()


def test_gradient_of_the_gated_linear_unit_is_bounded_where_it_forgets_nothing() -> None:
    model = build("rglru", inputs=2, hidden=2)
    cell = cell_of(model)
    with torch.no_grad():
        cell.Lambda.fill_(-80.0)  # a is 1, and the root of 1 - a² has no slope of its own
    x = torch.ones(1, 3, 2)
    model(x)[0].sum().backward()
    assert torch.isfinite(cell.Lambda.grad).all()
    assert torch.isfinite(cell.weight_a.grad).all()


def test_linear_unit_starts_on_its_ring_and_keeps_the_size_of_a_white_input() -> None:
    cell = cell_of(build({"kind": "lru", "r_min": 0.5, "r_max": 0.9, "max_phase": 1.5}, inputs=300, hidden=4000))
    radius, phase = torch.exp(-cell.nu_log.detach().exp()), cell.theta_log.detach().exp()
    uniform(radius**2, 0.25, 0.81)
    uniform(phase, 0.0, 1.5)
    torch.testing.assert_close(cell.gamma_log.detach().exp(), torch.sqrt(1 - radius**2))
    assert cell.B_re.std().item() == pytest.approx(600**-0.5, rel=0.02)
    assert cell.C_im.std().item() == pytest.approx(4000**-0.5, rel=0.02)
    assert cell.D.std().item() == pytest.approx(1.0, rel=0.15)


def test_matrix_memory_remembers_long_to_begin_with() -> None:
    cell = cell_of(build({"kind": "mlstm", "heads": 4}))
    assert cell.bias_gates[4:].tolist() == [3.0, 4.0, 5.0, 6.0]
    assert cell.bias_gates[:4].abs().max() < 0.5
    assert not cell.weight_gates.any()
    assert cell.weight_ih.std().item() == pytest.approx(math.sqrt(2 / 500), rel=0.02)


@pytest.mark.parametrize("gates", [-500.0, 500.0])
def test_matrix_memory_is_finite_however_far_its_gates_go(gates: float) -> None:
    model = build("mlstm", inputs=3, hidden=4)
    with torch.no_grad():
        cell_of(model).bias_gates.fill_(gates)
    x = torch.randn(2, 50, 3, requires_grad=True)
    y, _ = model(x)
    y.sum().backward()
    assert torch.isfinite(y).all()
    for tensor in (x, *model.parameters()):
        assert torch.isfinite(tensor.grad).all()


def test_coupled_gates_start_at_the_forget_bias() -> None:
    cell = cell_of(build({"kind": "lstm", "coupled": True, "forget_bias": 2.0, "bias": "one"}, hidden=4))
    assert cell.bias[:4].tolist() == [2.0] * 4
    assert cell.bias.shape == (12,)


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("rglru", "rglru needs hidden_size to equal the width of its input, 100, not 400"),
        ({"kind": "mlstm", "heads": 3}, r"heads \(3\) must divide hidden_size \(400\)"),
        ({"kind": "lru", "r_min": 0.9, "r_max": 0.9}, r"r_min \(0.9\) must be less than r_max \(0.9\)"),
        ({"kind": "janet", "bias": "none", "longest": 10}, "longest needs a bias"),
    ],
)
def test_what_cannot_be_is_refused_in_the_file(cell: Any, said: str) -> None:
    with pytest.raises(zoo.SpecError, match=said) as caught:
        build(cell)
    assert len(caught.value.diagnostics) == 1
