"""What the references share: numbers, gates stacked by rows, and the way from one step to a row of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
State: TypeAlias = dict[str, NDArray[Any]]  # real, but for lru, whose state is complex
Parameters: TypeAlias = Mapping[str, Array]
Options: TypeAlias = Any
"""The cell's validated options, every one of them there."""
Step: TypeAlias = Callable[[Array, State, Parameters, Options], tuple[Array, State]]
"""x (I,), the state, the parameters and the options to the output (D,) and the new state."""

EPS = 1e-5  # inside the root, as in torch.nn.LayerNorm and torch.nn.BatchNorm1d


def rows(step: Step, start: Callable[[Parameters, Options], State]) -> Callable[[Array, Parameters, Options], Array]:
    """The reference that a record names: from x (T, I) and the start state, step by step, to y (T, D)."""

    def reference(x: Array, parameters: Parameters, options: Options) -> Array:
        state = start(parameters, options)
        outputs = []
        for t in range(len(x)):
            output, state = step(x[t], state, parameters, options)
            outputs.append(output)
        return np.stack(outputs)

    return reference


def of_gates(gates: int, name: str = "h") -> Callable[[Parameters, Options], State]:
    """The start of a cell with one state of zeros, as wide as one of the gates stacked in weight_ih."""
    return lambda p, options: {name: np.zeros(len(p["weight_ih"]) // gates)}


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


def phi(name: str, x: Array) -> Array:
    if name == "relu":
        return np.where(x > 0.0, x, 0.0)
    assert name == "tanh", name
    return np.tanh(x)
