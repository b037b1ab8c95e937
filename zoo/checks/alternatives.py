"""A spec with one thing changed: every option of every component, and every key of a layer."""

from __future__ import annotations

import math
import typing
from collections.abc import Iterator, Set
from dataclasses import fields, replace
from typing import Any, Final, Literal

from pydantic import BaseModel, ValidationError

from zoo.components import CellType, Part, PoolType
from zoo.plugin.manager import catalogue
from zoo.spec.canonical import Dropout, Merge, Norm, Other, Recurrent, Spec
from zoo.spec.describe import describe

MERGES: Final[tuple[Merge, ...]] = ("concat", "sum", "mean", "mul")
OTHER_RATE: Final = 0.3125


def changes(spec: Spec) -> Iterator[tuple[str, Spec]]:
    """Each change with its place. It may not fit the rest of the model; whoever asks finds out."""
    for name, part in _parts(spec.input):
        yield f"input.{name}", replace(spec, input=part)
    if _beside_layers(spec):
        for name, part in _inits(spec.init):
            yield name, replace(spec, init=part)
    seen: list[Recurrent | Other] = []
    for index, layer in enumerate(spec.layers):
        if layer in seen[:-1]:
            continue  # a stack of equal layers: its first two, and those that differ, say it all
        seen.append(layer)
        for name, changed in _layer(spec, index, layer):
            layers = (*spec.layers[:index], changed, *spec.layers[index + 1 :])
            yield f"layers.{index}.{name}", replace(spec, layers=layers)
    if spec.head is not None:
        for name, part in _parts(spec.head.part):
            yield f"head.{name}", replace(spec, head=replace(spec.head, part=part))
        for name, part in _parts(spec.head.pool):
            yield f"head.pool.{name}", replace(spec, head=replace(spec.head, pool=part))


def _beside_layers(spec: Spec) -> bool:
    """Whether the spec's own scheme has something to start: recurrent layers have schemes of their own."""
    others = {f"layers.{index}" for index, layer in enumerate(spec.layers) if isinstance(layer, Other)}
    return _has_parameters(spec, {"input", "pool", "head"} | others)


def _has_parameters(spec: Spec, labels: Set[str]) -> bool:
    rows = [row for row in describe(spec).rows if row.label in labels]
    return any(row.description is None or row.description.parameters for row in rows)


def _layer(spec: Spec, index: int, layer: Recurrent | Other) -> Iterator[tuple[str, Recurrent | Other]]:
    if isinstance(layer, Other):
        for name, part in _parts(layer.part):
            yield f"{layer.part.record.name}.{name}", Other(part=part)
        return
    for name, part in _parts(layer.cell):
        yield f"cell.{name}", replace(layer, cell=part)
    if _has_parameters(spec, {f"layers.{index}"}):
        for name, part in _inits(layer.init):
            yield name, replace(layer, init=part)
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
    for name, part in _parts(layer.norm.part):
        yield f"norm.{name}", replace(layer, norm=replace(layer.norm, part=part))


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


def _inits(part: Part) -> Iterator[tuple[str, Part]]:
    """Schemes that set every parameter: another range, and uniform where it is not."""
    for name, changed in _parts(part):
        yield f"init.{name}", changed
    if part.record.name != "uniform":
        found = catalogue().find("init", "uniform")
        yield "init (uniform)", Part(found, found.record.options(range=0.01))


def _parts(part: Part | None) -> Iterator[tuple[str, Part]]:
    if part is not None:
        for name, options in _alternatives(part.options):
            yield name, part.with_options(options)


def _alternatives(options_: BaseModel) -> Iterator[tuple[str, BaseModel]]:
    """The options with one of them set to another value that the model accepts."""
    given = options_.model_dump(by_alias=True)
    for name, field in type(options_).model_fields.items():
        for value in _values(field.annotation, getattr(options_, name)):
            try:
                yield name, type(options_).model_validate(given | {field.alias or name: value})
            except ValidationError:
                continue


def _values(annotation: Any, now: Any) -> list[Any]:
    """Other values for an option of this type, most likely ones first."""
    choices: list[Any] = []
    for member in _members(annotation):
        if typing.get_origin(member) is typing.Literal:
            choices += typing.get_args(member)
        elif member is bool:
            choices += [True, False]
        elif member is int:
            choices += [now + 1, now - 1] if type(now) is int else [3, 0]
        elif member is float:
            choices += [now / 2 + 0.25, 2 * now + 1] if type(now) is float and math.isfinite(now) else [0.5, 1.5]
        elif typing.get_origin(member) is tuple and isinstance(now, tuple):
            choices += [tuple(item + 1 for item in now if isinstance(item, int)), (*now, *now)]
    others = [value for value in choices if value != now]
    # None often means a default, which may be the value that is there.
    if not others and now is not None and type(None) in _members(annotation):
        return [None]
    return others


def _members(annotation: Any) -> tuple[Any, ...]:
    """The types of a union, or the type itself; Annotated is looked through."""
    if typing.get_origin(annotation) is typing.Annotated:
        return _members(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) is typing.Union or type(annotation).__name__ == "UnionType":
        return tuple(m for part in typing.get_args(annotation) for m in _members(part))
    return (annotation,)
