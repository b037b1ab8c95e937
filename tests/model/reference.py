"""Plain NumPy references in float64, written from the published equations alone.

rnn and lstm as in the documentation of torch.nn.RNN and torch.nn.LSTM (proj_size from arXiv:1402.1128); gru as in the
documentation of torch.nn.GRU (`after`) and as in Cho et al. 2014, equations 5 to 8 (`before`). Every row, step and
gate by itself; nothing is batched, fused or shared with the code under test.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def sigmoid(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-x))


def bias_of(weights: Mapping[str, Array], gates: int) -> tuple[list[Array], list[Array]]:
    """The biases of the input and of the recurrent product, gate by gate; a single bias counts as the input's."""
    size = weights["weight_hh"].shape[0] // gates
    none = np.zeros(gates * size)
    b_i = weights.get("bias_ih", weights.get("bias", none))
    b_h = weights.get("bias_hh", none)
    return np.split(b_i, gates), np.split(b_h, gates)


def rnn_step(x: Array, h: Array, weights: Mapping[str, Array], nonlinearity: str) -> Array:
    (b_i,), (b_h,) = bias_of(weights, 1)
    a = weights["weight_ih"] @ x + b_i + weights["weight_hh"] @ h + b_h
    return np.tanh(a) if nonlinearity == "tanh" else np.maximum(a, 0.0)


def lstm_step(x: Array, h: Array, c: Array, weights: Mapping[str, Array]) -> tuple[Array, Array]:
    W, U = np.split(weights["weight_ih"], 4), np.split(weights["weight_hh"], 4)
    b_i, b_h = bias_of(weights, 4)
    i, f, g, o = (W[k] @ x + b_i[k] + U[k] @ h + b_h[k] for k in range(4))
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(c)
    if "weight_hr" in weights:
        h = weights["weight_hr"] @ h
    return h, c


def gru_step(x: Array, h: Array, weights: Mapping[str, Array], reset_gate: str) -> Array:
    W, U = np.split(weights["weight_ih"], 3), np.split(weights["weight_hh"], 3)
    b_i, b_h = bias_of(weights, 3)
    r = sigmoid(W[0] @ x + b_i[0] + U[0] @ h + b_h[0])
    z = sigmoid(W[1] @ x + b_i[1] + U[1] @ h + b_h[1])
    if reset_gate == "after":
        n = np.tanh(W[2] @ x + b_i[2] + r * (U[2] @ h + b_h[2]))
    else:
        n = np.tanh(W[2] @ x + b_i[2] + U[2] @ (r * h) + b_h[2])
    return (1.0 - z) * n + z * h


def run_row(
    cell: Mapping[str, object], weights: Mapping[str, Array], x: Array, h: Array, c: Array | None = None
) -> tuple[Array, Array, Array | None]:
    """One row x (T, F) from its first to its last step: outputs (T, D), the last h (D,) and c (H,)."""
    outputs = []
    for x_t in x:
        if cell["kind"] == "rnn":
            h = rnn_step(x_t, h, weights, str(cell.get("nonlinearity", "tanh")))
        elif cell["kind"] == "gru":
            h = gru_step(x_t, h, weights, str(cell.get("reset_gate", "after")))
        else:
            assert c is not None
            h, c = lstm_step(x_t, h, c, weights)
        outputs.append(h)
    return np.stack(outputs), h, c
