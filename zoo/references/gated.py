"""Gated cells with fewer gates.

Plain NumPy in float64, written from papers and official code alone: one sequence, one step, one gate at a time. Nothing
is batched, fused or shared with the cells. Dropout, and batch norm's training mode, are not here.

The records name every cell of the family here, those of zoo.references.additive, zoo.references.typed and
zoo.references.updates too.
"""

from __future__ import annotations

import numpy as np

from zoo.references.arithmetic import (
    EPS,
    Array,
    Options,
    Parameters,
    State,
    bias_of,
    gate,
    layer_norm,
    of_gates,
    phi,
    sigmoid,
    unroll,
)


def mgu_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Minimal gated unit, arXiv:1603.09420; rows f, h. The gate resets before the matrix and updates after it."""
    h = state["h"]
    size = len(h)
    W, U = p["weight_ih"], p["weight_hh"]
    f = sigmoid(gate(W, 0, size) @ x + gate(U, 0, size) @ h + bias_of(p, 0, size))
    candidate = np.tanh(gate(W, 1, size) @ x + gate(U, 1, size) @ (f * h) + bias_of(p, 1, size))
    new_h = (1.0 - f) * h + f * candidate
    return new_h, {"h": new_h}


def ligru_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Light GRU, arXiv:1803.10225 as in SpeechBrain's LiGRU_Layer; rows z, h (SpeechBrain stacks h, z).

    The norm takes the stacked Wx of both gates: batch norm by its running statistics, layer norm over all 2H features.
    """
    h = state["h"]
    size = len(h)
    wx = p["weight_ih"] @ x
    norm = options.norm
    if norm == "batch":
        root = np.sqrt(p["norm.running_var"] + EPS)
        wx = (wx - p["norm.running_mean"]) / root * p["norm.weight"] + p["norm.bias"]
    elif norm == "layer":
        wx = layer_norm(wx, p["norm.weight"], p["norm.bias"])
    else:
        assert norm == "none", norm
        wx = wx + np.concatenate([bias_of(p, 0, size), bias_of(p, 1, size)])
    z = sigmoid(gate(wx, 0, size) + gate(p["weight_hh"], 0, size) @ h)
    candidate = phi(options.nonlinearity, gate(wx, 1, size) + gate(p["weight_hh"], 1, size) @ h)
    new_h = z * h + (1.0 - z) * candidate
    return new_h, {"h": new_h}


def indrnn_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """IndRNN, arXiv:1803.04831 and IndRNN_onlyrecurrent.py: each unit sees its own past alone."""
    h = state["h"]
    a = p["weight_ih"] @ x + p["weight_hh"] * h + bias_of(p, 0, len(h))
    new_h = phi(options.nonlinearity, a)
    return new_h, {"h": new_h}


def janet_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """JANET, arXiv:1804.04849 and its authors' rnn_cells.py; rows f, c (the authors stack c, f)."""
    c = state["c"]
    size = len(c)
    W, U = p["weight_ih"], p["weight_hh"]
    s = gate(W, 0, size) @ x + gate(U, 0, size) @ c + bias_of(p, 0, size)
    candidate = np.tanh(gate(W, 1, size) @ x + gate(U, 1, size) @ c + bias_of(p, 1, size))
    new_c = sigmoid(s) * c + (1.0 - sigmoid(s - options.beta)) * candidate
    return new_c, {"c": new_c}


mgu = unroll(mgu_step, of_gates(2))
ligru = unroll(ligru_step, of_gates(2))
indrnn = unroll(indrnn_step, of_gates(1))
janet = unroll(janet_step, of_gates(2, "c"))
