"""What the references share: numbers, the blocks of stacked weights, and the way from one step to a row of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Options: TypeAlias = Any
"""The cell's validated options, every one of them there."""
Reference: TypeAlias = Callable[[Array, Mapping[str, Array], Options], Array]
"""x (T, I), the parameters as in the cell's `state_dict`, and the options, to y (T, H)."""
States: TypeAlias = tuple[Array, ...]


class Weights:
    """A cell's parameters, whose first axis is `gates` blocks in weight_ih and as many as there are elsewhere."""

    def __init__(self, parameters: Mapping[str, Array], gates: int) -> None:
        self.held = {name.rpartition(".")[2]: value for name, value in parameters.items()}
        self.size = len(self.held["weight_ih"]) // gates

    def __call__(self, kind: str, k: int, v: Array) -> Array:
        """Block k of weight_`kind` applied to v, and of bias_`kind` added: W v + b, or w ⊙ v + b for a vector."""
        block = self.block(f"weight_{kind}", k)
        return (block @ v if block.ndim == 2 else block * v) + self.bias(kind, k)

    def block(self, name: str, k: int) -> Array:
        return self.held[name][k * self.size : (k + 1) * self.size]

    def bias(self, kind: str, k: int) -> Array:
        """Block k of a bias; zeros where it is switched off."""
        name = f"bias_{kind}"
        return self.block(name, k) if name in self.held else np.zeros(self.size)

    def number(self, name: str) -> float:
        """One that all units share."""
        return float(self.held[name].reshape(()))


def unroll(gates: int, states: int = 1) -> Callable[[Callable[..., tuple[Array, States]]], Reference]:
    """From one step, `(x, states, weights, options) -> (y, states)`, to a reference: step by step from zeros."""

    def decorate(step: Callable[..., tuple[Array, States]]) -> Reference:
        @wraps(step)
        def reference(x: Array, parameters: Mapping[str, Array], options: Options) -> Array:
            weights = Weights(parameters, gates)
            state: States = (np.zeros(weights.size),) * states
            outputs = []
            for t in range(len(x)):
                output, state = step(x[t], state, weights, options)
                outputs.append(output)
            return np.stack(outputs)

        return reference

    return decorate


def sigmoid(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-x))


def logistic(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x))


def phi(name: str, x: Array) -> Array:
    """The function that an option names."""
    found: dict[str, Callable[[Array], Array]] = {
        "identity": lambda v: v,
        "tanh": np.tanh,
        "sigmoid": sigmoid,
        "relu": lambda v: np.maximum(v, 0.0),
        "softplus": lambda v: np.logaddexp(0.0, v),
        "hard_sigmoid": lambda v: np.clip(v / 6.0 + 0.5, 0.0, 1.0),
        "gelu": lambda v: 0.5 * v * (1.0 + np.vectorize(math.erf)(v / math.sqrt(2.0))),
        "silu": lambda v: v * sigmoid(v),
        "elu": lambda v: np.where(v > 0.0, v, np.expm1(np.minimum(v, 0.0))),
        "leaky_relu": lambda v: np.where(v > 0.0, v, 0.01 * v),
    }
    return found[name](x)
