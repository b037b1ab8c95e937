"""Relatives of the LSTM: a cell state and an output of it.

Plain NumPy in float64, written from papers and official code alone: one sequence, one step, one gate at a time. Nothing
is batched, fused or shared with the cells. Dropout is not here.

The records name every cell of the family here, those of zoo.references.controlled too.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from zoo.references.arithmetic import (
    Array,
    Options,
    Parameters,
    State,
    bias_of,
    gate,
    sigmoid,
    softmax,
    unroll,
)


def preactivations(x: Array, h: Array, p: Parameters, size: int) -> Callable[[int], Array]:
    """Gate k of weight_ih x + weight_hh h and the biases."""

    def of(k: int) -> Array:
        return gate(p["weight_ih"], k, size) @ x + gate(p["weight_hh"], k, size) @ h + bias_of(p, k, size)

    return of


def lstm_1997_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """LSTM, Hochreiter and Schmidhuber 1997, section 4; rows in, c, out. It forgets nothing.

    Its squashing functions g and h, (5) and (4) of appendix A.1, are the logistic function from -2 to 2 and -1 to 1.
    """
    h, c = state["h"], state["c"]
    of = preactivations(x, h, p, len(c))
    y_in, net, y_out = sigmoid(of(0)), of(1), sigmoid(of(2))
    if options.squashing == "paper":
        new_c = c + y_in * (4.0 * sigmoid(net) - 2.0)
        new_h = y_out * (2.0 * sigmoid(new_c) - 1.0)
    else:
        assert options.squashing == "tanh", options.squashing
        new_c = c + y_in * np.tanh(net)
        new_h = y_out * np.tanh(new_c)
    return new_h, {"h": new_h, "c": new_c}


def residual_lstm_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Residual LSTM, arXiv:1701.03360; rows i, f, c, o; peepholes i, f, which see the old c, o the new one.

    The shortcut joins before the output gate; it is the input itself where the widths are equal.
    """
    h, c = state["h"], state["c"]
    size = len(c)
    of = preactivations(x, h, p, size)
    i = sigmoid(of(0) + gate(p["weight_ch"], 0, size) * c)
    f = sigmoid(of(1) + gate(p["weight_ch"], 1, size) * c)
    new_c = f * c + i * np.tanh(of(2))
    o = sigmoid(of(3) + gate(p["weight_ch"], 2, size) * new_c)
    shortcut = x if options.shortcut == "identity" else p["weight_res"] @ x
    new_h = o * (p["weight_p"] @ np.tanh(new_c) + shortcut)
    return new_h, {"h": new_h, "c": new_c}


def multiplicative_lstm_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Multiplicative LSTM, arXiv:1609.07959, equations (18) to (21); rows h, i, o, f. The gates see m in place of h."""
    h, c = state["h"], state["c"]
    size = len(c)
    m = (p["weight_mx"] @ x) * (p["weight_mh"] @ h)

    def of(k: int) -> Array:
        return gate(p["weight_ih"], k, size) @ x + gate(p["weight_hm"], k, size) @ m + bias_of(p, k, size)

    new_c = sigmoid(of(3)) * c + sigmoid(of(1)) * np.tanh(of(0))
    new_h = np.tanh(new_c) * sigmoid(of(2))
    return new_h, {"h": new_h, "c": new_c}


def wmc_lstm_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """LSTM with working memory connections, arXiv:2109.00020; rows i, f, g, o; of weight_ch i, f, o.

    A tanh protects the gates from the cell state: i and f see the old one, o the new.
    """
    h, c = state["h"], state["c"]
    size = len(c)
    of = preactivations(x, h, p, size)
    i = sigmoid(of(0) + np.tanh(gate(p["weight_ch"], 0, size) @ c))
    f = sigmoid(of(1) + np.tanh(gate(p["weight_ch"], 1, size) @ c))
    new_c = f * c + i * np.tanh(of(2))
    o = sigmoid(of(3) + np.tanh(gate(p["weight_ch"], 2, size) @ new_c))
    new_h = o * np.tanh(new_c)
    return new_h, {"h": new_h, "c": new_c}


def mogrifier_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Mogrifier LSTM, arXiv:1909.01792, equations (1) and (2); rows i, f, g, o.

    Odd rounds scale x by h, even ones h by x. Biases in those sigmoids, and the factors of Q and R, as in deepmind/lamb
    lamb/tiled_lstm.py, _do_feature_masking; its cap of the input gate is not the paper's.
    """
    h, c = state["h"], state["c"]

    def scale(name: str, seen: Array, j: int) -> Array:
        inner = seen if options.rank is None else p[f"right_{name}.{j}"] @ seen
        return 2.0 * sigmoid(p[f"weight_{name}.{j}"] @ inner + p[f"bias_{name}.{j}"])

    for turn in range(1, options.rounds + 1):
        if turn % 2 == 1:
            x = scale("q", h, (turn - 1) // 2) * x
        else:
            h = scale("r", x, turn // 2 - 1) * h
    of = preactivations(x, h, p, len(c))
    new_c = sigmoid(of(1)) * c + sigmoid(of(0)) * np.tanh(of(2))
    new_h = sigmoid(of(3)) * np.tanh(new_c)
    return new_h, {"h": new_h, "c": new_c}


def on_lstm_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Ordered neurons, arXiv:1810.09536 as in yikangshen/Ordered-Neurons ON_LSTM.py, ONLSTMCell.

    Rows o, c, i, f, and of the master gates i, f: the running sum of a softmax, from 1 down for i.
    """
    h, c = state["h"], state["c"]
    size = len(c)
    chunks = size // options.chunk_size
    of = preactivations(x, h, p, size)

    def master(k: int) -> Array:
        total = gate(p["weight_ih_master"], k, chunks) @ x + gate(p["weight_hh_master"], k, chunks) @ h
        if "bias_master" in p:
            total = total + gate(p["bias_master"], k, chunks)
        running, sums = 0.0, []
        for share in softmax(total):
            running += float(share)
            sums.append(running)
        return np.array([sums[j // options.chunk_size] for j in range(size)])

    master_i, master_f = 1.0 - master(0), master(1)
    overlap = master_f * master_i
    f = sigmoid(of(3)) * overlap + (master_f - overlap)
    i = sigmoid(of(2)) * overlap + (master_i - overlap)
    new_c = f * c + i * np.tanh(of(1))
    new_h = sigmoid(of(0)) * np.tanh(new_c)
    return new_h, {"h": new_h, "c": new_c}


def initial(of: str = "weight_hh") -> Callable[[Parameters, Options], State]:
    """h and c of zeros, as wide as what the named matrix meets."""
    return lambda p, options: {name: np.zeros(p[of].shape[1]) for name in ("h", "c")}


lstm_1997 = unroll(lstm_1997_step, initial())
residual_lstm = unroll(residual_lstm_step, initial())
multiplicative_lstm = unroll(multiplicative_lstm_step, initial("weight_mh"))
wmc_lstm = unroll(wmc_lstm_step, initial())
mogrifier = unroll(mogrifier_step, initial())
on_lstm = unroll(on_lstm_step, initial())
