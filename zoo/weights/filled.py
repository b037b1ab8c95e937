"""What each tensor of a model is filled with, and what is the same of it whichever way it was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.errors import ZooError
from zoo.model.base import Model


@dataclass(frozen=True, slots=True)
class Made:
    """One tensor of ours. Attributes: dtype: In which theirs was stored. computed: Numbers are new, not moved."""

    array: Any
    dtype: str
    computed: bool = False


@dataclass(frozen=True, slots=True)
class Filled:
    """All tensors of a model.

    Attributes:
        arrays: By our names.
        kept: Buffers that stay as they are.
        notes: What a person should hear of.
        record: Which packages built the model that was saved, where the file says it.
    """

    arrays: Mapping[str, Made]
    kept: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    record: Any = None


def share(arrays: dict[str, Made], names: list[str], owner: Mapping[str, str]) -> None:
    """A tensor that has several names in the model has one value: what one name is given, the others are too."""
    for name in names:
        if name not in arrays:
            arrays[name] = arrays[next(other for other in arrays if owner[other] == owner[name])]
        first = arrays.get(owner[name], arrays[name])
        if first is not arrays[name] and not np.array_equal(first.array, arrays[name].array):
            raise ZooError(f"{name} and {owner[name]} are one tensor in the model, and two that differ in the file")


def shape_of(one: Any) -> tuple[int, ...]:
    return tuple(one.shape)


def real_pairs(model: Model, given: dict[str, tuple[int, ...]]) -> None:
    """Complex numbers that stand in a file as pairs of real ones have the shape of ours, and two numbers more."""
    for name, one in model.state_dict().items():
        if one.is_complex() and given.get(name) == (*one.shape, 2):
            given[name] = shape_of(one)
