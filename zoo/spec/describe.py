"""A model's figures in closed form, from its canonical spec alone: no torch, no memory taken.

Each component describes itself; this file adds them up the way the engine puts them together. A component without
a description leaves the totals unknown (None).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from zoo.components import Description, Part, Shape, StackDescription, resolve
from zoo.engine.around import merged_shape, projected_shape
from zoo.errors import ZooError
from zoo.spec.canonical import Spec
from zoo.spec.tree import Head, Layer, Path, Recurrent, Stack, dotted


@dataclass(frozen=True, slots=True)
class Row:
    """One part of the model.

    Attributes:
        path: Where it stands in the spec.
        part: Which component leads it.
        description: Its size and cost, or None.
    """

    path: Path
    part: Part
    description: Description | None

    @property
    def label(self) -> str:
        """The path as text; a pool is called so, wherever it stands."""
        return dotted((*self.path[:-2], "pool") if self.path[-2:] == ("head", "pool") else self.path)


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """A model's size and cost. A figure is None if some component does not describe itself.

    Attributes:
        rows: Of every input, layer, pool and head, and last of an architecture of several stacks.
    """

    rows: tuple[Row, ...]

    def _sum(self, figure: Callable[[Description], int]) -> int | None:
        known = [figure(row.description) for row in self.rows if row.description is not None]
        return sum(known) if len(known) == len(self.rows) else None

    @property
    def parameters(self) -> int | None:
        """Number of trainable numbers; shared ones count once."""
        return self._sum(lambda d: d.parameters)

    @property
    def buffers(self) -> int | None:
        """Number of numbers that are kept and not trained."""
        return self._sum(lambda d: d.buffers)

    @property
    def macs_per_step(self) -> int | None:
        """Multiply-adds of matrix products per sequence and time step."""
        return self._sum(lambda d: d.macs_per_step)

    @property
    def macs_per_sequence(self) -> int | None:
        """Multiply-adds of what is done once per sequence."""
        return self._sum(lambda d: d.macs_per_sequence)

    @property
    def state_elements(self) -> int | None:
        """Number of numbers of state per sequence."""
        return self._sum(lambda d: sum(math.prod(shape) for shape in d.state.values()))

    @property
    def sequential_depth(self) -> int | None:
        """Dependent stages per time step, summed over layers."""
        return self._sum(lambda d: d.sequential_depth)

    @property
    def output_shape(self) -> Shape | None:
        """Shape of one step of the output, or of one sequence behind a pool; of the last of several heads."""
        last = self.rows[-1].description
        return None if last is None else last.output_shape

    @property
    def output_shapes(self) -> dict[str, Shape | None]:
        """The shape of each of several heads' outputs, by name; empty for a model of one output."""
        found: dict[str, Shape | None] = {}
        for row in self.rows:
            if "heads" in row.path:  # a head's row comes behind that of its pool
                name = str(row.path[row.path.index("heads") + 1])
                found[name] = None if row.description is None else row.description.output_shape
        return found

    def macs(self, steps: int) -> int | None:
        """Multiply-adds per sequence.

        Args:
            steps: Number of time steps.

        Returns:
            Their number, or None where a component does not describe itself.
        """
        per_step, once = self.macs_per_step, self.macs_per_sequence
        return None if per_step is None or once is None else per_step * steps + once


@dataclass(frozen=True, slots=True)
class Misfit:
    """Two neighbours that do not fit, or options that a component cannot be described with.

    Attributes:
        path: Where in the canonical form.
        message: What does not fit.
    """

    path: Path
    message: str


class MisfitError(ZooError):
    """What does not fit inside a component that holds layers, each with its path there."""

    def __init__(self, misfits: tuple[Misfit, ...]) -> None:
        super().__init__(misfits[0].message)
        self.misfits = misfits


def describe(spec: Spec) -> ModelDescription:
    """A model's size and cost in closed form: no torch, no memory taken.

    Args:
        spec: The canonical form.

    Returns:
        The totals, and those of each part.

    Raises:
        ZooError: If parts of the spec do not fit each other.

    Example:
        >>> figures = zoo.describe(zoo.load("lstm"))
        >>> figures.parameters, figures.macs(100)
        (2560, 240000)
    """
    description, misfits = figures(spec)
    if misfits:
        raise ZooError(f"{spec.id}: {misfits[0].message}")
    return description


