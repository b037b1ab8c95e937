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


def misfits(stack: Stack) -> Iterator[Problem]:
    """One cell by itself, and cells that are not equal."""
    for layers in groups(stack):
        (first, one), *others = layers
        option, name = str(asks(one)), one.cell.record.name
        if not others:
            said = f"{option} is learned over all layers that say so, and this is the only one: leave it out"
            yield Problem((*first, "cell", option), "peers", said)
        for path, other in others:
            same = f"cells {name!r} with {option} need equal options and hidden_size"
            if other.hidden_size != one.hidden_size:
                said = f"{same}: this one has {other.hidden_size}, and that of {dotted(first)} {one.hidden_size}"
                yield Problem((*path, "hidden_size"), "peers", said)
            elif other.cell != one.cell:
                yield Problem((*path, "cell"), "peers", f"{same}: this one differs from that of {dotted(first)}")
