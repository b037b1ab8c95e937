"""Where boxes and arrows of a picture go: in columns from left to right, no arrow through a box.

An arrow over several columns has a lane in each between. Arrows from one box share theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Final

WIDE, HIGH, LANE, ACROSS, DOWN, EDGE = 92, 40, 8, 48, 18, 14
_SWEEPS: Final = 8

Item = tuple[int, int]
"""A box and a column: in its own column the box itself, in a later one its lane."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is: the size of the picture, the upper left corner of each box, and the arrows as paths.

    Attributes:
        heads: Which arrows have a head.
    """

    size: tuple[float, float]
    corners: tuple[tuple[float, float], ...]
    paths: tuple[str, ...]
    heads: tuple[bool, ...]


def laid_out(boxes: int, edges: Sequence[tuple[int, int]], last: Sequence[int]) -> Layout:
    """Boxes in columns, with arrows between them.

    Args:
        boxes: How many there are.
        edges: From box to box, without cycles.
        last: The boxes of the last column.
    """
    column = _columns(boxes, edges, last)
    links = _links(edges, column)
    order = _ordered(boxes, column, links)
    heights = [sum(_height(item, column) for item in items) + DOWN * (len(items) - 1) for items in order]
    tallest = max(heights)
    corner: dict[Item, tuple[float, float]] = {}
    for at, items in enumerate(order):
        y = EDGE + (tallest - heights[at]) / 2
        for item in items:
            corner[item] = EDGE + at * (WIDE + ACROSS), y
            y += _height(item, column) + DOWN
    paths = []
    for begin, end in links:
        (x, y), (to_x, to_y) = corner[begin], corner[end]
        x, y, to_y = x + WIDE, y + _height(begin, column) / 2, to_y + _height(end, column) / 2
        half = (to_x - x) / 2
        through = f"H{to_x + WIDE:g}" if _is_lane(end, column) else ""
        paths.append(f"M{x:g},{y:g}C{x + half:g},{y:g} {to_x - half:g},{to_y:g} {to_x:g},{to_y:g}{through}")
    return Layout(
        size=(2 * EDGE + len(order) * (WIDE + ACROSS) - ACROSS, 2 * EDGE + tallest),
        corners=tuple(corner[box, column[box]] for box in range(boxes)),
        paths=tuple(paths),
        heads=tuple(not _is_lane(end, column) for _, end in links),
    )


def _columns(boxes: int, edges: Sequence[tuple[int, int]], last: Sequence[int]) -> list[int]:
    """Each box behind all that lead to it."""
    column = [0] * boxes
    for _ in range(boxes):
        for begin, end in edges:
            column[end] = max(column[end], column[begin] + 1)
    for box in last:
        column[box] = max(column)
    return column


def _links(edges: Sequence[tuple[int, int]], column: Sequence[int]) -> tuple[tuple[Item, Item], ...]:
    """The arrows, cut at their lanes, each piece once."""
    found: dict[tuple[Item, Item], None] = {}
    for begin, end in edges:
        way = [*((begin, at) for at in range(column[begin], column[end])), (end, column[end])]
        found |= dict.fromkeys(pairwise(way))
    return tuple(found)


def _ordered(boxes: int, column: Sequence[int], links: Sequence[tuple[Item, Item]]) -> list[list[Item]]:
    """The items of each column from top to bottom, so that few arrows cross: each near the middle of its neighbours."""
    order: list[list[Item]] = [[] for _ in range(max(column) + 1)]
    for item in dict.fromkeys([*((box, column[box]) for box in range(boxes)), *(end for _, end in links)]):
        order[item[1]].append(item)
    best, fewest = order, _crossings(order, links)
    for sweep in range(_SWEEPS):
        forward = sweep % 2 == 0
        order = [list(items) for items in order]
        for at in range(len(order)) if forward else reversed(range(len(order))):
            place = {item: _share(index, items) for items in order for index, item in enumerate(items)}
            near: dict[Item, list[float]] = {}
            for begin, end in links:
                here, there = (end, begin) if forward else (begin, end)
                near.setdefault(here, []).append(place[there])
            order[at].sort(key=lambda item: sum(near[item]) / len(near[item]) if item in near else place[item])
        crossings = _crossings(order, links)
        if crossings < fewest:
            best, fewest = order, crossings
    return best


def _share(index: int, items: Sequence[Item]) -> float:
    return (index + 0.5) / len(items)


def _crossings(order: Sequence[Sequence[Item]], links: Sequence[tuple[Item, Item]]) -> int:
    place = {item: index for items in order for index, item in enumerate(items)}
    return sum(
        a[0][1] == b[0][1] and (place[a[0]] - place[b[0]]) * (place[a[1]] - place[b[1]]) < 0
        for a, b in combinations(links, 2)
    )


def _is_lane(item: Item, column: Sequence[int]) -> bool:
    return item[1] != column[item[0]]


def _height(item: Item, column: Sequence[int]) -> int:
    return LANE if _is_lane(item, column) else HIGH
