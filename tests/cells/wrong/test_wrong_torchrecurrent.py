"""torchrecurrent 0.2.5, by cell: off as it is, and equal to ours once the one thing that is wrong is put right in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torchrecurrent
from oracles.copied import DOUBLE, Copied, Numbers, Oracle, built
from oracles.of_mended import fastgrnn, gated_antisymmetric, lem, mended, nas, scrn, scrn_as_it_is, sgu
from oracles.of_torchrecurrent import shared
from torch import Tensor, nn

import zoo
from wrong.measured import wrong
from zoo.engine.cell import Context
from zoo.testing import tiny_spec


def wrong_and_mended(kind: str, theirs: Callable[[Copied], Numbers], **options: Any) -> tuple[float, float]:
    """How far they are from ours as they are, and with the error of that cell put right."""
    found = [
        wrong(Oracle(kind, "torchrecurrent", "", one, options, started=False)) for one in (theirs, mended(kind, theirs))
    ]
    return found[0], found[1]


def test_lem_moves_y_by_the_new_z() -> None:
    off, rest = wrong_and_mended("lem", lem)
    assert off > 0.05
    assert rest < 1e-12


def test_scrn_recurs_on_its_hidden_units_and_its_alpha_is_a_constant() -> None:
    options = {"context_size": 5, "alpha": 0.75}
    assert wrong(Oracle("scrn", "torchrecurrent", "", scrn_as_it_is, options, started=False)) > 0.05
    assert wrong_and_mended("scrn", scrn, **options)[1] < 1e-12

    cell, _ = built("scrn", {"context_size": 5}, (4,), 5)
    assert "alpha" not in cell.state_dict()
    assert dict(torchrecurrent.SCRNCell(4, 5).named_parameters())["alpha"].requires_grad


def test_fastgrnn_gates_by_a_sigmoid_and_starts_at_1_and_minus_4() -> None:
    off, rest = wrong_and_mended("fastgrnn", fastgrnn)
    assert off > 0.1
    assert rest < 1e-12

    cell, theirs = built("fastgrnn", {}, (4,), 5)[0], torchrecurrent.FastGRNNCell(4, 5)
    assert [cell.get_parameter(name).item() for name in ("zeta", "nu")] == [1.0, -4.0]
    assert [theirs.get_parameter(name).item() for name in ("zeta", "nu")] == [3.0, -3.0]


def _gradient_that_is_left(step: Any, steps: int = 64) -> float:
    """The gradient of the last state for the first, as a share of that of the first step's."""
    draw = torch.Generator().manual_seed(0)
    h = first = torch.randn(4, 32, generator=draw, dtype=DOUBLE).requires_grad_()
    norms: list[float] = []
    for k in range(steps):
        h = step(torch.randn(4, 5, generator=draw, dtype=DOUBLE), h)
        if k in (0, steps - 1):
            norms.append(torch.autograd.grad(h.sum(), first, retain_graph=True)[0].norm().item())
    return norms[1] / norms[0]


def test_fastrnn_starts_out_keeping_nearly_all_of_its_state() -> None:
    torch.manual_seed(0)
    cell, _ = built("fastrnn", {}, (5,), 32)
    assert [cell.get_parameter(name).item() for name in ("alpha", "beta")] == [-3.0, 3.0]
    p = dict(cell.named_parameters())

    def ours(x: Tensor, h: Tensor) -> Tensor:
        return cell.step(x @ p["weight_ih"].T + p["bias"], {"h": h}, cell.constants(_context(cell)))["h"]

    assert 0.05 < _gradient_that_is_left(ours) < 1.0
    theirs = torchrecurrent.FastRNNCell(5, 32).double()
    assert _gradient_that_is_left(theirs) < 1e-6
    theirs = torchrecurrent.FastRNNCell(5, 32, alpha_init=-3.0, beta_init=3.0).double()
    assert 0.05 < _gradient_that_is_left(theirs) < 1.0


