"""Matrix memories that decay and are added to: the state space of Mamba-2, retention, and HGRN2.

Plain NumPy in float64, written from papers and official code alone: one row, one step, one head at a time. Nothing is
batched, fused or shared with the cells. Dropout is not here.

All end where the official layer multiplies by its last matrix; `past` holds what the convolution saw before, oldest
first.
"""

from __future__ import annotations

import numpy as np

from zoo.references.arithmetic import (
    Array,
    Options,
    Parameters,
    State,
    gate,
    rising_bound,
    rms_norm,
    silu,
    softplus,
    unroll,
)


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


def rotated(x: Array, position: int) -> Array:
    """fla/modules/rotary.py, rotary_embedding_ref without interleaving: element j with element j + half of them."""
    half = len(x) // 2
    y = np.zeros_like(x)
    for j in range(half):
        angle = position / 10000.0 ** (2 * j / len(x))
        turn = (x[j] + 1j * x[j + half]) * np.exp(1j * angle)
        y[j], y[j + half] = turn.real, turn.imag
    return y


def of_heads(x: Array, state: State, p: Parameters, options: Options) -> tuple[list[Array], Array]:
    """Rows of weight_qkv x, convolved over time where there is a kernel, in three blocks, and the new past."""
    heads, rows_of_values = options.heads, state["S"].shape[0] * state["S"].shape[2]
    now, past = p["weight_qkv"] @ x, state["past"]
    if options.kernel:
        now, past = convolved(now, past, p["conv_weight"])
    keys = heads * state["S"].shape[1]
    assert len(now) == 2 * keys + rows_of_values
    return [now[:keys], now[keys : 2 * keys], now[2 * keys :]], past


def retnet_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Multi-scale retention, arXiv:2307.08621 as in fla/layers/multiscale_retention.py and fla/ops/retention/naive.py.

    s = log2(1 - 2^(-5 - head)) is the decay; q is scaled by d_k^-1/2. Rotary positions count from 0. silu behind a
    convolution only.
    """
    heads, dk, dv = state["S"].shape
    blocks, past = of_heads(x, state, p, options)
    q, k, v = (silu(block) for block in blocks) if options.kernel else blocks
    position = int(state["position"])
    new_S, reads = np.zeros_like(state["S"]), []
    for a in range(heads):
        turned_q, turned_k = rotated(gate(q, a, dk), position), rotated(gate(k, a, dk), position)
        decay = 2.0 ** np.log2(1.0 - 2.0 ** (-5.0 - a))
        new_S[a] = decay * state["S"][a] + np.outer(turned_k, gate(v, a, dv))
        reads.append(rms_norm(dk**-0.5 * turned_q @ new_S[a], p["norm_weight"], options.norm_eps))
    output = np.concatenate(reads)
    if options.output_gate:
        output = output * silu(p["weight_g"] @ x)
    return output, {"S": new_S, "past": past, "position": np.array(position + 1)}


def hgrn2_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """HGRN2, arXiv:2404.07904 as in fla/layers/hgrn2.py, with fla/ops/gla/naive.py for its recurrence.

    q goes through swish, the convolutions through nothing. g = log(lower + (1 - lower) sigmoid(f)), k = 1 - exp(g).
    q is scaled by d_k^-1/2, as gla does it. One norm over all heads.
    """
    heads, dk, dv = state["S"].shape
    (q, f, v), past = of_heads(x, state, p, options)
    bound = rising_bound(p) if options.learned_bound else options.lower_bound
    g = np.log(bound + (1.0 - bound) / (1.0 + np.exp(-f)))
    k = 1.0 - np.exp(g)
    new_S, reads = np.zeros_like(state["S"]), []
    for a in range(heads):
        kept = np.exp(gate(g, a, dk))[:, None] * state["S"][a]
        new_S[a] = kept + np.outer(gate(k, a, dk), gate(v, a, dv))
        reads.append(dk**-0.5 * silu(gate(q, a, dk)) @ new_S[a])
    return rms_norm(np.concatenate(reads), p["norm_weight"], options.norm_eps), {"S": new_S, "past": past}


def mamba2_start(p: Parameters, options: Options) -> State:
    size, taps = p["conv_weight"].shape
    P = len(p["norm_weight"]) // options.heads
    return {"h": np.zeros((options.heads, P, options.state_size)), "past": np.zeros((taps - 1, size))}


def memory_start(values: int, p: Parameters, options: Options) -> State:
    """For values of all heads together."""
    keys = (len(p["weight_qkv"]) - values) // 2
    past = np.zeros((max(options.kernel - 1, 0), len(p["weight_qkv"])))
    shape = (options.heads, keys // options.heads, values // options.heads)
    return {"S": np.zeros(shape), "past": past, "position": np.array(0)}


def retnet_start(p: Parameters, options: Options) -> State:
    return memory_start(options.heads * len(p["norm_weight"]), p, options)


def hgrn2_start(p: Parameters, options: Options) -> State:
    return memory_start(len(p["norm_weight"]), p, options)


mamba2 = unroll(mamba2_step, mamba2_start)
retnet = unroll(retnet_step, retnet_start)
hgrn2 = unroll(hgrn2_step, hgrn2_start)
