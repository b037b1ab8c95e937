"""Layers that nothing reads: they would be computed, counted and trained by nothing.

A layer reads the one before it, or those that it names; a head reads the last, or those that it names. So a layer is
left over where the one behind it names others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from zoo.components import ArchitectureType
from zoo.spec.canonical import Spec
from zoo.spec.follow import joins
from zoo.spec.problems import Path, Problem
from zoo.spec.tree import Layer, Recurrent, Stack, below, inherits

Place = Callable[[Path], Path]
Names = Mapping[str, Path | None]


def unread(spec: Spec, stateful: Set[Path], place: Place) -> Iterator[Problem]:
    """A problem for each layer that nothing reads, where it was written.

    Args:
        spec: The canonical form. Of a stack with a name that there is not, nothing is said: that is another mistake.
        stateful: Paths of the layers that have a state, which an architecture may read.
        place: From a canonical path to that in the file.
    """
    record, options = spec.architecture.record, spec.architecture.options
    asked = {one.name: one for one in record.stacks} if isinstance(record, ArchitectureType) else {}
    named = set(_places(options))
    for stack in spec.stacks:
        reading = _Reading()
        reading.stack(stack)
        if not reading.sound:
            continue
        states = asked[stack.name].states if stack.name in asked else False
        by_state = states(options) if callable(states) else states
        for path, layer in reading.layers.items():
            own = (layer.name, path[-1]) if path[:-1] == (*stack.path, "layers") else ()
            if path in reading.read or named.intersection(own):
                continue
            if by_state and (path in stateful or isinstance(layer, Recurrent)):
                continue
            yield Problem(place(path), "unread", reading.why(path))


@dataclass
class _Reading:
    """What is read of the layers of a stack.

    Attributes:
        layers: All of them by their paths, those inside others too.
        read: Paths of those that something reads.
        sound: Whether every name is that of one layer.
    """

    layers: dict[Path, Layer] = field(default_factory=dict)
    read: set[Path] = field(default_factory=set)
    sound: bool = True

    def stack(self, stack: Stack) -> None:
        path = (*stack.path, "layers")
        names = self.row(stack.layers, path, {"input": None})
        self.inside(stack.input, (*stack.path, "input"), {})
        heads = [] if stack.name else stack.all_heads  # in an architecture they read the last layer
        for head in heads:
            self.named(head.of, names)
        if stack.layers and not (heads and all(head.of for head in heads)):
            self.read.add((*path, len(stack.layers) - 1))

    def row(self, layers: tuple[Layer, ...], path: Path, around: Names) -> Names:
        """What layers one after the other read, and the names that they have with those around them."""
        names, own = dict(around), set[str]()
        for index, layer in enumerate(layers):
            where = (*path, index)
            self.layers[where] = layer
            self.named(layer.of, names)
            if not layer.of and index:
                self.read.add((*path, index - 1))
            if not isinstance(layer, Recurrent):
                self.inside(layer.part, where, names if inherits(layer.part) else {})
            if layer.name is not None:
                self.sound = self.sound and layer.name not in own
                names[layer.name] = where
                own.add(layer.name)
        return names

    def inside(self, node: Any, path: Path, around: Names) -> None:
        """The same of lists of layers that a component holds, and of components that it holds."""
        lists: dict[Path, list[Layer]] = {}
        for inner, one in below(node):
            if isinstance(one, Layer):
                lists.setdefault((*path, *inner[:-1]), []).append(one)
            else:
                self.inside(one, (*path, *inner), {})
        for where, layers in lists.items():
            self.row(tuple(layers), where, around)
            self.read.add((*where, len(layers) - 1))

    def named(self, of: tuple[str, ...], names: Names) -> None:
        for name in of:
            self.sound = self.sound and name in names
            found = names.get(name)
            if found is not None:
                self.read.add(found)

    def why(self, path: Path) -> str:
        """Nothing reads the layer at this path: what stands behind it reads others."""
        behind = self.layers.get((*path[:-1], int(path[-1]) + 1))
        if behind is None:
            return "no head reads this layer, and no layer that a head reads: leave it out, or name it in a head's `of`"
        said = f"nothing reads this layer: the one behind it reads {' and '.join(behind.of)}, and no other names it"
        return f"{said}; leave it out, or name it " + ("there" if joins(behind) else "in a later layer")


def _places(options: Any) -> Iterator[str | int]:
    """Names and positions of layers that an architecture asks for, as that which asks for attention."""
    for name, one in type(options).model_fields.items() if isinstance(options, BaseModel) else ():
        value, extra = getattr(options, name), one.json_schema_extra
        if isinstance(value, str | int) and isinstance(extra, Mapping) and extra.get("x-place"):
            yield value
        yield from _places(value)
