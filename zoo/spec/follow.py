"""Follow the shape of a step through a spec, from its input to its head, and ask each component what it makes of it.

What neighbours do not fit is noted with its place, all of it; what stands behind it is then unknown.
"""

from __future__ import annotations

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
from zoo.errors import ZooError, did_you_mean
from zoo.spec.answers import blame, wrong_in
from zoo.spec.around import recurrent
from zoo.spec.mismatches import ShapeMismatch, ShapeMismatchError
from zoo.spec.traits import not_streamable
from zoo.spec.tree import Component, Layer, Path, Recurrent, Stack, inherits


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


def visible() -> Scope:
    """What the component that describes itself now can see of what is around it."""
    return _scope.get()


def note_inside(found: Mapping[Path, Description]) -> None:
    """Note how what stands inside that component describes itself, by its path there; where somebody asks for that."""
    noted = _noted.get()
    if noted is not None:
        noted[1].update({(*noted[0], *path): one for path, one in found.items()})


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
            text = f"{blame(part)} cannot describe itself: {type(error).__name__}: {error}"
            self.note(path, text)
            return None
        if found is None:
            return None
        wrong = wrong_in(found)
        if wrong is not None:
            self.note(path, f"{blame(part)} describes itself wrongly: {wrong}")
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
                one = recurrent(where, layer, shape, self, pooled=final, beside=beside.get(index, 0))
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
