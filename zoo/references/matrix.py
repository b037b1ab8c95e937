"""Cells with a matrix for a state.

Plain NumPy in float64, written from papers and official code alone: one sequence, one step, one gate at a time. Nothing
is batched, fused or shared with the cells. Dropout, and batch norm's training mode, are not here.

The records name every cell of the family here, those of zoo.references.delta and zoo.references.rwkv too.
"""

from __future__ import annotations

import numpy as np

from zoo.references.arithmetic import (
    Array,
    Options,
    Parameters,
    State,
    gate,
    sigmoid,
    silu,
    unroll,
)


def head_normed(y: Array, eps: float) -> Array:
    """MultiHeadLayerNorm of NX-AI/xlstm for one head, before its weight: mean 0 and biased variance 1."""
    mean = y.sum() / len(y)
    result: Array = (y - mean) / np.sqrt(((y - mean) ** 2).sum() / len(y) + eps)
    return result


def remembered(
    q: Array, k: Array, v: Array, gates: tuple[float, float], state: State, a: int, eps: float
) -> tuple[Array, Array, Array]:
    """mLSTM in head a, arXiv:2405.04517, without its stabiliser: what is read, and the new C and n.

    C is the paper's, v kᵀ: C[head] has v's index first and k's second (NX-AI/xlstm keeps the transpose). A state comes
    in as C exp(m) and n exp(m) and goes out with m = 0. Keys are divided by the root of their size, as in NX-AI/xlstm.
    That code adds eps to the divisor where all is divided by exp(m), its running maximum, which `state` carries too.
    """
    i, f, scale = np.exp(gates[0]), float(sigmoid(np.array(gates[1]))), np.exp(state["m"][a])
    k = k / np.sqrt(len(k))
    C = f * state["C"][a] * scale + i * np.outer(v, k)
    n = f * state["n"][a] * scale + i * k
    top = np.exp(max(np.log(f) + state["top"][a], gates[0]))
    return C @ q / (max(abs(float(n @ q)), 1.0) + eps * top), C, n


def mlstm_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """mLSTM as the layer of NX-AI/xlstm's large model; rows q, k, v, o, and i, then f, of every head."""
    heads, H, keys = options.heads, state["C"].shape[0] * state["C"].shape[1], state["n"].size
    d, dk = H // heads, keys // heads
    gates = p["weight_gates"] @ x + p["bias_gates"]
    if options.soft_cap is not None:
        gates = options.soft_cap * np.tanh(gates / options.soft_cap)
    rows = p["weight_ih"] @ x + p.get("bias", np.zeros(2 * keys + 2 * H))
    q, k, v, o = rows[:keys], rows[keys : 2 * keys], rows[2 * keys : 2 * keys + H], rows[2 * keys + H :]
    output, new = np.zeros(H), {name: np.zeros_like(value) for name, value in state.items()}
    for a in range(heads):
        own = (gates[a], gates[heads + a])
        read, new["C"][a], new["n"][a] = remembered(
            gate(q, a, dk), gate(k, a, dk), gate(v, a, d), own, state, a, options.divisor_eps
        )
        new["top"][a] = max(np.log(sigmoid(own[1])) + state["top"][a], own[0])
        if options.norm_eps is not None:
            read = head_normed(read, options.norm_eps) * gate(p["norm_weight"], a, d)
        output[a * d : (a + 1) * d] = sigmoid(gate(o, a, d)) * read
    return output, new


def mlstm_block_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """mLSTMLayer of NX-AI/xlstm, xlstm/blocks/mlstm/layer.py, up to its last product, and mLSTMCell of cell.py.

    proj_up gives x_mlstm, then z; q and k are read from what the convolution and silu leave, v from x_mlstm itself. The
    gates read q, k and v side by side, keys before they are divided.
    """
    heads, H, size = options.heads, len(p["skip"]), p["weight_qkv"].shape[2]
    d = H // heads
    up = p["weight_in"] @ x
    x_mlstm, z = up[:H], up[H:]
    window = np.concatenate([state["past"], x_mlstm[None]])
    conv = p["conv_bias"] + sum(p["conv_weight"][:, tap] * window[tap] for tap in range(options.kernel))
    act = silu(conv)

    def headwise(which: int, y: Array) -> Array:
        blocks = p["weight_qkv"][which]
        return np.concatenate([blocks[b] @ gate(y, b, size) for b in range(len(blocks))])

    q, k, v = headwise(0, act), headwise(1, act), headwise(2, x_mlstm)
    gates = p["weight_gates"] @ np.concatenate([q, k, v]) + p["bias_gates"]
    output, new = np.zeros(H), {name: np.zeros_like(value) for name, value in state.items()}
    new["past"] = window[1:]
    for a in range(heads):
        own = (gates[a], gates[heads + a])
        read, new["C"][a], new["n"][a] = remembered(
            gate(q, a, d), gate(k, a, d), gate(v, a, d), own, state, a, options.divisor_eps
        )
        new["top"][a] = max(np.log(sigmoid(own[1])) + state["top"][a], own[0])
        normed = head_normed(read, options.norm_eps) * gate(p["norm_weight"], a, d)
        output[a * d : (a + 1) * d] = normed + gate(p["skip"], a, d) * gate(act, a, d)
    return output * silu(z), new


def memory_of(heads: int, values: int, keys: int) -> State:
    return {
        "C": np.zeros((heads, values, keys)),
        "n": np.zeros((heads, keys)),
        "m": np.zeros(heads),
        "top": np.zeros(heads),
    }


def mlstm_initial(p: Parameters, options: Options) -> State:
    """rows = 2 H + 2 heads keys, of which keys are as many as values where nothing else is said."""
    rows, heads = len(p["weight_ih"]), options.heads
    keys = options.key_size or rows // (4 * heads)
    return memory_of(heads, (rows - 2 * heads * keys) // (2 * heads), keys)


def mlstm_block_initial(p: Parameters, options: Options) -> State:
    H, taps = p["conv_weight"].shape
    size = H // options.heads
    return {**memory_of(options.heads, size, size), "past": np.zeros((taps - 1, H))}


mlstm = unroll(mlstm_step, mlstm_initial)
mlstm_block = unroll(mlstm_block_step, mlstm_block_initial)
