"""Gated cells whose gates see the input, its past, or a state elementwise, but no state through a matrix.

Plain NumPy in float64, written from papers and official code alone: one sequence, one step, one gate at a time. Nothing
is batched, fused or shared with the cells. Dropout is not here. `past` holds the inputs before, oldest first, 0 at
first.
"""

from __future__ import annotations

import numpy as np

from zoo.references.arithmetic import Array, Options, Parameters, State, gate, of_gates, sigmoid, unroll


def trnn_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Strongly typed network, arXiv:1602.02218, section 3; rows f, z. The candidate has no bias."""
    h = state["h"]
    size = len(h)
    f = sigmoid(gate(p["weight_ih"], 0, size) @ x + p["bias"])
    new_h = f * h + (1.0 - f) * (gate(p["weight_ih"], 1, size) @ x)
    return new_h, {"h": new_h}


def typed(x: Array, past: Array, p: Parameters) -> tuple[Array, Array, Array]:
    """z, f, o of T-GRU and T-LSTM: of x_t, then of x_{t-1}."""
    size = len(p["bias"]) // 3
    seen = np.concatenate([x, past])
    z, f, o = (gate(p["weight_ih"], k, size) @ seen + gate(p["bias"], k, size) for k in range(3))
    return z, sigmoid(f), np.tanh(o)


def tgru_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Strongly typed GRU, arXiv:1602.02218, section 3; rows z, f, o."""
    z, f, o = typed(x, state["past"][-1], p)
    new_h = f * state["h"] + z * o
    return new_h, {"h": new_h, "past": x[None]}


def tlstm_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Strongly typed LSTM, arXiv:1602.02218, section 3; rows z, f, o."""
    z, f, o = typed(x, state["past"][-1], p)
    new_c = f * state["c"] + (1.0 - f) * z
    return new_c * o, {"c": new_c, "past": x[None]}


def sru_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """SRU, arXiv:1709.02755 as in asappresearch/sru sru/ops.py, elementwise_recurrence_naive with activation_type 0.

    Rows c, f, r, and a fourth for the highway where the widths differ, as it is; x itself is scaled there by
    sru/modules.py's scale_x. The gates see the old c.
    """
    c = state["c"]
    size = len(c)
    v_f = gate(p["weight_c"], 0, size) if options.peephole else np.zeros(size)
    v_r = gate(p["weight_c"], 1, size) if options.peephole else np.zeros(size)
    f = sigmoid(gate(p["weight_ih"], 1, size) @ x + v_f * c + gate(p["bias"], 0, size))
    r = sigmoid(gate(p["weight_ih"], 2, size) @ x + v_r * c + gate(p["bias"], 1, size))
    candidate = gate(p["weight_ih"], 0, size) @ x
    new_c = candidate + (c - candidate) * f
    if options.skip == "none":
        highway = np.zeros(size)
    elif len(x) == size:
        scale = np.sqrt(1.0 + 2.0 * np.exp(options.highway_bias)) if options.skip == "scaled" else 1.0
        highway = scale * x
    else:
        highway = gate(p["weight_ih"], 3, size) @ x
    h = r * new_c + (1.0 - r) * highway
    return h, {"c": new_c, "r": r} if options.peephole else {"c": new_c}


def qrnn_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """QRNN, arXiv:1611.01576, section 2, equations (1) to (5); rows z, f, o, i; columns x_t, x_{t-1}, ...

    f is the share of the old state. In salesforce/pytorch-qrnn it is that of the candidate.
    """
    c = state["c"]
    size = len(c)
    seen = np.concatenate([x, *state["past"][::-1]])

    def preactivation(k: int) -> Array:
        total: Array = gate(p["weight_ih"], k, size) @ seen + gate(p["bias"], k, size)
        return total

    z, f = np.tanh(preactivation(0)), sigmoid(preactivation(1))
    new_c = f * c + (sigmoid(preactivation(3)) if options.pooling == "ifo" else 1.0 - f) * z
    output = new_c if options.pooling == "f" else sigmoid(preactivation(2)) * new_c
    return output, {"c": new_c, "past": np.concatenate([state["past"], x[None]])[1:]}


def typed_initial(name: str, p: Parameters) -> State:
    return {name: np.zeros(len(p["bias"]) // 3), "past": np.zeros((1, p["weight_ih"].shape[1] // 2))}


def sru_initial(p: Parameters, options: Options) -> State:
    names = ("c", "r") if options.peephole else ("c",)
    return {name: np.zeros(len(p["bias"]) // 2) for name in names}


def qrnn_initial(p: Parameters, options: Options) -> State:
    size = len(p["bias"]) // {"f": 2, "fo": 3, "ifo": 4}[options.pooling]
    return {"c": np.zeros(size), "past": np.zeros((options.window - 1, p["weight_ih"].shape[1] // options.window))}


trnn = unroll(trnn_step, of_gates(2))
tgru = unroll(tgru_step, lambda p, options: typed_initial("h", p))
tlstm = unroll(tlstm_step, lambda p, options: typed_initial("c", p))
sru = unroll(sru_step, sru_initial)
qrnn = unroll(qrnn_step, qrnn_initial)
