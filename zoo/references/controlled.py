"""Relatives of the LSTM whose output, or what their gates see, is not its h.

Plain NumPy in float64, written from papers and official code alone: one sequence, one step, one gate at a time. Nothing
is batched, fused or shared with the cells. Dropout is not here.
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
    relu,
    sigmoid,
    softmax,
    softplus,
    unroll,
)


def slstm_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """sLSTM, arXiv:2405.04517, section 2.2; rows i, f, z, o, and within each head after head.

    Stabilised as in NX-AI/xlstm xlstm/blocks/slstm/src/vanilla/slstm.py, slstm_forward_pointwise: m is the greater of i
    and m + log sigmoid(f), or i where n is 0, asked there of all units of a batch at once.
    """
    y, c, n, m = (state[name] for name in ("y", "c", "n", "m"))
    size = len(y)
    d = size // options.heads

    def preactivation(k: int) -> Array:
        total = gate(p["weight_ih"], k, size) @ x + gate(p["bias"], k, size)
        block = gate(p["weight_hh"], k, size)
        for head in range(options.heads):
            own = slice(head * d, (head + 1) * d)
            total[own] = total[own] + block[own] @ y[own]
        return total

    i, log_f_m = preactivation(0), m - softplus(-preactivation(1))
    new_m = np.where(n == 0.0, i, np.maximum(i, log_f_m))
    new_i = np.minimum(np.exp(i - new_m), 1.0)
    new_f = np.exp(np.minimum(log_f_m - new_m, 0.0))
    new_c = new_f * c + new_i * np.tanh(preactivation(2))
    new_n = new_f * n + new_i
    new_y = sigmoid(preactivation(3)) * new_c / new_n
    return new_y, {"y": new_y, "c": new_c, "n": new_n, "m": new_m}


def memory_control_lstm_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """LSTM with memory control, "Sequence modeling with memory control", NIPS 2017 time series workshop.

    Rows f, i, o, m, n. Every gate sees v in place of h. From the equations that issue 136 of RecurrentLayers.jl
    gives for it.
    """
    v, c = state["v"], state["c"]
    size = len(c)

    def preactivation(k: int) -> Array:
        return gate(p["weight_ih"], k, size) @ x + gate(p["weight_hh"], k, size) @ v + bias_of(p, k, size)

    f, i, o, m = (sigmoid(preactivation(k)) for k in range(4))
    new_c = f * c + i * np.tanh(preactivation(4))
    new_h = o * np.tanh(new_c)
    return new_h, {"h": new_h, "v": m * np.tanh(new_c), "c": new_c}


def nas_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """The cell found by search, arXiv:1611.01578 as in deepmind/lamb lamb/nascell.py, which is TensorFlow's NASCell.

    Biases belong to the products of the state, and so are multiplied in block 3.
    """
    h, c = state["h"], state["c"]
    size = len(c)
    by_input = [gate(p["weight_ih"], k, size) @ x for k in range(8)]
    by_state = [gate(p["weight_hh"], k, size) @ h + bias_of(p, k, size) for k in range(8)]
    first = [
        sigmoid(by_input[0] + by_state[0]),
        relu(by_input[1] + by_state[1]),
        sigmoid(by_input[2] + by_state[2]),
        relu(by_input[3] * by_state[3]),
        np.tanh(by_input[4] + by_state[4]),
        sigmoid(by_input[5] + by_state[5]),
        np.tanh(by_input[6] + by_state[6]),
        sigmoid(by_input[7] + by_state[7]),
    ]
    injected = np.tanh(np.tanh(first[0] * first[1]) + c)
    new_c = injected * np.tanh(first[2] + first[3])
    shown = np.tanh(np.tanh(first[4] * first[5]) + sigmoid(first[6] + first[7]))
    new_h = np.tanh(new_c * shown)
    return new_h, {"h": new_h, "c": new_c}


def intersection_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """+RNN, arXiv:1611.09913 as in TensorFlow's contrib IntersectionRNNCell; rows gh, h, gy, y.

    It adds forget_bias to both gates, where it is part of the bias here. Its num_in_proj is a linear map in front.
    """
    h = state["h"]
    size = len(h)
    seen = p["weight_in"] @ x + p["bias_in"] if "weight_in" in p else x

    def preactivation(k: int) -> Array:
        return gate(p["weight_ih"], k, size) @ seen + gate(p["weight_hh"], k, size) @ h + gate(p["bias"], k, size)

    through_time, through_depth = sigmoid(preactivation(0)), sigmoid(preactivation(2))
    new_h = through_time * h + (1.0 - through_time) * np.tanh(preactivation(1))
    new_y = through_depth * seen + (1.0 - through_depth) * relu(preactivation(3))
    return new_y, {"y": new_y, "h": new_h}


def mclstm_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Mass-conserving LSTM, arXiv:2101.05186 as in ml-jku/mc-lstm mclstm.py, MassConservingLSTM with time_dependent.

    The gates see the auxiliary inputs and c over its sum. What leaves is taken from c.
    """
    c = state["c"]
    size, masses = len(c), options.mass
    mass, auxiliary = x[:masses], x[masses:]
    total = float(c.sum())
    seen = np.concatenate([auxiliary, c / (total if total != 0.0 else 1.0)])
    r = (p["weight_r"] @ seen + p["bias_r"]).reshape(size, size)
    i = (p["weight_i"] @ seen + p["bias_i"]).reshape(masses, size)
    o = sigmoid(p["weight_o"] @ seen + p["bias_o"])
    held = np.zeros(size)
    for j in range(size):
        held = held + c[j] * softmax(r[j])
    for j in range(masses):
        held = held + mass[j] * softmax(i[j])
    new_h = o * held
    return new_h, {"h": new_h, "c": held - new_h}


def elstm_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """eLSTM, arXiv:2305.19044, section 3.1; rows f, z, o. f and z see the old c elementwise, o the new one through W_o.

    IDSIA/rtrl-elstm diagnostic/layers.py, QuasiLSTMlayer, has f and z, with the biases.
    """
    c = state["c"]
    size = len(c)
    f, z, o = (gate(p["weight_ih"], k, size) @ x + gate(p["bias"], k, size) for k in range(3))
    f = sigmoid(f + gate(p["weight_ch"], 0, size) * c)
    z = np.tanh(z + gate(p["weight_ch"], 1, size) * c)
    new_c = f * c + (1.0 - f) * z
    return sigmoid(o + p["weight_o"] @ new_c) * new_c, {"c": new_c}


def slstm_initial(p: Parameters, options: Options) -> State:
    return {name: np.zeros(len(p["bias"]) // 4) for name in ("y", "c", "n", "m")}


def memory_control_lstm_initial(p: Parameters, options: Options) -> State:
    return {name: np.zeros(p["weight_hh"].shape[1]) for name in ("h", "v", "c")}


slstm = unroll(slstm_step, slstm_initial)
memory_control_lstm = unroll(memory_control_lstm_step, memory_control_lstm_initial)
nas = unroll(nas_step, lambda p, options: {name: np.zeros(p["weight_hh"].shape[1]) for name in ("h", "c")})
intersection = unroll(
    intersection_step, lambda p, options: {name: np.zeros(len(p["bias"]) // 4) for name in ("y", "h")}
)
mclstm = unroll(mclstm_step, lambda p, options: {name: np.zeros(len(p["bias_o"])) for name in ("h", "c")})
elstm = unroll(elstm_step, lambda p, options: {"c": np.zeros(len(p["weight_o"]))})
