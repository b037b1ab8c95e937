"""Follow the shape of a step through a spec, from its input to its head, and ask each component what it makes of it.

What neighbours do not fit is noted with its place, all of it; what stands behind it is then unknown.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

from zoo.components import (
    ArchitectureType,
    Beside,
    CellType,
    Description,
    InputType,
    LayerType,
    Part,
    Shape,
    StackDescription,
    Window,
    moving,
    resolve,
)
from zoo.engine.around import ALL, merged_shape, projected_shape
from zoo.errors import ZooError, did_you_mean
from zoo.spec.traits import not_streamable
from zoo.spec.tree import Component, Layer, NamedInput, Path, Recurrent, Stack, dotted, inherits


@dataclass(frozen=True, slots=True)
class ShapeMismatch:
    """Two neighbours that do not fit, or options that a component cannot be described with.

    Attributes:
        path: Where in the canonical form.
        message: What does not fit.
    """

    path: Path
    message: str


class ShapeMismatchError(ZooError):
    """What does not fit inside a component that holds layers, each with its path there."""

    def __init__(self, mismatches: tuple[ShapeMismatch, ...]) -> None:
        super().__init__(mismatches[0].message)
        self.mismatches = mismatches


@dataclass(frozen=True, slots=True)
class Flow:
    """What flows from one layer to the next.

    Attributes:
        shape: Of one step.
        windows: Those that have changed the number of steps on the way.
    """

    shape: Shape
    windows: tuple[Window, ...] = ()


Names = Mapping[str, Flow | None]
NOTHING: Final[Mapping[int, int]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Scope:
    """What the layers inside a component can see of those around it.

    Attributes:
        names: Of the layers before it.
        windows: Those that have changed the number of steps before it.
        inputs: Every input so far, by its place as text; those inside an input are noted as they are described.
        at: Where the component stands.
    """

    names: Names = field(default_factory=dict)
    windows: tuple[Window, ...] = ()
    inputs: dict[str, Description | None] = field(default_factory=dict)
    at: Path = ()


_scope: ContextVar[Scope] = ContextVar("scope", default=Scope())  # noqa: B039 - frozen


@contextmanager
def _seen(scope: Scope, path: Path) -> Iterator[None]:
    """While the component at this path describes itself, and by that the layers inside it."""
    noted = _noted.get()
    before, token = _scope.set(scope), None if noted is None else _noted.set(((*noted[0], *path), noted[1]))
    try:
        yield
    finally:
        _scope.reset(before)
        if token is not None:
            _noted.reset(token)


_noted: ContextVar[tuple[Path, dict[Path, Description]] | None] = ContextVar("_noted", default=None)
"""Which component describes itself now, and what is known of layers inside others; where somebody asks for that."""


@contextmanager
def noting() -> Iterator[dict[Path, Description]]:
    """Inside, how each layer within another one describes itself is noted by its path."""
    found: dict[Path, Description] = {}
    before = _noted.set(((), found))
    try:
        yield found
    finally:
        _noted.reset(before)


def describe_part(part: Part, *arguments: Any) -> Description | None:
    """The size and cost of a component that stands in another's options, for its `describe`.

    Args:
        part: As the option gives it, as of type `zoo.NormOption`.
        *arguments: What `describe` of its kind takes beside the options.

    Returns:
        Its own figures, or None if it does not describe itself.

    Raises:
        ZooError: If it does not fit.
    """
    follow = Follow()
    found = follow.ask((), part, *arguments)
    if follow.mismatches:
        raise ShapeMismatchError(tuple(follow.mismatches))
    return found


def describe_inputs(inputs: Mapping[str, NamedInput], *, at: str = "of") -> Mapping[str, Description] | None:
    """The size and cost of several inputs, for an input that holds them.

    Args:
        inputs: As its option gives them, of type `zoo.Inputs`.
        at: Name of that option.

    Returns:
        Each by its name; the cost of one that comes in once per sequence is that of a sequence. None if one does not
        describe itself.

    Raises:
        ZooError: If one of them has options that do not fit each other.
    """
    follow, scope, noted = Follow(), _scope.get(), _noted.get()
    found: dict[str, Description | None] = {}
    for name, one in inputs.items():
        path: Path = (at, name)
        own = follow.source(path, one.part, scope.inputs, under=scope.at)
        if own is not None and one.per == "sequence":
            once = own.macs_per_step + own.macs_per_sequence
            own = replace(own, macs_per_step=0, macs_per_sequence=once, sequential_depth=0)
        found[name] = scope.inputs[dotted((*scope.at, *path))] = own
        if noted is not None and own is not None:
            noted[1][*noted[0], *path] = own
    if follow.mismatches:
        raise ShapeMismatchError(tuple(follow.mismatches))
    known = {name: own for name, own in found.items() if own is not None}
    return known if len(known) == len(found) else None


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
    follow, scope = Follow(), _scope.get()
    path: Path = tuple(int(step) if step.isdigit() else step for step in at.split("."))
    begin = Flow(input_shape, scope.windows)
    found = follow.layers(layers, path, begin, scope.names)
    end = found[-1][1] if found else begin
    if end is not None and end.windows[: len(scope.windows)] != scope.windows:
        follow.note(path, "the layers inside end with another number of steps than they begin with")
    if follow.mismatches:
        raise ShapeMismatchError(tuple(follow.mismatches))
    known = [(one, after) for one, after in found if one is not None and after is not None]
    noted = _noted.get()
    if noted is not None:
        noted[1].update({(*noted[0], *path, i): one for i, (one, _) in enumerate(found) if one is not None})
    if len(known) < len(found) or end is None:
        return None
    state = {f"{at}.{i}.{name}": size for i, (one, _) in enumerate(known) for name, size in one.state.items()}
    return Description(
        output_shape=end.shape,
        parameters=sum(one.parameters for one, _ in known),
        buffers=sum(one.buffers for one, _ in known),
        frozen=sum(one.frozen for one, _ in known),
        macs_per_step=sum(one.macs_per_step * _rate(after, end) for one, after in known),
        macs_per_sequence=sum(one.macs_per_sequence for one, _ in known),
        state=state,
        fixed=frozenset(f"{at}.{i}.{name}" for i, (one, _) in enumerate(known) for name in one.fixed),
        sequential_depth=sum(one.sequential_depth for one, _ in known),
        windows=end.windows[len(scope.windows) :],
    )


def _rate(after: Flow, end: Flow) -> int:
    """How many steps of a layer's output go into one of the last layer's."""
    return math.prod(window.stride for window in end.windows[len(after.windows) :])


class Follow:
    """Asks components to describe themselves, and keeps what does not fit.

    Attributes:
        mismatches: What does not fit, in the order in which it was found.
    """

    def __init__(self) -> None:
        self.mismatches: list[ShapeMismatch] = []

    def note(self, path: Path, message: str) -> None:
        """Keep what does not fit."""
        self.mismatches.append(ShapeMismatch(path, message))

    def ask(self, path: Path, part: Part, *arguments: Any, scope: Scope | None = None) -> Description | None:
        """How a component describes itself; None where it does not, or where its mistake is noted."""
        scope = scope or Scope()
        if part.record.describe is None or any(argument is None for argument in arguments):
            return None
        try:
            with _seen(scope if inherits(part) else Scope(inputs=scope.inputs, at=scope.at), path):
                found = resolve(part.record.describe)(part.options, *arguments)
        except ShapeMismatchError as error:
            self.mismatches += [ShapeMismatch((*path, *one.path), one.message) for one in error.mismatches]
            return None
        except ZooError as error:
            self.note(path, str(error))
            return None
        except Exception as error:
            # Whoever wrote the spec is not to blame, and cannot read a traceback of somebody else's code.
            text = f"{_blame(part)} cannot describe itself: {type(error).__name__}: {error}"
            self.note(path, text)
            return None
        if found is None:
            return None
        wrong = _wrong(found)
        if wrong is not None:
            self.note(path, f"{_blame(part)} describes itself wrongly: {wrong}")
            return None
        description: Description = found
        if part.frozen:
            total = description.frozen + description.parameters
            description = replace(description, parameters=0, frozen=total)
        return description

    def stepwise(self, architecture: Part, stack: Stack) -> bool:
        """Note why a stack cannot run step by step, if its architecture asks for that; False where it is noted."""
        if _stepwise(architecture, stack):
            why = not_streamable(replace(stack, head=None, heads=()))  # a pool is refused where it stands
            if why is not None:
                who = f"the {stack.name} of architecture {architecture.record.name!r}"
                self.note(stack.path, f"{who} runs one step at a time, and cannot: {why}")
                return False
        return True

    def keeps_steps(self, architecture: Part, stack: Stack, found: StackDescription | None) -> bool:
        """Note a stack that makes one step of several, if its architecture runs it step by step; False where noted."""
        if found is not None and found.windows and _stepwise(architecture, stack):
            who = f"the {stack.name} of architecture {architecture.record.name!r}"
            self.note(stack.path, f"{who} runs one step at a time, and a layer of it changes the number of steps")
            return False
        return True

    def beside(self, architecture: Part, stack: Stack, shapes: Mapping[str, Shape | None]) -> Beside | None:
        """What an architecture joins to the features of a stack; None where that cannot be known."""
        record = architecture.record
        if not isinstance(record, ArchitectureType) or record.beside is None:
            return Beside()
        if None in shapes.values():
            return None
        try:
            found: Beside = resolve(record.beside)(architecture.options, stack, shapes)
        except ShapeMismatchError as error:
            self.mismatches += error.mismatches
            return None
        except ZooError as error:
            self.note(("architecture",), str(error))
            return None
        return found

    def source(
        self, path: Path, part: Part, inputs: dict[str, Description | None], *, under: Path = ()
    ) -> Description | None:
        """How an input describes itself, one that shares another's module by way of that.

        Args:
            path: Where it stands, from what is being described.
            part: The input.
            inputs: Those before it, by their places; those inside it are noted there.
            under: Where what is being described stands.
        """
        scope = Scope(inputs=inputs, at=(*under, *path))
        if not isinstance(part.record, InputType) or not part.record.shares:
            return self.ask(path, part, scope=scope)
        of = str(getattr(part.options, "of", None))
        if of not in inputs:
            said = f"shares an input before this one, and none is at {of!r}"
            if not inputs:
                said = "shares an input before this one, and this is the first: write an input of its own"
            there = f"; there is {', '.join(inputs)}" if inputs else ""
            self.note((*path, "of"), said + (did_you_mean(of, inputs) or there))
            return None
        return self.ask(path, part, inputs[of], scope=scope)

    def layers(
        self,
        layers: tuple[Layer, ...],
        path: Path,
        flow: Flow | None,
        names: Names,
        *,
        pooled: bool = False,
        finals: Set[str] = frozenset(),
        beside: Mapping[int, int] = NOTHING,
    ) -> list[tuple[Description | None, Flow | None]]:
        """The figures of each layer, and what flows behind it.

        Args:
            layers: In their order.
            path: Of their list.
            flow: What the first one reads.
            names: What flows behind layers that may be asked for by name.
            pooled: Whether a pool follows the last.
            finals: Names of others that a pool follows.
            beside: Number of features that are joined to the input of a layer, by its position.
        """
        found: list[tuple[Description | None, Flow | None]] = []
        seen, own = dict(names), set[str]()
        for index, layer in enumerate(layers):
            where = (*path, index)
            read = self._read(where, layer, flow, seen)
            windows = read[0].windows if read and read[0] is not None else ()
            scope = Scope(dict(seen), windows)
            shapes = None if read is None or None in read else tuple(one.shape for one in read if one is not None)
            if isinstance(layer, Recurrent):
                if windows:
                    self._timed(where, layer)
                shape = shapes[0] if shapes else None
                final = (pooled and index == len(layers) - 1) or layer.name in finals
                one = _recurrent(where, layer, shape, self, pooled=final, beside=beside.get(index, 0))
            elif joins(layer):
                one = self.ask(where, layer.part, shapes, scope=scope)
            else:
                one = self.ask(where, layer.part, shapes[0] if shapes else None, scope=scope)
            flow = Flow(one.output_shape, (*windows, *moving(one.windows))) if one else None
            found.append((one, flow))
            if layer.name is not None:
                if layer.name in own:
                    self.note((*where, "name"), f"two layers of this list are called {layer.name!r}")
                seen[layer.name] = flow
                own.add(layer.name)
        return found

    def _read(self, where: Path, layer: Layer, flow: Flow | None, names: Names) -> list[Flow | None] | None:
        """What a layer reads: of the layer before it, or of those that it names; None where a name is none."""
        if not layer.of:
            return [flow]
        key = "of" if joins(layer) else "from"
        return self.named((*where, key), layer.of, names, "no layer before this one is")

    def named(self, where: Path, of: tuple[str, ...], names: Names, missing: str) -> list[Flow | None] | None:
        """What flows behind the layers of these names; None where a name is none, or they cannot be joined.

        Args:
            where: The names are written.
            of: They themselves.
            names: What flows behind the layers that there are.
            missing: How a message about a name that there is not begins, as in "no layer is".
        """
        for name in of:
            if name not in names:
                hint = did_you_mean(name, names) or f"; there is {', '.join(names) or 'none'}"
                self.note(where, f"{missing} called {name!r}{hint}")
                return None
        read = [names[name] for name in of]
        counts = {one.windows for one in read if one is not None}
        if len(counts) > 1:
            self.note(where, f"{', '.join(of)} have different numbers of steps, and cannot be joined")
            return None
        return read

    def _timed(self, where: Path, layer: Recurrent) -> None:
        """Time gaps and what was observed belong to the steps of the input."""
        uses = layer.cell.record.uses if isinstance(layer.cell.record, CellType) else frozenset()
        for name in sorted(uses & {"dt", "observed"}):
            said = f"cell {layer.cell.record.name!r} reads {name!r} of each step of the input, and a layer before it"
            self.note((*where, "cell"), f"{said} changes the number of steps: put the cell before it")


def _stepwise(architecture: Part, stack: Stack) -> bool:
    """Whether an architecture runs a stack of it step by step."""
    record = architecture.record
    asked = record.stacks if isinstance(record, ArchitectureType) else ()
    return any(one.name == stack.name and one.streamable for one in asked)


def joins(layer: Layer) -> bool:
    """Whether a layer reads several others."""
    return isinstance(layer, Component) and isinstance(layer.part.record, LayerType) and layer.part.record.joins


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
    path: Path, layer: Recurrent, shape: Shape | None, follow: Follow, *, pooled: bool, beside: int = 0
) -> Description | None:
    """The figures of a recurrent layer, to whose cell's input so many features are joined (`beside`).

    If a pool follows (`pooled`), the final output of two directions is projected too, once per sequence.
    """
    read = shape
    if beside and shape is not None:
        if len(shape) != 1:
            said = f"features are joined to its input, which must be flat, not maps of shape {shape}"
            follow.note(path, said)
            return None
        read = (shape[0] + beside,)
    cell = follow.ask((*path, "cell"), layer.cell, read, layer.hidden_size)
    if cell is None or shape is None:
        return None
    directions = 2 if layer.bidirectional else 1
    output = merged_shape(cell.output_shape, layer.merge, both=layer.bidirectional)
    shared = _shared(path, layer, cell, follow) if layer.bidirectional and layer.share else 0
    parameters, buffers = directions * cell.parameters, directions * cell.buffers
    frozen = directions * cell.frozen
    if layer.cell.frozen:
        frozen -= shared
    else:
        parameters -= shared
    macs = directions * cell.macs_per_step
    once = directions * cell.macs_per_sequence
    if layer.norm is not None:
        normed = shape if layer.norm.position == "before" else output
        norm = follow.ask((*path, "norm"), layer.norm.part, normed)
        if norm is None:
            return None
        parameters, buffers = parameters + norm.parameters, buffers + norm.buffers
        frozen += norm.frozen
        macs += norm.macs_per_step
    if layer.output_projection is not None and len(output) != 1:
        follow.note((*path, "output_projection"), f"needs flat features at each step, not maps of shape {output}")
        return None
    if layer.output_projection is not None:
        product = output[-1] * layer.output_projection
        parameters, macs = parameters + product, macs + product
        parameters += layer.output_projection if layer.projection_bias else 0
        once += product if pooled and layer.bidirectional else 0
        output = projected_shape(output, layer.output_projection)
    if layer.residual and output != shape:
        mend = f"output_projection: {shape[0]}" if len(output) == 1 else f"hidden_size: {shape[0]}"
        follow.note(
            (*path, "residual"),
            f"residual adds the layer's input to its output, but the input is {_wide(shape)} and the output "
            f"{_wide(output)}; make them equal, for example with {mend}",
        )
    state = {prefix + name: s for prefix in ("", "reverse.")[:directions] for name, s in cell.state.items()}
    if layer.initial_state == "learned":
        learned = directions * sum(math.prod(s) for name, s in cell.state.items() if name not in cell.fixed)
        if not learned:
            problem = f"cell {layer.cell.record.name!r} has no state with a learnable initial value; use zeros"
            follow.note((*path, "initial_state"), problem)
        parameters += learned
    return Description(
        output_shape=output,
        parameters=parameters,
        buffers=buffers,
        frozen=frozen,
        macs_per_step=macs,
        macs_per_sequence=once,
        state=state,
        sequential_depth=cell.sequential_depth,
    )


def _shared(path: Path, layer: Recurrent, cell: Description, follow: Follow) -> int:
    """How many numbers of a cell its two directions have in common."""
    if layer.share == ALL:
        return cell.parameters + cell.frozen
    where, who = (*path, "share"), f"cell {layer.cell.record.name!r}"
    if not cell.named:
        follow.note(where, f"{who} does not say how large each of its parameters is: share: all, or leave it out")
        return 0
    for name in layer.share:
        if name not in cell.named:
            hint = did_you_mean(name, cell.named) or f"; it has {', '.join(cell.named)}"
            follow.note(where, f"{who} has no parameter {name!r}{hint}")
    return sum(cell.named.get(name, 0) for name in layer.share)


def _wide(shape: Shape) -> str:
    return f"{shape[0]} wide" if len(shape) == 1 else f"of shape {shape}"
