"""Rules across the keys of a spec: what is right by itself but cannot stand together.

Nothing that a spec says may be without effect, so an option with nothing to act on is a mistake, not a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from zoo.components import CellType, PoolType
from zoo.plugin.catalogue import Catalogue
from zoo.spec.canonical import Other, Recurrent, Spec
from zoo.spec.describe import ModelDescription
from zoo.spec.limits import MOST_STAGES, excess
from zoo.spec.model import INHERITED_BY_LAYERS, DropoutEntry, RecurrentEntry, SpecFile
from zoo.spec.problems import Path, Problem

Place = Callable[[Path], Path]


def of_file(file: SpecFile, catalogue: Catalogue) -> Iterator[Problem]:
    """Rules that read a spec as it was written."""
    for index, requirement in enumerate(file.requires):
        missing = catalogue.why_missing(requirement)
        if missing is not None:
            yield Problem(("requires", index), "requires", missing)
    entries = (RecurrentEntry(),) * file.layers if isinstance(file.layers, int) else file.layers
    recurrent = [(i, entry) for i, entry in enumerate(entries) if isinstance(entry, RecurrentEntry)]
    if not recurrent:
        yield from _unused(file)
        return
    yield from _between(file, recurrent)
    yield from _variational(("dropout",), file.dropout)
    for index, entry in recurrent:
        yield from _variational(("layers", index, "dropout"), entry.dropout)
    yield from _directions(file, recurrent)


def _unused(file: SpecFile) -> Iterator[Problem]:
    """What stands on the model for its recurrent layers has nothing to act on where there is none."""
    for key in INHERITED_BY_LAYERS:
        if key != "init" and key in file.model_fields_set:
            yield Problem((key,), "unused", f"{key} is for recurrent layers, and this spec has none: leave it out")


def _between(file: SpecFile, recurrent: list[tuple[int, RecurrentEntry]]) -> Iterator[Problem]:
    """`between` needs a recurrent layer after it."""
    if file.dropout is not None and file.dropout.between and len(recurrent) < 2:
        yield Problem(
            ("dropout", "between"),
            "between",
            "dropout between layers needs two or more recurrent layers; "
            "here there is one: use dropout: {output: ...} or add layers",
        )
    for index, entry in recurrent[-1:]:
        if entry.dropout is not None and entry.dropout.between:
            yield Problem(
                ("layers", index, "dropout", "between"),
                "between",
                "dropout between layers acts after every recurrent layer but the last, and this is the last: "
                "use dropout: {output: ...}",
            )


def _variational(path: Path, dropout: DropoutEntry | None) -> Iterator[Problem]:
    if dropout is not None and dropout.variational and not (dropout.input or dropout.between or dropout.output):
        yield Problem(
            (*path, "variational"),
            "variational",
            "variational says how input, between and output are dropped, and none of them is given",
        )


def _directions(file: SpecFile, recurrent: list[tuple[int, RecurrentEntry]]) -> Iterator[Problem]:
    """`merge` needs two directions, and `reverse` needs one."""

    def both(entry: RecurrentEntry) -> bool:
        return entry.bidirectional if "bidirectional" in entry.model_fields_set else file.bidirectional

    message = "merge says how two directions become one: it needs bidirectional: true"
    if "merge" in file.model_fields_set and not any(both(entry) for _, entry in recurrent):
        yield Problem(("merge",), "merge", message)
    for index, entry in recurrent:
        if "merge" in entry.model_fields_set and not both(entry):
            yield Problem(("layers", index, "merge"), "merge", message)
        if entry.reverse and both(entry):
            yield Problem(
                ("layers", index, "reverse"),
                "reverse",
                "a bidirectional layer already runs in reverse too: leave out reverse or bidirectional",
            )


def of_spec(file: SpecFile, spec: Spec, description: ModelDescription, place: Place) -> Iterator[Problem]:
    """Rules that need the whole model: what its components can do, and its figures."""
    for index, layer in enumerate(spec.layers):
        if isinstance(layer, Recurrent):
            yield from _supported(("layers", index), layer, place)
    yield from _too_large(spec, description, place)
    yield from _pool(spec, place)
    if spec.expect is not None and description.parameters not in (None, spec.expect.parameters):
        yield Problem(
            place(("expect", "parameters")),
            "expect",
            f"expects {spec.expect.parameters:,} parameters, but the model has {description.parameters:,}",
        )


def _too_large(spec: Spec, description: ModelDescription, place: Place) -> Iterator[Problem]:
    """No model needs what stands here, and to try to run it would take all memory, or for ever."""
    found = False
    for row in description.rows:
        group, _, index = row.label.partition(".")
        path: Path = ("layers", int(index), "cell") if index and row.part.record.kind == "cell" else (group,)
        problem = excess(row.part.record, row.description) if row.description is not None else None
        if problem is not None:
            found = True
            where = place(path if path[0] in ("layers", "input") else ("head", group)[: 2 if group == "pool" else 1])
            yield Problem(where, "size", problem)
    stages = sum(row.description.sequential_depth for row in description.rows if row.description is not None)
    if stages > MOST_STAGES and not found:
        most = f"more than {MOST_STAGES:,}: make them fewer or less deep"
        message = f"the layers would take {stages:,} stages together, one after the other, for each step, {most}"
        yield Problem(("layers",), "size", message)


def _supported(path: Path, layer: Recurrent, place: Place) -> Iterator[Problem]:
    """A dropout kind that the cell itself must apply is an error where it does not."""
    cell = layer.cell.record
    if not isinstance(cell, CellType):
        return
    reason = {
        "recurrent": "does not apply recurrent dropout",
        "weight": "declares no recurrent weights to drop",
        "zoneout": "has no state that may be zoned out",
    }
    able = {*cell.dropouts, *(("zoneout",) if cell.zoneout else ())}
    for kind, why in reason.items():
        if getattr(layer.dropout, kind) and kind not in able:
            yield Problem(place((*path, "dropout", kind)), "dropout_kind", f"dropout.{kind}: cell {cell.name!r} {why}")


def _pool(spec: Spec, place: Place) -> Iterator[Problem]:
    """The final output of each direction is known right behind the recurrent layer that runs backwards."""
    pool = spec.head.pool if spec.head is not None else None
    if pool is None or not isinstance(pool.record, PoolType) or not pool.record.final:
        return
    last = max((i for i, layer in enumerate(spec.layers) if isinstance(layer, Recurrent)), default=None)
    if last is None:
        yield Problem(
            place(("head", "pool")),
            "pool",
            f"pool {pool.record.name!r} takes the final output of each direction of a recurrent layer, and this spec "
            "has none: use another pool",
        )
        return
    layer = spec.layers[last]
    assert isinstance(layer, Recurrent)
    behind = [item for item in spec.layers[last + 1 :] if isinstance(item, Other)]
    if behind and (layer.bidirectional or layer.reverse):
        yield Problem(
            place(("head", "pool")),
            "pool",
            f"pool {pool.record.name!r} takes the final output of each direction, but a layer of kind "
            f"{behind[0].part.record.name!r} stands behind the last recurrent layer, which runs backwards too: "
            "use pool: mean, max or attention",
        )
    if layer.bidirectional and layer.residual and layer.merge != "concat":
        yield Problem(
            place(("head", "pool")),
            "pool",
            f"pool {pool.record.name!r} is not defined for a residual layer whose directions are merged by "
            f"{layer.merge!r}: their final outputs belong to different steps",
        )
