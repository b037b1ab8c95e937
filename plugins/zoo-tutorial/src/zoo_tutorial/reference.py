"""The moving average in plain NumPy, from the paper's equation."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from zoo_tutorial.options import EMAOptions

Array = NDArray[np.float64]


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def ema(x: Array, parameters: Mapping[str, Array], options: EMAOptions) -> Array:
    """One sequence, x (T, I) to y (T, H)."""
    alpha = sigmoid(parameters["rate"])
    delta = sigmoid(parameters["damping"]) if options.damped else np.ones_like(alpha)
    h = np.zeros_like(alpha)
    y = []
    for t in range(len(x)):
        h = alpha * (parameters["weight_ih"] @ x[t]) + (1 - alpha * delta) * h
        y.append(h)
    return np.stack(y)
