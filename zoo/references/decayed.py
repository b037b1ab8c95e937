"""Matrix memories that decay and are added to: the state space of Mamba-2, retention, and HGRN2.

Plain NumPy in float64, written from papers and official code alone: one row, one step, one head at a time. Nothing is
batched, fused or shared with the cells. Dropout is not here.

All end where the official layer multiplies by its last matrix; `past` holds what the convolution saw before, oldest
first.
"""

from __future__ import annotations

import numpy as np

from zoo.references.arithmetic import Array, Options, Parameters, State, gate, rms_norm, rows, silu, softplus


def convolved(now: Array, past: Array, weight: Array) -> tuple[Array, Array]:
    """One feature at a time, over the last steps; the last column of the weight meets the present one."""
    window = np.concatenate([past, now[None]])
    total = np.zeros_like(now)
    for tap in range(weight.shape[1]):
        total = total + weight[:, tap] * window[tap]
    return total, window[1:]


def mamba2_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Mamba-2's SSD, arXiv:2405.21060 as in state-spaces/mamba mamba_ssm/modules/mamba2.py, Mamba2.step.

    in_proj has rows z, x, B, C, dt. x, B and C go through the convolution and silu. Heads read B and C of their group.
    The norm comes after the gate (norm_before_gate=False), over group_size = d_ssm / ngroups features.
    """
    heads, N, groups = options.heads, options.state_size, options.groups
    inner = len(p["norm_weight"])
    P = inner // heads
    projected = p["in_proj"] @ x
    z, xBC, raw = projected[:inner], projected[inner : len(projected) - heads], projected[len(projected) - heads :]
    mixed, past = convolved(xBC, state["past"], p["conv_weight"])
    mixed = silu(mixed + p["conv_bias"])
    seen, B, C = mixed[:inner], mixed[inner : inner + groups * N], mixed[inner + groups * N :]
    new_h = np.zeros((heads, P, N))
    y = np.zeros(inner)
    for a in range(heads):
        own = a // (heads // groups)
        step = float(softplus(raw[a] + p["dt_bias"][a]))
        decay = np.exp(-np.exp(p["A_log"][a]) * step)
        new_h[a] = decay * state["h"][a] + step * np.outer(gate(seen, a, P), gate(B, own, N))
        y[a * P : (a + 1) * P] = new_h[a] @ gate(C, own, N) + p["D"][a] * gate(seen, a, P)
    gated = y * silu(z)
    size = inner // groups
    normed = [rms_norm(gate(gated, g, size), gate(p["norm_weight"], g, size)) for g in range(groups)]
    return np.concatenate(normed), {"h": new_h, "past": past}


def mamba2_start(p: Parameters, options: Options) -> State:
    size, taps = p["conv_weight"].shape
    P = len(p["norm_weight"]) // options.heads
    return {"h": np.zeros((options.heads, P, options.state_size)), "past": np.zeros((taps - 1, size))}


mamba2 = rows(mamba2_step, mamba2_start)
