"""What the references share: numbers, gates stacked by rows, and the way from one step to a sequence of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
State: TypeAlias = dict[str, NDArray[Any]]  # real, but for lru and s5, whose states are complex
Parameters: TypeAlias = Mapping[str, Array]
Options: TypeAlias = Any
"""The cell's validated options, every one of them there."""
Step: TypeAlias = Callable[..., tuple[Array, State]]
"""x (I,), the state, the parameters and the options to the output (D,) and the new state. What the cell uses besides x
comes by name: dt, a number, and observed (F,), true where a feature of x was seen."""
Reference: TypeAlias = Callable[..., Array]
"""x (T, I), the parameters, the options and, by name, dt (T,) and observed (T, F) to y (T, D)."""

EPS = 1e-5  # inside the root, as in torch.nn.LayerNorm and torch.nn.BatchNorm1d


def unroll(step: Step, initial: Callable[[Parameters, Options], State], uses: tuple[str, ...] = ()) -> Reference:
    """The reference that a record names: from x (T, I) and the initial state, step by step, to y (T, D).

    What `uses` says of "dt" and "observed" must be given, and nothing else may be.
    """

    def reference(
        x: Array,
        parameters: Parameters,
        options: Options,
        *,
        dt: Array | None = None,
        observed: NDArray[Any] | None = None,
    ) -> Array:
        given = {name: value for name, value in (("dt", dt), ("observed", observed)) if value is not None}
        assert given.keys() == set(uses), f"uses {uses}, given {tuple(given)}"
        state = initial(parameters, options)
        outputs = []
        for t in range(len(x)):
            now = {name: value[t] for name, value in given.items()}
            output, state = step(x[t], state, parameters, options, **now)
            outputs.append(output)
        return np.stack(outputs)

    return reference


def of_gates(gates: int, name: str = "h") -> Callable[[Parameters, Options], State]:
    """The initial state of a cell with one state of zeros, as wide as one of the gates stacked in weight_ih."""
    return lambda p, options: {name: np.zeros(len(p["weight_ih"]) // gates)}


def sigmoid(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-x))


def softplus(x: Array) -> Array:
    return np.logaddexp(0.0, x)


def silu(x: Array) -> Array:
    return x * sigmoid(x)


def softmax(x: Array) -> Array:
    exponentials = np.exp(x - x.max())
    result: Array = exponentials / exponentials.sum()
    return result


def relu(x: Array) -> Array:
    return np.where(x > 0.0, x, 0.0)


def erf(x: float) -> float:
    """2 / √π e^-x² Σ 2^n x^(2n + 1) / (1 3 5 ... (2n + 1)): terms of one sign, so that nothing cancels. 1 beyond 6."""
    if abs(x) > 6.0:
        return float(np.sign(x))
    total = term = x
    for n in range(1, 200):
        term = term * 2.0 * x * x / (2 * n + 1)
        total = total + term
    return float(2.0 / np.sqrt(np.pi) * np.exp(-x * x) * total)


def gelu(x: Array) -> Array:
    """arXiv:1606.08415, exact: x times the normal distribution function of x."""
    return np.array([v * 0.5 * (1.0 + erf(v / np.sqrt(2.0))) for v in x])


def as_complex(pairs: Array) -> NDArray[np.complex128]:
    """Complex numbers from a last axis of real and imaginary part."""
    result: NDArray[np.complex128] = pairs[..., 0] + 1j * pairs[..., 1]
    return result


def as_pairs(x: NDArray[np.complex128]) -> Array:
    return np.stack([x.real, x.imag], axis=-1)


def exponential(matrix: Array) -> Array:
    """exp of a square matrix: its power series at matrix / 2^k, where 20 terms leave nothing out, squared k times."""
    halvings = 1
    while np.abs(matrix).sum() > 2.0**halvings:
        halvings += 1
    small = matrix / 2.0**halvings
    total = term = np.eye(len(matrix))
    for n in range(1, 21):
        term = term @ small / n
        total = total + term
    for _ in range(halvings):
        total = total @ total
    return total


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


def layer_norm(x: Array, weight: Array, bias: Array, eps: float = EPS) -> Array:
    """arXiv:1607.06450: one mean and one biased variance over the whole vector."""
    mean = x.sum() / len(x)
    variance = ((x - mean) ** 2).sum() / len(x)
    result: Array = (x - mean) / np.sqrt(variance + eps) * weight + bias
    return result


def rms_norm(x: Array, weight: Array, eps: float = EPS) -> Array:
    """arXiv:1910.07467: x over the root of its mean square, and a weight; without a bias."""
    result: Array = x / np.sqrt((x**2).sum() / len(x) + eps) * weight
    return result


def rising_bound(p: Parameters) -> Array:
    """Of one layer, as fla/models/hgrn/modeling_hgrn.py: softmax over layers, cumsum, less the first's.

    `peers.0.bound` and so on are the rows of all layers, `peer` the place of this one; without them it is the first.
    """
    bound, total = np.zeros_like(p["bound"]), np.zeros_like(p["bound"])
    k = 0
    while f"peers.{k}.bound" in p:
        power = np.exp(p[f"peers.{k}.bound"])
        total = total + power
        bound = bound + power if 0 < k <= p["peer"] else bound
        k += 1
    return bound / total if k else bound


def phi(name: str, x: Array) -> Array:
    if name == "relu":
        return relu(x)
    assert name == "tanh", name
    return np.tanh(x)
