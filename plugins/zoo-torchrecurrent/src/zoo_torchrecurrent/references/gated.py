"""Cells with gates and one state."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo_torchrecurrent.references.arithmetic import Array, Options, States, Weights, phi, sigmoid, unroll


@unroll(gates=1)
def atr(x: Array, state: States, p: Weights, options: Options) -> tuple[Array, States]:
    """arXiv:1810.12546: one sum and one difference of the same two products are the gates."""
    (h,) = state
    seen, kept = p("ih", 0, x), p("hh", 0, h)
    new_h = sigmoid(seen + kept) * seen + sigmoid(seen - kept) * h
    return new_h, (new_h,)


@unroll(gates=3)
def br(x: Array, state: States, p: Weights, options: Options) -> tuple[Array, States]:
    """PLoS ONE 16(6): e0252676; rows a, c, h. Also with matrices in place of the two vectors: the NBR."""
    (h,) = state
    a = 1.0 + np.tanh(p("ih", 0, x) + p("hh", 0, h))
    c = sigmoid(p("ih", 1, x) + p("hh", 1, h))
    new_h = c * h + (1.0 - c) * np.tanh(p("ih", 2, x) + a * h)
    return new_h, (new_h,)


nbr = br


@unroll(gates=3)
def cfn(x: Array, state: States, p: Weights, options: Options) -> tuple[Array, States]:
    """arXiv:1612.06212; rows θ, η, and the input's map."""
    (h,) = state
    theta = sigmoid(p("ih", 0, x) + p("hh", 0, h))
    eta = sigmoid(p("ih", 1, x) + p("hh", 1, h))
    new_h = theta * np.tanh(h) + eta * np.tanh(p("ih", 2, x))
    return new_h, (new_h,)


@unroll(gates=4)
def intersectionrnn(x: Array, state: States, p: Weights, options: Options) -> tuple[Array, States]:
    """arXiv:1611.09913, the +RNN; rows y, h and their gates."""
    (h,) = state
    sums = [p("ih", k, x) + p("hh", k, h) for k in range(4)]
    deep, along = phi(options.depth_nonlinearity, sums[0]), phi(options.recurrent_nonlinearity, sums[1])
    gate_y, gate_h = phi(options.gate_nonlinearity, sums[2]), phi(options.gate_nonlinearity, sums[3])
    return gate_y * x + (1.0 - gate_y) * deep, (gate_h * h + (1.0 - gate_h) * along,)


@unroll(gates=2)
def lightru(x: Array, state: States, p: Weights, options: Options) -> tuple[Array, States]:
    """Electronics 13(16): 3204: the candidate sees the input alone; rows h, f."""
    (h,) = state
    f = sigmoid(p("ih", 1, x) + p("hh", 0, h))
    new_h = (1.0 - f) * h + f * np.tanh(p("ih", 0, x))
    return new_h, (new_h,)


@unroll(gates=2)
def ligru(x: Array, state: States, p: Weights, options: Options) -> tuple[Array, States]:
    """arXiv:1803.10225, without the batch normalisation, whose parameters are not there; rows z, h."""
    (h,) = state
    z = phi(options.gate_nonlinearity, p("ih", 0, x) + p("hh", 0, h))
    new_h = z * h + (1.0 - z) * phi(options.nonlinearity, p("ih", 1, x) + p("hh", 1, h))
    return new_h, (new_h,)


@unroll(gates=2)
def mgu(x: Array, state: States, p: Weights, options: Options) -> tuple[Array, States]:
    """arXiv:1603.09420; rows f, h."""
    (h,) = state
    f = phi(options.gate_nonlinearity, p("ih", 0, x) + p("hh", 0, h))
    candidate = phi(options.nonlinearity, p("ih", 1, x) + p("hh", 1, f * h))
    new_h = (1.0 - f) * h + f * candidate
    return new_h, (new_h,)


@unroll(gates=1)
def minimalrnn(x: Array, state: States, p: Weights, options: Options) -> tuple[Array, States]:
    """arXiv:1711.06788: a map of the input, then one gate over it."""
    (h,) = state
    z = phi(options.nonlinearity, p("ih", 0, x))
    u = phi(options.gate_nonlinearity, p("hh", 0, h) + p.held["weight_mm"] @ z)
    new_h = u * h + (1.0 - u) * z
    return new_h, (new_h,)


@unroll(gates=3)
def mut1(x: Array, state: States, p: Weights, options: Options) -> tuple[Array, States]:
    """Jozefowicz et al. 2015, MUT1; rows z, r, h, and r, h. Its tanh(x) is tanh(W x + b), so that any width fits."""
    (h,) = state
    z = sigmoid(p("ih", 0, x))
    r = sigmoid(p("ih", 1, x) + p("hh", 0, h))
    candidate = np.tanh(p("hh", 1, r * h) + np.tanh(p("ih", 2, x)))
    new_h = candidate * z + h * (1.0 - z)
    return new_h, (new_h,)


