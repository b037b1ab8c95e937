"""Recurrent layers that belong to no library: weights by the names of their gates. NumPy only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Kind = Literal["rnn", "lstm", "gru"]
Reset = Literal["after", "before"]
Activation = Literal["tanh", "relu"]
Merge = Literal["concat", "sum", "mean", "mul"]

GATES: Final[Mapping[Kind, tuple[str, ...]]] = {"rnn": ("h",), "lstm": ("i", "f", "g", "o"), "gru": ("r", "z", "n")}
PEEPHOLES: Final = ("i", "f", "o")


@dataclass(frozen=True, slots=True)
class Direction:
    """One direction of a layer, by gate.

    Attributes:
        W: (H, I) of the input.
        U: (H, H), or (H, P) with a projection, of the state.
        b: (H,), the bias beside W x and the one beside U h; None without biases.
        c: (H,), the bias beside W x and the one beside U h; None without biases.
        p: (H,) peepholes of i, f and o; None without.
        R: The projection (P, H); None without.
    """

    W: Mapping[str, Array]
    U: Mapping[str, Array]
    b: Mapping[str, Array] | None = None
    c: Mapping[str, Array] | None = None
    p: Mapping[str, Array] | None = None
    R: Array | None = None

    @property
    def hidden_size(self) -> int:
        return int(next(iter(self.W.values())).shape[0])

    @property
    def input_size(self) -> int:
        return int(next(iter(self.W.values())).shape[1])


@dataclass(frozen=True, slots=True)
class Recurrent:
    """One layer, in one direction or in two, the second of which is backward.

    Attributes:
        activation: Of an rnn.
        reset: Of a gru, after or before the product.
        merge: Of two directions.
        reverse: The only direction is backward.
        dtype: Of the numbers where they came from.
    """

    kind: Kind
    directions: tuple[Direction, ...]
    activation: Activation = "tanh"
    reset: Reset = "after"
    merge: Merge = "concat"
    reverse: bool = False
    dtype: str = "float32"

    @property
    def biased(self) -> bool:
        return self.directions[0].b is not None

    @property
    def output_size(self) -> int:
        first = self.directions[0]
        each = first.hidden_size if first.R is None else int(first.R.shape[0])
        return each * len(self.directions) if self.merge == "concat" else each
