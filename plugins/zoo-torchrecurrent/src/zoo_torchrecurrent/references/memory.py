"""Cells with a memory beside their output, and those whose gates see inputs alone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo_torchrecurrent.references.arithmetic import Array, Options, States, Weights, phi, sigmoid, unroll


@unroll(gates=2)
def janet(x: Array, state: States, p: Weights, options: Options) -> tuple[Array, States]:
    """arXiv:1804.04849, with its β a constant; rows f, c."""
    (c,) = state
    s = p("ih", 0, x) + p("hh", 0, c)
    candidate = np.tanh(p("ih", 1, x) + p("hh", 1, c))
    new_c = sigmoid(s) * c + (1.0 - sigmoid(s - options.beta)) * candidate
    return new_c, (new_c,)


@unroll(gates=5, states=2)
def multiplicativelstm(x: Array, state: States, p: Weights, options: Options) -> tuple[Array, States]:
    """arXiv:1609.07959; rows m, i, f, c, o, and i, f, c, o."""
    h, c = state
    m = p("ih", 0, x) * p("hh", 0, h)
    i, f, o = (sigmoid(p("ih", k + 1, x) + p("mh", k, m)) for k in (0, 1, 3))
    new_c = f * c + i * np.tanh(p("ih", 3, x) + p("mh", 2, m))
    new_h = np.tanh(new_c) * o
    return new_h, (new_h, new_c)


@unroll(gates=8, states=2)
def nas(x: Array, state: States, p: Weights, options: Options) -> tuple[Array, States]:
    """arXiv:1611.01578, as TensorFlow's NASCell has it: the fourth node multiplies its two products."""
    h, c = state
    seen, kept = [p("ih", k, x) for k in range(8)], [p("hh", k, h) for k in range(8)]
    first = [
        sigmoid(seen[0] + kept[0]),
        np.maximum(seen[1] + kept[1], 0.0),
        sigmoid(seen[2] + kept[2]),
        np.maximum(seen[3] * kept[3], 0.0),
        np.tanh(seen[4] + kept[4]),
        sigmoid(seen[5] + kept[5]),
        np.tanh(seen[6] + kept[6]),
        sigmoid(seen[7] + kept[7]),
    ]
    remembered = np.tanh(np.tanh(first[0] * first[1]) + c)
    new_c = remembered * np.tanh(first[2] + first[3])
    new_h = np.tanh(new_c * np.tanh(np.tanh(first[4] * first[5]) + sigmoid(first[6] + first[7])))
    return new_h, (new_h, new_c)


@unroll(gates=3, states=2)
def originallstm(x: Array, state: States, p: Weights, options: Options) -> tuple[Array, States]:
    """Neural Computation 9(8), with tanh for both of its squashing functions; rows i, c, o."""
    h, c = state
    i, o = sigmoid(p("ih", 0, x) + p("hh", 0, h)), sigmoid(p("ih", 2, x) + p("hh", 2, h))
    new_c = c + i * np.tanh(p("ih", 1, x) + p("hh", 1, h))
    new_h = o * np.tanh(new_c)
    return new_h, (new_h, new_c)


@unroll(gates=4, states=2)
def peepholelstm(x: Array, state: States, p: Weights, options: Options) -> tuple[Array, States]:
    """JMLR 3: i and f look at the old memory, o at the new one; rows i, f, c, o, peepholes i, f, o."""
    h, c = state
    sums = [p("ih", k, x) + p("hh", k, h) for k in range(4)]
    i = phi(options.gate_nonlinearity, sums[0] + p.block("weight_ph", 0) * c)
    f = phi(options.gate_nonlinearity, sums[1] + p.block("weight_ph", 1) * c)
    new_c = f * c + i * phi(options.nonlinearity, sums[2])
    o = phi(options.gate_nonlinearity, sums[3] + p.block("weight_ph", 2) * new_c)
    new_h = o * phi(options.nonlinearity, new_c)
    return new_h, (new_h, new_c)


