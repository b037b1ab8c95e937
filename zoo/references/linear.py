"""Cells that are linear in their state.

Plain NumPy in float64, written from papers and official code alone: one sequence, one step, one gate at a time. Nothing
is batched, fused or shared with the cells. Dropout, and batch norm's training mode, are not here.

The records name every cell of the family here, those of zoo.references.spaces too.
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
    of_gates,
    sigmoid,
    softplus,
    unroll,
)


def candidate_of(options: Options, x: Array) -> Array:
    """g of arXiv:2410.01201, appendix B, which keeps candidates positive; or the candidate as it is."""
    if options.candidate == "positive":
        return np.where(x >= 0.0, x + 0.5, sigmoid(x))
    assert options.candidate == "linear", options.candidate
    return x


def mingru_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """minGRU, arXiv:2410.01201; rows z, h. Neither gate nor candidate sees the past."""
    h = state["h"]
    size = len(h)
    z = sigmoid(gate(p["weight_ih"], 0, size) @ x + bias_of(p, 0, size))
    candidate = candidate_of(options, gate(p["weight_ih"], 1, size) @ x + bias_of(p, 1, size))
    new_h = (1.0 - z) * h + z * candidate
    return new_h, {"h": new_h}


def minlstm_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """minLSTM, arXiv:2410.01201, its length-independent form; rows f, i, h."""
    h = state["h"]
    size = len(h)
    f = sigmoid(gate(p["weight_ih"], 0, size) @ x + bias_of(p, 0, size))
    i = sigmoid(gate(p["weight_ih"], 1, size) @ x + bias_of(p, 1, size))
    candidate = candidate_of(options, gate(p["weight_ih"], 2, size) @ x + bias_of(p, 2, size))
    new_h = f / (f + i) * h + i / (f + i) * candidate
    return new_h, {"h": new_h}


def block_diagonal(x: Array, weight: Array, bias: Array) -> Array:
    """BlockDiagonalLinear of recurrentgemma: y[j] = sum over i of x[i] w[block, i, j], block by block."""
    blocks, width, _ = weight.shape
    y = np.zeros(blocks * width)
    for b in range(blocks):
        for j in range(width):
            for i in range(width):
                y[b * width + j] += x[b * width + i] * weight[b, i, j]
    return y + bias


def rglru_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """RG-LRU, arXiv:2402.19427 as in recurrentgemma's RGLRU.

    At the first step of a sequence that code multiplies the input by 1 and the old state by 0, so whatever state
    a sequence starts from has no effect. Age counts the steps that the sequence has seen.
    """
    assert len(p["weight_a"]) == len(p["weight_x"]) == options.heads
    r = sigmoid(block_diagonal(x, p["weight_a"], p["bias_a"]))
    i = sigmoid(block_diagonal(x, p["weight_x"], p["bias_x"]))
    a = np.exp(-8.0 * r * softplus(p["Lambda"]))
    new_h = i * x if state["age"] == 0 else a * state["h"] + np.sqrt(1.0 - a**2) * (i * x)
    return new_h, {"h": new_h, "age": state["age"] + 1}


def lru_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """LRU, arXiv:2303.06349 as in minimal-LRU's lru/model.py. gamma is a parameter of its own, tied to nothing."""
    decay = np.exp(-np.exp(p["nu_log"]) + 1j * np.exp(p["theta_log"]))
    B = p["B_re"] + 1j * p["B_im"]
    C = p["C_re"] + 1j * p["C_im"]
    new_h = decay * state["h"] + np.exp(p["gamma_log"]) * (B @ x)
    return (C @ new_h).real + p["D"] * x, {"h": new_h}


def rglru_initial(p: Parameters, options: Options) -> State:
    return {"h": np.zeros(len(p["Lambda"])), "age": np.zeros(())}


def lru_initial(p: Parameters, options: Options) -> State:
    return {"h": np.zeros(len(p["nu_log"]), dtype=np.complex128)}


mingru = unroll(mingru_step, of_gates(2))
minlstm = unroll(minlstm_step, of_gates(3))
rglru = unroll(rglru_step, rglru_initial)
lru = unroll(lru_step, lru_initial)
