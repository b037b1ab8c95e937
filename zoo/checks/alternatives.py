"""A spec with one key of a layer changed: those of the format, which every cell has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any, Final, Literal

from zoo.components import CellType, Part
from zoo.engine.around import ALL, Dropout, Merge
from zoo.plugin.manager import catalogue
from zoo.spec.canonical import Spec
from zoo.spec.tree import Norm, Path, Recurrent, Stack, dotted, put, recurrent

MERGES: Final[tuple[Merge, ...]] = ("concat", "sum", "mean", "mul")
OTHER_RATE: Final = 0.3125


def keys(spec: Spec) -> Iterator[tuple[str, Spec]]:
    """Each change with its place. It may not fit the rest of the model; whoever asks finds out."""
    seen: list[Recurrent] = []
    for path, layer in recurrent(spec):
        if layer in seen[:-1]:
            continue  # a stack of equal layers: its first two, and those that differ, say it all
        seen.append(layer)
        for name, changed in _layer(spec, path, layer):
            yield f"{dotted(path)}.{name}", put(spec, path, changed)


def _layer(spec: Spec, path: Path, layer: Recurrent) -> Iterator[tuple[str, Recurrent]]:
    yield "hidden_size", replace(layer, hidden_size=layer.hidden_size + 1)
    projection = None if layer.output_projection else 3
    yield "output_projection", replace(layer, output_projection=projection)
    yield "initial_state", replace(layer, initial_state="zeros" if layer.initial_state == "learned" else "learned")
    yield "residual", replace(layer, residual=not layer.residual)
    yield from _norms(layer)
    yield from _directions(spec, path, layer)
    yield from _dropouts(layer)


def _norms(layer: Recurrent) -> Iterator[tuple[str, Recurrent]]:
    if layer.norm is None:
        part = Part(found := catalogue().find("norm", "layer"), found.record.options())
        positions: tuple[Literal["before", "after"], ...] = ("before", "after")
        for position in positions:
            yield f"norm ({position})", replace(layer, norm=Norm(part=part, position=position))
        return
    yield "norm", replace(layer, norm=None)
    yield (
        "norm.position",
        replace(layer, norm=replace(layer.norm, position="after" if layer.norm.position == "before" else "before")),
    )


def _directions(spec: Spec, path: Path, layer: Recurrent) -> Iterator[tuple[str, Recurrent]]:
    if not layer.reverse:
        yield "bidirectional", replace(layer, bidirectional=not layer.bidirectional, merge="concat")
    if not layer.bidirectional:
        yield "reverse", replace(layer, reverse=not layer.reverse)
        return
    yield "share", replace(layer, share=() if layer.share else ALL)
    if layer.residual and any(path == (*stack.path, "layers", len(stack.layers) - 1) for stack in _pooled(spec)):
        return  # the format refuses a pool behind some of them
    for merge in MERGES:
        if merge != layer.merge:
            yield f"merge ({merge})", replace(layer, merge=merge)


def _pooled(spec: Spec) -> Iterator[Stack]:
    return (stack for stack in spec.stacks if any(head.pool is not None for head in stack.all_heads))


def _dropouts(layer: Recurrent) -> Iterator[tuple[str, Recurrent]]:
    """Every kind at another rate, as far as the cell can; and one mask for the sequence or one per step."""
    rates = layer.dropout
    record = layer.cell.record
    for field in fields(Dropout):
        kind = field.name
        if kind == "variational":
            if rates.input or rates.between or rates.output:
                yield "dropout.variational", replace(layer, dropout=replace(rates, variational=not rates.variational))
            continue
        able = not isinstance(record, CellType) or kind in ("input", "between", "output") or kind in record.dropouts
        if able or (kind == "zoneout" and isinstance(record, CellType) and record.zoneout):
            changed: dict[str, Any] = {kind: OTHER_RATE if getattr(rates, kind) != OTHER_RATE else 2 * OTHER_RATE}
            yield f"dropout.{kind}", replace(layer, dropout=replace(rates, **changed))
