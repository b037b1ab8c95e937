"""A gated cell whose gates are clocks.

Plain NumPy in float64, written from the paper's equations alone: one row, one step, one unit at a time. Nothing is
batched, fused or shared with the cell. Dropout is not here.
"""

from __future__ import annotations

import numpy as np

from zoo.references.arithmetic import Array, Options, Parameters, State, bias_of, rows


def surnn_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Selective-update network, arXiv:2603.02226: h = h + D (f(h, x) - h), where D has 1 for each unit whose sum of
    sines is above 0, at steps t = 1, 2, ..., and 0 for all others. f is a simple network with tanh.
    """
    h, t = state["h"], state["t"][0] + 1.0
    size = len(h)
    proposed = np.tanh(p["weight_ih"] @ x + p["weight_hh"] @ h + bias_of(p, 0, size))
    new_h = h.copy()
    for i in range(size):
        a = p["gate_bias"][i]
        for k in range(options.harmonics):
            a += p["gate_alpha"][i, k] * np.sin(p["gate_omega"][k] * t + p["gate_phi"][i, k])
        if a > 0.0:
            new_h[i] = proposed[i]
    return new_h, {"h": new_h, "t": np.array([t])}


def surnn_start(p: Parameters, options: Options) -> State:
    return {"h": np.zeros(len(p["weight_hh"])), "t": np.zeros(1)}


surnn = rows(surnn_step, surnn_start)
