"""Time mixing of RWKV-4 and RWKV-7.

Plain NumPy in float64, written from papers and official code alone: one sequence, one step, one head at a time. Nothing
is batched, fused or shared with the cells. Dropout is not here.

Both end where the official code multiplies by its `output`. `past` is the input of the step before, zeros at first.
"""

from __future__ import annotations

import numpy as np

from zoo.references.arithmetic import Array, Options, Parameters, State, gate, sigmoid, unroll


def rwkv4_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """RWKV-4, BlinkDL/RWKV-LM RWKV-v4/src/model.py, RWKV_TimeMix, and RWKV-v4/cuda/wkv_cuda.cu, kernel_forward.

    arXiv:2305.13048. aa and bb are that kernel's p and q, sums divided by exp(pp), its o, which starts at -1e38.
    """
    past, aa, bb, pp = state["past"], state["aa"], state["bb"], state["pp"]
    k, v, r = (
        p[name] @ (x * p[f"time_mix_{short}"] + past * (1.0 - p[f"time_mix_{short}"]))
        for name, short in (("key", "k"), ("value", "v"), ("receptance", "r"))
    )
    w, u = -np.exp(p["time_decay"]), p["time_first"]

    top = np.maximum(pp, u + k)
    old, new = np.exp(pp - top), np.exp(u + k - top)
    wkv = (old * aa + new * v) / (old * bb + new)

    top = np.maximum(w + pp, k)
    old, new = np.exp(w + pp - top), np.exp(k - top)
    y = sigmoid(r) * wkv
    return y, {"y": y, "aa": old * aa + new * v, "bb": old * bb + new, "pp": top, "past": x}


def rwkv7_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """RWKV-7, BlinkDL/RWKV-LM RWKV-v7/rwkv_v7_numpy.py, time_mixing, whose v0 is what stands behind x in later layers.

    S[head] has v's index first and k's second. The factor e^-1/2 of the decay is exact, as there and in
    arXiv:2503.14456; rwkv_v7_demo_rnn.py rounds it to 0.606531.
    """
    heads, N = p["r_k"].shape
    assert heads == options.heads, (heads, options.heads)
    x, first = x[: p["mix"].shape[1]], x[p["mix"].shape[1] :]
    xr, xw, xk, xv, xa, xg = (x + m * (state["past"] - x) for m in p["mix"])
    r, k, v = p["receptance"] @ xr, p["key"] @ xk, p["value"] @ xv
    if options.value_rank is not None:
        v = v + (first - v) * sigmoid(p["v0"] + (xv @ p["v1"]) @ p["v2"])
    decay = np.exp(-np.exp(-0.5) * sigmoid(p["w0"] + np.tanh(xw @ p["w1"]) @ p["w2"]))
    rate = sigmoid(p["a0"] + (xa @ p["a1"]) @ p["a2"])
    g = sigmoid(xg @ p["g1"]) @ p["g2"]
    removed = k * p["k_k"]
    k = k + k * (rate - 1.0) * p["k_a"]
    new_S = np.zeros((heads, N, N))
    y = np.zeros(heads * N)
    for a in range(heads):
        r_a, k_a, v_a = gate(r, a, N), gate(k, a, N), gate(v, a, N)
        kk = gate(removed, a, N)
        kk = kk / max(float(np.sqrt((kk**2).sum())), 1e-12)
        S = state["S"][a]
        new_S[a] = S * gate(decay, a, N)[None, :] - np.outer(S @ kk, kk * gate(rate, a, N)) + np.outer(v_a, k_a)
        read = new_S[a] @ r_a
        normed = (read - read.mean()) / np.sqrt(((read - read.mean()) ** 2).mean() + 64e-5)
        bonus = (r_a * k_a * p["r_k"][a]).sum() * v_a
        y[a * N : (a + 1) * N] = normed * gate(p["ln_weight"], a, N) + gate(p["ln_bias"], a, N) + bonus
    output = np.concatenate([y * g, v]) if options.give_values else y * g
    return output, {"S": new_S, "past": x}


def rwkv4_initial(p: Parameters, options: Options) -> State:
    size, width = p["key"].shape
    sums = {name: np.zeros(size) for name in ("y", "aa", "bb")}
    return {**sums, "pp": np.full(size, -1e38), "past": np.zeros(width)}


def rwkv7_initial(p: Parameters, options: Options) -> State:
    heads, N = p["r_k"].shape
    return {"S": np.zeros((heads, N, N)), "past": np.zeros(p["mix"].shape[1])}


rwkv4 = unroll(rwkv4_step, rwkv4_initial)
rwkv7 = unroll(rwkv7_step, rwkv7_initial)
