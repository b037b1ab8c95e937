"""Every option of a spec's components at other values: alone where that fits the rest, else with more changed too.

Where an option is refused beside the others (the heads do not divide the width, another option has no use for it), it
is tried at widths with many divisors, with each other option changed too, with the options' own defaults, and with the
sets of options that the author gives as examples: `model_config = ConfigDict(json_schema_extra={"examples": [...]})`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from zoo.checks.candidates import candidates, choices
from zoo.checks.features import alone
from zoo.checks.options import examples, get, walk_options, with_value, with_values
from zoo.components import Part
from zoo.errors import ZooError
from zoo.plugin.manager import catalogue
from zoo.spec.canonical import Spec
from zoo.spec.describe import figures
from zoo.spec.shrink import DIVISIBLE, divisible, is_width, with_width
from zoo.spec.tree import NODES, Component, Layer, Path, Recurrent, Stack, at, dotted, layers, parts, put, recurrent

MOST: Final = 3
"""How many values of another option an option is tried beside."""

HasParameters = Callable[[str], bool]
"""Whether the part of a model with this name (`input`, `layers.0`, `pool`, `head`) has parameters."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a component stands in a spec.

    Attributes:
        layer: Where the recurrent layer stands that it belongs to, if it does.
    """

    path: Path
    layer: Path | None = None

    @property
    def place(self) -> str:
        return dotted(self.path)

    def get(self, spec: Spec) -> Part:
        return at(spec, self.path, Part)

    def put(self, spec: Spec, part: Part) -> Spec:
        return put(spec, self.path, part)


@dataclass(frozen=True, slots=True)
class Try:
    """One option at another value.

    Attributes:
        base: The spec that this one differs from by that alone.
    """

    base: Spec
    changed: Spec
    value: Any


@dataclass(frozen=True)
class Option:
    """An option of one component. every: it has a few values, each of which must mean something of its own."""

    slot: Slot
    spec: Spec
    path: Path
    field: FieldInfo
    now: Any

    @property
    def place(self) -> str:
        return ".".join((self.slot.place, *map(str, self.path)))

    @property
    def every(self) -> bool:
        return choices(self.field) is not None

    def tries(self) -> Iterator[Try]:
        """Other values with everything else as it is. They may not fit the rest; whoever asks finds out."""
        return self._at(self.spec, self.slot.get(self.spec).options)

    def elsewhere(self) -> Iterator[Iterator[Try]]:
        """The same, where something else is changed too, each time something else."""
        wide = divisible(self.spec)
        if wide is not None:
            yield self._at(wide, self.slot.get(wide).options)
        filled = _filled(self.spec)
        if filled is not None:
            yield self._at(filled, self.slot.get(filled).options)
        for home in (self.spec,) if wide is None else (self.spec, wide):
            yield from self._others(home)
            for example in examples(type(self.slot.get(home).options)):
                yield self._at(home, example)
        if self.slot.layer is not None:
            for hidden in (2 * DIVISIBLE, DIVISIBLE // 2):
                lone = self._alone(self.slot.layer, hidden)
                yield lone.tries()
                yield from lone._others(lone.spec)

    def together(self) -> Iterator[Iterator[Try]]:
        """The last resort, where the option cannot be told apart from others that move with it."""
        yield self._asexamples()
        if is_width(self.field) and isinstance(self.now, int):
            yield self._with_equals(self.now)

    def _asexamples(self) -> Iterator[Try]:
        """A whole set of options at once, where no two values of this one fit the same others."""
        for home in filter(None, (self.spec, divisible(self.spec), self._of_symbols())):
            for example in examples(type(self.slot.get(home).options)):
                value = get(example, self.path)
                if value != get(self.slot.get(home).options, self.path):
                    yield Try(home, self._put(home, example), value)

    def _of_symbols(self) -> Spec | None:
        """For a head: the model with an input that embeds symbols, whose table a head may share."""
        if not {"head", "heads"} & {*self.slot.path}:
            return None
        stack = next(one for one in self.spec.stacks if self.slot.path[: len(one.path)] == one.path)
        found = catalogue().find("input", "tokens")
        width = getattr(stack.input.options, "size", None)
        if stack.input.provided == found or not isinstance(width, int):
            return None
        tokens = Part(found, found.record.options(vocabulary=37, size=width))
        return put(self.spec, (*stack.path, "input"), tokens)

    def _alone(self, layer: Path, hidden: int) -> Option:
        """The same of the layer by itself between an input and no head, where nothing behind it asks for a width.

        hidden: Its width, larger than the input's or smaller, which some options need.
        """
        plain = replace(at(self.spec, layer, Recurrent), hidden_size=hidden, residual=False)
        home = alone(self.spec, (DIVISIBLE,), plain)
        slot = Slot(("layers", 0, *self.slot.path[len(layer) :]), ("layers", 0))
        return replace(self, slot=slot, spec=home)

    def _with_equals(self, now: int) -> Iterator[Try]:
        """The width and what has to go with it, where what stands behind must be as wide: a tie, a residual."""
        for width in candidates(self.field, now):
            if isinstance(width, int):
                yield from (Try(self.spec, changed, width) for changed in with_width(self.spec, now, width))

    def _at(self, home: Spec, options: BaseModel) -> Iterator[Try]:
        base = self._put(home, options)
        for value in candidates(self.field, get(options, self.path)):
            changed = with_value(options, self.path, value)
            if changed is not None and changed != options:
                yield Try(base, self._put(home, changed), value)

    def _others(self, home: Spec) -> Iterator[Iterator[Try]]:
        """Beside another option at another value, which may be refused beside the value that this one has."""
        options = self.slot.get(home).options
        for path, field, now in walk_options(options):
            if path == self.path:
                continue
            for value in islice(candidates(field, now), MOST):
                beside = with_value(options, path, value)
                yield self._pairs(home, path, value) if beside is None else self._at(home, beside)

    def _pairs(self, home: Spec, path: Path, value: Any) -> Iterator[Try]:
        """Two other values of this option beside one of another."""
        options = self.slot.get(home).options
        first: BaseModel | None = None
        for mine in candidates(self.field, get(options, self.path)):
            both = with_values(options, {self.path: mine, path: value})
            if both is None:
                continue
            if first is None:
                first = both
            else:
                yield Try(self._put(home, first), self._put(home, both), mine)

    def _put(self, home: Spec, options: BaseModel) -> Spec:
        return self.slot.put(home, self.slot.get(home).with_options(options))


def options(spec: Spec, has_parameters: HasParameters) -> Iterator[Option]:
    """Every option of every component that has another value, without schemes that have nothing to initialise."""
    still = [path for path, part in parts(spec) if part.frozen]
    for slot in slots(spec, has_parameters):
        if slot.get(spec).record.kind == "norm" and any(slot.path[: len(path)] == path for path in still):
            continue  # its statistics do not move, however its options say that they would
        for path, field, now in walk_options(slot.get(spec).options):
            known = choices(field)
            if (known is None or len(known) > 1) and not is_node(field.annotation) and not _refers(field):
                yield Option(slot, spec, path, field, now)


def _refers(field: FieldInfo) -> bool:
    """Whether an option names another place of the spec, of which there may be one alone."""
    return isinstance(field.json_schema_extra, Mapping) and bool(field.json_schema_extra.get("x-place"))


def is_node(annotation: Any) -> bool:
    """Whether an option is a component, or layers, which are no values of an option but varied where they stand."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return any(is_node(field.annotation) for field in annotation.model_fields.values())
    return annotation in NODES or any(map(is_node, get_args(annotation)))


