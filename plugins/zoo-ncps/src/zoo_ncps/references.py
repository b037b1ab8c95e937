"""The cells in plain NumPy, written from the papers' equations; where those leave something open, as ncps has it.

Each runs one sequence from its first step: x (T, I), dt (T,) to y (T, outputs).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Parameters = Mapping[str, Array]

EPSILON = 1e-8
"""What ncps adds to a denominator that is never zero."""


def ltc(x: Array, parameters: Parameters, options: Any, *, dt: Array) -> Array:
    """Neuron i is a leaky capacitor, with synapses from inputs and from neurons j.

    C dv/dt = g (r - v) + sum_j w_ji s(sigma_ji (v_j - mu_ji)) (E_ji - v). Each of n steps of dt / n is implicit in v_i
    and explicit in the synapses:
    v' = (C / (dt / n) v + g r + sum of w s E) / (C / (dt / n) + g + sum of w s).
    """
    p = {name.removeprefix("module."): value for name, value in parameters.items()}
    positive: Callable[[Array], Array] = softplus if options.implicit_param_constraints else lambda value: value
    capacity, leak, rest = positive(p["cm"]), positive(p["gleak"]), p["vleak"]
    neurons, n = len(rest), options.ode_unfolds
    motor = options.outputs or neurons

    def synapses(kind: str, before: Array, i: int) -> tuple[float, float]:
        """Conductance into neuron i, and the current that it carries at v_i = 0."""
        conductance = current = 0.0
        for j, level in enumerate(before):
            if p[f"{kind}sparsity_mask"][j, i]:
                opened = sigmoid(p[f"{kind}sigma"][j, i] * (level - p[f"{kind}mu"][j, i]))
                g = positive(p[f"{kind}w"][j, i]) * opened
                conductance += float(g)
                current += float(g * p[f"{kind}erev"][j, i])
        return conductance, current

    v = np.zeros(neurons)
    y = []
    for t in range(len(x)):
        seen = x[t] * p.get("input_w", 1.0) + p.get("input_b", 0.0)
        outside = [synapses("sensory_", seen, i) for i in range(neurons)]
        for _ in range(n):
            if dt[t] == 0:
                break  # no time, no change
            new = np.empty(neurons)
            for i in range(neurons):
                (g_in, c_in), (g_rec, c_rec) = outside[i], synapses("", v, i)
                inertia = capacity[i] / (dt[t] / n)
                above = inertia * v[i] + leak[i] * rest[i] + c_in + c_rec
                new[i] = above / (inertia + leak[i] + g_in + g_rec + EPSILON)
            v = new
        y.append(v[:motor] * p.get("output_w", 1.0) + p.get("output_b", 0.0))
    return np.stack(y)


def cfc(x: Array, parameters: Parameters, options: Any, *, dt: Array) -> Array:
    """Shared layers of input and state, and the heads on top of them."""
    p = {name.removeprefix("module."): value for name, value in parameters.items()}
    h = np.zeros(len(p["ff1.bias"]))
    phi = ACTIVATIONS[options.backbone_activation]
    # In the list of ncps' layers each is followed by its function, and from the second on by dropout, if there is any.
    places = [0] + [2 + k * (3 if options.backbone_dropout else 2) for k in range(options.backbone_layers - 1)]
    y = []
    for t in range(len(x)):
        z = np.concatenate([x[t], h])
        for place in places[: options.backbone_layers]:
            z = phi(p[f"backbone.{place}.weight"] @ z + p[f"backbone.{place}.bias"])
        h = heads(options.mode, p, "", z, float(dt[t]))
        y.append(h)
    return np.stack(y)


def wired_cfc(x: Array, parameters: Parameters, options: Any, *, dt: Array) -> Array:
    """Layers of neurons, each fed by the new state of the one before it along the wiring, and by all of its own."""
    p = {name.removeprefix("module."): value for name, value in parameters.items()}
    count = sum(name.endswith("sparsity_mask") for name in p)
    h = [np.zeros(len(p[f"layer_{k}.ff1.bias"])) for k in range(count)]
    y = []
    for t in range(len(x)):
        below = x[t]
        for k in range(count):
            mask = p[f"layer_{k}.sparsity_mask"]
            gates = mask if options.wired_time_gates else np.ones_like(mask)
            z = np.concatenate([below, h[k]])
            h[k] = below = heads(options.mode, p, f"layer_{k}.", z, float(dt[t]), mask, gates)
        y.append(below)
    return np.stack(y)


def heads(
    mode: str, p: Parameters, layer: str, z: Array, dt: float, mask: Array | float = 1.0, gates: Array | float = 1.0
) -> Array:
    """The state after a time dt.

    default: (1 - s) g + s h, where s = sigmoid(f dt + b), and f, b, g, h are maps of z: the paper's closed form, its f
    with the other sign and with a shift b. no_gate: g + s h. pure: the solution of the equation itself,
    B exp(-(w + |f|) dt) f + A, where ncps takes w's absolute value and B = -A.
    """

    def head(name: str, keep: Array | float) -> Array:
        found: Array = (p[f"{layer}{name}.weight"] * keep) @ z + p[f"{layer}{name}.bias"]
        return found

    if mode == "pure":
        f, a, w = head("ff1", mask), p[f"{layer}A"][0], p[f"{layer}w_tau"][0]
        return np.asarray(a - a * f * np.exp(-dt * (np.abs(w) + np.abs(f))))
    first, second = np.tanh(head("ff1", mask)), np.tanh(head("ff2", mask))
    share = sigmoid(head("time_a", gates) * dt + head("time_b", gates))
    return np.asarray((first if mode == "no_gate" else (1 - share) * first) + share * second)


def sigmoid(z: Array) -> Array:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * z)))


def softplus(z: Array) -> Array:
    return np.asarray(np.logaddexp(0.0, z))


def gelu(z: Array) -> Array:
    """z times the normal distribution's share below z."""
    return np.asarray(0.5 * z * (1 + np.vectorize(math.erf)(z / np.sqrt(2))))


ACTIVATIONS: Mapping[str, Callable[[Array], Array]] = {
    "lecun_tanh": lambda z: 1.7159 * np.tanh(0.666 * z),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0.0),
    "silu": lambda z: z * sigmoid(z),
    "gelu": gelu,
}
