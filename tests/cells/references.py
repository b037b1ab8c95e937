"""Plain NumPy references of recurrent cells in float64, written from papers and official code alone.

One row, one step, one gate at a time: nothing is batched, fused or shared with the code under test. A step takes
x (I,), the state and the parameters by name, and the options of the cell's spec; it returns the output of the step and
the new state, and leaves its arguments as they are. Matrices of several gates are stacked by rows in the order that
each docstring gives. Dropout, and batch norm's training mode, are not here: these are the formulas of evaluation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
State: TypeAlias = dict[str, NDArray[Any]]  # real, but for lru, whose state is complex
Parameters: TypeAlias = Mapping[str, Array]
Options: TypeAlias = Mapping[str, object]

EPS = 1e-5  # inside the root, as in torch.nn.LayerNorm and torch.nn.BatchNorm1d


def sigmoid(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-x))


def softplus(x: Array) -> Array:
    return np.logaddexp(0.0, x)


def gate(stacked: Array, k: int, size: int) -> Array:
    """Gate k's rows of a stacked matrix or vector, `size` rows to a gate."""
    return stacked[k * size : (k + 1) * size]


def bias_of(p: Parameters, k: int, size: int) -> Array:
    """What gate k adds to its pre-activation: bias_ih + bias_hh, or the single bias, or nothing."""
    total = np.zeros(size)
    for name in ("bias_ih", "bias_hh", "bias"):
        if name in p:
            total = total + gate(p[name], k, size)
    return total


def layer_norm(x: Array, weight: Array, bias: Array) -> Array:
    """arXiv:1607.06450: one mean and one biased variance over the whole vector."""
    mean = x.sum() / len(x)
    variance = ((x - mean) ** 2).sum() / len(x)
    result: Array = (x - mean) / np.sqrt(variance + EPS) * weight + bias
    return result


def phi(name: object, x: Array) -> Array:
    if name == "relu":
        return np.where(x > 0.0, x, 0.0)
    assert name == "tanh", name
    return np.tanh(x)


def whole(options: Options, name: str, default: int) -> int:
    value = options.get(name, default)
    assert isinstance(value, int), (name, value)
    return value


def lstm_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """LSTM with its options; rows i, f, g, o, or f, g, o when coupled.

    The plain cell as in the documentation of torch.nn.LSTM. Peepholes as in Gers 2002: i and f see the old c, o the new
    one. Coupled as in TensorFlow's CoupledInputForgetGateLSTMCell: i = 1 - f. Norms as in the supplement of
    arXiv:1607.06450: over the stacked Wx and Uh each, biases after them, and over c on its way to h only. The
    projection is applied last (arXiv:1402.1128).
    """
    coupled, peephole = bool(options.get("coupled", False)), bool(options.get("peephole", False))
    normed = options.get("gate_norm", "none") == "layer"
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
    if options.get("projection") is not None:
        new_h = p["weight_hr"] @ new_h
    return new_h, {"h": new_h, "c": new_c}


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
    norm = options.get("norm", "batch")
    if norm == "batch":
        root = np.sqrt(p["norm.running_var"] + EPS)
        wx = (wx - p["norm.running_mean"]) / root * p["norm.weight"] + p["norm.bias"]
    elif norm == "layer":
        wx = layer_norm(wx, p["norm.weight"], p["norm.bias"])
    else:
        assert norm == "none", norm
        wx = wx + np.concatenate([bias_of(p, 0, size), bias_of(p, 1, size)])
    z = sigmoid(gate(wx, 0, size) + gate(p["weight_hh"], 0, size) @ h)
    candidate = phi(options.get("nonlinearity", "relu"), gate(wx, 1, size) + gate(p["weight_hh"], 1, size) @ h)
    new_h = z * h + (1.0 - z) * candidate
    return new_h, {"h": new_h}


def indrnn_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """IndRNN, arXiv:1803.04831 and IndRNN_onlyrecurrent.py: each unit sees its own past alone."""
    h = state["h"]
    a = p["weight_ih"] @ x + p["weight_hh"] * h + bias_of(p, 0, len(h))
    new_h = phi(options.get("nonlinearity", "relu"), a)
    return new_h, {"h": new_h}


def janet_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """JANET, arXiv:1804.04849 and its authors' rnn_cells.py; rows f, c (the authors stack c, f)."""
    c = state["c"]
    size = len(c)
    beta = options.get("beta", 1.0)
    assert isinstance(beta, (int, float)), beta
    W, U = p["weight_ih"], p["weight_hh"]
    s = gate(W, 0, size) @ x + gate(U, 0, size) @ c + bias_of(p, 0, size)
    candidate = np.tanh(gate(W, 1, size) @ x + gate(U, 1, size) @ c + bias_of(p, 1, size))
    new_c = sigmoid(s) * c + (1.0 - sigmoid(s - beta)) * candidate
    return new_c, {"c": new_c}


