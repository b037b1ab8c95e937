"""A model's figures in closed form, from its canonical spec alone: no torch, no memory taken.

Each component describes itself; this file adds them up the way the engine puts them together. A component without
a description leaves the totals unknown (None).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from zoo.components import Description, Part, Shape, resolve
from zoo.errors import ZooError
from zoo.spec.canonical import Norm, Other, Recurrent, Spec
from zoo.spec.problems import Path


@dataclass(frozen=True, slots=True)
class Row:
    """One part of the model: where it stands in the spec, which component leads it, and its figures if known."""

    label: str
    part: Part
    description: Description | None


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """A model's figures. None: some component does not describe itself.

    buffers: numbers that are kept and not trained.
    macs_per_step: multiply-adds per row and time step; macs_per_sequence: those done once per row.
    state_elements: numbers of state per row. sequential_depth: dependent stages per time step, summed over layers.
    """

    rows: tuple[Row, ...]

    def _sum(self, figure: Callable[[Description], int]) -> int | None:
        known = [figure(row.description) for row in self.rows if row.description is not None]
        return sum(known) if len(known) == len(self.rows) else None

    @property
    def parameters(self) -> int | None:
        return self._sum(lambda d: d.parameters)

    @property
    def buffers(self) -> int | None:
        return self._sum(lambda d: d.buffers)

    @property
    def macs_per_step(self) -> int | None:
        return self._sum(lambda d: d.macs_per_step)

    @property
    def macs_per_sequence(self) -> int | None:
        return self._sum(lambda d: d.macs_per_sequence)

    @property
    def state_elements(self) -> int | None:
        return self._sum(lambda d: sum(math.prod(shape) for shape in d.state.values()))

    @property
    def sequential_depth(self) -> int | None:
        return self._sum(lambda d: d.sequential_depth)

    @property
    def output_shape(self) -> Shape | None:
        last = self.rows[-1].description
        return None if last is None else last.output_shape

    def macs(self, steps: int) -> int | None:
        """Multiply-adds per row for a sequence of that many steps."""
        per_step, once = self.macs_per_step, self.macs_per_sequence
        return None if per_step is None or once is None else per_step * steps + once


@dataclass(frozen=True, slots=True)
class Misfit:
    """Two neighbours that do not fit, or options that a component cannot be described with: a canonical path."""

    path: Path
    message: str


def describe(spec: Spec) -> ModelDescription:
    """The figures of a canonical spec. Raises ZooError where its parts do not fit each other."""
    description, misfits = walk(spec)
    if misfits:
        raise ZooError(f"{spec.id}: {misfits[0].message}")
    return description


def walk(spec: Spec) -> tuple[ModelDescription, tuple[Misfit, ...]]:
    """Follow the widths through the model; what does not fit is noted, and figures after it are unknown."""
    misfits: list[Misfit] = []

    def ask(path: Path, part: Part, *arguments: Any) -> Description | None:
        if part.record.describe is None or any(argument is None for argument in arguments):
            return None
        try:
            found = resolve(part.record.describe)(part.options, *arguments)
        except ZooError as error:
            misfits.append(Misfit(path, str(error)))
            return None
        except Exception as error:
            # Whoever wrote the spec is not to blame, and cannot read a traceback of somebody else's code.
            misfits.append(Misfit(path, f"{_blame(part)} cannot describe itself: {type(error).__name__}: {error}"))
            return None
        if found is None:
            return None
        wrong = _wrong(found)
        if wrong is not None:
            misfits.append(Misfit(path, f"{_blame(part)} describes itself wrongly: {wrong}"))
            return None
        description: Description = found
        return description

    source = ask(("input",), spec.input)
    rows = [Row("input", spec.input, source)]
    shape = source.output_shape if source else None
    for index, layer in enumerate(spec.layers):
        path: Path = ("layers", index)
        if isinstance(layer, Other):
            part, found = layer.part, ask(path, layer.part, shape)
        else:
            pooled = index == len(spec.layers) - 1 and spec.head is not None and spec.head.pool is not None
            part, found = layer.cell, _recurrent(path, layer, shape, ask, misfits, pooled=pooled)
        rows.append(Row(f"layers.{index}", part, found))
        shape = found.output_shape if found else None
    if spec.head is not None:
        rows += _head(spec, shape, source, ask)
    return ModelDescription(tuple(rows)), tuple(misfits)


def _wrong(found: Any) -> str | None:
    """What cannot be added up in a description that somebody else's code gave."""
    if not isinstance(found, Description):
        return f"a zoo.Description is needed, not {type(found).__name__}"
    if not isinstance(found.fixed, frozenset) or not found.fixed <= set(found.state):
        return f"fixed must be a frozenset of names of states, not {found.fixed!r}"
    for name in ("parameters", "buffers", "macs_per_step", "macs_per_sequence", "sequential_depth"):
        if not isinstance(getattr(found, name), int):
            return f"{name} must be a whole number, not {getattr(found, name)!r}"
    shapes = {"output_shape": found.output_shape, **{f"state {name!r}": shape for name, shape in found.state.items()}}
    for name, shape in shapes.items():
        if not (isinstance(shape, tuple) and all(isinstance(size, int) for size in shape)):
            return f"{name} must be a tuple of whole numbers, not {shape!r}"
    return None


