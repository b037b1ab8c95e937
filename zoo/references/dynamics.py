"""Cells that discretise a differential equation.

Plain NumPy in float64, written from papers and official code alone: one sequence, one step, one gate at a time. Nothing
is batched, fused or shared with the cells. Dropout is not here.

The records name every cell of the family here, those of zoo.references.timed too.
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
    sigmoid,
    unroll,
)


def lem_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Long expressive memory, arXiv:2110.04744, equation (3); rows 1, 2, z, y. y meets the new z.

    tk-rusch/LEM src/sMNIST/network.py is the same with its blocks elsewhere: dt1 is the pace of y there, and its "z"
    and "y" are the candidates of y and z.
    """
    y, z = state["y"], state["z"]
    size = len(y)

    def preactivation(k: int, seen: Array) -> Array:
        return gate(p["weight_ih"], k, size) @ x + gate(p["weight_hh"], k, size) @ seen + bias_of(p, k, size)

    pace_z = options.dt * sigmoid(preactivation(0, y))
    pace_y = options.dt * sigmoid(preactivation(1, y))
    new_z = (1.0 - pace_z) * z + pace_z * np.tanh(preactivation(2, y))
    new_y = (1.0 - pace_y) * y + pace_y * np.tanh(preactivation(3, new_z))
    return new_y, {"y": new_y, "z": new_z}


def cornn_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Coupled oscillators, arXiv:2010.00951, equation (3); rows of weight_hh for y, z. y meets the new z.

    explicit: the damping acts on the old z, as in tk-rusch/coRNN sMNIST/network.py. imex: on the new one, so
    that z (1 + Δt ε) is what is known.
    """
    y, z = state["y"], state["z"]
    size = len(y)
    force = np.tanh(
        gate(p["weight_hh"], 0, size) @ y + gate(p["weight_hh"], 1, size) @ z + p["weight_ih"] @ x + p["bias"]
    )
    pushed = z + options.dt * (force - options.gamma * y)
    if options.discretisation == "explicit":
        new_z = pushed - options.dt * options.epsilon * z
    else:
        assert options.discretisation == "imex", options.discretisation
        new_z = pushed / (1.0 + options.dt * options.epsilon)
    new_y = y + options.dt * new_z
    return new_y, {"y": new_y, "z": new_z}


def unicornn_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Undamped independent oscillators, tk-rusch/unicornn psMNIST/network.py, unicornn_fwd; arXiv:2103.05487."""
    y, z = state["y"], state["z"]
    pace = options.dt * sigmoid(p["c"])
    new_z = z - pace * (np.tanh(p["weight_hh"] * y + p["weight_ih"] @ x + p["bias"]) + options.alpha * y)
    new_y = y + pace * new_z
    return new_y, {"y": new_y, "z": new_z}


def antisymmetric_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Antisymmetric network, arXiv:1902.09689, equation (12), and (13) if gated; rows h, z.

    The gate has inputs and a bias of its own, and the candidate's recurrent matrix.
    """
    h = state["h"]
    size = len(h)
    W = p["weight_hh"]
    recurrent = (W - W.T - options.gamma * np.eye(size)) @ h
    a = np.tanh(recurrent + gate(p["weight_ih"], 0, size) @ x + gate(p["bias"], 0, size))
    if options.gated:
        a = a * sigmoid(recurrent + gate(p["weight_ih"], 1, size) @ x + gate(p["bias"], 1, size))
    new_h = h + options.epsilon * a
    return new_h, {"h": new_h}


def lipschitz_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Lipschitz network, arXiv:2006.12070, equations (1) to (5).

    Euler as in erichson/LipschitzRNN models.py, LipschitzRNN with alpha 1; rk2 as LipschitzRNN_ODE with the solver
    midpoint. That code multiplies rows by A and W; the paper, which is followed, multiplies columns.
    """
    h = state["h"]

    def weighed(M: Array) -> Array:
        skew, symmetric = M - M.T, M + M.T
        total: Array = options.beta * skew + (1.0 - options.beta) * symmetric - options.gamma * np.eye(len(h))
        return total

    A, W = weighed(p["weight_A"]), weighed(p["weight_W"])

    def slope(at: Array) -> Array:
        return A @ at + np.tanh(W @ at + p["weight_ih"] @ x + p["bias"])

    if options.integrator == "euler":
        new_h = h + options.epsilon * slope(h)
    else:
        assert options.integrator == "rk2", options.integrator
        new_h = h + options.epsilon * slope(h + options.epsilon / 2.0 * slope(h))
    return new_h, {"h": new_h}


def taugru_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """GRU with time-delay feedback, arXiv:2212.00228, the discrete update of section 3; rows u, z, g, a.

    z sees h as it was `delay` steps before, the oldest in the buffer. The paper writes no biases.
    """
    h, buffer = state["h"], state["buffer"]
    size = len(h)

    def preactivation(k: int, seen: Array) -> Array:
        return gate(p["weight_ih"], k, size) @ x + gate(p["weight_hh"], k, size) @ seen + bias_of(p, k, size)

    u = np.tanh(preactivation(0, h))
    z = np.tanh(preactivation(1, buffer[0]))
    g = sigmoid(preactivation(2, h))
    a = sigmoid(preactivation(3, h))
    new_h = (1.0 - g) * h + g * (u + a * z)
    return new_h, {"h": new_h, "buffer": np.concatenate([buffer[1:], h[None]])}


def still(p: Parameters, options: Options) -> State:
    """y and z of a network of oscillators at rest."""
    return {name: np.zeros(len(p["bias"])) for name in ("y", "z")}


def lem_initial(p: Parameters, options: Options) -> State:
    return {name: np.zeros(p["weight_hh"].shape[1]) for name in ("y", "z")}


def taugru_initial(p: Parameters, options: Options) -> State:
    size = p["weight_hh"].shape[1]
    return {"h": np.zeros(size), "buffer": np.zeros((options.delay, size))}


lem = unroll(lem_step, lem_initial)
cornn = unroll(cornn_step, still)
unicornn = unroll(unicornn_step, still)
antisymmetric = unroll(antisymmetric_step, lambda p, options: {"h": np.zeros(len(p["weight_hh"]))})
lipschitz = unroll(lipschitz_step, lambda p, options: {"h": np.zeros(len(p["bias"]))})
taugru = unroll(taugru_step, taugru_initial)
