"""Where the parameters of gated cells start, as papers and official code have it."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from alone import fill, run
from by_hand import sigmoid, uniform
from torch import Tensor

from zoo.cells.gated.additive import ATR, RAN, SGRN
from zoo.cells.gated.bistable import BR, NBR
from zoo.cells.gated.fast import FastGRNN, FastRNN
from zoo.cells.gated.light import CFN, STAR, LightRU, MinimalRNN
from zoo.cells.gated.mutated import MUT3
from zoo.cells.gated.others import (
    ATROptions,
    FastGRNNOptions,
    FastRNNOptions,
    RANOptions,
    RHNOptions,
    SCRNOptions,
    SGRNOptions,
)
from zoo.cells.gated.relatives import STAROptions, UGRNNOptions
from zoo.cells.gated.rhn import RHN
from zoo.cells.gated.scrn import SCRN
from zoo.cells.gated.simple import SGU
from zoo.cells.gated.update import UGRNN
from zoo.components import NoOptions

NONE = NoOptions()
WIDTH, SIZE = 60, 100


def make(kind: type[Any], options: Any, inputs: int = WIDTH, hidden: int = SIZE) -> Any:
    torch.manual_seed(0)
    return kind(options, (inputs,), hidden)


def orthogonal(matrix: Tensor) -> None:
    product = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
    torch.testing.assert_close(product, torch.eye(len(product)), rtol=0, atol=1e-5)


@pytest.mark.parametrize("coupled", [True, False])
def test_highway_carries_to_begin_with(coupled: bool) -> None:
    cell = make(RHN, RHNOptions(depth=2, coupled=coupled, transform_bias=-4.0))
    uniform(cell.weight_ih.detach(), -0.04, 0.04)
    uniform(cell.weight_hh.detach(), -0.04, 0.04)
    for step in cell.bias.detach().chunk(2):
        h, t, *c = step.chunk(2 if coupled else 3)
        uniform(h, -0.04, 0.04)
        assert (t == -4.0).all()
        assert all((gate == 4.0).all() for gate in c)


@pytest.mark.parametrize(
    ("kind", "options", "scalars"),
    [
        (FastRNN, FastRNNOptions(), {"alpha": -3.0, "beta": 3.0}),
        (FastRNN, FastRNNOptions(alpha=-1.0, beta=2.0), {"alpha": -1.0, "beta": 2.0}),
        (FastGRNN, FastGRNNOptions(), {"zeta": 1.0, "nu": -4.0}),
        (FastGRNN, FastGRNNOptions(zeta=0.5, nu=-2.0), {"zeta": 0.5, "nu": -2.0}),
    ],
)
def test_fast_networks_keep_their_state_to_begin_with(kind: type[Any], options: Any, scalars: dict[str, float]) -> None:
    cell = make(kind, options)
    for weight in (cell.weight_ih, cell.weight_hh):
        assert weight.mean().item() == pytest.approx(0.0, abs=0.005)
        assert weight.std().item() == pytest.approx(0.1, rel=0.03)
    assert (cell.bias == 1).all()
    assert {name: cell.get_parameter(name).tolist() for name in scalars} == {n: [v] for n, v in scalars.items()}


def test_gradient_of_a_fast_network_lasts_to_begin_with() -> None:
    cell = make(FastRNN, FastRNNOptions(), 1, 20).double()
    fill(cell, weight_hh=0.0)
    start = torch.zeros(1, 20, dtype=torch.float64, requires_grad=True)
    last = run(cell, torch.zeros(1, 64, 1, dtype=torch.float64), h=start)[0, -1]
    (gradient,) = torch.autograd.grad(last.sum(), start)
    # with α and β in each other's place it would be 1e-85
    assert gradient[0].tolist() == pytest.approx([sigmoid(3.0) ** 64] * 20)


def test_additive_networks_start_as_the_official_code() -> None:
    atr = make(ATR, ATROptions())
    for parameter in atr.parameters():
        uniform(parameter.detach(), -0.08, 0.08)
    ran = make(RAN, RANOptions())
    uniform(ran.weight_ih.detach(), -0.05, 0.05)
    uniform(ran.weight_hh.detach(), -0.05, 0.05)
    assert not ran.bias.any()


@pytest.mark.parametrize("kind", [BR, NBR])
def test_bistable_cells_start_as_the_official_code(kind: type[Any]) -> None:
    cell = make(kind, NONE)
    uniform(cell.weight_ih.detach(), -math.sqrt(6 / 160), math.sqrt(6 / 160))  # each matrix by itself
    assert not cell.bias.any()
    if kind is BR:
        assert cell.weight_hh.tolist() == [1.0] * 200
    else:
        uniform(cell.weight_hh.detach(), -math.sqrt(6 / 200), math.sqrt(6 / 200))


def test_chaos_free_network_starts_as_the_paper() -> None:
    cell = make(CFN, NONE)
    uniform(cell.weight_ih.detach(), -0.07, 0.07)
    uniform(cell.weight_hh.detach(), -0.07, 0.07)
    assert cell.bias.tolist() == [1.0] * 100 + [-1.0] * 100


def test_stackable_cell_starts_orthogonal() -> None:
    cell = make(STAR, STAROptions())
    for block in (*cell.weight_ih.detach().chunk(2), cell.weight_hh.detach()):
        orthogonal(block)
    assert cell.bias.tolist() == [-1.0] * 100 + [0.0] * 100


def test_stackable_cell_starts_with_many_time_scales_whatever_the_scheme() -> None:
    cell = make(STAR, STAROptions(longest=50), hidden=2000)
    uniform(torch.exp(-cell.bias.detach()[:2000]), 1.0, 50.0)
    assert not cell.bias[2000:].any()
    with torch.no_grad():
        cell.bias.fill_(7.0)
    cell.set_fixed_parameters()
    uniform(torch.exp(-cell.bias.detach()[:2000]), 1.0, 50.0)


@pytest.mark.parametrize("bias", ["one", "two"])
def test_update_gate_starts_open_for_the_old_state(bias: Any) -> None:
    cell = make(UGRNN, UGRNNOptions(bias=bias, forget_bias=2.0))
    bound = math.sqrt(6 / (WIDTH + SIZE + 2 * SIZE))
    uniform(cell.weight_ih.detach(), -bound, bound)
    uniform(cell.weight_hh.detach(), -bound, bound)
    assert cell.bias_sum().tolist() == [0.0] * 100 + [2.0] * 100


@pytest.mark.parametrize("adaptive", [True, False])
def test_context_starts_slow(adaptive: bool) -> None:
    cell = make(SCRN, SCRNOptions(context_size=40, adaptive=adaptive))
    for weight in (cell.A, cell.B, cell.P, cell.R):
        assert weight.std().item() == pytest.approx(0.05, rel=0.06)
    if adaptive:
        torch.testing.assert_close(torch.sigmoid(cell.beta.detach()), torch.full((40,), 0.95))
    else:
        assert cell.beta is None


@pytest.mark.parametrize(
    ("kind", "options"),
    [(LightRU, NONE), (MinimalRNN, NONE), (MUT3, NONE), (SGU, NONE), (SGRN, SGRNOptions())],
)
def test_other_cells_start_as_torch(kind: type[Any], options: Any) -> None:
    for parameter in make(kind, options).parameters():
        uniform(parameter.detach(), -0.1, 0.1)