def figures(spec: Spec) -> tuple[ModelDescription, tuple[Misfit, ...]]:
    """Follow the widths through the model; what does not fit is noted, and figures after it are unknown."""
    follow = _Follow()
    rows: list[Row] = []
    stacks: dict[str, StackDescription | None] = {}
    for stack in spec.stacks:
        own, stacks[stack.name] = _stack(stack, follow)
        rows += own
    if "" not in stacks:
        part = spec.architecture
        known = None if None in stacks.values() else stacks
        rows.append(Row(("architecture",), part, follow.ask(("architecture",), part, known)))
    return ModelDescription(tuple(rows)), tuple(follow.misfits)


def describe_layers(layers: tuple[Layer, ...], input_shape: Shape, *, at: str = "layers") -> Description | None:
    """The size and cost of layers one after the other, for a layer that holds some.

    Args:
        layers: As its option gives them, of type `zoo.Layers`.
        input_shape: Of one step of the first layer's input.
        at: Name of that option.

    Returns:
        Their sum, with states under names such as `layers.0.h`. None if one does not describe itself.

    Raises:
        ZooError: If they do not fit each other.
    """
    follow = _Follow()
    found, shape = _layers(layers, (at,), input_shape, follow)
    if follow.misfits:
        raise MisfitError(tuple(follow.misfits))
    known = [one for one in found if one is not None]
    if len(known) < len(found) or shape is None:
        return None
    state = {f"{at}.{i}.{name}": size for i, one in enumerate(known) for name, size in one.state.items()}
    return Description(
        output_shape=shape,
        parameters=sum(one.parameters for one in known),
        buffers=sum(one.buffers for one in known),
        macs_per_step=sum(one.macs_per_step for one in known),
        macs_per_sequence=sum(one.macs_per_sequence for one in known),
        state=state,
        fixed=frozenset(f"{at}.{i}.{name}" for i, one in enumerate(known) for name in one.fixed),
        sequential_depth=sum(one.sequential_depth for one in known),
    )


class _Follow:
    """Asks components to describe themselves, and keeps what does not fit."""

    def __init__(self) -> None:
        self.misfits: list[Misfit] = []

    def ask(self, path: Path, part: Part, *arguments: Any) -> Description | None:
        if part.record.describe is None or any(argument is None for argument in arguments):
            return None
        try:
            found = resolve(part.record.describe)(part.options, *arguments)
        except MisfitError as error:
            self.misfits += [Misfit((*path, *one.path), one.message) for one in error.misfits]
            return None
        except ZooError as error:
            self.misfits.append(Misfit(path, str(error)))
            return None
        except Exception as error:
            # Whoever wrote the spec is not to blame, and cannot read a traceback of somebody else's code.
            text = f"{_blame(part)} cannot describe itself: {type(error).__name__}: {error}"
            self.misfits.append(Misfit(path, text))
            return None
        if found is None:
            return None
        wrong = _wrong(found)
        if wrong is not None:
            self.misfits.append(Misfit(path, f"{_blame(part)} describes itself wrongly: {wrong}"))
            return None
        description: Description = found
        return description


def _stack(stack: Stack, follow: _Follow) -> tuple[list[Row], StackDescription | None]:
    path = stack.path
    source = follow.ask((*path, "input"), stack.input)
    rows = [Row((*path, "input"), stack.input, source)]
    pooled = any(head.pool is not None for head in stack.all_heads)
    found, shape = _layers(
        stack.layers, (*path, "layers"), source.output_shape if source else None, follow, pooled=pooled
    )
    for index, (layer, one) in enumerate(zip(stack.layers, found, strict=True)):
        rows.append(Row((*path, "layers", index), layer.cell if isinstance(layer, Recurrent) else layer.part, one))
    head = None
    width = shape
    shapes: list[Shape | None] = []
    for one_head in stack.all_heads:
        behind = _head(one_head, (*path, *one_head.path), width, source, follow)
        rows += behind
        shapes.append(behind[-1].description.output_shape if behind[-1].description else None)
        head = behind[-1].description if one_head.part is not None and not one_head.name else None
        shape = shapes[-1]
    if stack.merge is not None:
        _summed(stack, shapes, follow)
    known = [one for one in found if one is not None]
    if source is None or shape is None or len(known) < len(found):
        return rows, None
    return rows, StackDescription(input=source, layers=tuple(known), head=head, output_shape=shape)


