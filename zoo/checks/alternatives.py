"""A spec with one key of a layer changed: those of the format, which every cell has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any, Final, Literal

from zoo.components import CellType, Part, PoolType
from zoo.plugin.manager import catalogue
from zoo.spec.canonical import Dropout, Merge, Norm, Recurrent, Spec

MERGES: Final[tuple[Merge, ...]] = ("concat", "sum", "mean", "mul")
OTHER_RATE: Final = 0.3125


def keys(spec: Spec) -> Iterator[tuple[str, Spec]]:
    """Each change with its place. It may not fit the rest of the model; whoever asks finds out."""
    seen: list[Recurrent] = []
    for index, layer in enumerate(spec.layers):
        if not isinstance(layer, Recurrent) or layer in seen[:-1]:
            continue  # a stack of equal layers: its first two, and those that differ, say it all
        seen.append(layer)
        for name, changed in _layer(spec, index, layer):
            layers = (*spec.layers[:index], changed, *spec.layers[index + 1 :])
            yield f"layers.{index}.{name}", replace(spec, layers=layers)


def _layer(spec: Spec, index: int, layer: Recurrent) -> Iterator[tuple[str, Recurrent]]:
    yield "hidden_size", replace(layer, hidden_size=layer.hidden_size + 1)
    projection = None if layer.output_projection else 3
    yield "output_projection", replace(layer, output_projection=projection)
    yield "initial_state", replace(layer, initial_state="zeros" if layer.initial_state == "learned" else "learned")
    yield "residual", replace(layer, residual=not layer.residual)
    yield from _norms(layer)
    yield from _directions(spec, index, layer)
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


def _directions(spec: Spec, index: int, layer: Recurrent) -> Iterator[tuple[str, Recurrent]]:
    if not layer.reverse:
        yield "bidirectional", replace(layer, bidirectional=not layer.bidirectional, merge="concat")
    if not layer.bidirectional:
        yield "reverse", replace(layer, reverse=not layer.reverse)
        return
    final = spec.head is not None and spec.head.pool is not None and isinstance(spec.head.pool.record, PoolType)
    if final and layer.residual and index == len(spec.layers) - 1:
        return  # the format refuses a pool behind some of them
    for merge in MERGES:
        if merge != layer.merge:
            yield f"merge ({merge})", replace(layer, merge=merge)


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