def _blame(part: Part) -> str:
    return f"{part.record.kind} {part.provided.qualified!r} {part.provided.version}"


_Ask = Callable[..., Description | None]


def _recurrent(
    path: Path, layer: Recurrent, shape: Shape | None, ask: _Ask, misfits: list[Misfit], *, pooled: bool
) -> Description | None:
    """pooled: a pool follows, for which the final output of two directions is projected too, once per row."""
    cell = ask((*path, "cell"), layer.cell, shape, layer.hidden_size)
    if cell is None or shape is None:
        return None
    directions = 2 if layer.bidirectional else 1
    output = cell.output_shape
    if directions == 2 and layer.merge == "concat":
        output = (2 * output[0], *output[1:])
    parameters, buffers = directions * cell.parameters, directions * cell.buffers
    macs = directions * cell.macs_per_step
    once = directions * cell.macs_per_sequence
    if layer.norm is not None:
        norm = _norm(path, layer.norm, shape, output, ask)
        if norm is None:
            return None
        parameters, buffers = parameters + norm.parameters, buffers + norm.buffers
        macs += norm.macs_per_step
    if layer.output_projection is not None and len(output) != 1:
        misfits.append(
            Misfit((*path, "output_projection"), f"needs flat features at each step, not maps of shape {output}")
        )
        return None
    if layer.output_projection is not None:
        product = output[-1] * layer.output_projection
        parameters, macs = parameters + product + layer.output_projection, macs + product
        once += product if pooled and layer.bidirectional else 0
        output = (layer.output_projection,)
    if layer.residual and output != shape:
        mend = f"output_projection: {shape[0]}" if len(output) == 1 else f"hidden_size: {shape[0]}"
        misfits.append(
            Misfit(
                (*path, "residual"),
                f"residual adds the layer's input to its output, but the input is {_wide(shape)} and the output "
                f"{_wide(output)}; make them equal, for example with {mend}",
            )
        )
    state = {prefix + name: s for prefix in ("", "reverse.")[:directions] for name, s in cell.state.items()}
    if layer.initial_state == "learned":
        learned = directions * sum(math.prod(s) for name, s in cell.state.items() if name not in cell.fixed)
        if not learned:
            problem = f"no start of the states of cell {layer.cell.record.name!r} can be learned; use zeros"
            misfits.append(Misfit((*path, "initial_state"), problem))
        parameters += learned
    return Description(
        output_shape=output,
        parameters=parameters,
        buffers=buffers,
        macs_per_step=macs,
        macs_per_sequence=once,
        state=state,
        sequential_depth=cell.sequential_depth,
    )


def _wide(shape: Shape) -> str:
    return f"{shape[0]} wide" if len(shape) == 1 else f"of shape {shape}"


def _norm(path: Path, norm: Norm, shape: Shape, output: Shape, ask: _Ask) -> Description | None:
    return ask((*path, "norm"), norm.part, shape if norm.position == "before" else output)


def _head(spec: Spec, shape: Shape | None, source: Description | None, ask: _Ask) -> list[Row]:
    assert spec.head is not None
    rows = []
    if spec.head.pool is not None:
        pool = ask(("head", "pool"), spec.head.pool, shape)
        rows.append(Row("pool", spec.head.pool, pool))
        shape = pool.output_shape if pool else None
    head = ask(("head",), spec.head.part, shape, source)
    if head is not None and spec.head.pool is not None:  # behind a pool it runs once per row, not once per step
        head = Description(
            output_shape=head.output_shape,
            parameters=head.parameters,
            buffers=head.buffers,
            macs_per_sequence=head.macs_per_step + head.macs_per_sequence,
        )
    rows.append(Row("head", spec.head.part, head))
    return rows