def _context(cell: zoo.Cell) -> Any:
    return Context(batch=4, device=torch.device("cpu"), dtype=DOUBLE, training=False, states=cell.states)


def test_nas_multiplies_inside_the_relu_of_its_fourth_block() -> None:
    off, rest = wrong_and_mended("nas", nas)
    assert off > 0.01
    assert rest < 1e-12


def test_the_gate_of_the_antisymmetric_network_has_the_recurrent_bias_too() -> None:
    off, rest = wrong_and_mended("antisymmetric", gated_antisymmetric, gated=True, epsilon=0.5, gamma=0.25)
    assert off > 0.05
    assert rest < 1e-12


def test_the_hard_sigmoid_of_sgu_has_a_slope_of_one_fifth() -> None:
    """0.2 v + 0.5, as Keras and Theano had it when the paper was written; torch's has a slope of 1/6."""
    off, rest = wrong_and_mended("sgu", sgu)
    assert off > 0.01
    assert rest < 1e-12


def test_taugru_keeps_its_delayed_states_from_one_call_to_the_next() -> None:
    spec = tiny_spec({"kind": "taugru", "delay": 2}, input=5, hidden_size=7)
    model = zoo.build(spec, seed=0, dtype=DOUBLE).eval()
    x = torch.randn(3, 12, 5, generator=torch.Generator().manual_seed(0), dtype=DOUBLE)
    cell = next(module for module in model.modules() if isinstance(module, zoo.Cell))
    theirs = torchrecurrent.tauGRU(5, 7, batch_first=True, delay=2).double().eval()
    weights = {name: value.detach() for name, value in cell.named_parameters()}
    theirs.cells[0].load_state_dict(
        {"weight_ih": weights["weight_ih"], "weight_hh": weights["weight_hh"], **shared(weights["bias"])}
    )
    with torch.no_grad():
        whole, _ = model(x)
        head, state = model(x[:, :6])
        tail, _ = model(x[:, 6:], state)
        torch.testing.assert_close(torch.cat([head, tail], 1), whole, atol=1e-14, rtol=0)

        torch.testing.assert_close(theirs(x)[0], whole, atol=1e-14, rtol=0)
        _, kept = theirs(x[:, :6])
        off = (theirs(x[:, 6:], kept)[0] - whole[:, 6:]).abs().amax((0, 2))
        assert off.max() > 0.01
        # the two states before the cut are what is lost: with them, the very same cell goes on as it should
        h, before = whole[:, 5], [whole[:, 3], whole[:, 4]]
        for k in range(6, 12):
            before.append(h)
            h = theirs.cells[0](x[:, k], h, before.pop(0))
            torch.testing.assert_close(h, whole[:, k], atol=1e-14, rtol=0)


def test_an_unknown_initialiser_is_an_error_and_a_bias_that_is_off_stays_off() -> None:
    with pytest.raises(zoo.SpecError, match="xavier_unifrom"):
        tiny_spec("mgu", init="xavier_unifrom")
    # theirs knows ten functions of torch.nn.init; of any other, as of this one, it takes none, but its own default
    weights = []
    for init in (nn.init.xavier_uniform_, nn.init.trunc_normal_):
        torch.manual_seed(0)
        weights.append(torchrecurrent.MGUCell(4, 5, kernel_init=init).weight_ih)
    assert weights[0].equal(weights[1])

    biased, bare = (built("mgu", {"bias": bias}, (4,), 5)[0] for bias in ("one", "none"))
    with pytest.raises(RuntimeError, match=r"Unexpected key.*bias"):
        bare.load_state_dict(biased.state_dict())
    theirs, switched_on = torchrecurrent.MGUCell(4, 5), torchrecurrent.MGUCell(4, 5, bias=False)
    with torch.no_grad():
        theirs.bias_ih.fill_(1.0)
    switched_on.load_state_dict(theirs.state_dict())  # without a word
    assert switched_on.bias_ih.eq(1.0).all()
