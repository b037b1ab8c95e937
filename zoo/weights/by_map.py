"""A map at work: which array each tensor of a model is filled with, both sides in full, or an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from zoo.engine.recurrent_layer import RecurrentLayer
from zoo.errors import ZooError, did_you_mean
from zoo.model.base import Model
from zoo.spec.tree import Recurrent, as_path, at
from zoo.weights import cells
from zoo.weights.filled import Filled, Made, real_pairs, shape_of, share
from zoo.weights.forms import Cell, Module
from zoo.weights.maps import WeightMap
from zoo.weights.matching import SHOWN, listed
from zoo.weights.patterns import filled as fill
from zoo.weights.patterns import listed_in, matched
from zoo.weights.reading import Found
from zoo.weights.scope import Scope, within
from zoo.weights.tied import owners
from zoo.weights.values import Value, compute


@dataclass(slots=True)
class _Mapping:
    """A map at work on one model and one checkpoint."""

    model: Model
    scope: Scope
    chosen: WeightMap
    used: set[str] = field(default_factory=set)
    hit: set[tuple[str, str]] = field(default_factory=set)
    absent: dict[str, str] = field(default_factory=dict)

    def read(self, name: str) -> Any:
        self.used.add(name)
        return self.scope.arrays[name].array

    def dtype(self, names: list[str]) -> str:
        kinds = {self.scope.arrays[name].dtype for name in names}
        return kinds.pop() if len(kinds) == 1 else " and ".join(sorted(kinds)) or "float64"

    def whether(self, names: list[str], ours: str, *path: int | str) -> bool:
        """Whether all of theirs are there; what is not is noted with the line that asks for it."""
        lacking = [name for name in names if name not in self.scope.arrays]
        for name in lacking:
            odd = self.scope.odd.get(name)
            if odd is not None:
                raise ZooError(f"{name} is a {odd}: only ordinary tensors can be read")
            self.absent.setdefault(name, f"for {ours}, {self.chosen.place(*path)}")
        return not lacking


def by_map(model: Model, found: Found, chosen: WeightMap, prefix: str | None) -> Filled:
    """What a map says.

    Raises:
        ZooError: Something is missing, unused, of another shape, or cannot be said.
    """
    says = chosen.says
    names = [*(name for value in says.tensors.values() for name in value.reads())]
    names += [name for form in says.recurrent.values() for name in form.reads()]
    scope = within(found, says.within if prefix is None else prefix, names)
    work = _Mapping(model, scope, chosen)
    owner = owners(model)
    wanted = {name: shape_of(one) for name, one in model.state_dict().items()}
    arrays = _of_cells(work)
    for name, shape in wanted.items():
        said = _of_tensor(says.tensors, name, work)
        if said is None:
            continue
        if name in arrays:
            key = next(key for kind, key in work.hit if kind == "tensors" and matched(key, name) is not None)
            raise ZooError(f"{name} is filled twice: by recurrent, and by {chosen.place('tensors', key)}")
        one = _made(said[1], name, shape, work, "tensors", said[0])
        if one is not None:
            arrays[name] = one
    kept = _kept(model, says.keep, wanted, arrays)
    _whole(work, wanted, arrays, kept, owner)
    share(arrays, [name for name in wanted if name not in kept], owner)
    return Filled(arrays, frozenset(kept), scope.notes)


def _of_tensor(table: Mapping[str, Value], name: str, work: _Mapping) -> tuple[str, Value] | None:
    """The line of a name: its own, else the first pattern that it fits; with its places filled in."""
    lines = [name] if name in table and "{" not in name else [key for key in table if matched(key, name) is not None]
    if not lines:
        return None
    line = lines[0]
    work.hit |= {("tensors", one) for one in lines[:1]}
    return line, _given(table[line], matched(line, name) or {})


def _given(value: Value, places: Mapping[str, str]) -> Value:
    """A value with its places filled in."""
    steps = tuple(replace(step, given=fill(step.given, places)) if step.reads else step for step in value.do)
    parts = tuple(_given(part, places) for part in value.parts)
    return replace(value, name=fill(value.name, places), parts=parts, do=steps)


def _made(value: Value, ours: str, shape: tuple[int, ...], work: _Mapping, *path: int | str) -> Made | None:
    names = list(value.reads())
    if not work.whether(names, ours, *path):
        return None
    try:
        array = compute(value, shape, work.read)
    except ZooError as error:
        raise ZooError(f"{ours} ({work.chosen.place(*path)}): {error}") from None
    return Made(array, work.dtype(names), computed=value.computes)


def _of_cells(work: _Mapping) -> dict[str, Made]:
    """What `recurrent` fills."""
    found: dict[str, Made] = {}
    table = work.chosen.says.recurrent
    for layer, module in work.model.named_modules():
        if not isinstance(module, RecurrentLayer):
            continue
        ways = ["cell"] if module.reverse_cell is None else ["cell", "reverse_cell"]
        for way in ways:
            path = f"{layer}.{way}"
            key = _line(table, path, layer)
            if key is None:
                continue
            work.hit.add(("recurrent", key))
            places = matched(key, path) or matched(key, layer) or {}
            form = table[key]
            if isinstance(form, Cell) and len(ways) == 2 and matched(key, path) is None:
                raise ZooError(
                    f"{layer} has two directions ({work.chosen.place('recurrent', key)}): write a line for "
                    f"{layer}.cell, and one for {layer}.reverse_cell"
                )
            found |= _of_cell(form, places, path, way, getattr(module, way), layer, key, work)
    return found


def _line(table: Mapping[str, Any], path: str, layer: str) -> str | None:
    """The line of a cell: its own or its layer's, else the first pattern that one of them fits."""
    exact = [key for key in (path, layer) if key in table]
    fits = (key for key in table if matched(key, path) is not None or matched(key, layer) is not None)
    return exact[0] if exact else next(fits, None)


