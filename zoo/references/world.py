"""The deterministic core of a world model.

Plain NumPy in float64, written from the official code alone: one row, one step, one block at a time. Nothing is
batched, fused or shared with the cell.
"""

from __future__ import annotations

import numpy as np

from zoo.references.arithmetic import Array, Options, Parameters, State, gate, sigmoid, silu, unroll


def normed(x: Array, scale: Array) -> Array:
    """embodied/jax/nets.py, Norm("rms"), whose eps is 1e-4."""
    result: Array = x * scale / np.sqrt((x**2).mean() + 1e-4)
    return result


def rssm_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """DreamerV3's RSSM._core, danijar/dreamerv3 dreamerv3/rssm.py; act silu, norm rms.

    dynin0 (here p) reads deter, dynin1 (q) stoch, dynin2 (e) the action, which is brought to at most 1. Each block of
    the first BlockLinear reads its group of deter, then all three. dyngru has reset, cand, update in each block.
    """
    deter = state["h"]
    stoch, action = x[: len(x) - options.action], x[len(x) - options.action :]
    action = action / np.maximum(1.0, np.abs(action))
    read = [
        silu(normed(p[f"weight_{name}"] @ value + p[f"bias_{name}"], p[f"norm_{name}"]))
        for name, value in (("p", deter), ("q", stoch), ("e", action))
    ]
    size = len(deter) // options.blocks
    groups = [np.concatenate([gate(deter, g, size), *read]) for g in range(options.blocks)]
    for layer in range(options.layers):
        v = np.concatenate([p[f"weight_v.{layer}"][g] @ group for g, group in enumerate(groups)])
        v = silu(normed(v + p[f"bias_v.{layer}"], p[f"norm_v.{layer}"]))
        groups = [gate(v, g, size) for g in range(options.blocks)]
    new_h = np.zeros_like(deter)
    for g, group in enumerate(groups):
        three = p["weight_g"][g] @ group + gate(p["bias_g"], g, 3 * size)
        reset, cand, update = (gate(three, k, size) for k in range(3))
        cand = np.tanh(sigmoid(reset) * cand)
        update = sigmoid(update - 1.0)
        own = slice(g * size, (g + 1) * size)
        new_h[own] = update * cand + (1.0 - update) * deter[own]
    return new_h, {"h": new_h}


def rssm_start(p: Parameters, options: Options) -> State:
    return {"h": np.zeros(p["weight_p"].shape[1])}


rssm = unroll(rssm_step, rssm_start)
