"""What gated cells that are not linear in their state do over a few steps, by hand."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from alone import fill, run
from by_hand import DOUBLE, sigmoid
from each import each

import zoo
from zoo.cells.gated.additive import ATR, RAN, SGRN
from zoo.cells.gated.bistable import BR, NBR
from zoo.cells.gated.fast import FastGRNN, FastRNN
from zoo.cells.gated.light import CFN, STAR, LightRU, MinimalRNN
from zoo.cells.gated.mutated import MUT1, MUT2, MUT3
from zoo.cells.gated.others import (
    ATROptions,
    FastGRNNOptions,
    FastRNNOptions,
    RANOptions,
    RHNOptions,
    SCRNOptions,
    SGRNOptions,
    SURNNOptions,
)
from zoo.cells.gated.relatives import MiRU1Options, MiRU2Options, MUTOptions, STAROptions, UGRNNOptions
from zoo.cells.gated.rhn import RHN
from zoo.cells.gated.scrn import SCRN
from zoo.cells.gated.selective import SURNN
from zoo.cells.gated.simple import DSGU, SGU
from zoo.cells.gated.update import UGRNN, MiRU1, MiRU2
from zoo.components import NoOptions

tanh = math.tanh
XS = (1.0, -0.5, 2.0)
NONE = NoOptions()


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


def hard(x: float) -> float:
    return min(max(0.2 * x + 0.5, 0.0), 1.0)


def make(kind: type[Any], options: Any, inputs: int = 1, hidden: int = 1) -> Any:
    torch.manual_seed(0)
    return kind(options, (inputs,), hidden).double()


def mix(gate: float, one: float, other: float) -> float:
    return gate * one + (1 - gate) * other


Bend = Callable[[float], float]
Step = Callable[[float, float], float]
"""x and the old state of one unit to its new state."""


def relu(x: float) -> float:
    return max(x, 0.0)


def atr(x: float, h: float) -> float:
    p, q = 0.7 * x + 0.1, -0.4 * h + 0.3
    return sigmoid(p + q) * p + sigmoid(p - q) * h


def fastrnn(x: float, h: float, f: Bend = tanh) -> float:
    return sigmoid(0.5) * f(0.7 * x - 0.4 * h + 0.1) + sigmoid(-1.0) * h


def fastgrnn(x: float, h: float, f: Bend = tanh) -> float:
    s = 0.7 * x - 0.4 * h
    z = sigmoid(s + 0.1)
    return (sigmoid(0.5) * (1 - z) + sigmoid(-1.0)) * f(s + 0.3) + z * h


def ugrnn(x: float, h: float, s: Bend = tanh) -> float:
    return mix(sigmoid(-0.2 * x + 0.9 * h + 0.3), h, s(0.7 * x - 0.4 * h + 0.1))


def br(x: float, h: float) -> float:
    a, c = 1 + tanh(0.7 * x - 0.4 * h + 0.1), sigmoid(-0.2 * x + 0.9 * h + 0.3)
    return mix(c, h, tanh(1.1 * x + a * h))


def cfn(x: float, h: float) -> float:
    return sigmoid(0.7 * x - 0.4 * h + 0.1) * tanh(h) + sigmoid(-0.2 * x + 0.9 * h + 0.3) * tanh(1.1 * x)


def minimal(x: float, h: float) -> float:
    z = tanh(0.7 * x + 0.1)
    return mix(sigmoid(-0.4 * h + 0.6 * z + 0.3), h, z)


def mut1(x: float, h: float) -> float:
    z, r = sigmoid(0.7 * x + 0.1), sigmoid(-0.2 * x - 0.4 * h + 0.3)
    return mix(z, tanh(0.9 * r * h + tanh(1.1 * x) + 0.2), h)


def mut2(x: float, h: float) -> float:
    z, r = sigmoid(0.7 * x - 0.4 * h + 0.1), sigmoid(-0.2 * x + 0.9 * h + 0.3)
    return mix(z, tanh(0.6 * r * h + 1.1 * x + 0.2), h)


def mut3(x: float, h: float) -> float:
    z, r = sigmoid(0.7 * x - 0.4 * tanh(h) + 0.1), sigmoid(-0.2 * x + 0.9 * h + 0.3)
    return mix(z, tanh(0.6 * r * h + 1.1 * x + 0.2), h)


def sgu(x: float, h: float) -> float:
    z_g = tanh(-0.4 * (0.7 * x + 0.1) * h)
    return mix(hard(-0.2 * x + 0.9 * h + 0.3), softplus(z_g * h), h)


def dsgu(x: float, h: float) -> float:
    z_g = tanh(-0.4 * (0.7 * x + 0.1) * h)
    return mix(hard(-0.2 * x + 0.9 * h + 0.3), sigmoid(0.6 * z_g * h), h)


def sgrn(x: float, h: float) -> float:
    f = sigmoid(0.7 * x + 0.1 - 0.4 * h + 0.3)
    return tanh((1 - f) * (0.7 * x + 0.1) + f * h)


def star(x: float, h: float, beta: float = 0.0) -> float:
    k = 0.7 * x - 0.4 * h + 0.1
    return tanh((1 - sigmoid(k)) * h + sigmoid(k + beta) * tanh(-0.2 * x + 0.3))


def miru1(x: float, h: float) -> float:
    r = sigmoid(0.7 * x - 0.4 * h + 0.1)
    return mix(0.75, h, tanh(-0.2 * x + 0.9 * r * h + 0.3))


ONE: dict[str, Any] = {"weight_ih": 0.7, "weight_hh": -0.4}
FAST = {**ONE, "bias": 0.1, "alpha": 0.5, "beta": -1.0}
FAST_GATED: dict[str, Any] = {**ONE, "bias": [0.1, 0.3], "zeta": 0.5, "nu": -1.0}
TWO: dict[str, Any] = {"weight_ih": [0.7, -0.2], "weight_hh": [-0.4, 0.9], "bias": [0.1, 0.3]}
THREE: dict[str, Any] = {"weight_ih": [0.7, -0.2, 1.1], "weight_hh": [-0.4, 0.9], "bias": [0.1, 0.3]}
MUT: dict[str, Any] = {**THREE, "bias": [0.1, 0.3, 0.2]}

BY_HAND: dict[str, tuple[type[Any], Any, dict[str, Any], Step]] = {
    "fastrnn": (FastRNN, FastRNNOptions(), FAST, fastrnn),
    "fastrnn-relu": (FastRNN, FastRNNOptions(nonlinearity="relu"), FAST, lambda x, h: fastrnn(x, h, relu)),
    "fastgrnn": (FastGRNN, FastGRNNOptions(), FAST_GATED, fastgrnn),
    "fastgrnn-relu": (FastGRNN, FastGRNNOptions(nonlinearity="relu"), FAST_GATED, lambda x, h: fastgrnn(x, h, relu)),
    "atr": (ATR, ATROptions(), {**ONE, "bias_ih": 0.1, "bias_hh": 0.3}, atr),
    "br": (BR, NONE, THREE, br),
    "nbr": (NBR, NONE, THREE, br),
    "cfn": (CFN, NONE, THREE, cfn),
    "lightru": (
        LightRU,
        NONE,
        {"weight_ih": [0.7, -0.2], "weight_hh": -0.4, "bias": 0.1},
        lambda x, h: mix(sigmoid(0.7 * x - 0.4 * h + 0.1), tanh(-0.2 * x), h),
    ),
    "minimalrnn": (MinimalRNN, NONE, {**ONE, "weight_zh": 0.6, "bias": [0.1, 0.3]}, minimal),
    "mut1": (MUT1, MUTOptions(), MUT, mut1),
    "mut2": (MUT2, MUTOptions(), {**MUT, "weight_hh": [-0.4, 0.9, 0.6]}, mut2),
    "mut3": (MUT3, NONE, {**MUT, "weight_hh": [-0.4, 0.9, 0.6]}, mut3),
    "sgu": (SGU, NONE, TWO, sgu),
    "dsgu": (DSGU, NONE, {**TWO, "weight_go": 0.6}, dsgu),
    "sgrn": (SGRN, SGRNOptions(bias="two"), {**ONE, "bias_ih": 0.1, "bias_hh": 0.3}, sgrn),
    "star": (STAR, STAROptions(), {**TWO, "weight_hh": -0.4}, star),
    "star-beta": (STAR, STAROptions(beta=1.0), {**TWO, "weight_hh": -0.4}, lambda x, h: star(x, h, 1.0)),
    "ugrnn": (UGRNN, UGRNNOptions(), TWO, ugrnn),
    "ugrnn-relu": (UGRNN, UGRNNOptions(nonlinearity="relu"), TWO, lambda x, h: ugrnn(x, h, relu)),
    "miru1": (MiRU1, MiRU1Options(lam=0.75), TWO, miru1),
    "miru2": (
        MiRU2,
        MiRU2Options(lam=0.75, beta=0.5),
        {**ONE, "bias": 0.1},
        lambda x, h: mix(0.75, h, tanh(0.7 * x - 0.2 * h + 0.1)),
    ),
}


@each("name", BY_HAND)
def test_one_unit_by_hand(name: str) -> None:
    kind, options, values, step = BY_HAND[name]
    cell = make(kind, options)
    assert {*values} == {*dict(cell.named_parameters())}
    fill(cell, **values)
    h, expected = 0.6, []
    for x in XS:
        h = step(x, h)
        expected.append(h)
    start = torch.tensor([[0.6]], dtype=DOUBLE)
    found = run(cell, torch.tensor(XS, dtype=DOUBLE).view(1, -1, 1), h=start)
    assert found.flatten().tolist() == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("bent", [True, False])
def test_additive_network_feeds_its_output_back(bent: bool) -> None:
    cell = make(RAN, RANOptions(nonlinearity="tanh" if bent else "identity"))
    fill(cell, **THREE)
    g: Callable[[float], float] = tanh if bent else lambda c: c
    c, expected = 0.0, []
    for x in XS:
        h = g(c)
        c = sigmoid(0.7 * x - 0.4 * h + 0.1) * 1.1 * x + sigmoid(-0.2 * x + 0.9 * h + 0.3) * c
        expected.append(g(c))
    assert run(cell, torch.tensor(XS, dtype=DOUBLE).view(1, -1, 1)).flatten().tolist() == pytest.approx(expected)


@pytest.mark.parametrize("adaptive", [False, True])
def test_context_is_slow_and_is_seen_at_once(adaptive: bool) -> None:
    cell = make(SCRN, SCRNOptions(context_size=1, alpha=0.75, adaptive=adaptive))
    fill(cell, A=0.7, B=-0.2, P=0.9, R=-0.4)
    h, s, expected = 0.0, 0.0, []
    for x in XS:
        s = 0.25 * -0.2 * x + 0.75 * s
        h = sigmoid(0.9 * s + 0.7 * x - 0.4 * h)
        expected += [h, s]
    assert run(cell, torch.tensor(XS, dtype=DOUBLE).view(1, -1, 1)).flatten().tolist() == pytest.approx(expected)


@pytest.mark.parametrize("coupled", [True, False])
def test_highway_takes_its_steps_one_after_the_other(coupled: bool) -> None:
    cell = make(RHN, RHNOptions(depth=2, coupled=coupled))
    gates = 2 if coupled else 3
    W, U, b = [0.7, -0.2, 1.1][:gates], [-0.4, 0.9, 0.6], [0.1, 0.3, -0.5]
    U2, b2 = [0.8, -0.7, 0.2], [0.2, -0.1, 0.4]
    fill(cell, weight_ih=W, weight_hh=U[:gates] + U2[:gates], bias=b[:gates] + b2[:gates])
    s, expected = 0.0, []
    for x in XS:
        for V, R, c in (([*W, 0.0], U, b), ([0.0] * 3, U2, b2)):
            h, t = tanh(V[0] * x + R[0] * s + c[0]), sigmoid(V[1] * x + R[1] * s + c[1])
            s = h * t + s * (1 - t if coupled else sigmoid(V[2] * x + R[2] * s + c[2]))
        expected.append(s)
    assert run(cell, torch.tensor(XS, dtype=DOUBLE).view(1, -1, 1)).flatten().tolist() == pytest.approx(expected)


def test_a_selective_unit_is_updated_where_its_rhythm_is_above_zero() -> None:
    cell = make(SURNN, SURNNOptions(harmonics=2), hidden=2)
    fill(cell, weight_ih=0.5, weight_hh=[[0.25, 0.0], [0.0, 0.25]], bias=0.1, gate_omega=[math.pi / 2, math.pi])
    # at t = 1, 2, 3, ...: sin(π t / 2) is 1, 0, -1, 0, and with a bias of 0.5 only the third is below; the other unit
    # has the cosine of π t, a sine a quarter of a turn ahead: -1, 1, -1, 1
    fill(cell, gate_bias=[0.5, 0.0], gate_alpha=[[1.0, 0.0], [0.0, 1.0]], gate_phi=[[0.0, 0.0], [0.0, math.pi / 2]])
    xs = (1.0, -0.5, 2.0, 0.25, -1.0, 0.75, 1.5)
    opens = ((1, 2, 4, 5, 6), (2, 4, 6))
    y = run(cell, torch.tensor(xs, dtype=DOUBLE).view(1, -1, 1))[0]
    for unit, steps in enumerate(opens):
        h = 0.0
        for t, x in enumerate(xs, 1):
            h = tanh(0.5 * x + 0.25 * h + 0.1) if t in steps else h
            assert y[t - 1, unit].item() == pytest.approx(h, abs=1e-12)


def test_the_gradient_of_a_rhythm_is_that_of_its_gate() -> None:
    """Straight through: what one more unit of openness at that step would do."""
    cell = make(SURNN, SURNNOptions(harmonics=1))
    fill(
        cell,
        weight_ih=0.5,
        weight_hh=0.0,
        bias=0.0,
        gate_bias=0.0,
        gate_alpha=2.0,
        gate_omega=math.pi / 2,
        gate_phi=0.3,
    )
    run(cell, torch.tensor([[[1.0], [-0.5]]], dtype=DOUBLE))[0, -1, 0].backward()
    n = tanh(0.5), tanh(-0.25)  # open at t = 1, as sin(π / 2 + 0.3) > 0, and shut at t = 2
    by_gate = (n[0] - 0.0), (n[1] - n[0])  # what each gate lets through; the second is shut, and passes the first on
    assert cell.gate_bias.grad.item() == pytest.approx(sum(by_gate))
    turns = [math.pi / 2 * t + 0.3 for t in (1, 2)]
    by_alpha = sum(gate * math.sin(turn) for gate, turn in zip(by_gate, turns, strict=True))
    assert cell.gate_alpha.grad.item() == pytest.approx(by_alpha)
    by_phi = sum(2 * gate * math.cos(turn) for gate, turn in zip(by_gate, turns, strict=True))
    assert cell.gate_phi.grad.item() == pytest.approx(by_phi)
    by_omega = sum(2 * gate * math.cos(turn) * t for t, gate, turn in zip((1, 2), by_gate, turns, strict=True))
    assert cell.gate_omega.grad.item() == pytest.approx(by_omega)


def test_rhythms_are_as_exact_in_half_precision_as_their_parameters() -> None:
    cell = make(SURNN, SURNNOptions(), hidden=40).bfloat16()
    exact = copy.deepcopy(cell).double()
    x = torch.randn(1, 60, 1).bfloat16()
    shut = [(y[:, 1:] == y[:, :-1]) for y in (run(cell, x), run(exact, x.double()))]
    # equal by chance: a unit that is updated to what it was, as 8 bits see it
    assert (shut[0] >= shut[1]).all()
    assert (shut[0] == shut[1]).float().mean() > 0.98


def test_rhythms_start_at_all_paces_and_open_every_second_step() -> None:
    cell = make(SURNN, SURNNOptions(), hidden=400)
    assert (2 * math.pi / cell.gate_omega.detach()).tolist() == pytest.approx([4, 8, 16, 32])
    y = run(cell, torch.randn(1, 50, 1, dtype=DOUBLE))
    updated = (y[:, 1:] != y[:, :-1]).double()
    assert updated.mean().item() == pytest.approx(0.5, abs=0.05)
    assert updated.mean(1).unique().numel() > 10


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        (frozenset(), "first derivatives .* differ from finite differences"),
        (SURNN.surrogates - {"gate_phi"}, "first derivatives .* differ from finite differences"),
        (
            SURNN.surrogates | {"gate_fi"},
            "SURNN.surrogates names 'gate_fi', which is not a parameter; did you mean 'gate_phi'",
        ),
    ],
    ids=["none", "one short", "misspelt"],
)
def test_gradcheck_spares_only_what_a_cell_declares(
    declared: frozenset[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SURNN, "surrogates", declared)
    report = zoo.check("cells/surnn", checks=["gradcheck"])
    one = report.outcomes[0]  # where the model is refused already, the check is not run
    assert one.status == "failed"
    assert re.search(message, one.reason)
