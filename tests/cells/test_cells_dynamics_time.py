"""Where the cells that know time start, what one step does, and where one cell is another."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from by_hand import DOUBLE, build, cell_of, fill, normal, outputs, sigmoid, times, uniform

import zoo
from zoo.engine.state import State


def test_liquid_neuron_by_hand() -> None:
    model = build({"kind": "ltc", "unfolds": 2})
    values = {"gleak": 0.3, "vleak": -0.1, "cm": 0.5, "w": 0.2, "sigma": 4.0, "mu": 0.4, "erev": 0.9}
    sensory = {"sensory_w": -0.3, "sensory_sigma": 3.0, "sensory_mu": 0.2, "sensory_erev": -1.1}
    fill(cell_of(model), **values, **sensory, input_w=1.2, input_b=0.1, output_w=2.0, output_b=-0.5)
    v, expected = 0.0, []
    softplus = {name: math.log1p(math.exp(value)) for name, value in {**values, **sensory}.items()}
    for x, dt in ((0.7, 0.5), (-0.3, 2.0)):
        into = softplus["sensory_w"] * sigmoid(3.0 * (1.2 * x + 0.1 - 0.2))
        for _ in range(2):
            own = softplus["w"] * sigmoid(4.0 * (v - 0.4))
            c = softplus["cm"] / (dt / 2)
            above = c * v + softplus["gleak"] * -0.1 + 0.9 * own - 1.1 * into
            v = above / (c + softplus["gleak"] + own + into + 1e-8)
        expected.append(2.0 * v - 0.5)
    assert outputs(model, 0.7, -0.3, dt=times(0.5, 2.0)) == pytest.approx(expected, abs=1e-14)


def test_liquid_neurons_stand_still_where_no_time_goes_by() -> None:
    model = build("ltc", inputs=3, hidden=4)
    x = normal(2, 5, 3)
    gap = torch.tensor([[1.0, 0.0, 0.5, 0.0, 0.0]], dtype=DOUBLE).expand(2, 5)
    y = model(x, dt=gap)[0]
    torch.testing.assert_close(y[:, 1], y[:, 0])
    torch.testing.assert_close(y[:, 4], y[:, 2])
    assert (y[:, 2] - y[:, 0]).abs().min() > 1e-6


def test_liquid_neurons_start_as_the_official_code() -> None:
    cell = cell_of(build("ltc", inputs=50, hidden=80))
    for prefix in ("", "sensory_"):
        erev = getattr(cell, f"{prefix}erev").detach()
        assert set(erev.unique().tolist()) == {-1.0, 1.0}
        assert (erev > 0).double().mean().item() == pytest.approx(2 / 3, abs=4 * math.sqrt(2 / 9 / erev.numel()))
        uniform(getattr(cell, f"{prefix}sigma").detach(), 3.0, 8.0)
        uniform(getattr(cell, f"{prefix}mu").detach(), 0.3, 0.8)
    assert cell.input_w.tolist() == [1.0] * 50
    assert not cell.output_b.any()


@pytest.mark.parametrize("mode", ["default", "no_gate", "pure"])
def test_closed_form_by_hand(mode: str) -> None:
    model = build({"kind": "cfc", "mode": mode, "backbone_units": 1})
    pure = mode == "pure"
    heads = {
        "heads.weight": [0.5] if pure else [0.5, -0.8, 0.3, 0.2],
        "heads.bias": [-0.1] if pure else [0.1, 0.0, 0.4, 0.6],
    }
    fill(
        cell_of(model), weight_ih=1.0, weight_hh=0.7, bias=-0.2, **heads, **({"w_tau": -0.3, "A": 0.9} if pure else {})
    )
    h, expected = 0.0, []
    for x, dt in ((0.7, 0.5), (-0.3, 2.0)):
        shared = 1.7159 * math.tanh(0.666 * (x + 0.7 * h - 0.2))
        f_1, f_2 = 0.5 * shared + (-0.1 if pure else 0.1), math.tanh(-0.8 * shared)
        T = sigmoid((0.3 * shared + 0.4) * dt + 0.2 * shared + 0.6)
        h = {
            "default": math.tanh(f_1) * (1 - T) + T * f_2,
            "no_gate": math.tanh(f_1) + T * f_2,
            "pure": 0.9 - 0.9 * math.exp(-dt * (0.3 + abs(f_1))) * f_1,
        }[mode]
        expected.append(h)
    assert outputs(model, 0.7, -0.3, dt=times(0.5, 2.0)) == pytest.approx(expected, abs=1e-14)


def test_closed_form_starts_as_the_official_code() -> None:
    cell = cell_of(build({"kind": "cfc", "backbone_units": 50, "backbone_layers": 2}, inputs=30, hidden=70))
    for weight in (cell.weight_ih, cell.weight_hh):
        uniform(weight.detach(), -math.sqrt(6 / 150), math.sqrt(6 / 150))
    uniform(cell.bias.detach(), -0.1, 0.1)
    uniform(cell.backbone[0].weight.detach(), -math.sqrt(6 / 100), math.sqrt(6 / 100))
    uniform(cell.heads.weight.detach(), -math.sqrt(6 / 120), math.sqrt(6 / 120))
    uniform(cell.heads.bias.detach(), -(50**-0.5), 50**-0.5)


def test_closed_form_takes_the_gaps_of_each_row_where_rows_are_as_many_as_units() -> None:
    model = build("cfc", inputs=2, hidden=3)
    x, gap = normal(3, 4, 2), normal(3, 4).abs()
    alone = torch.cat([model(x[i : i + 1], dt=gap[i : i + 1])[0] for i in range(3)])
    torch.testing.assert_close(model(x, dt=gap)[0], alone)


def test_decay_by_hand() -> None:
    model = build("gru-d")
    cell = cell_of(model)
    fill(
        cell,
        weight_ih=[0.5, -0.3, 1.0],
        weight_hh=[0.2, 0.4, 0.7],
        weight_mask=[0.1, 0.2, -0.3],
        bias=[0.0, 0.1, 0.2],
        weight_gamma_x=0.6,
        bias_gamma_x=0.1,
        weight_gamma_h=0.4,
        bias_gamma_h=-0.2,
    )
    cell.mean.fill_(0.25)
    h, last, gap, expected = 0.0, 0.0, 0.0, []
    # the first gap is none of the sequence's, whatever is given for it
    for x, m, dt in ((7.0, 0, 0.0), (0.9, 1, 0.75), (7.0, 0, 0.5), (7.0, 0, 1.5), (-0.4, 1, 0.25), (7.0, 0, 0.5)):
        gap += dt
        last = x if m else last
        gamma = math.exp(-max(0.0, 0.6 * gap + 0.1))
        seen = x if m else gamma * last + (1 - gamma) * 0.25
        h *= math.exp(-max(0.0, 0.4 * gap - 0.2))
        r, z = sigmoid(0.5 * seen + 0.2 * h + 0.1 * m), sigmoid(-0.3 * seen + 0.4 * h + 0.2 * m + 0.1)
        h = (1 - z) * h + z * math.tanh(seen + 0.7 * r * h - 0.3 * m + 0.2)
        gap = 0.0 if m else gap
        expected.append(h)
    observed = torch.tensor([0, 1, 0, 0, 1, 0], dtype=torch.bool).view(1, 6, 1)
    gaps = times(9.0, 0.75, 0.5, 1.5, 0.25, 0.5)
    found = outputs(model, 7.0, 0.9, 7.0, 7.0, -0.4, 7.0, dt=gaps, observed=observed)
    assert found == pytest.approx(expected, abs=1e-15)


def test_decay_that_never_acts_leaves_a_gru() -> None:
    model = build("gru-d", inputs=3, hidden=4)
    gru = build({"kind": "gru", "bias": "one", "reset_gate": "before"}, inputs=3, hidden=4)
    cell, other = cell_of(model), cell_of(gru)
    with torch.no_grad():
        for parameter in (cell.weight_gamma_x, cell.weight_gamma_h, cell.weight_mask):
            parameter.zero_()
        for name in ("weight_ih", "weight_hh", "bias"):
            r, z, n = getattr(cell, name).chunk(3)
            getattr(other, name).copy_(torch.cat([r, -z, n]))  # torch's z keeps
    x = normal(2, 5, 3)
    torch.testing.assert_close(model(x, dt=normal(2, 5).abs())[0], gru(x)[0])


def test_decay_can_be_learned_from_where_it_starts() -> None:
    cell = cell_of(build("gru-d", inputs=100, hidden=50))
    uniform(cell.weight_gamma_x.detach(), 0.0, 0.1)
    uniform(cell.weight_gamma_h.detach(), 0.0, 0.001)  # 0.1 / I
    assert not any(getattr(cell, name).any() for name in ("bias", "bias_gamma_x", "bias_gamma_h", "mean"))


def test_time_gate_by_hand() -> None:
    model = build({"kind": "phased-lstm", "leak": 0.25, "peephole": False})
    # Without weights, what is proposed is half of c, so that c tells how far the gate is open.
    fill(cell_of(model), period=-4.0, shift=1.0, ratio=-0.5)
    nothing, c, before = torch.zeros(1, 1, 1, dtype=DOUBLE), 1.0, 0.0
    state: Any = State(
        dict(model(nothing)[1]) | {f"layers.0.{n}": torch.full((1, 1), v) for n, v in (("c", 1.0), ("time", 0.0))}
    )
    # phases 7/8 (of the turn before), 0, 1/8, 1/4, 3/8, 1/2, 5/8, and 1/16 of the next turn
    for time, k in (
        (0.5, 0.25 * 0.875),
        (1.0, 0.0),
        (1.5, 0.5),
        (2.0, 1.0),
        (2.5, 0.5),
        (3.0, 0.25 * 0.5),
        (3.5, 0.25 * 0.625),
        (5.25, 0.25),
    ):
        _, state = model(nothing, state, dt=times(time - before))
        c, before = c * (1 - k) + 0.5 * c * k, time
        assert state["layers.0.time"].item() == time
        assert state["layers.0.c"].item() == pytest.approx(c, abs=1e-15), time


@pytest.mark.parametrize("peephole", [False, True])
def test_open_time_gate_leaves_an_lstm(peephole: bool) -> None:
    model = build({"kind": "phased-lstm", "peephole": peephole}, inputs=3, hidden=4)
    lstm = build({"kind": "lstm", "bias": "one", "peephole": peephole}, inputs=3, hidden=4)
    cell, other = cell_of(model), cell_of(lstm)
    with torch.no_grad():
        cell.period.fill_(2.0)
        cell.ratio.fill_(1.0)
        cell.shift.zero_()  # at odd times the phase is a half, where the gate is fully open
        names = ("weight_ih", "weight_hh", "bias") + (("weight_ch",) if peephole else ())
        for name in names:
            getattr(other, name).copy_(getattr(cell, name))
    x = normal(2, 5, 3)
    gap = torch.tensor([[1.0, 2.0, 2.0, 2.0, 2.0]], dtype=DOUBLE).expand(2, 5)
    torch.testing.assert_close(model(x, dt=gap)[0], lstm(x)[0])


def test_clocks_start_as_the_authors_say() -> None:
    cell = cell_of(build("phased-lstm", inputs=100, hidden=400))
    uniform(cell.period.detach().log(), 1.0, 6.0)
    uniform((cell.shift / cell.period).detach(), 0.0, 1.0)
    assert cell.ratio.tolist() == [0.05] * 400
    assert cell.bias.tolist() == [0.0] * 400 + [2.0] * 400 + [0.0] * 800
    assert cell.weight_hh.std().item() == pytest.approx(0.1, rel=0.02)


def test_periods_must_be_a_range() -> None:
    with pytest.raises(zoo.SpecError, match=r"period_min \(5.0\) must be less than period_max \(5.0\)"):
        build({"kind": "phased-lstm", "period_min": 5.0, "period_max": 5.0})


@pytest.mark.parametrize("solver", ["euler", "heun", "rk4"])
def test_flowing_lstm_by_hand(solver: str) -> None:
    model = build({"kind": "ode-lstm", "solver": solver, "unfolds": 2})
    blocks = {"weight_ih": [1.0, -0.5, 0.8, 0.3], "weight_hh": [0.4, 0.6, -0.7, 0.2], "bias": [0.1, 0.5, 0.0, -0.2]}
    node = {"weight_node_1": 1.1, "bias_node_1": 0.2, "weight_node_2": -0.9, "bias_node_2": 0.3}
    fill(cell_of(model), **blocks, **node)

    def slope(h: float) -> float:
        return -0.9 * math.tanh(1.1 * h + 0.2) + 0.3

    h, c, expected = 0.0, 0.0, []
    for x, dt in ((0.7, 0.5), (-0.3, 2.0)):
        i, f = sigmoid(x + 0.4 * h + 0.1), sigmoid(-0.5 * x + 0.6 * h + 0.5)
        o = sigmoid(0.3 * x + 0.2 * h - 0.2)
        c = f * c + i * math.tanh(0.8 * x - 0.7 * h)
        h = o * math.tanh(c)
        for _ in range(2):
            d = dt / 2
            k = [slope(h)]
            k.append(slope(h + d * k[0] * (1.0 if solver == "heun" else 0.5)))
            k.append(slope(h + d * k[1] / 2))
            k.append(slope(h + d * k[2]))
            h += d * {"euler": k[0], "heun": (k[0] + k[1]) / 2, "rk4": (k[0] + 2 * k[1] + 2 * k[2] + k[3]) / 6}[solver]
        expected.append(h)
    assert outputs(model, 0.7, -0.3, dt=times(0.5, 2.0)) == pytest.approx(expected, abs=1e-15)


def test_flowing_lstm_is_an_lstm_where_no_time_goes_by() -> None:
    model, lstm = (build({"kind": kind, "bias": "one"}, inputs=3, hidden=4) for kind in ("ode-lstm", "lstm"))
    with torch.no_grad():
        for name in ("weight_ih", "weight_hh", "bias"):
            getattr(cell_of(lstm), name).copy_(getattr(cell_of(model), name))
    x = normal(2, 5, 3)
    torch.testing.assert_close(model(x, dt=torch.zeros(2, 5, dtype=DOUBLE))[0], lstm(x)[0])
