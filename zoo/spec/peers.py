"""Cells of a stack that are computed from the parameters of all of them, as a lower bound that rises with depth."""

from __future__ import annotations

from collections.abc import Iterator

from zoo.components import CellType
from zoo.spec.problems import Problem
from zoo.spec.tree import Path, Recurrent, Stack, dotted, recurrent

Layers = list[tuple[Path, Recurrent]]


def asks(layer: Recurrent) -> str | None:
    """The option by which a layer's cell is told of others of its stack; None where it is not."""
    record = layer.cell.record
    option = record.peers if isinstance(record, CellType) else None
    return option if option is not None and getattr(layer.cell.options, option, False) is True else None


def groups(stack: Stack) -> Iterator[Layers]:
    """The layers of a stack whose cells know each other, in order, with their paths; those of its input apart."""
    found: dict[tuple[str | int, str, str], Layers] = {}
    for path, layer in recurrent(stack):
        option = asks(layer)
        if option is not None:
            group = found.setdefault((path[0], layer.cell.provided.qualified, option), [])
            group.append(((*stack.path, *path), layer))
    yield from found.values()


def unequal(stack: Stack) -> Iterator[tuple[Path, str]]:
    """Cells that know each other and are not equal, with what is wrong."""
    for (first, one), *others in groups(stack):
        for path, other in others:
            same = f"cells {one.cell.record.name!r} with {asks(one)} need equal options and hidden_size"
            if other.hidden_size != one.hidden_size:
                said = f"{same}: this one has {other.hidden_size}, and that of {dotted(first)} {one.hidden_size}"
                yield (*path, "hidden_size"), said
            elif other.cell != one.cell:
                yield (*path, "cell"), f"{same}: this one differs from that of {dotted(first)}"


def alone(stack: Stack) -> Iterator[Problem]:
    """A cell that says so by itself: it would learn what has no effect."""
    for (path, one), *others in groups(stack):
        if not others:
            option = str(asks(one))
            said = f"{option} is learned over all layers that say so, and this is the only one: leave it out"
            yield Problem((*path, "cell", option), "peers", said)
