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
    bias_of,
    gate,
    sigmoid,
    unroll,
)


def mlstm_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """mLSTM, arXiv:2405.04517, without its stabiliser; rows q, k, v, o, and i, then f, of every head.

    C is the paper's, v kᵀ: C[head] has v's index first and k's second (NX-AI/xlstm keeps the transpose). A state comes
    in as C exp(m) and n exp(m) and goes out with m = 0. The bias belongs to k before the division, as in NX-AI/xlstm;
    that code's 1e-6 in the denominator, absent from the paper, is absent here.
    """
    heads = options.heads
    size = len(p["weight_ih"]) // 4
    d = size // heads
    gates = p["weight_gates"] @ x + p.get("bias_gates", np.zeros(2 * heads))
    q, k, v, o = (gate(p["weight_ih"], j, size) @ x + bias_of(p, j, size) for j in range(4))
    output = np.zeros(size)
    new_C, new_n = np.zeros((heads, d, d)), np.zeros((heads, d))
    for a in range(heads):
        i, f = np.exp(gates[a]), sigmoid(gates[heads + a])
        q_a, k_a, v_a = gate(q, a, d), gate(k, a, d) / np.sqrt(d), gate(v, a, d)
        scale = np.exp(state["m"][a])
        new_C[a] = f * state["C"][a] * scale + i * np.outer(v_a, k_a)
        new_n[a] = f * state["n"][a] * scale + i * k_a
        read = new_C[a] @ q_a / max(abs(float(new_n[a] @ q_a)), 1.0)
        output[a * d : (a + 1) * d] = sigmoid(gate(o, a, d)) * read
    return output, {"C": new_C, "n": new_n, "m": np.zeros(heads)}


def mlstm_initial(p: Parameters, options: Options) -> State:
    d = len(p["weight_ih"]) // 4 // options.heads
    return {"C": np.zeros((options.heads, d, d)), "n": np.zeros((options.heads, d)), "m": np.zeros(options.heads)}


mlstm = unroll(mlstm_step, mlstm_initial)
