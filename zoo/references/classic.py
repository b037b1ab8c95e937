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
    arXiv:1607.06450: over the stacked Wx and Uh each, biases after them, and over c on its way to h only; or as in
    torchaudio's rnnt.py, _CustomLSTM: over the stacked sums with their biases, and over the new c, which is kept. The
    projection is applied last (arXiv:1402.1128). Full peepholes as in glample/tagger nn.py, class LSTM: matrices in the
    same places. Clips as in TensorFlow's LSTMCell: of the new c, before the output gate sees it, and of projected h.
    Hard sigmoids: relu6(x + 3) / 6 as in Keras 3, and ONNX's HardSigmoid with its alpha of 0.2 and beta of 0.5.
    """
    coupled, peephole = options.coupled, options.peephole
    normed, summed = options.gate_norm == "layer", options.gate_norm == "sum"
    eps = 1e-5 if options.norm_eps is None else options.norm_eps
    h, c = state["h"], state["c"]
    size = len(c)

    wx = p["weight_ih"] @ x
    uh = p["weight_hh"] @ h
    if normed:
        wx = layer_norm(wx, p["norm_ih.weight"], p["norm_ih.bias"], eps)
        uh = layer_norm(uh, p["norm_hh.weight"], p["norm_hh.bias"], eps)
    order = "fgo" if coupled else "ifgo"
    sums = np.concatenate([gate(wx, k, size) + gate(uh, k, size) + bias_of(p, k, size) for k in range(len(order))])
    if summed:
        sums = layer_norm(sums, p["norm_sum.weight"], p["norm_sum.bias"], eps)

    def preactivation(name: str) -> Array:
        return gate(sums, order.index(name), size)

    def look(name: str, cell: Array) -> Array:
        if peephole is False:
            return np.zeros(size)
        own = gate(p["weight_ch"], ("fo" if coupled else "ifo").index(name), size)
        return own @ cell if peephole == "full" else own * cell

    def opened(x: Array) -> Array:
        if options.recurrent_activation == "hard_sigmoid":
            return np.minimum(np.maximum(x + 3.0, 0.0), 6.0) / 6.0
        if options.recurrent_activation == "hard_sigmoid_0.2":
            return np.maximum(0.0, np.minimum(1.0, 0.2 * x + 0.5))
        return sigmoid(x)

    f = opened(preactivation("f") + look("f", c))
    i = 1.0 - f if coupled else opened(preactivation("i") + look("i", c))
    g = np.tanh(preactivation("g"))
    new_c = f * c + i * g
    if options.cell_clip is not None:
        new_c = np.clip(new_c, -options.cell_clip, options.cell_clip)
    if summed:
        new_c = layer_norm(new_c, p["norm_c.weight"], p["norm_c.bias"], eps)
    o = opened(preactivation("o") + look("o", new_c))
    shown = layer_norm(new_c, p["norm_c.weight"], p["norm_c.bias"], eps) if normed else new_c
    new_h = o * np.tanh(shown)
    if options.projection is not None:
        new_h = p["weight_hr"] @ new_h
        if options.proj_clip is not None:
            new_h = np.clip(new_h, -options.proj_clip, options.proj_clip)
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
