"""Gated cells that update one state through dense matrices.

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
    of_gates,
    phi,
    sigmoid,
    softplus,
    unroll,
)


def rhn_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Recurrent highway network, arXiv:1607.03474, equations (6) to (9); rows h, t, and c where it is not coupled.

    Coupled, c = 1 - t, as in jzilly/RecurrentHighwayNetworks rhn.py, RHNCell. x enters the first micro-step only.
    """
    s = state["s"]
    size = len(s)
    gates = 2 if options.coupled else 3
    for level in range(options.depth):

        def preactivation(k: int, level: int = level, s: Array = s) -> Array:
            row = level * gates + k
            total = gate(p["weight_hh"], row, size) @ s + gate(p["bias"], row, size)
            return total + gate(p["weight_ih"], k, size) @ x if level == 0 else total

        h, t = np.tanh(preactivation(0)), sigmoid(preactivation(1))
        c = 1.0 - t if options.coupled else sigmoid(preactivation(2))
        s = h * t + s * c
    return s, {"s": s}


def fastrnn_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """FastRNN, arXiv:1901.02358 as in microsoft/EdgeML pytorch/edgeml_pytorch/graph/rnn.py, FastRNNCell."""
    h = state["h"]
    candidate = phi(options.nonlinearity, p["weight_ih"] @ x + p["weight_hh"] @ h + p["bias"])
    new_h = sigmoid(p["beta"]) * h + sigmoid(p["alpha"]) * candidate
    return new_h, {"h": new_h}


def fastgrnn_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """FastGRNN, the same paper and file, FastGRNNCell; rows of the bias z, h. Gate and candidate share the product."""
    h = state["h"]
    size = len(h)
    shared = p["weight_ih"] @ x + p["weight_hh"] @ h
    z = sigmoid(shared + gate(p["bias"], 0, size))
    candidate = phi(options.nonlinearity, shared + gate(p["bias"], 1, size))
    new_h = z * h + (sigmoid(p["zeta"]) * (1.0 - z) + sigmoid(p["nu"])) * candidate
    return new_h, {"h": new_h}


def ugrnn_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Update gate network, arXiv:1611.09913, section 2; rows c, g. TensorFlow's UGRNNCell adds 1 to the gate's bias."""
    h = state["h"]
    size = len(h)
    c, g = (gate(p["weight_hh"], k, size) @ h + gate(p["weight_ih"], k, size) @ x + bias_of(p, k, size) for k in (0, 1))
    new_h = sigmoid(g) * h + (1.0 - sigmoid(g)) * phi(options.nonlinearity, c)
    return new_h, {"h": new_h}


def miru1_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """MiRU-1, arXiv:2503.06175; rows r, h. A constant stands for the update gate, and is the share of the old state."""
    h = state["h"]
    size = len(h)
    W, U = p["weight_ih"], p["weight_hh"]
    r = sigmoid(gate(W, 0, size) @ x + gate(U, 0, size) @ h + bias_of(p, 0, size))
    candidate = np.tanh(gate(W, 1, size) @ x + gate(U, 1, size) @ (r * h) + bias_of(p, 1, size))
    new_h = options.lam * h + (1.0 - options.lam) * candidate
    return new_h, {"h": new_h}


def miru2_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """MiRU-2, arXiv:2503.06175: MiRU-1 with a constant for the reset gate too."""
    h = state["h"]
    candidate = np.tanh(p["weight_ih"] @ x + p["weight_hh"] @ (options.beta * h) + bias_of(p, 0, len(h)))
    new_h = options.lam * h + (1.0 - options.lam) * candidate
    return new_h, {"h": new_h}


def mutated(z: Array, candidate: Array, h: Array) -> tuple[Array, State]:
    new_h = candidate * z + h * (1.0 - z)
    return new_h, {"h": new_h}


def mut1_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """MUT1, Jozefowicz, Zaremba, Sutskever 2015, section 4.2; rows z, r, h; of weight_hh r, h. b_h is outside tanh(x).

    Keras 0.x, keras/layers/recurrent.py JZS1, has a fixed random projection of x there where the widths differ.
    """
    h = state["h"]
    size = len(h)
    W, U, b = p["weight_ih"], p["weight_hh"], p["bias"]
    z = sigmoid(gate(W, 0, size) @ x + gate(b, 0, size))
    r = sigmoid(gate(W, 1, size) @ x + gate(U, 0, size) @ h + gate(b, 1, size))
    seen = x if options.input == "identity" else gate(W, 2, size) @ x
    return mutated(z, np.tanh(gate(U, 1, size) @ (r * h) + np.tanh(seen) + gate(b, 2, size)), h)


def mut2_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """MUT2, as `mut1`; rows z, r, h, where r's of weight_ih is missing if x itself is added."""
    h = state["h"]
    size = len(h)
    W, U, b = p["weight_ih"], p["weight_hh"], p["bias"]
    identity = options.input == "identity"
    z = sigmoid(gate(W, 0, size) @ x + gate(U, 0, size) @ h + gate(b, 0, size))
    r = sigmoid((x if identity else gate(W, 1, size) @ x) + gate(U, 1, size) @ h + gate(b, 1, size))
    by_input = gate(W, 1 if identity else 2, size) @ x
    return mutated(z, np.tanh(gate(U, 2, size) @ (r * h) + by_input + gate(b, 2, size)), h)


