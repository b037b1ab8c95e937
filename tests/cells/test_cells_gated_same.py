"""Where one gated cell is another, with parameters that make it so, and what a cell's theory promises."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from alone import fill, run
from by_hand import DOUBLE

from zoo.cells.gated.bistable import BR, NBR
from zoo.cells.gated.light import CFN
from zoo.cells.gated.mutated import MUT1, MUT2
from zoo.cells.gated.others import RHNOptions
from zoo.cells.gated.relatives import MiRU1Options, MiRU2Options, MUTOptions, UGRNNOptions, describe_mut2
from zoo.cells.gated.rhn import RHN
from zoo.cells.gated.update import UGRNN, MiRU1, MiRU2
from zoo.cells.gru import GRU
from zoo.cells.options import GRUOptions, RNNOptions
from zoo.cells.rnn import RNN
from zoo.components import NoOptions
from zoo.engine.cell import Cell
from zoo.errors import ZooError

NONE = NoOptions()


def make(kind: type[Any], options: Any, inputs: int = 3, hidden: int = 4) -> Any:
    torch.manual_seed(0)
    return kind(options, (inputs,), hidden).double()


def same(one: Cell, other: Cell, inputs: int = 3) -> None:
    x = torch.randn(2, 6, inputs, dtype=DOUBLE, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(run(one, x), run(other, x), rtol=0, atol=1e-13)


def turned(*signs: int) -> Callable[[torch.Tensor], torch.Tensor]:
    """Blocks with their signs, in an order: 2 is the second block, -2 the same turned round."""

    def pick(stacked: torch.Tensor) -> torch.Tensor:
        parts = stacked.chunk(len(signs))
        return torch.cat([parts[abs(sign) - 1] * (1 if sign > 0 else -1) for sign in signs])

    return pick


def test_second_mutated_unit_is_a_gru_where_a_matrix_stands_for_the_input() -> None:
    mut, gru = make(MUT2, MUTOptions()), make(GRU, GRUOptions(reset_gate="before", bias="one"))
    swap = turned(2, -1, 3)  # z, r, h to r, 1 - z, n
    for name in ("weight_ih", "weight_hh", "bias"):
        fill(gru, **{name: swap(mut.get_parameter(name))})
    same(mut, gru)


@pytest.mark.parametrize(("kind", "block"), [(MUT1, 2), (MUT2, 1)])
def test_mutated_unit_sees_its_input_itself(kind: type[Any], block: int) -> None:
    plain, matrix = make(kind, MUTOptions(input="identity"), 4, 4), make(kind, MUTOptions(), 4, 4)
    rows = list(plain.weight_ih.chunk(2))
    rows.insert(block, torch.eye(4, dtype=DOUBLE))
    fill(matrix, weight_ih=torch.cat(rows), weight_hh=plain.weight_hh, bias=plain.bias)
    same(plain, matrix, 4)


def test_mutated_unit_refuses_an_input_that_is_not_as_wide() -> None:
    said = r"mut2 with input: identity adds its input to its state: hidden_size must be 3, that of its input, not 4"
    options = MUTOptions(input="identity")
    with pytest.raises(ZooError, match=said):
        make(MUT2, options)
    with pytest.raises(ZooError, match=said):
        describe_mut2(options, (3,), 4)


def test_minion_is_a_gru_with_a_constant_gate() -> None:
    miru, gru = make(MiRU1, MiRU1Options(lam=0.75)), make(GRU, GRUOptions(reset_gate="before", bias="one"))
    for name in ("weight_ih", "weight_hh", "bias"):
        r, n = miru.get_parameter(name).chunk(2)
        still = torch.full_like(r, math.log(3.0) if name == "bias" else 0.0)  # its sigmoid is 3/4
        fill(gru, **{name: torch.cat([r, still, n])})
    same(miru, gru)


def test_minion_without_memory_is_a_simple_network() -> None:
    miru, rnn = make(MiRU2, MiRU2Options(lam=0.0, beta=1.0)), make(RNN, RNNOptions(bias="one"))
    fill(rnn, weight_ih=miru.weight_ih, weight_hh=miru.weight_hh, bias=miru.bias)
    same(miru, rnn)


def test_highway_of_one_step_is_the_update_gate_network() -> None:
    rhn, ugrnn = make(RHN, RHNOptions(depth=1)), make(UGRNN, UGRNNOptions())
    for name in ("weight_ih", "weight_hh", "bias"):
        fill(ugrnn, **{name: turned(1, -2)(rhn.get_parameter(name))})
    same(rhn, ugrnn)


def test_one_unit_of_each_bistable_kind_feeds_back_to_itself() -> None:
    br, nbr = make(BR, NONE), make(NBR, NONE)
    own = torch.randn(8, dtype=DOUBLE, generator=torch.Generator().manual_seed(2))
    fill(br, weight_hh=own)
    fill(nbr, weight_ih=br.weight_ih, bias=br.bias, weight_hh=torch.cat([torch.diag(w) for w in own.chunk(2)]))
    same(br, nbr)


def test_chaos_free_network_decays_without_an_input() -> None:
    cell = make(CFN, NONE, 3, 50)
    fill(cell, weight_hh=5 * torch.randn(100, 50, generator=torch.Generator().manual_seed(3)))
    h = run(cell, torch.zeros(1, 200, 3, dtype=DOUBLE), h=torch.ones(1, 50, dtype=DOUBLE))[0].abs()
    assert (h[1:] <= torch.tanh(h[:-1])).all()
    assert h[-1].max() < 0.13  # iterating tanh alone gives 0.12 after 200 steps
