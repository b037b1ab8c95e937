"""Data that the tests share."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

Rows = NDArray[np.float32]


@cache
def digits() -> tuple[Rows, Rows, NDArray[np.int64], NDArray[np.int64]]:
    """scikit-learn's digits, each image as 8 steps of 8 pixels from 0 to 1: X, X of the test, y, y of the test."""
    found = load_digits()
    parts: Any = train_test_split(
        (found.images / 16).astype(np.float32), found.target, random_state=0, stratify=found.target
    )
    return tuple(parts)


def pulses(count: int, *, seed: int, steps: int = 12) -> tuple[Rows, NDArray[np.str_]]:
    """A pulse up and a pulse down among noise, (count, steps, 1), and which came first: only the order tells."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(count, steps, 1)) * 0.1
    first_up = np.arange(count) % 2 == 0
    for row, up in enumerate(first_up):
        first, second = np.sort(draw.choice(steps, 2, replace=False))
        x[row, first] += 1 if up else -1
        x[row, second] -= 1 if up else -1
    return x.astype(np.float32), np.where(first_up, "up", "down")


def ragged(count: int, *, features: int = 3, seed: int = 0) -> list[Rows]:
    """Rows of 1 to 9 steps."""
    draw = np.random.default_rng(seed)
    return [draw.normal(size=(int(steps), features)).astype(np.float32) for steps in draw.integers(1, 10, count)]
