"""Which of two lists of layers belong together.

Where they are of the same kinds in the same order, those at the same place do. Else equal ones do, then those of one
kind, then what is left, in order.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Sequence
from typing import Any, Final

MOST_COMPARED: Final = 200
"""Layers on both sides, beyond what they have in common at their ends, above which only their order counts.

Comparing takes up to the cube of their number.
"""

Pair = tuple[int | None, int | None]
"""Places in the two lists; None where the other list has nothing that belongs to it."""


def pairs(a: Sequence[Any], b: Sequence[Any]) -> list[Pair]:
    """The places that belong together, in the order of both lists.

    Args:
        a: Layers as plain data.
        b: The same.
    """
    kinds = [[*map(_kind, layers)] for layers in (a, b)]
    if kinds[0] == kinds[1]:
        return [(index, index) for index in range(len(a))]
    found: list[Pair] = []
    for (start_a, end_a), (start_b, end_b), same in _runs([*map(_whole, a)], [*map(_whole, b)]):
        if same:
            found += zip(range(start_a, end_a), range(start_b, end_b), strict=True)
        else:
            found += _changed(a, b, (start_a, end_a), (start_b, end_b))
    return found


def _changed(a: Sequence[Any], b: Sequence[Any], in_a: tuple[int, int], in_b: tuple[int, int]) -> Iterator[Pair]:
    """Of runs without equal layers: those of one kind are one layer that changed."""
    kinds_a, kinds_b = [*map(_kind, a[slice(*in_a)])], [*map(_kind, b[slice(*in_b)])]
    for (start_a, end_a), (start_b, end_b), _ in _runs(kinds_a, kinds_b):
        left = [in_a[0] + index for index in range(start_a, end_a)]
        right = [in_b[0] + index for index in range(start_b, end_b)]
        both = min(len(left), len(right))
        yield from zip(left[:both], right[:both], strict=True)
        yield from ((index, None) for index in left[both:])
        yield from ((None, index) for index in right[both:])


def _runs(a: Sequence[Hashable], b: Sequence[Hashable]) -> Iterator[tuple[tuple[int, int], tuple[int, int], bool]]:
    """Both lists cut into runs that are equal and runs that are not."""
    first = 0
    while first < min(len(a), len(b)) and a[first] == b[first]:
        first += 1
    last = 0
    while last < min(len(a), len(b)) - first and a[-1 - last] == b[-1 - last]:
        last += 1
    end_a, end_b = len(a) - last, len(b) - last
    if first:
        yield (0, first), (0, first), True
    if end_a - first + end_b - first > MOST_COMPARED or first in (end_a, end_b):
        if (first, first) != (end_a, end_b):
            yield (first, end_a), (first, end_b), False
    else:
        from difflib import SequenceMatcher

        found = SequenceMatcher(None, a[first:end_a], b[first:end_b], autojunk=False)
        for what, start_a, stop_a, start_b, stop_b in found.get_opcodes():
            yield (first + start_a, first + stop_a), (first + start_b, first + stop_b), what == "equal"
    if last:
        yield (end_a, len(a)), (end_b, len(b)), True


def _whole(layer: Any) -> str:
    return json.dumps(layer, sort_keys=True, default=str)


def _kind(layer: Any) -> str:
    """What a layer is called: by its cell, or its kind."""
    kind = layer.get("cell", layer.get("kind")) if isinstance(layer, dict) else layer
    return str(kind.get("kind") if isinstance(kind, dict) else kind)