@unroll(gates=3)
def mut2(x: Array, state: States, p: Weights, options: Options) -> tuple[Array, States]:
    """Jozefowicz et al. 2015, MUT2; rows z, r, h. Its x in the gate r is W x + b, so that any width fits."""
    (h,) = state
    z = sigmoid(p("ih", 0, x) + p("hh", 0, h))
    r = sigmoid(p("ih", 1, x) + p("hh", 1, h))
    candidate = np.tanh(p("hh", 2, r * h) + p("ih", 2, x))
    new_h = candidate * z + h * (1.0 - z)
    return new_h, (new_h,)


@unroll(gates=3)
def mut3(x: Array, state: States, p: Weights, options: Options) -> tuple[Array, States]:
    """Jozefowicz et al. 2015, MUT3; rows z, r, h. The gate z sees tanh(h)."""
    (h,) = state
    z = sigmoid(p("ih", 0, x) + p("hh", 0, np.tanh(h)))
    r = sigmoid(p("ih", 1, x) + p("hh", 1, h))
    candidate = np.tanh(p("hh", 2, r * h) + p("ih", 2, x))
    new_h = candidate * z + h * (1.0 - z)
    return new_h, (new_h,)


@unroll(gates=1)
def sgrn(x: Array, state: States, p: Weights, options: Options) -> tuple[Array, States]:
    """doi:10.1049/gtd2.12056: one gate weighs the input's map against the state."""
    (h,) = state
    seen = p("ih", 0, x)
    f = sigmoid(seen + p("hh", 0, h))
    new_h = np.tanh((1.0 - f) * seen + f * h)
    return new_h, (new_h,)


@unroll(gates=2)
def sgu(x: Array, state: States, p: Weights, options: Options) -> tuple[Array, States]:
    """arXiv:1604.02910; rows g, z."""
    (h,) = state
    z_g = phi(options.nonlinearity, p("hh", 0, p("ih", 0, x) * h))
    z_out = phi(options.output_nonlinearity, z_g * h)
    z = phi(options.gate_nonlinearity, p("ih", 1, x) + p("hh", 1, h))
    new_h = (1.0 - z) * h + z * z_out
    return new_h, (new_h,)


@unroll(gates=2)
def dsgu(x: Array, state: States, p: Weights, options: Options) -> tuple[Array, States]:
    """arXiv:1604.02910: the SGU with a matrix before its output; rows g, z."""
    (h,) = state
    z_g = phi(options.nonlinearity, p("hh", 0, p("ih", 0, x) * h))
    z_out = phi(options.output_nonlinearity, p.held["weight_ho"] @ (z_g * h))
    z = phi(options.gate_nonlinearity, p("ih", 1, x) + p("hh", 1, h))
    new_h = (1.0 - z) * h + z * z_out
    return new_h, (new_h,)


@unroll(gates=2)
def star(x: Array, state: States, p: Weights, options: Options) -> tuple[Array, States]:
    """arXiv:1911.11033; rows z, k."""
    (h,) = state
    k = sigmoid(p("ih", 1, x) + p("hh", 0, h))
    new_h = np.tanh((1.0 - k) * h + k * np.tanh(p("ih", 0, x)))
    return new_h, (new_h,)


@unroll(gates=2)
def ugrnn(x: Array, state: States, p: Weights, options: Options) -> tuple[Array, States]:
    """arXiv:1611.09913, the UGRNN; rows c, g."""
    (h,) = state
    g = sigmoid(p("ih", 1, x) + p("hh", 1, h))
    new_h = g * h + (1.0 - g) * np.tanh(p("ih", 0, x) + p("hh", 0, h))
    return new_h, (new_h,)


def taugru(x: Array, parameters: Mapping[str, Array], options: Options) -> Array:
    """arXiv:2212.00228: z sees the state of `delay` steps ago, zero before the first; rows u, z, g, a."""
    p = Weights(parameters, gates=4)
    states = [np.zeros(p.size)] * (options.delay + 1)
    for t in range(len(x)):
        h, late = states[-1], states[-1 - options.delay]
        u = phi(options.nonlinearity, p("ih", 0, x[t]) + p("hh", 0, h))
        z = phi(options.nonlinearity, p("ih", 1, x[t]) + p("hh", 1, late))
        g = phi(options.gate_nonlinearity, p("ih", 2, x[t]) + p("hh", 2, h))
        a = phi(options.gate_nonlinearity, p("ih", 3, x[t]) + p("hh", 3, h))
        states.append((1.0 - g) * h + g * (u + a * z))
    return np.stack(states[options.delay + 1 :])
