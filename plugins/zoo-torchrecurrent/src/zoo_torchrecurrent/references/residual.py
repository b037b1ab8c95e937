"""Cells that add to their state, or swing about it: antisymmetric steps, weighted residuals, oscillators."""

from __future__ import annotations

import numpy as np

from zoo_torchrecurrent.references.arithmetic import Array, Options, States, Weights, logistic, phi, sigmoid, unroll


@unroll(gates=1)
def antisymmetricrnn(x: Array, state: States, p: Weights, options: Options) -> tuple[Array, States]:
    """arXiv:1902.09689: h + ε φ((W − Wᵀ − γI) h + V x + b)."""
    (h,) = state
    W = p.held["weight_hh"]
    A = W - W.T - options.gamma * np.eye(p.size)
    new_h = h + options.epsilon * phi(options.nonlinearity, A @ h + p.bias("hh", 0) + p("ih", 0, x))
    return new_h, (new_h,)


@unroll(gates=2)
def gatedantisymmetricrnn(x: Array, state: States, p: Weights, options: Options) -> tuple[Array, States]:
    """arXiv:1902.09689: one recurrent term in the gate z and in the candidate; rows z, h.

    A bias of the recurrent term belongs to it, and so to both, as torchrecurrent's own documentation has it.
    """
    (h,) = state
    W = p.held["weight_hh"]
    recurrent = (W - W.T - options.gamma * np.eye(p.size)) @ h + p.bias("hh", 0)
    z = sigmoid(recurrent + p("ih", 0, x))
    new_h = h + options.epsilon * z * np.tanh(recurrent + p("ih", 1, x))
    return new_h, (new_h,)


@unroll(gates=1)
def fastrnn(x: Array, state: States, p: Weights, options: Options) -> tuple[Array, States]:
    """arXiv:1901.02358, as in EdgeML's rnn.py: α of the candidate, β of the old state, each in (0, 1)."""
    (h,) = state
    candidate = phi(options.nonlinearity, p("ih", 0, x) + p("hh", 0, h))
    new_h = logistic(p.number("alpha")) * candidate + logistic(p.number("beta")) * h
    return new_h, (new_h,)


@unroll(gates=1)
def fastgrnn(x: Array, state: States, p: Weights, options: Options) -> tuple[Array, States]:
    """arXiv:1901.02358, as in EdgeML's rnn.py; W and U are those of both, biases z, h.

    The gate z is a sigmoid. The candidate's function is what `nonlinearity` chooses.
    """
    (h,) = state
    shared = p.held["weight_ih"] @ x + p.held["weight_hh"] @ h
    z = sigmoid(shared + p.bias("ih", 0) + p.bias("hh", 0))
    candidate = phi(options.nonlinearity, shared + p.bias("ih", 1) + p.bias("hh", 1))
    new_h = (logistic(p.number("zeta")) * (1.0 - z) + logistic(p.number("nu"))) * candidate + z * h
    return new_h, (new_h,)


@unroll(gates=1, states=2)
def cornn(x: Array, state: States, p: Weights, options: Options) -> tuple[Array, States]:
    """arXiv:2010.00951 with the damping taken explicitly; y the output, z its velocity."""
    y, z = state
    dt = options.dt
    drive = np.tanh(p("hh", 0, y) + p("ch", 0, z) + p("ih", 0, x))
    new_z = z + dt * (drive - options.gamma * y - options.epsilon * z)
    new_y = y + dt * new_z
    return new_y, (new_y, new_z)


@unroll(gates=1, states=2)
def unicornn(x: Array, state: States, p: Weights, options: Options) -> tuple[Array, States]:
    """arXiv:2103.05487: symplectic Euler, each unit with a step Δt σ(c) of its own."""
    y, z = state
    step = options.dt * sigmoid(p.held["weight_ch"])
    new_z = z - step * (np.tanh(p("hh", 0, y) + p("ih", 0, x)) + options.alpha * y)
    new_y = y + step * new_z
    return new_y, (new_y, new_z)


@unroll(gates=4, states=2)
def lem(x: Array, state: States, p: Weights, options: Options) -> tuple[Array, States]:
    """arXiv:2110.04744, as in its authors' code: y is driven by the **new** z; rows of Δ̄t, Δt, z, y."""
    y, z = state
    slow = options.dt * sigmoid(p("ih", 0, x) + p("hh", 0, y))
    fast = options.dt * sigmoid(p("ih", 1, x) + p("hh", 1, y))
    new_z = (1.0 - fast) * z + fast * np.tanh(p("ih", 2, x) + p("hh", 2, y))
    new_y = (1.0 - slow) * y + slow * np.tanh(p("ih", 3, x) + p("ch", 0, new_z))
    return new_y, (new_y, new_z)


@unroll(gates=2, states=2)
def scrn(x: Array, state: States, p: Weights, options: Options) -> tuple[Array, States]:
    """arXiv:1412.7753: the sigmoid hidden units recur, not the output; rows s, h, and h, y.

    The paper's output function, a softmax over words, stands outside a cell: tanh here, as in torchrecurrent.
    """
    hidden, context = state
    alpha = options.alpha
    new_context = (1.0 - alpha) * p("ih", 0, x) + alpha * context
    new_hidden = sigmoid(p("ch", 0, new_context) + p("ih", 1, x) + p("hh", 0, hidden))
    output = np.tanh(p("hh", 1, new_hidden) + p("ch", 1, new_context))
    return output, (new_hidden, new_context)


@unroll(gates=1)
def indrnn(x: Array, state: States, p: Weights, options: Options) -> tuple[Array, States]:
    """arXiv:1803.04831: φ(W x + u ⊙ h + b)."""
    (h,) = state
    new_h = phi(options.nonlinearity, p("ih", 0, x) + p.held["vector_u"] * h + p.bias("hh", 0))
    return new_h, (new_h,)
