"""Rules across the keys of a spec: what is right by itself but cannot stand together.

Nothing that a spec says may be without effect, so an option with nothing to act on is a mistake, not a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from zoo.components import CellType, HeadType, PoolType
from zoo.plugin.catalogue import Catalogue
from zoo.spec.canonical import Spec
from zoo.spec.describe import ModelDescription
from zoo.spec.fed import fed
from zoo.spec.file import SpecFile, StackEntry, StacksFile, stacks_of
from zoo.spec.limits import MOST_STAGES, excess
from zoo.spec.model import INHERITED_BY_LAYERS, MOST_LAYERS, RecurrentEntry
from zoo.spec.peers import alone
from zoo.spec.places import HeadEntry, HeadsEntry
from zoo.spec.problems import Path, Problem
from zoo.spec.rates import DropoutEntry
from zoo.spec.stacks import Written, recurrent_entries
from zoo.spec.tree import Component, Head, Layer, Recurrent, Stack, over_time, recurrent
from zoo.spec.unread import unread
from zoo.spec.wired import wired

Place = Callable[[Path], Path]


def of_file(file: SpecFile | StacksFile, catalogue: Catalogue) -> Iterator[Problem]:
    """Rules that read a spec as it was written."""
    for index, requirement in enumerate(file.requires):
        missing = catalogue.why_missing(requirement)
        if missing is not None:
            yield Problem(("requires", index), "requires", missing)
    for name, stack in stacks_of(file).items():
        yield from (problem.under(*((name,) if name else ())) for problem in _of_stack(stack))


def _of_stack(stack: StackEntry) -> Iterator[Problem]:
    if isinstance(stack.head, HeadEntry) and isinstance(stack.heads, HeadsEntry):
        said = "a model has one head or several, not both: write all of them in heads, or head: none beside these"
        yield Problem(("heads",), "heads", said)
    entries = recurrent_entries(stack)
    if len(entries) > MOST_LAYERS:
        yield Problem(("layers",), "layers_count", f"a model has at most {MOST_LAYERS} layers, not {len(entries)}")
    if not entries:
        yield from _unused(stack)
        return
    yield from _between(stack, entries)
    yield from _variational(("dropout",), stack.dropout)
    for path, entry in entries:
        yield from _variational((*path, "dropout"), entry.dropout)
    yield from _directions(stack, entries)


def _unused(stack: StackEntry) -> Iterator[Problem]:
    """What stands on the model for its recurrent layers has nothing to act on where there is none."""
    for key in INHERITED_BY_LAYERS:
        if key != "init" and key in stack.model_fields_set:
            yield Problem((key,), "unused", f"{key} is for recurrent layers, and this spec has none: leave it out")


def _between(stack: StackEntry, recurrent: list[Written]) -> Iterator[Problem]:
    """`between` needs a recurrent layer after it."""
    if stack.dropout is not None and stack.dropout.between and len(recurrent) < 2:
        yield Problem(
            ("dropout", "between"),
            "between",
            "dropout between layers needs two or more recurrent layers; "
            "here there is one: use dropout: {output: ...} or add layers",
        )
    for path, entry in recurrent[-1:]:
        if entry.dropout is not None and entry.dropout.between:
            yield Problem(
                (*path, "dropout", "between"),
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


def _directions(stack: StackEntry, recurrent: list[Written]) -> Iterator[Problem]:
    """`merge` and `share` need two directions, and `reverse` needs one."""

    def both(entry: RecurrentEntry) -> bool:
        return entry.bidirectional if "bidirectional" in entry.model_fields_set else stack.bidirectional

    message = "merge says how the outputs of two directions are combined: it needs bidirectional: true"
    if "merge" in stack.model_fields_set and not any(both(entry) for _, entry in recurrent):
        yield Problem(("merge",), "merge", message)
    shared = "share names what two directions have in common: it needs bidirectional: true"
    if "share" in stack.model_fields_set and not any(both(entry) for _, entry in recurrent):
        yield Problem(("share",), "share", shared)
    for path, entry in recurrent:
        if "merge" in entry.model_fields_set and not both(entry):
            yield Problem((*path, "merge"), "merge", message)
        if "share" in entry.model_fields_set and not both(entry):
            yield Problem((*path, "share"), "share", shared)
        if entry.reverse and both(entry):
            yield Problem(
                (*path, "reverse"),
                "reverse",
                "a bidirectional layer already runs backward too: leave out reverse or bidirectional",
            )


def of_spec(spec: Spec, description: ModelDescription, place: Place) -> Iterator[Problem]:
    """Rules that need the whole model: what its components can do, and its figures."""
    for path, layer in recurrent(spec):
        yield from _supported(path, layer, place)
    yield from _too_large(description, place)
    for stack in spec.stacks:
        for head in stack.all_heads:
            yield from _pool(stack, head, place)
    described = {row.path: row.description for row in description.rows}
    for stack in spec.stacks:
        yield from fed(stack, described, place)
        yield from (replace(found, path=place(found.path)) for found in alone(stack))
    stateful = {path for path, own in described.items() if own is not None and own.state}
    yield from unread(spec, stateful, place)
    yield from wired(spec, place)
    if spec.expect is not None and description.parameters not in (None, spec.expect.parameters):
        yield Problem(
            place(("expect", "parameters")),
            "expect",
            f"expects {spec.expect.parameters:,} parameters, but the model has {description.parameters:,}",
        )

    if spec.expect is not None and spec.expect.frozen not in (None, description.frozen):
        found = "an unknown number" if description.frozen is None else f"{description.frozen:,}"
        message = f"expects {spec.expect.frozen:,} frozen parameters, but the model has {found}"
        yield Problem(place(("expect", "frozen")), "expect", message)


def _too_large(description: ModelDescription, place: Place) -> Iterator[Problem]:
    """No model needs what stands here, and to try to run it would take all memory, or for ever."""
    found = False
    for row in description.rows:
        problem = excess(row.part.record, row.description) if row.description is not None else None
        if problem is not None:
            found = True
            yield Problem(place((*row.path, "cell") if row.part.record.kind == "cell" else row.path), "size", problem)
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
        "weight": "declares no recurrent weights for DropConnect",
        "zoneout": "has no state that allows zoneout",
    }
    able = {*cell.dropouts, *(("zoneout",) if cell.zoneout else ())}
    for kind, why in reason.items():
        if getattr(layer.dropout, kind) and kind not in able:
            yield Problem(place((*path, "dropout", kind)), "dropout_kind", f"dropout.{kind}: cell {cell.name!r} {why}")


def _pool(stack: Stack, head: Head, place: Place) -> Iterator[Problem]:
    """The final output of each direction is known right behind the recurrent layer that runs backwards."""
    pool = head.pool
    where = place((*stack.path, *head.path, "pool"))
    if pool is not None and head.part is not None and isinstance(head.part.record, HeadType) and head.part.record.steps:
        said = f"head {head.part.record.name!r} needs an output at every step, and a pool leaves one: leave it out"
        yield Problem(where, "pool", said)
    if pool is None or not isinstance(pool.record, PoolType) or not pool.record.final:
        return
    for ancestors in _ancestors(stack, head):
        yield from _final(pool.record.name, [stack.layers[index] for index in ancestors], where)


def _ancestors(stack: Stack, head: Head) -> Iterator[list[int]]:
    """The positions of the layers behind which a head stands, in order: for each that it names, or for the last."""
    named = {layer.name: index for index, layer in enumerate(stack.layers) if layer.name is not None}
    for start in [named.get(name, -1) for name in head.of] or [len(stack.layers) - 1]:
        found, ahead = set[int](), [start]
        while ahead:
            index = ahead.pop()
            if index in found or index < 0:  # before the first layer is the input
                continue
            found.add(index)
            of = stack.layers[index].of
            ahead += [named.get(name, -1) for name in of] if of else [index - 1]
        yield sorted(found)


def _final(pool: str, behind: list[Layer], where: Path) -> Iterator[Problem]:
    """What a pool needs that takes the final output of each direction, of layers one behind the other."""
    last = max((i for i, layer in enumerate(behind) if isinstance(layer, Recurrent)), default=None)
    layer = None if last is None else behind[last]
    others = [item for item in behind[0 if last is None else last + 1 :] if isinstance(item, Component)]
    backward = isinstance(layer, Recurrent) and (layer.bidirectional or layer.reverse)
    if others and backward:
        yield Problem(
            where,
            "pool",
            f"pool {pool!r} takes the final output of each direction, but a layer of kind "
            f"{others[0].part.record.name!r} follows the last recurrent layer, which runs backward too: "
            "use pool: mean, max or attention",
        )
    if layer is None:
        inside = (node for item in others for _, node in over_time(item) if isinstance(node, Recurrent))
        if any(one.bidirectional or one.reverse for one in inside):
            said = "takes the final output of each direction, which layers inside another one do not tell"
            yield Problem(where, "pool", f"pool {pool!r} {said}: use pool: mean, max or attention")
    if isinstance(layer, Recurrent) and layer.bidirectional and layer.residual and layer.merge != "concat":
        yield Problem(
            where,
            "pool",
            f"pool {pool!r} is not defined for a residual layer whose directions are merged by "
            f"{layer.merge!r}: their final outputs belong to different steps",
        )
