"""What a model is and what it costs, for one screen: its source, a table over its tree, and its figures. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from zoo.browse.outline import Item, outline
from zoo.components import Description, Shape
from zoo.spec.canonical import Spec
from zoo.spec.describe import ModelDescription
from zoo.spec.traits import not_streamable, says_streaming

COLUMNS: Final = ("part", "what", "output", "parameters", "multiply-adds", "state")
NUMBERS: Final = COLUMNS[2:]
INDENT: Final = "  "

Row = tuple[str, str, str, str, str, str]


def rows(spec: Spec) -> list[Row]:
    """The table: a row for each part, what is inside a part below it and indented.

    Figures are those of all that a row stands for, so that they add up: of `24 x block`, and of a layer inside it, of
    all 24.
    """
    return list(_rows(outline(spec), 0, 1))


def folds(spec: Spec) -> bool:
    """Whether a row of the table stands for several parts."""
    return any(_folds(item) for item in outline(spec))


def _folds(item: Item) -> bool:
    return item.count > 1 or any(map(_folds, item.items))


def _rows(items: tuple[Item, ...], depth: int, times: int) -> Iterator[Row]:
    for item in items:
        count = times * item.count
        yield f"{INDENT * depth}{item.label}", "" if item.kind == "stack" else item.text, *_figures(item, count)
        yield from _rows(item.items, depth + 1, count)


def _figures(item: Item, count: int) -> tuple[str, str, str, str]:
    parameters = item.parameters
    if item.kind == "stack":
        return "", _count(parameters), "", ""
    found, state = item.figures, item.state
    if found is None or parameters is None or state is None:
        return "", "", "", ""
    return wide(found.output_shape), _count(count * parameters), _count(count * _macs(found)), _count(count * state)


def _macs(found: Description) -> int:
    """Per step, or per sequence where nothing is done per step."""
    return found.macs_per_step or found.macs_per_sequence


def wide(shape: Shape) -> str:
    """The shape of one step: `20`, or `8 x 10 x 10` of maps."""
    return " x ".join(f"{size:,}" for size in shape) or "1"


def totals(spec: Spec, description: ModelDescription) -> list[tuple[str, str]]:
    """A model's figures, each with its name."""
    once, state = description.macs_per_sequence, description.state_elements
    macs = f"{_count(description.macs_per_step)} per step" + (f", {once:,} per sequence" if once else "")
    found = [
        ("parameters", _count(description.parameters)),
        ("multiply-adds", macs),
        ("state", f"{_count(state)} numbers per sequence"),
        ("sequential depth", f"{_count(description.sequential_depth)} per step"),
        ("streamable", says_streaming(not_streamable(spec), description.hop)),
    ]
    if description.buffers:
        found.insert(1, ("not trained", f"{description.buffers:,} numbers"))
    return found


def _count(figure: int | None) -> str:
    return "unknown" if figure is None else f"{figure:,}"
