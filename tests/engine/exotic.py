"""Cells that break a naive contract, each with a reference that knows nothing of the engine.

A reference takes one whole sequence of one row, (T, F) in NumPy, from the start values, and gives the outputs (T, D).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.engine.cell import Cell, Context, States, StateSpec

F_IN, H = 3, 5
Array = np.ndarray[Any, Any]
Reference = Callable[[Cell, Array, Array, Array], Array]


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def numbers(tensor: Tensor) -> Array:
    return tensor.detach().numpy()


class Exotic(Cell):
    input_shape = (F_IN,)
    output_shape = (H,)

    def _weights(self, **shapes: tuple[int, ...]) -> None:
        for name, shape in shapes.items():
            setattr(self, name, nn.Parameter(0.5 * torch.randn(shape)))


class Windowed(Exotic):
    """QRNN's order: a projection with bias, then a causal convolution over time, then a gated sum."""

    window = 2
    states: Mapping[str, StateSpec] = {"c": StateSpec((H,))}

    def __init__(self) -> None:
        super().__init__()
        self._weights(V=(2 * H, F_IN), b=(2 * H,), taps=(3, 2 * H))

    def project(self, x: Tensor, const: Any, ctx: Context) -> Tensor:
        y = F.linear(x, self.V, self.b)
        return sum(self.taps[k] * ctx.past(y, k) for k in range(3))  # type: ignore[return-value]

    def step(self, u: Tensor, state: Mapping[str, Tensor], const: Any) -> States:
        z, f = torch.tanh(u[:, :H]), torch.sigmoid(u[:, H:])
        return {"c": f * state["c"] + (1 - f) * z}


def windowed(cell: Cell, x: Array, dt: Array, observed: Array) -> Array:
    V, b, taps = numbers(cell.V), numbers(cell.b), numbers(cell.taps)
    y = x @ V.T + b
    c, out = np.zeros(H), []
    for t in range(len(x)):
        u = sum(taps[k] * y[t - k] for k in range(3) if t - k >= 0)
        f = sigmoid(u[H:])
        c = f * c + (1 - f) * np.tanh(u[:H])
        out.append(c)
    return np.array(out)


class Fresh(Exotic):
    """RG-LRU's trait: the first step of a sequence has another multiplier."""

    uses = frozenset({"fresh"})
    states: Mapping[str, StateSpec] = {"h": StateSpec((H,))}

    def __init__(self) -> None:
        super().__init__()
        self._weights(V=(H, F_IN), decay=(H,))

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, Tensor]:
        a = torch.sigmoid(self.decay)
        assert ctx.fresh is not None
        multiplier = torch.where(ctx.fresh.unsqueeze(2), torch.ones_like(a), torch.sqrt(1 - a * a))
        return multiplier * F.linear(x, self.V), a.expand(*x.shape[:2], H)

    def linear_recurrence(self, u: tuple[Tensor, Tensor], const: Any) -> dict[str, tuple[Tensor, Tensor]]:
        return {"h": (u[1], u[0])}


def fresh(cell: Cell, x: Array, dt: Array, observed: Array) -> Array:
    a, v = sigmoid(numbers(cell.decay)), x @ numbers(cell.V).T
    h, out = np.zeros(H), []
    for t in range(len(x)):
        h = a * h + (1.0 if t == 0 else np.sqrt(1 - a * a)) * v[t]
        out.append(h)
    return np.array(out)


class Timed(Exotic):
    """GRU-D's traits: the state decays with the time since the last step, and what was observed comes in."""

    uses = frozenset({"dt", "observed"})
    states: Mapping[str, StateSpec] = {
        "h": StateSpec((H,), initial_value=0.5),  # not zero, so that the first gap matters
        "last": StateSpec((F_IN,), initial_value=0.25),
    }

    def __init__(self) -> None:
        super().__init__()
        self._weights(V=(H, F_IN), U=(H, H), rate=(H,))

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, Tensor, Tensor]:
        assert ctx.dt is not None
        assert ctx.observed is not None
        return x, torch.exp(-self.rate.abs() / ctx.dt.unsqueeze(2)), ctx.observed

    def step(self, u: tuple[Tensor, Tensor, Tensor], state: Mapping[str, Tensor], const: Any) -> States:
        x, decay, observed = u
        last = torch.where(observed, x, state["last"])
        return {"h": torch.tanh(F.linear(last, self.V) + F.linear(decay * state["h"], self.U)), "last": last}


def timed(cell: Cell, x: Array, dt: Array, observed: Array) -> Array:
    V, U, rate = numbers(cell.V), numbers(cell.U), np.abs(numbers(cell.rate))
    h, last, out = np.full(H, 0.5), np.full(F_IN, 0.25), []
    for t in range(len(x)):
        last = np.where(observed[t], x[t], last)
        h = np.tanh(V @ last + U @ (np.exp(-rate / dt[t]) * h))
        out.append(h)
    return np.array(out)