def _of_cell(
    form: Module | Cell,
    places: Mapping[str, str],
    path: str,
    way: str,
    cell: Any,
    layer: str,
    key: str,
    work: _Mapping,
) -> dict[str, Made]:
    if isinstance(form, Module):
        given = Module(fill(form.path, places), None if form.layer is None else fill(form.layer, places))
        form = cells.names_of(given, way, lambda name: name in work.scope.arrays)
    else:
        form = replace(form, arrays={role: _given(value, places) for role, value in form.arrays.items()})
    part = at(work.model.spec, as_path(layer), Recurrent).cell
    shapes = {name: shape_of(one) for name, one in cell.named_parameters(recurse=False)}
    ours = cells.Ours(path, part.record.name, shapes, part.options)
    names = list(form.reads())
    if not work.whether(names, path, "recurrent", key):
        return {}
    try:
        held = {role: compute(value, (), work.read) for role, value in form.arrays.items()}
        made = cells.parameters(ours, form, held)
    except ZooError as error:
        raise ZooError(f"{error} ({work.chosen.place('recurrent', key)})") from None
    dtype = work.dtype(names)
    moved = {np.asarray(array).dtype for array in held.values()}
    return {
        f"{path}.{name}": Made(array, dtype, computed=np.asarray(array).dtype not in moved)
        for name, array in made.items()
    }


def _kept(model: Model, globs: tuple[str, ...], wanted: Mapping[str, Any], arrays: Mapping[str, Made]) -> set[str]:
    parameters = {name for name, _ in model.named_parameters(remove_duplicate=False)}
    kept = {name for name in wanted if name not in arrays and listed_in(name, globs) is not None}
    wrong = sorted(kept & parameters)
    if wrong:
        raise ZooError(f"keep is for buffers, and {wrong[0]} is a parameter: it would stay as it was drawn")
    return kept


def _whole(
    work: _Mapping,
    wanted: Mapping[str, tuple[int, ...]],
    arrays: Mapping[str, Made],
    kept: set[str],
    owner: Mapping[str, str],
) -> None:
    """Both sides in full, else one error that says all that is not."""
    says, scope = work.chosen.says, work.scope
    said = []
    if work.absent:
        known = list(scope.arrays)[:2000]
        few = list(work.absent.items())[:SHOWN]  # a near name is looked for only where it is shown: that takes long
        names = [f"{name} ({where}){did_you_mean(name, known)}" for name, where in few]
        rest = f" and {len(work.absent) - SHOWN:,} more" if len(work.absent) > SHOWN else ""
        said.append(f"not in the file: {', '.join(names)}{rest}")
    present = {owner[name] for name in arrays}
    if not work.absent:
        empty = [name for name in wanted if name not in arrays and name not in kept and owner[name] not in present]
        if empty:
            said.append(f"not filled: {listed({name: wanted[name] for name in empty})}")
    idle = [
        work.chosen.place(kind, key)
        for kind, table in (("tensors", says.tensors), ("recurrent", says.recurrent))
        for key in table
        if (kind, key) not in work.hit
    ]
    if idle:
        said.append(f"no part of the model fits {', '.join(idle[:SHOWN])}" + (" and more" if idle[SHOWN:] else ""))
    shapes = {name: shape_of(one.array) for name, one in scope.arrays.items()} | dict.fromkeys(scope.odd, ())
    unused = [name for name in shapes if name not in work.used and listed_in(name, says.leave_out) is None]
    if unused:
        said.append(f"unused: {listed({name: shapes[name] for name in unused})}")
    spared = [glob for glob in says.leave_out if not any(listed_in(name, (glob,)) for name in shapes)]
    if spared and not said:
        work.scope.notes += (f"leave_out has {spared[0]!r}, and the file has nothing like it",)
    given = {name: shape_of(one.array) for name, one in arrays.items()}
    real_pairs(work.model, given)
    other = [name for name in given if given[name] != wanted[name]]
    if other:
        shown = [f"{name} would be {given[name]} and is {wanted[name]}" for name in other[:SHOWN]]
        said.append("; ".join(shown) + (f"; {len(other) - SHOWN:,} more of another shape" if other[SHOWN:] else ""))
    if said:
        raise ZooError(f"does not fit {work.model.spec.id} by the map {says.name}: {'; '.join(said)}")