@unroll(gates=3, states=2)
def ran(x: Array, state: States, p: Weights, options: Options) -> tuple[Array, States]:
    """arXiv:1705.07393: a linear candidate without bias; rows c, i, f."""
    h, c = state
    i = sigmoid(p.block("weight_ih", 1) @ x + p.bias("ih", 0) + p("hh", 0, h))
    f = sigmoid(p.block("weight_ih", 2) @ x + p.bias("ih", 1) + p("hh", 1, h))
    new_c = i * (p.block("weight_ih", 0) @ x) + f * c
    new_h = np.tanh(new_c)
    return new_h, (new_h, new_c)


@unroll(gates=4, states=2)
def reslstm(x: Array, state: States, p: Weights, options: Options) -> tuple[Array, States]:
    """arXiv:1701.03360: the shortcut joins the projected memory inside o; rows i, f, c, o."""
    h, c = state
    sums = [p("ih", k, x) + p("hh", k, h) for k in range(4)]
    i = phi(options.gate_nonlinearity, sums[0] + p.block("weight_ph", 0) * c)
    f = phi(options.gate_nonlinearity, sums[1] + p.block("weight_ph", 1) * c)
    new_c = f * c + i * phi(options.nonlinearity, sums[2])
    o = phi(options.gate_nonlinearity, sums[3] + p.block("weight_ph", 2) * new_c)
    new_h = o * (p.held["weight_proj"] @ phi(options.nonlinearity, new_c) + p.held["weight_res"] @ x)
    return new_h, (new_h, new_c)


@unroll(gates=4, states=2)
def wmclstm(x: Array, state: States, p: Weights, options: Options) -> tuple[Array, States]:
    """arXiv:2109.00020: each gate also sees tanh of a map of the memory; rows i, f, c, o."""
    h, c = state
    sums = [p("ih", k, x) + p("hh", k, h) for k in range(4)]
    i = sigmoid(sums[0] + np.tanh(p("mh", 0, c)))
    f = sigmoid(sums[1] + np.tanh(p("mh", 1, c)))
    new_c = f * c + i * np.tanh(sums[2])
    o = sigmoid(sums[3] + np.tanh(p("mh", 2, new_c)))
    new_h = o * np.tanh(new_c)
    return new_h, (new_h, new_c)


@unroll(gates=2)
def trnn(x: Array, state: States, p: Weights, options: Options) -> tuple[Array, States]:
    """arXiv:1602.02218, the T-RNN; rows z, f."""
    (h,) = state
    f = phi(options.gate_nonlinearity, p("ih", 1, x))
    new_h = f * h + (1.0 - f) * p("ih", 0, x)
    return new_h, (new_h,)


def tgru(x: Array, parameters: Mapping[str, Array], options: Options) -> Array:
    """arXiv:1602.02218, the T-GRU; rows z, f, o of this input and of the last."""
    p = Weights(parameters, gates=3)
    h, outputs = np.zeros(p.size), []
    for z, f, o in _typed(x, p, options):
        h = f * h + z * o
        outputs.append(h)
    return np.stack(outputs)


def tlstm(x: Array, parameters: Mapping[str, Array], options: Options) -> Array:
    """arXiv:1602.02218, the T-LSTM; rows z, f, o of this input and of the last."""
    p = Weights(parameters, gates=3)
    c, outputs = np.zeros(p.size), []
    for z, f, o in _typed(x, p, options):
        c = f * c + (1.0 - f) * z
        outputs.append(c * o)
    return np.stack(outputs)


def _typed(x: Array, p: Weights, options: Options) -> list[tuple[Array, Array, Array]]:
    """What each step takes from its input and the one before it, which is zero at first."""
    found = []
    for now, last in zip(x, np.concatenate([np.zeros_like(x[:1]), x[:-1]]), strict=True):
        z, f, o = (p("ih", k, now) + p("hh", k, last) for k in range(3))
        found.append((z, phi(options.gate_nonlinearity, f), phi(options.output_nonlinearity, o)))
    return found