class Delayed(Exotic):
    """tauGRU's trait: a buffer of old states."""

    states: Mapping[str, StateSpec] = {"h": StateSpec((H,), initial_value=0.5), "buffer": StateSpec((3, H))}

    def __init__(self) -> None:
        super().__init__()
        self._weights(V=(H, F_IN), U=(H, H))

    def project(self, x: Tensor, const: Any, ctx: Context) -> Tensor:
        return F.linear(x, self.V)

    def step(self, u: Tensor, state: Mapping[str, Tensor], const: Any) -> States:
        buffer = state["buffer"]
        h = torch.tanh(u + F.linear(buffer[:, 0], self.U) + 0.3 * state["h"])
        return {"h": h, "buffer": torch.cat([buffer[:, 1:], state["h"].unsqueeze(1)], 1)}


def delayed(cell: Cell, x: Array, dt: Array, observed: Array) -> Array:
    V, U = numbers(cell.V), numbers(cell.U)
    past = [np.zeros(H), np.zeros(H), np.zeros(H), np.full(H, 0.5)]
    for t in range(len(x)):
        past.append(np.tanh(V @ x[t] + U @ past[-4] + 0.3 * past[-1]))
    return np.array(past[4:])


class Matrix(Exotic):
    """mLSTM: a matrix state with its normaliser and stabiliser; the readout is larger than the output."""

    states: Mapping[str, StateSpec] = {
        "C": StateSpec((H, H)),
        "n": StateSpec((H,)),
        "m": StateSpec((1,), initial_value=-1e38),
    }

    def __init__(self) -> None:
        super().__init__()
        self._weights(Q=(H, F_IN), K=(H, F_IN), V=(H, F_IN), gates=(2, F_IN))

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, ...]:
        i, f = F.linear(x, self.gates).chunk(2, -1)
        return F.linear(x, self.Q), F.linear(x, self.K), F.linear(x, self.V), i, F.logsigmoid(f)

    def step(self, u: tuple[Tensor, ...], state: Mapping[str, Tensor], const: Any) -> States:
        _, k, v, i, f = u
        m = torch.maximum(f + state["m"], i)
        keep, write = torch.exp(f + state["m"] - m), torch.exp(i - m)
        C = keep.unsqueeze(2) * state["C"] + write.unsqueeze(2) * v.unsqueeze(2) * k.unsqueeze(1)
        return {"C": C, "n": keep * state["n"] + write * k, "m": m}

    def output(self, u: tuple[Tensor, ...], state: Mapping[str, Tensor], const: Any) -> Tensor:
        q = u[0]
        scale = torch.maximum((state["n"] * q).sum(-1, keepdim=True).abs(), torch.exp(-state["m"]))
        return (state["C"] * q.unsqueeze(-2)).sum(-1) / scale


def matrix(cell: Cell, x: Array, dt: Array, observed: Array) -> Array:
    """Written without the stabiliser: C and n are scaled by e^m there, which the quotient takes out."""
    Q, K, V, G = (numbers(getattr(cell, name)) for name in ("Q", "K", "V", "gates"))
    C, n, out = np.zeros((H, H)), np.zeros(H), []
    for t in range(len(x)):
        i, f = np.exp(G[0] @ x[t]), sigmoid(G[1] @ x[t])
        q, k, v = Q @ x[t], K @ x[t], V @ x[t]
        C, n = f * C + i * np.outer(v, k), f * n + i * k
        out.append(C @ q / max(abs(n @ q), 1.0))
    return np.array(out)


class Spiral(Exotic):
    """LRU: a complex diagonal state and a real output of another kind."""

    states: Mapping[str, StateSpec] = {"h": StateSpec((H,), complex=True)}

    def __init__(self) -> None:
        super().__init__()
        self._weights(nu=(H,), theta=(H,), B=(H, F_IN), C=(H, H))

    def constants(self, ctx: Context) -> Any:
        return torch.exp(torch.complex(-torch.exp(self.nu), self.theta))

    def project(self, x: Tensor, const: Any, ctx: Context) -> Tensor:
        return F.linear(x, self.B)

    def linear_recurrence(self, u: Tensor, const: Any) -> dict[str, tuple[Tensor, Tensor]]:
        return {"h": (const, u)}

    def output(self, u: Tensor, state: Mapping[str, Tensor], const: Any) -> Tensor:
        return state["h"].real @ self.C.t() + state["h"].imag


def spiral(cell: Cell, x: Array, dt: Array, observed: Array) -> Array:
    lam = np.exp(-np.exp(numbers(cell.nu)) + 1j * numbers(cell.theta))
    h, out = np.zeros(H, dtype=complex), []
    for t in range(len(x)):
        h = lam * h + numbers(cell.B) @ x[t]
        out.append(numbers(cell.C) @ h.real + h.imag)
    return np.array(out)


EXOTIC: dict[str, tuple[type[Cell], Reference]] = {
    "window": (Windowed, windowed),
    "fresh": (Fresh, fresh),
    "time and observations": (Timed, timed),
    "delay buffer": (Delayed, delayed),
    "matrix": (Matrix, matrix),
    "complex": (Spiral, spiral),
}
