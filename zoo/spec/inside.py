"""What stands inside a component, described for it: a part, several inputs, layers one after the other."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from zoo.components import Description, Part, Shape
from zoo.spec.follow import Flow, Follow, note_inside, visible
from zoo.spec.mismatches import ShapeMismatchError
from zoo.spec.tree import Layer, NamedInput, Path, dotted


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
    follow, scope = Follow(), visible()
    found: dict[str, Description | None] = {}
    for name, one in inputs.items():
        path: Path = (at, name)
        own = follow.source(path, one.part, scope.inputs, under=scope.at)
        if own is not None and one.per == "sequence":
            once = own.macs_per_step + own.macs_per_sequence
            own = replace(own, macs_per_step=0, macs_per_sequence=once, sequential_depth=0)
        found[name] = scope.inputs[dotted((*scope.at, *path))] = own
        if own is not None:
            note_inside({path: own})
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
    follow, scope = Follow(), visible()
    path: Path = tuple(int(step) if step.isdigit() else step for step in at.split("."))
    begin = Flow(input_shape, scope.windows)
    found = follow.layers(layers, path, begin, scope.names)
    end = found[-1][1] if found else begin
    if end is not None and end.windows[: len(scope.windows)] != scope.windows:
        follow.note(path, "the layers inside end with another number of steps than they begin with")
    if follow.mismatches:
        raise ShapeMismatchError(tuple(follow.mismatches))
    known = [(one, after) for one, after in found if one is not None and after is not None]
    note_inside({(*path, i): one for i, (one, _) in enumerate(found) if one is not None})
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
