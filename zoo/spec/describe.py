"""A model's figures in closed form, from its canonical spec alone: no torch, no memory taken.

Each component describes itself, `zoo.spec.follow` asks them in the order in which the engine runs them, and this file
adds up what they say. A component without a description leaves the totals unknown (None).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from zoo.components import (
    Beside,
    Description,
    Part,
    Shape,
    StackDescription,
    Window,
    concatenated,
    count_steps,
    hop_of,
    least_steps,
)
from zoo.errors import ZooError
from zoo.spec.canonical import Spec
from zoo.spec.follow import Flow, Follow, noting
from zoo.spec.mismatches import ShapeMismatch
from zoo.spec.peers import unequal
from zoo.spec.tree import Head, Path, Recurrent, Stack, dotted


@dataclass(frozen=True, slots=True)
class Row:
    """One part of the model.

    Attributes:
        path: Where it stands in the spec.
        part: Which component leads it.
        description: Its size and cost, or None.
        windows: Those that change the number of steps, from the model's input to this part's output.
    """

    path: Path
    part: Part
    description: Description | None
    windows: tuple[Window, ...] = ()

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
    def frozen(self) -> int | None:
        """Number of parameters that are not trained."""
        return self._sum(lambda d: d.frozen)

    @property
    def buffers(self) -> int | None:
        """Number of numbers that are kept and not trained."""
        return self._sum(lambda d: d.buffers)

    @property
    def macs_per_step(self) -> int | None:
        """Multiply-adds of matrix products per sequence and step of the input, on average, to the nearest whole one.

        Of a model with several inputs, for a step of each; `macs_per_pair` is left out.
        """
        known = [self._per_input_step(row) for row in self.rows if row.description is not None]
        return round(sum(known)) if len(known) == len(self.rows) else None

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

    @property
    def macs_per_pair(self) -> int:
        """Multiply-adds for each pair of steps of two stacks, as of what one asks of the other. 0 for most models."""
        several = (count for row in self.rows if row.description for _, count in _pairs(row.description))
        return sum(several)

    @property
    def hop(self) -> int:
        """Number of steps of the input for each of the output: 1, but where layers make one step of several."""
        return hop_of(self.rows[-1].windows)

    def macs(self, steps: int) -> int | None:
        """Multiply-adds per sequence.

        Args:
            steps: Number of time steps; of the input of every stack, where there are several.

        Returns:
            Their number, or None where a component does not describe itself.
        """
        known = [
            row.description.macs_per_step * count_steps(row.windows, steps) for row in self.rows if row.description
        ]
        more = sum(
            count * math.prod(count_steps(self._windows(name), steps) for name in names)
            for row in self.rows
            for names, count in (row.description.macs_per.items() if row.description else ())
        )
        once = self.macs_per_sequence
        return None if once is None or len(known) < len(self.rows) else sum(known) + more + once

    def _windows(self, stack: str) -> tuple[Window, ...]:
        """Those that change the number of steps on the way through a stack."""
        return next(row.windows for row in reversed(self.rows) if row.path[0] == stack)

    @property
    def minimum_steps(self) -> int:
        """The smallest number of steps that every part can run on: more than 1 where windows are longer than that."""
        return max(least_steps(row.windows) for row in self.rows)

    def _per_input_step(self, row: Row) -> Fraction:
        """Of a part; what depends on the steps of two stacks at a time is left out."""
        assert row.description is not None
        found = Fraction(row.description.macs_per_step, math.prod(window.stride for window in row.windows))
        for names, count in row.description.macs_per.items():
            if len(names) == 1:
                found += Fraction(count, math.prod(window.stride for window in self._windows(names[0])))
        return found


def _pairs(description: Description) -> list[tuple[tuple[str, ...], int]]:
    return [(names, count) for names, count in description.macs_per.items() if len(names) > 1]


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
    description, mismatches = figures(spec)
    if mismatches:
        raise ZooError(f"{spec.id}: {mismatches[0].message}")
    return description


def described(spec: Spec) -> dict[Path, Description]:
    """The figures of every node that has some, by its path: of layers inside other layers too.

    A recurrent layer has all that is around its cell; what a component does not tell is left out.
    """
    with noting() as inside:
        rows = figures(spec)[0].rows
    return inside | {row.path: row.description for row in rows if row.description is not None}


def figures(spec: Spec) -> tuple[ModelDescription, tuple[ShapeMismatch, ...]]:
    """Follow the widths through the model; what does not fit is noted, and figures after it are unknown."""
    follow = Follow()
    rows: list[Row] = []
    stacks: dict[str, StackDescription | None] = {}
    inputs: dict[str, Description | None] = {}
    stepwise = True
    for stack in spec.stacks:
        shapes = {name: None if one is None else one.output_shape for name, one in stacks.items()}
        stepwise = follow.stepwise(spec.architecture, stack) and stepwise
        beside = follow.beside(spec.architecture, stack, shapes)
        own, stacks[stack.name] = _stack(stack, follow, beside, inputs)
        stepwise = follow.keeps_steps(spec.architecture, stack, stacks[stack.name]) and stepwise
        rows += own
        for path, said in unequal(stack):
            follow.note(path, said)
    if "" not in stacks:
        part = spec.architecture
        known = stacks if stepwise and None not in stacks.values() else None
        rows.append(Row(("architecture",), part, follow.ask(("architecture",), part, known)))
    return ModelDescription(tuple(rows)), tuple(follow.mismatches)


def _stack(
    stack: Stack, follow: Follow, beside: Beside | None, inputs: dict[str, Description | None]
) -> tuple[list[Row], StackDescription | None]:
    """The figures of a stack, and what is known of it; its input is noted in `inputs`."""
    path = stack.path
    source = inputs[dotted((*path, "input"))] = follow.source((*path, "input"), stack.input, inputs)
    rows = [Row((*path, "input"), stack.input, source)]
    pooled = any(head.pool is not None for head in stack.all_heads if not head.of)
    finals = {name for head in stack.all_heads if head.pool is not None for name in head.of}
    begin = Flow(source.output_shape) if source and beside else None
    joined = beside.layers if beside else {}
    found = follow.layers(
        stack.layers, (*path, "layers"), begin, {"input": begin}, pooled=pooled, finals=finals, beside=joined
    )
    for index, (layer, (one, after)) in enumerate(zip(stack.layers, found, strict=True)):
        part = layer.cell if isinstance(layer, Recurrent) else layer.part
        rows.append(Row((*path, "layers", index), part, one, after.windows if after else ()))
    end = found[-1][1] if found else begin
    head, shape = None, end.shape if end else None
    shapes: list[Shape | None] = []
    if stack.all_heads and end is not None and beside is not None and beside.head:
        try:
            end = Flow(beside.head_shape(end.shape), end.windows)
        except ZooError as error:
            follow.note((*path, *stack.all_heads[0].path), str(error))
            end = None
    named = {"input": begin} | {
        layer.name: after for layer, (_, after) in zip(stack.layers, found, strict=True) if layer.name is not None
    }
    stepwise: dict[str, tuple[Window, ...]] = {}
    for one_head in stack.all_heads:
        where = (*path, *one_head.path)
        given = _read(one_head, where, named, follow) if one_head.of else end
        if one_head.pool is None and given is not None:
            stepwise[one_head.name] = given.windows
        behind = _head(one_head, where, given, source, follow)
        rows += behind
        shapes.append(behind[-1].description.output_shape if behind[-1].description else None)
        head = behind[-1].description if one_head.part is not None and not one_head.name else None
        shape = shapes[-1]
    if len({*stepwise.values()}) > 1:
        said = f"{', '.join(stepwise)} give an output at every step, and what they read has different numbers of steps"
        follow.note((*path, "heads"), f"{said}: put a pool in front of all but one")
    if stack.merge is not None:
        _summed(stack, shapes, follow)
    known = [one for one, _ in found if one is not None]
    if source is None or shape is None or len(known) < len(found):
        return rows, None
    windows = next(iter(stepwise.values()), rows[-1].windows)
    return rows, StackDescription(
        input=source,
        layers=tuple(known),
        head=head,
        output_shape=shape,
        windows=windows,
        names=tuple(layer.name for layer in stack.layers),
    )


def _read(head: Head, path: Path, named: Mapping[str, Flow | None], follow: Follow) -> Flow | None:
    """What flows into a head that names the layers that it reads: several are concatenated."""
    read = follow.named((*path, "of"), head.of, named, "no layer of this list is")
    if read is None or None in read:
        return None
    known = [one for one in read if one is not None]
    try:
        return Flow(concatenated([one.shape for one in known]), known[0].windows)
    except ZooError as error:
        follow.note((*path, "of"), str(error))
        return None


def _summed(stack: Stack, shapes: list[Shape | None], follow: Follow) -> None:
    """What is added up must be equally wide, and all of it per step or all of it per sequence."""
    path = (*stack.path, "heads", "merge")
    known = dict.fromkeys(shape for shape in shapes if shape is not None)
    if len(known) > 1:
        each = ", ".join(map(str, known))
        follow.note(path, f"merge: sum adds outputs of equal shape, and the heads give {each}")
    if len({head.pool is None for head in stack.heads}) > 1:
        follow.note(path, "merge: sum adds outputs of steps or of sequences, and some heads pool")


def _head(head: Head, path: Path, end: Flow | None, source: Description | None, follow: Follow) -> list[Row]:
    rows = []
    shape, windows = (end.shape, end.windows) if end else (None, ())
    if head.pool is not None:
        pool = follow.ask((*path, "pool"), head.pool, shape)
        rows.append(Row((*path, "pool"), head.pool, pool, windows))
        shape = pool.output_shape if pool else None
    if head.part is None:
        return rows
    found = follow.ask(path, head.part, shape, source)
    if found is not None and head.pool is not None:  # behind a pool it runs once per sequence, not once per step
        found = Description(
            output_shape=found.output_shape,
            parameters=found.parameters,
            buffers=found.buffers,
            frozen=found.frozen,
            macs_per_sequence=found.macs_per_step + found.macs_per_sequence,
        )
    return [*rows, Row(path, head.part, found, windows)]