def _layers(
    layers: tuple[Layer, ...], path: Path, shape: Shape | None, follow: _Follow, *, pooled: bool = False
) -> tuple[list[Description | None], Shape | None]:
    """The figures of each, and the shape of a step behind the last; `pooled` says whether a pool follows."""
    found: list[Description | None] = []
    for index, layer in enumerate(layers):
        where = (*path, index)
        if isinstance(layer, Recurrent):
            one = _recurrent(where, layer, shape, follow, pooled=pooled and index == len(layers) - 1)
        else:
            one = follow.ask(where, layer.part, shape)
        found.append(one)
        shape = one.output_shape if one else None
    return found, shape


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


def _recurrent(
    path: Path, layer: Recurrent, shape: Shape | None, follow: _Follow, *, pooled: bool
) -> Description | None:
    """The figures of a recurrent layer.

    If a pool follows (`pooled`), the final output of two directions is projected too, once per sequence.
    """
    cell = follow.ask((*path, "cell"), layer.cell, shape, layer.hidden_size)
    if cell is None or shape is None:
        return None
    directions = 2 if layer.bidirectional else 1
    output = merged_shape(cell.output_shape, layer.merge, both=layer.bidirectional)
    parameters, buffers = directions * cell.parameters, directions * cell.buffers
    macs = directions * cell.macs_per_step
    once = directions * cell.macs_per_sequence
    if layer.norm is not None:
        normed = shape if layer.norm.position == "before" else output
        norm = follow.ask((*path, "norm"), layer.norm.part, normed)
        if norm is None:
            return None
        parameters, buffers = parameters + norm.parameters, buffers + norm.buffers
        macs += norm.macs_per_step
    if layer.output_projection is not None and len(output) != 1:
        follow.misfits.append(
            Misfit((*path, "output_projection"), f"needs flat features at each step, not maps of shape {output}")
        )
        return None
    if layer.output_projection is not None:
        product = output[-1] * layer.output_projection
        parameters, macs = parameters + product + layer.output_projection, macs + product
        once += product if pooled and layer.bidirectional else 0
        output = projected_shape(output, layer.output_projection)
    if layer.residual and output != shape:
        mend = f"output_projection: {shape[0]}" if len(output) == 1 else f"hidden_size: {shape[0]}"
        follow.misfits.append(
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
            problem = f"cell {layer.cell.record.name!r} has no state with a learnable initial value; use zeros"
            follow.misfits.append(Misfit((*path, "initial_state"), problem))
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


def _summed(stack: Stack, shapes: list[Shape | None], follow: _Follow) -> None:
    """What is added up must be equally wide, and all of it per step or all of it per sequence."""
    path = (*stack.path, "heads", "merge")
    known = dict.fromkeys(shape for shape in shapes if shape is not None)
    if len(known) > 1:
        each = ", ".join(map(str, known))
        follow.misfits.append(Misfit(path, f"merge: sum adds outputs of equal shape, and the heads give {each}"))
    if len({head.pool is None for head in stack.heads}) > 1:
        follow.misfits.append(Misfit(path, "merge: sum adds outputs of steps or of sequences, and some heads pool"))


def _wide(shape: Shape) -> str:
    return f"{shape[0]} wide" if len(shape) == 1 else f"of shape {shape}"


def _head(head: Head, path: Path, shape: Shape | None, source: Description | None, follow: _Follow) -> list[Row]:
    rows = []
    if head.pool is not None:
        pool = follow.ask((*path, "pool"), head.pool, shape)
        rows.append(Row((*path, "pool"), head.pool, pool))
        shape = pool.output_shape if pool else None
    if head.part is None:
        return rows
    found = follow.ask(path, head.part, shape, source)
    if found is not None and head.pool is not None:  # behind a pool it runs once per sequence, not once per step
        found = Description(
            output_shape=found.output_shape,
            parameters=found.parameters,
            buffers=found.buffers,
            macs_per_sequence=found.macs_per_step + found.macs_per_sequence,
        )
    return [*rows, Row(path, head.part, found)]