def mut3_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """MUT3, as `mut1`; rows z, r, h. z sees tanh(h)."""
    h = state["h"]
    size = len(h)
    W, U, b = p["weight_ih"], p["weight_hh"], p["bias"]
    z = sigmoid(gate(W, 0, size) @ x + gate(U, 0, size) @ np.tanh(h) + gate(b, 0, size))
    r = sigmoid(gate(W, 1, size) @ x + gate(U, 1, size) @ h + gate(b, 1, size))
    return mutated(z, np.tanh(gate(U, 2, size) @ (r * h) + gate(W, 2, size) @ x + gate(b, 2, size)), h)


def sgu_gates(x: Array, h: Array, p: Parameters) -> tuple[Array, Array]:
    """z_g h and z of arXiv:1604.02910; rows g, z. z goes through the hard sigmoid of Keras and Theano."""
    size = len(h)
    W, U, b = p["weight_ih"], p["weight_hh"], p["bias"]
    x_g = gate(W, 0, size) @ x + gate(b, 0, size)
    z_g = np.tanh(gate(U, 0, size) @ (x_g * h))
    z = 0.2 * (gate(W, 1, size) @ x + gate(U, 1, size) @ h + gate(b, 1, size)) + 0.5
    return z_g * h, np.minimum(np.maximum(z, 0.0), 1.0)


def sgu_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Simple gated unit, arXiv:1604.02910, with softplus for its output activation."""
    h = state["h"]
    read, z = sgu_gates(x, h, p)
    new_h = (1.0 - z) * h + z * softplus(read)
    return new_h, {"h": new_h}


def dsgu_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Deep simple gated unit, arXiv:1604.02910: a further matrix and the sigmoid instead."""
    h = state["h"]
    read, z = sgu_gates(x, h, p)
    new_h = (1.0 - z) * h + z * sigmoid(p["weight_go"] @ read)
    return new_h, {"h": new_h}


rhn = unroll(rhn_step, lambda p, options: {"s": np.zeros(p["weight_hh"].shape[1])})
fastrnn = unroll(fastrnn_step, of_gates(1))
fastgrnn = unroll(fastgrnn_step, of_gates(1))
ugrnn = unroll(ugrnn_step, of_gates(2))
miru1 = unroll(miru1_step, of_gates(2))
miru2 = unroll(miru2_step, of_gates(1))
mut1 = unroll(mut1_step, lambda p, options: {"h": np.zeros(p["weight_hh"].shape[1])})
mut2 = unroll(mut2_step, lambda p, options: {"h": np.zeros(p["weight_hh"].shape[1])})
mut3 = unroll(mut3_step, of_gates(3))
sgu = unroll(sgu_step, of_gates(2))
dsgu = unroll(dsgu_step, of_gates(2))