def candidate_of(options: Options, x: Array) -> Array:
    """g of arXiv:2410.01201, appendix B, which keeps candidates positive; or the candidate as it is."""
    if options.get("candidate", "positive") == "positive":
        return np.where(x >= 0.0, x + 0.5, sigmoid(x))
    assert options["candidate"] == "linear", options["candidate"]
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


def rglru_step(x: Array, state: State, p: Parameters, options: Options, *, first: bool) -> tuple[Array, State]:
    """RG-LRU, arXiv:2402.19427 as in recurrentgemma's RGLRU.

    At the first step of a sequence that code multiplies the input by 1 and the old state by 0, so whatever state
    a sequence starts from has no effect.
    """
    assert len(p["weight_a"]) == len(p["weight_x"]) == whole(options, "heads", len(p["weight_a"]))
    r = sigmoid(block_diagonal(x, p["weight_a"], p["bias_a"]))
    i = sigmoid(block_diagonal(x, p["weight_x"], p["bias_x"]))
    a = np.exp(-8.0 * r * softplus(p["Lambda"]))
    new_h = i * x if first else a * state["h"] + np.sqrt(1.0 - a**2) * (i * x)
    return new_h, {"h": new_h}


def lru_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """LRU, arXiv:2303.06349 as in minimal-LRU's lru/model.py. gamma is a parameter of its own, tied to nothing."""
    decay = np.exp(-np.exp(p["nu_log"]) + 1j * np.exp(p["theta_log"]))
    B = p["B_re"] + 1j * p["B_im"]
    C = p["C_re"] + 1j * p["C_im"]
    new_h = decay * state["h"] + np.exp(p["gamma_log"]) * (B @ x)
    return (C @ new_h).real + p["D"] * x, {"h": new_h}


def mlstm_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """mLSTM, arXiv:2405.04517, without its stabiliser; rows q, k, v, o, and i, then f, of every head.

    C is the paper's, v kᵀ: C[head] has v's index first and k's second (NX-AI/xlstm keeps the transpose). A state comes
    in as C exp(m) and n exp(m) and goes out with m = 0. The bias belongs to k before the division, as in NX-AI/xlstm;
    that code's 1e-6 in the denominator, absent from the paper, is absent here.
    """
    heads = whole(options, "heads", 1)
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


Step: TypeAlias = Callable[[Array, State, Parameters, Options], tuple[Array, State]]

STEPS: Mapping[str, Step] = {
    "lstm": lstm_step,
    "mgu": mgu_step,
    "ligru": ligru_step,
    "indrnn": indrnn_step,
    "janet": janet_step,
    "mingru": mingru_step,
    "minlstm": minlstm_step,
    "lru": lru_step,
    "mlstm": mlstm_step,
}


def starting_state(kind: str, options: Options, p: Parameters) -> State:
    """The all-zero state of a cell of this kind with parameters of these shapes."""
    if kind == "lstm":
        size = len(p["weight_hh"]) // (3 if options.get("coupled", False) else 4)
        return {"h": np.zeros(p["weight_hh"].shape[1]), "c": np.zeros(size)}
    if kind == "janet":
        return {"c": np.zeros(len(p["weight_ih"]) // 2)}
    if kind == "mlstm":
        heads = whole(options, "heads", 1)
        d = len(p["weight_ih"]) // 4 // heads
        return {"C": np.zeros((heads, d, d)), "n": np.zeros((heads, d)), "m": np.zeros(heads)}
    if kind == "lru":
        return {"h": np.zeros(len(p["nu_log"]), dtype=np.complex128)}
    if kind == "rglru":
        return {"h": np.zeros(len(p["Lambda"]))}
    gates = {"mgu": 2, "ligru": 2, "indrnn": 1, "mingru": 2, "minlstm": 3}[kind]
    return {"h": np.zeros(len(p["weight_ih"]) // gates)}


def run_row(kind: str, options: Options, p: Parameters, x: Array, state: State, *, age: int = 0) -> tuple[Array, State]:
    """One row x (T, I), from its first step to its last: outputs (T, D) and the last state.

    `age` counts the steps that the row saw in earlier chunks: only a row of age 0 is at the first step of its sequence.
    """
    outputs = []
    for t in range(len(x)):
        if kind == "rglru":
            output, state = rglru_step(x[t], state, p, options, first=age + t == 0)
        else:
            output, state = STEPS[kind](x[t], state, p, options)
        outputs.append(output)
    return np.stack(outputs), state
