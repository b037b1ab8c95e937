"""Cells over maps: x is (T, channels, rows, columns).

Plain NumPy in float64, written from papers alone: one sequence, one step, one gate, one place at a time. Nothing is
batched, fused or shared with the cells. Dropout is not here.
"""

from __future__ import annotations

import numpy as np

from zoo.references.arithmetic import Array, Options, Parameters, State, gate, sigmoid, unroll


def convolved(x: Array, weight: Array) -> Array:
    """Cross-correlation, as in torch, of x (C, rows, columns) with weight (F, C, k, k), zeros around x; same size."""
    features, _, k, _ = weight.shape
    _, height, width = x.shape
    reach = k // 2
    y = np.zeros((features, height, width))
    for i in range(height):
        for j in range(width):
            for a in range(k):
                for b in range(k):
                    row, column = i + a - reach, j + b - reach
                    if 0 <= row < height and 0 <= column < width:
                        y[:, i, j] += weight[:, :, a, b] @ x[:, row, column]
    return y


def convlstm_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """ConvLSTM, arXiv:1506.04214, equation (3); rows i, f, c, o; peepholes i, f, which see the old c, o the new one.

    Without peepholes as in Keras ConvLSTM2D.
    """
    h, c = state["h"], state["c"]
    size = len(c)

    def preactivation(k: int) -> Array:
        inputs = convolved(x, gate(p["weight_ih"], k, size))
        recurrent = convolved(h, gate(p["weight_hh"], k, size))
        return inputs + recurrent + gate(p["bias"], k, size)[:, None, None]

    def look(k: int, cell: Array) -> Array:
        return gate(p["peephole"], k, size) * cell if options.peephole else np.zeros_like(cell)

    i = sigmoid(preactivation(0) + look(0, c))
    f = sigmoid(preactivation(1) + look(1, c))
    new_c = f * c + i * np.tanh(preactivation(2))
    o = sigmoid(preactivation(3) + look(2, new_c))
    new_h = o * np.tanh(new_c)
    return new_h, {"h": new_h, "c": new_c}


def convgru_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """ConvGRU, arXiv:1511.06432, section 3.1 (GRU-RCN); rows z, r, h. The paper writes no biases.

    r resets h before the convolution; z is the share of the candidate.
    """
    h = state["h"]
    size = len(h)

    def preactivation(k: int, seen: Array) -> Array:
        total = convolved(x, gate(p["weight_ih"], k, size)) + convolved(seen, gate(p["weight_hh"], k, size))
        return total + gate(p["bias"], k, size)[:, None, None] if options.bias == "one" else total

    z, r = sigmoid(preactivation(0, h)), sigmoid(preactivation(1, h))
    new_h = (1.0 - z) * h + z * np.tanh(preactivation(2, r * h))
    return new_h, {"h": new_h}


def empty(x: Array, p: Parameters, names: tuple[str, ...]) -> State:
    """Maps of zeros as large as those of x (T, channels, rows, columns)."""
    features = p["weight_hh"].shape[1]
    return {name: np.zeros((features, *x.shape[2:])) for name in names}


def convlstm(x: Array, p: Parameters, options: Options) -> Array:
    """ConvLSTM from x (T, C, rows, columns) to y (T, F, rows, columns)."""
    return unroll(convlstm_step, lambda p, options: empty(x, p, ("h", "c")))(x, p, options)


def convgru(x: Array, p: Parameters, options: Options) -> Array:
    """ConvGRU from x (T, C, rows, columns) to y (T, F, rows, columns)."""
    return unroll(convgru_step, lambda p, options: empty(x, p, ("h",)))(x, p, options)
