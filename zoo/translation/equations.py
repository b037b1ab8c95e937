"""What Keras's layers and ONNX's nodes compute, by their own definitions, in NumPy and float64.

They are what a translation is held to where the library itself cannot be asked; tests hold them to the libraries. They
share nothing with the layouts: a wrong order there must show here. Sources: the ONNX operators RNN, LSTM and GRU,
version 14 (onnx/docs/Operators.md); keras/src/layers/rnn, classes SimpleRNNCell, LSTMCell and GRUCell.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.translation.neutral import Array
from zoo.translation.of_arrays import KerasLayer, OnnxNode


def run_keras(layer: KerasLayer, x: Array) -> Array:
    """x (B, T, I) -> the layer's output (B, T, D)."""
    per = len(layer.weights) // (1 if layer.merge_mode is None else 2)
    forward = _keras(layer, x, layer.weights[:per])
    if layer.merge_mode is None:
        return forward
    backward = _keras(layer, x[:, ::-1], layer.weights[per:])[:, ::-1]
    if layer.merge_mode == "concat":
        return np.concatenate([forward, backward], -1)
    merged: Array = {"sum": forward + backward, "ave": (forward + backward) / 2, "mul": forward * backward}[
        layer.merge_mode
    ]
    return merged


def _keras(layer: KerasLayer, x: Array, weights: Any) -> Array:
    kernel, recurrent, *rest = (np.asarray(w, np.float64) for w in weights)
    units = len(recurrent)
    bias = rest[0] if rest else np.zeros(kernel.shape[1])
    h = c = np.zeros((len(x), units))
    outputs = []
    for now in x.swapaxes(0, 1):
        if layer.class_name == "SimpleRNN":
            h = _squashed(layer.options.get("activation", "tanh"), now @ kernel + bias + h @ recurrent)
        elif layer.class_name == "LSTM":
            i, f, g, o = np.split(now @ kernel + h @ recurrent + bias, 4, 1)
            c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
            h = _sigmoid(o) * np.tanh(c)
        else:
            of_input, of_state = bias if bias.ndim == 2 else (bias, np.zeros_like(bias))
            x_z, x_r, x_h = np.split(now @ kernel + of_input, 3, 1)
            if layer.options.get("reset_after", True):
                h_z, h_r, h_h = np.split(h @ recurrent + of_state, 3, 1)
                z, r = _sigmoid(x_z + h_z), _sigmoid(x_r + h_r)
                n = np.tanh(x_h + r * h_h)
            else:
                h_z, h_r = np.split(h @ recurrent[:, : 2 * units], 2, 1)
                z, r = _sigmoid(x_z + h_z), _sigmoid(x_r + h_r)
                n = np.tanh(x_h + (r * h) @ recurrent[:, 2 * units :])
            h = z * h + (1 - z) * n
        outputs.append(h)
    return np.stack(outputs, 1)


def run_onnx(node: OnnxNode, x: Array) -> Array:
    """x (B, T, I) -> the node's output Y, its directions side by side, (B, T, D)."""
    direction = node.attributes["direction"]
    found = []
    for index in range(len(node.inputs["W"])):
        turned = direction == "reverse" or index == 1
        y = _onnx(node, index, x[:, ::-1] if turned else x)
        found.append(y[:, ::-1] if turned else y)
    return np.concatenate(found, -1)


def _onnx(node: OnnxNode, index: int, x: Array) -> Array:
    W, R = (np.asarray(node.inputs[name][index], np.float64) for name in "WR")
    hidden = node.attributes["hidden_size"]
    B = np.asarray(node.inputs["B"][index], np.float64) if "B" in node.inputs else np.zeros(2 * len(W))
    P = np.asarray(node.inputs["P"][index], np.float64) if "P" in node.inputs else np.zeros(3 * hidden)
    Wb, Rb = np.split(B, 2)
    H = C = np.zeros((len(x), hidden))
    outputs = []
    for X in x.swapaxes(0, 1):
        if node.op_type == "RNN":
            H = _squashed(node.attributes["activations"][index].lower(), X @ W.T + H @ R.T + Wb + Rb)
        elif node.op_type == "LSTM":
            i, o, f, c = np.split(X @ W.T + H @ R.T + Wb + Rb, 4, 1)
            p_i, p_o, p_f = np.split(P, 3)
            i, f = _sigmoid(i + p_i * C), _sigmoid(f + p_f * C)
            C = f * C + i * np.tanh(c)
            H = _sigmoid(o + p_o * C) * np.tanh(C)
        else:
            (Wz, Wr, Wh), (Rz, Rr, Rh) = np.split(W, 3), np.split(R, 3)
            (Wbz, Wbr, Wbh), (Rbz, Rbr, Rbh) = np.split(Wb, 3), np.split(Rb, 3)
            z = _sigmoid(X @ Wz.T + H @ Rz.T + Wbz + Rbz)
            r = _sigmoid(X @ Wr.T + H @ Rr.T + Wbr + Rbr)
            if node.attributes["linear_before_reset"]:
                n = np.tanh(X @ Wh.T + r * (H @ Rh.T + Rbh) + Wbh)
            else:
                n = np.tanh(X @ Wh.T + (r * H) @ Rh.T + Rbh + Wbh)
            H = (1 - z) * n + z * H
        outputs.append(H)
    return np.stack(outputs, 1)


def _sigmoid(value: Array) -> Array:
    with np.errstate(over="ignore"):  # exp(1000) is infinite, and its inverse the right zero
        found: Array = 1 / (1 + np.exp(-value))
    return found


def _squashed(name: str, value: Array) -> Array:
    found: Array = np.tanh(value) if name == "tanh" else np.maximum(value, 0)
    return found