def schemes(spec: Spec, has_parameters: HasParameters) -> Iterator[tuple[str, Spec]]:
    """Another scheme in place of each, one that sets every parameter."""
    for slot in slots(spec, has_parameters):
        part = slot.get(spec)
        if part.record.kind == "init" and part.record.name != "uniform":
            found = catalogue().find("init", "uniform")
            yield f"{slot.place} (uniform)", slot.put(spec, Part(found, found.record.options(range=0.01)))


def slots(spec: Spec, has_parameters: HasParameters) -> Iterator[Slot]:
    """Where components stand. Of a stack of equal layers the first two say it all, and those that differ."""
    again = _repeated(spec)
    layer_of = {path: where for where, layer in recurrent(spec) for path, _ in parts(layer, where)}
    for path, part in parts(spec):
        if any(path[: len(one)] == one for one in again):
            continue
        layer = layer_of.get(path)
        if part.record.kind != "init" or _has_parameters_of(spec, path, layer, has_parameters):
            yield Slot(path, layer)


def _repeated(spec: Spec) -> list[Path]:
    """The layers that are equal to two before them."""
    seen: list[Layer] = []
    again = []
    for path, layer in layers(spec):
        if layer in seen[:-1]:
            again.append(path)
        else:
            seen.append(layer)
    return again


def _has_parameters_of(spec: Spec, path: Path, layer: Path | None, has_parameters: HasParameters) -> bool:
    """Whether a scheme has parameters to initialise: those of its layer, or of its stack's other components."""
    if layer is not None:
        return has_parameters(dotted(layer))
    stack = path[:-1]
    others = [where for where, one in layers(spec) if isinstance(one, Component) and where[: len(stack)] == stack]
    several = [where for head in at(spec, stack, Stack).heads for where in ((*head.path, "pool"), head.path)]
    own = [("input",), ("pool",), ("head",), *several]
    return any(map(has_parameters, (*(dotted((*stack, *where)) for where in own), *map(dotted, others))))


def _filled(spec: Spec) -> Spec | None:
    """Where a stack has no layers, the spec with those recurrent ones there that another has; else None.

    What is said of a stack's states has nothing to mean where it has none.
    """
    theirs = next((found for one in spec.stacks if (found := _recurrent(one))), ())
    if not theirs or all(stack.layers for stack in spec.stacks):
        return None
    return replace(spec, stacks=tuple(one if one.layers else replace(one, layers=theirs) for one in spec.stacks))


def _recurrent(stack: Stack) -> tuple[Layer, ...]:
    """Its recurrent layers, as they would stand in another stack."""
    return tuple(replace(layer, name=None, of=()) for layer in stack.layers if isinstance(layer, Recurrent))


def fits(spec: Spec) -> bool:
    """Whether its parts fit each other, as far as they describe themselves."""
    try:
        return not figures(spec)[1]
    except ZooError:
        return False
