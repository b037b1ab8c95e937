"""Cells that no package has whole, of parts that packages have."""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from oracles.copied import DOUBLE, Copied, Numbers, Oracle, dense, loaded, source, stepped
from oracles.of_torchrecurrent import module_of


def _reset_before(given: Copied, of_x: Tensor, of_h: Tensor, bias: Tensor, *, keeps: bool) -> nn.Module:
    """torchrecurrent's MUT2, which is a GRU that resets before the product, of blocks r, z, n.

    Its gate z writes. keeps: whether that of these weights keeps.
    """

    def turned(blocks: Tensor) -> Tensor:
        r, z, n = blocks.chunk(3)
        return torch.cat([-z if keeps else z, r, n])

    weights = {"weight_ih": turned(of_x), "weight_hh": turned(of_h), "bias_ih": turned(bias)}
    return module_of("MUT2Cell", given, weights)


def gru(given: Copied) -> Numbers:
    of_x, of_h, first, second = (given.p[name] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    return stepped(given, _reset_before(given, of_x, of_h, first + second, keeps=True), "h")


def convgru(given: Copied) -> Numbers:
    """A convolution over maps of one size is a matrix; blocks z, r, n."""
    places, shape = tuple(given.x.shape[3:]), given.start["h"].shape[1:]
    flat = replace(given, x=given.x.flatten(2), start={"h": given.start["h"].flatten(1)}, hidden=shape.numel())
    z, r, n = given.blocks("bias", 3)
    bias = torch.cat([r, z, n]).repeat_interleave(places[0] * places[1])

    def matrix(name: str) -> Tensor:
        z, r, n = given.blocks(name, 3)
        return torch.cat([dense(block, places) for block in (r, z, n)])

    module = _reset_before(flat, matrix("weight_ih"), matrix("weight_hh"), bias, keeps=False)
    y, final = stepped(flat, module, "h")
    return y.view(*y.shape[:2], *shape), {"h": final["h"].view(-1, *shape)}


def convlstm(given: Copied) -> Numbers:
    """A convolution over maps of one size is a matrix, which is what the dense cell with peepholes is given."""
    maps = given.x.shape[2:]
    flat = replace(given, x=given.x.flatten(2), start={name: s.flatten(1) for name, s in given.start.items()})
    flat = replace(flat, hidden=flat.start["h"].shape[1])
    weights = {name: dense(given.p[name], maps[1:]) for name in ("weight_ih", "weight_hh")}
    weights["bias_ih"] = given.p["bias"].repeat_interleave(maps[1] * maps[2])
    weights["weight_ph"] = given.p["peephole"].flatten()
    y, final = stepped(flat, module_of("PeepholeLSTMCell", flat, weights), "h", "c")
    shape = given.start["h"].shape[1:]
    return y.view(*y.shape[:2], *shape), {name: s.view(-1, *shape) for name, s in final.items()}


def gru_d(given: Copied) -> Numbers:
    """PyPOTS's decays before the GRU, which sees the filled input beside the mask; a row's first gap is 0."""
    decay = source("pypots", "nn/modules/grud/layers.py").TemporalDecay
    width, observed = given.x.shape[2], given.observed.double()
    of_x = loaded(
        decay(width, width, diag=True),
        {"W": torch.diag(given.p["weight_gamma_x"]), "b": given.p["bias_gamma_x"], "m": torch.eye(width)},
    )
    of_h = loaded(decay(width, given.hidden), {"W": given.p["weight_gamma_h"], "b": given.p["bias_gamma_h"]})
    wide = replace(given, x=torch.cat([given.x, observed], 2))
    both = torch.cat([given.p["weight_ih"], given.p["weight_mask"]], 1)
    module = _reset_before(wide, both, given.p["weight_hh"], given.p["bias"], keeps=False)
    h, last, gap, outputs = given.start["h"], given.start["x"], given.start["gap"], []
    for t, (x, m) in enumerate(zip(given.x.unbind(1), observed.unbind(1), strict=True)):
        gap = gap + (given.dt[:, t, None] if t else 0.0)
        kept = of_x(gap)
        filled = m * x + (1 - m) * (kept * last + (1 - kept) * given.p["mean"])
        h = module(torch.cat([filled, m], 1), of_h(gap) * h)
        outputs.append(h)
        last, gap = m * x + (1 - m) * last, (1 - m) * gap
    return torch.stack(outputs, 1), {"h": h, "x": last, "gap": gap}


def lipschitz(given: Copied) -> Numbers:
    """One step of torchdiffeq's solver, which the authors' code calls."""
    from torchdiffeq import odeint

    chosen, one = given.options, torch.eye(given.hidden, dtype=DOUBLE)

    def made(M: Tensor) -> Tensor:
        matrix: Tensor = (1 - chosen.beta) * (M + M.T) + chosen.beta * (M - M.T) - chosen.gamma * one
        return matrix

    A, W = made(given.p["weight_A"]), made(given.p["weight_W"])
    times = torch.tensor([0.0, chosen.epsilon], dtype=DOUBLE)

    def step(x: Tensor, h: Tensor) -> Tensor:
        driven = F.linear(x, given.p["weight_ih"], given.p["bias"])
        method = {"euler": "euler", "rk2": "midpoint"}[chosen.integrator]
        found: Tensor = odeint(lambda _, y: y @ A.T + torch.tanh(y @ W.T + driven), h, times, method=method)[-1]
        return found

    return stepped(given, step, "h")


def rhn(given: Copied) -> Numbers:
    """A micro-step that couples its gates is torchrecurrent's UGRNN, whose gate keeps; all but the first see zeros."""

    def turned(blocks: Tensor) -> Tensor:
        h, t = blocks.chunk(2)
        return torch.cat([h, -t])

    modules = []
    for k, (U, b) in enumerate(
        zip(*(given.blocks(name, given.options.depth) for name in ("weight_hh", "bias")), strict=True)
    ):
        W = given.p["weight_ih"] if k == 0 else torch.zeros_like(given.p["weight_ih"])
        weights = {"weight_ih": turned(W), "weight_hh": turned(U), "bias_ih": turned(b)}
        modules.append(module_of("UGRNNCell", given, weights))

    def step(x: Tensor, s: Tensor) -> Tensor:
        for module in modules:
            s = module(x, s)
        return s

    return stepped(given, step, "s")


def srnn(given: Copied) -> Numbers:
    """torch.nn.RNN with relu, whose recurrent matrix is the shift and whose input is what a torch.nn.Sequential gives."""
    p, size = given.p, given.hidden
    hidden = nn.Linear(*p["hidden.0.weight"].T.shape)
    drive = nn.Sequential(hidden, nn.ReLU(), nn.Linear(hidden.out_features, size))
    names = {"0": "hidden.0", "2": "out"}
    loaded(drive, {f"{new}.{last}": p[f"{old}.{last}"] for new, old in names.items() for last in ("weight", "bias")})
    gate = loaded(nn.Linear(given.x.shape[2], size), {last: p[f"gate.{last}"] for last in ("weight", "bias")})
    module = nn.RNN(size, size, bias=False, batch_first=True, nonlinearity="relu")
    one = torch.eye(size, dtype=DOUBLE)
    loaded(module, {"weight_ih_l0": one, "weight_hh_l0": one.roll(1, 0)})
    y, h = module(drive(given.x) * gate(given.x).sigmoid(), given.start["h"][None])
    return y, {"h": h[0]}


def surnn(given: Copied) -> Numbers:
    """torch.nn.RNNCell, whose new state each unit takes where its rhythm is above 0."""
    p, (hidden, inputs) = given.p, given.p["weight_ih"].shape
    weights = {"weight_ih": p["weight_ih"], "weight_hh": p["weight_hh"], "bias_ih": p["bias"]}
    module = loaded(nn.RNNCell(inputs, hidden), {**weights, "bias_hh": torch.zeros_like(p["bias"])})
    h, age, outputs = given.start["h"], given.start["age"].view(-1, 1, 1), []
    for t, x in enumerate(given.x.unbind(1), 1):
        turns = p["gate_omega"] * (age + t) + p["gate_phi"]  # (B, H, K)
        rhythm = p["gate_bias"] + (p["gate_alpha"] * torch.sin(turns)).sum(2)
        h = torch.where(rhythm > 0, module(x, h), h)
        outputs.append(h)
    return torch.stack(outputs, 1), {"h": h}


def _near(drawn: Tensor) -> Tensor:
    """So near a threshold that little more moves it over."""
    return drawn / 10


RESET_BEFORE = "torchrecurrent.MUT2Cell, a GRU that resets before the product"
ORACLES = (
    Oracle("gru", "torchrecurrent", RESET_BEFORE, gru, {"reset_gate": "before"}),
    Oracle(
        "convgru",
        "torchrecurrent",
        f"{RESET_BEFORE}, with the convolutions as matrices",
        convgru,
        input=(2, 3, 4),
        hidden=2,
    ),
    Oracle(
        "convlstm",
        "torchrecurrent",
        "torchrecurrent.PeepholeLSTMCell with the convolutions as matrices",
        convlstm,
        input=(2, 3, 4),
        hidden=2,
    ),
    Oracle("rhn", "torchrecurrent", "torchrecurrent.UGRNNCell for each micro-step", rhn, {"depth": 3}),
    Oracle("srnn", "torch", "torch.nn.RNN with relu over a torch.nn.Sequential", srnn, {"hyper_size": 6}),
    Oracle(
        "surnn",
        "torch",
        "torch.nn.RNNCell where torch.where lets it through",
        surnn,
        hidden=64,
        drawn={"gate_alpha": _near, "gate_bias": _near},
    ),
    *(
        Oracle(
            "lipschitz",
            "torchdiffeq",
            f"torchdiffeq.odeint, {rule}",
            lipschitz,
            {"integrator": rule, "epsilon": 0.5, "gamma": 0.25},
        )
        for rule in ("euler", "rk2")
    ),
    Oracle(
        "gru-d",
        "pypots",
        "pypots.nn.modules.grud.layers.TemporalDecay and torchrecurrent.MUT2Cell",
        gru_d,
        dt=True,
        observed=True,
        started=False,
    ),
)
