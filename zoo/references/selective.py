"""Cells that choose, unit by unit, the steps at which they update.

Plain NumPy in float64, written from equations alone: one sequence, one step, one unit at a time. Nothing is
batched, fused or shared with the cells. Dropout is not here.
"""

from __future__ import annotations

import numpy as np

from zoo.references.arithmetic import Array, Options, Parameters, State, bias_of, unroll


def surnn_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Selective-update RNN, arXiv:2603.02226. `steps` counts the steps, 1 at the sequence's first.

    A unit whose sum of sines, with its gate bias, is above 0 takes the candidate; any other keeps its h.
    """
    h = state["h"]
    size = len(h)
    t = state["steps"] + 1.0
    candidate = np.tanh(p["weight_ih"] @ x + p["weight_hh"] @ h + bias_of(p, 0, size))
    new_h = np.zeros(size)
    for i in range(size):
        a = p["gate_bias"][i]
        for k in range(len(p["gate_omega"])):
            a = a + p["gate_alpha"][i, k] * np.sin(p["gate_omega"][k] * t[0] + p["gate_phi"][i, k])
        g = 1.0 if a > 0.0 else 0.0
        new_h[i] = h[i] + g * (candidate[i] - h[i])
    return new_h, {"h": new_h, "steps": t}


def surnn_initial(p: Parameters, options: Options) -> State:
    return {"h": np.zeros(len(p["weight_hh"])), "steps": np.zeros(1)}


surnn = unroll(surnn_step, surnn_initial)
