"""Cells whose recurrent matrix has a structure of its own.

Plain NumPy in float64, written from papers and official code alone: one sequence, one step, one product at a time.
Nothing is batched, fused or shared with the cells. Dropout is not here.
"""

from __future__ import annotations

import numpy as np

from zoo.references.arithmetic import (
    Array,
    Options,
    Parameters,
    State,
    exponential,
    relu,
    sigmoid,
    unroll,
)


def legendre(order: int, theta: float, discretisation: str) -> tuple[Array, Array]:
    """A (order, order) and B (order,) of the delay of theta steps, for steps of length 1.

    Voelker, Kajić, Eliasmith 2019, equation (2), over theta; then nengo/keras-lmu keras_lmu/layers.py, _gen_AB: hold
    of order zero by the exponential of the bordered matrix, or Euler.
    """
    A, B = np.zeros((order, order)), np.zeros(order)
    for i in range(order):
        for j in range(order):
            A[i, j] = (2 * i + 1) * (-1.0 if i < j else (-1.0) ** (i - j + 1)) / theta
        B[i] = (2 * i + 1) * (-1.0) ** i / theta
    if discretisation == "euler":
        return A + np.eye(order), B
    assert discretisation == "zoh", discretisation
    bordered = np.zeros((order + 1, order + 1))
    bordered[:order, :order], bordered[:order, order] = A, B
    held = exponential(bordered)
    return held[:order, :order], held[:order, order]


def lmu_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Legendre memory unit, Voelker, Kajić, Eliasmith 2019 (NeurIPS), equations (4), (6) and (7).

    As in the first version of its code, LMUCell in lmu/lmu.py: u sees the old h and the old m, the new h the new m.
    Today's keras-lmu has a hidden cell of choice, and biases in it.
    """
    h, m = state["h"], state["m"]
    A, B = legendre(options.order, options.theta, options.discretisation)
    u = p["e_x"] @ x + p["e_h"] @ h + p["e_m"] @ m
    new_m = A @ m + B * u
    new_h = np.tanh(p["W_x"] @ x + p["W_h"] @ h + p["W_m"] @ new_m)
    return new_h, {"h": new_h, "m": new_m}


def orthogonal_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Orthogonal network, arXiv:1901.08428 as in Lezcano/expRNN orthogonal.py, with the identity as its base.

    h is a row and meets the matrix from the right, as in Orthogonal.forward. Cayley as in trivializations.py,
    cayley_map: (I + A)^-1 (I - A), the inverse of the paper's.
    """
    h = state["h"]
    size = len(h)
    skew = np.zeros((size, size))
    entries = iter(p["A"])
    for i in range(size):
        for j in range(i + 1, size):
            skew[i, j] = next(entries)
            skew[j, i] = -skew[i, j]
    if options.parametrisation == "exp":
        matrix = exponential(skew)
    else:
        assert options.parametrisation == "cayley", options.parametrisation
        matrix = np.linalg.inv(np.eye(size) + skew) @ (np.eye(size) - skew)
    a = p["weight_ih"] @ x + h @ matrix
    new_h = np.sign(a) * relu(np.abs(a) + p["b"])
    return new_h, {"h": new_h}


def srnn_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Shuffling network, arXiv:2007.07324 as in rotmanmi/SRNN models/SRNN.py, SRNNCell: h moves one place up."""
    h = state["h"]
    b = x
    for k in range(options.depth):
        b = relu(p[f"hidden.{k}.weight"] @ b + p[f"hidden.{k}.bias"])
    b = p["out.weight"] @ b + p["out.bias"]
    if options.gate:
        b = b * sigmoid(p["gate.weight"] @ x + p["gate.bias"])
    shifted = np.array([h[i - 1] for i in range(len(h))])
    new_h = relu(b + shifted)
    return new_h, {"h": new_h}


def plrnn_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Piecewise-linear network, Koppe et al. 2019, equation (1), without noise.

    The diagonal of AW is A and the rest of it W, as in DurstewitzLab/dendPLRNN BPTT_TF/bptt/PLRNN_model.py,
    get_latent_parameters; what relu sees is centred there by mean_centering. That code has no input; C x is the
    paper's.
    """
    z = state["z"]
    new_z = p["C"] @ x + p["h"]
    seen = relu(z - z.sum() / len(z) if options.mean_centring else z)
    for i in range(len(z)):
        for j in range(len(z)):
            new_z[i] += p["AW"][i, j] * (z[i] if i == j else seen[j])
    return new_z, {"z": new_z}


def esn_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Echo state network, Jaeger 2001, leaky as in reservoirpy reservoirpy/nodes/reservoir.py, Reservoir._step."""
    s = state["x"]
    new_s = (1.0 - options.leak) * s + options.leak * np.tanh(p["W"] @ s + p["W_in"] @ x + p["bias"])
    return new_s, {"x": new_s}


def lmu_initial(p: Parameters, options: Options) -> State:
    return {"h": np.zeros(len(p["W_h"])), "m": np.zeros(options.order)}


lmu = unroll(lmu_step, lmu_initial)
orthogonal = unroll(orthogonal_step, lambda p, options: {"h": np.zeros(len(p["b"]))})
srnn = unroll(srnn_step, lambda p, options: {"h": np.zeros(len(p["out.bias"]))})
plrnn = unroll(plrnn_step, lambda p, options: {"z": np.zeros(len(p["h"]))})
esn = unroll(esn_step, lambda p, options: {"x": np.zeros(len(p["bias"]))})
