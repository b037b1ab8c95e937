"""Simple recurrent network, LSTM with its options, GRU.

Plain NumPy in float64, written from papers and official code alone: one sequence, one step, one gate at a time. Nothing
is batched, fused or shared with the cells. Dropout, and batch norm's training mode, are not here.
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
    layer_norm,
    of_gates,
    phi,
    sigmoid,
    unroll,
)


def lstm_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """LSTM with its options; rows i, f, g, o, or f, g, o when coupled.

    The plain cell as in the documentation of torch.nn.LSTM. Peepholes as in Gers 2002: i and f see the old c, o the new
    one. Coupled as in TensorFlow's CoupledInputForgetGateLSTMCell: i = 1 - f. Norms as in the supplement of
    arXiv:1607.06450: over the stacked Wx and Uh each, biases after them, and over c on its way to h only. The
    projection is applied last (arXiv:1402.1128).
    """
    coupled, peephole = options.coupled, options.peephole
    normed = options.gate_norm == "layer"
    h, c = state["h"], state["c"]
    size = len(c)

    wx = p["weight_ih"] @ x
    uh = p["weight_hh"] @ h
    if normed:
        wx = layer_norm(wx, p["norm_ih.weight"], p["norm_ih.bias"])
        uh = layer_norm(uh, p["norm_hh.weight"], p["norm_hh.bias"])

    def preactivation(name: str) -> Array:
        k = ("fgo" if coupled else "ifgo").index(name)
        return gate(wx, k, size) + gate(uh, k, size) + bias_of(p, k, size)

    def look(name: str, cell: Array) -> Array:
        if not peephole:
            return np.zeros(size)
        return gate(p["weight_ch"], ("fo" if coupled else "ifo").index(name), size) * cell

    f = sigmoid(preactivation("f") + look("f", c))
    i = 1.0 - f if coupled else sigmoid(preactivation("i") + look("i", c))
    g = np.tanh(preactivation("g"))
    new_c = f * c + i * g
    o = sigmoid(preactivation("o") + look("o", new_c))
    shown = layer_norm(new_c, p["norm_c.weight"], p["norm_c.bias"]) if normed else new_c
    new_h = o * np.tanh(shown)
    if options.projection is not None:
        new_h = p["weight_hr"] @ new_h
    return new_h, {"h": new_h, "c": new_c}


def rnn_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Simple recurrent network, Elman 1990: h = phi(Wx + Uh + b)."""
    h = state["h"]
    new_h = phi(options.nonlinearity, p["weight_ih"] @ x + p["weight_hh"] @ h + bias_of(p, 0, len(h)))
    return new_h, {"h": new_h}


def gru_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """GRU; rows r, z, n, and h = (1 - z) n + z h.

    The reset gate acts on the recurrent product and its bias, as in the documentation of torch.nn.GRU, or on h before
    the product, as in arXiv:1406.1078.
    """
    h = state["h"]
    size = len(h)
    W, U = p["weight_ih"], p["weight_hh"]
    r, z = (sigmoid(gate(W, k, size) @ x + gate(U, k, size) @ h + bias_of(p, k, size)) for k in (0, 1))
    if options.reset_gate == "before":
        n = np.tanh(gate(W, 2, size) @ x + gate(U, 2, size) @ (r * h) + bias_of(p, 2, size))
    else:
        inner = {name: p[name] for name in ("bias_hh",) if name in p}
        outer = {name: p[name] for name in ("bias_ih", "bias") if name in p}
        recurrent = gate(U, 2, size) @ h + bias_of(inner, 2, size)
        n = np.tanh(gate(W, 2, size) @ x + bias_of(outer, 2, size) + r * recurrent)
    new_h = (1.0 - z) * n + z * h
    return new_h, {"h": new_h}


def lstm_initial(p: Parameters, options: Options) -> State:
    size = len(p["weight_hh"]) // (3 if options.coupled else 4)
    return {"h": np.zeros(p["weight_hh"].shape[1]), "c": np.zeros(size)}


rnn = unroll(rnn_step, of_gates(1))
lstm = unroll(lstm_step, lstm_initial)
gru = unroll(gru_step, of_gates(3))
