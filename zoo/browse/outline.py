"""What a model looks like: its stacks, layers and what is inside them, as text and figures, equal neighbours as one.

It is made by one walk over the tree of a spec, so that what the format learns to hold is seen here by itself. Tables,
pictures and pages show it, and none of them looks into a spec.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Final, Literal

from pydantic import BaseModel

from zoo.components import Description, Part
from zoo.spec.canonical import Spec
from zoo.spec.describe import described
from zoo.spec.follow import joins
from zoo.spec.tree import Component, Head, Layer, NamedInput, Node, Path, Recurrent, Stack, below

Direction = Literal["", "forward", "backward", "both"]

_LONGEST: Final = 48
"""Characters of one option's value."""
NAMED: Final = ("name", "of")
"""Fields of a layer that say where it stands among others."""
_UNSEEN: Final = ("init",)
"""Kinds of components that are no part of what a model computes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A stack or a component of a model, or so many equal ones in a row.

    Attributes:
        place: Where it stands, as a path from what it is inside. Of several, the first.
        node: Of the tree: what two equal ones have in common.
        kind: Such as "cell", "layer" or "head"; "stack" for a stack with a name.
        name: Of the component, or of the stack.
        options: What is not as by default, each as the file calls it: "hidden_size 20".
        figures: Of one of them; None where they are unknown, or counted with what it is inside.
        items: What is inside it, in the order in which it computes.
        count: How many there are.
        direction: In which a recurrent layer reads its input.
        residual: Whether its input is added to its output.
    """

    place: Path
    node: Node
    kind: str
    name: str
    options: tuple[str, ...] = ()
    figures: Description | None = None
    items: tuple[Item, ...] = ()
    count: int = 1
    direction: Direction = ""
    residual: bool = False

    @property
    def label(self) -> str:
        """Where it stands, as text: `layers.0`, or `layers.0-23` for several."""
        *lead, last = self.place
        until = f"-{last + self.count - 1}" if self.count > 1 and isinstance(last, int) else ""
        return ".".join(map(str, [*lead, last])) + until

    @property
    def parameters(self) -> int | None:
        """Of one of them; of a stack, those of all that is inside."""
        if self.figures is not None:
            return self.figures.parameters
        known = [(one.parameters, one.count) for one in self.items] if self.kind == "stack" else []
        if not known or any(parameters is None for parameters, _ in known):
            return None
        return sum((parameters or 0) * count for parameters, count in known)

    @property
    def state(self) -> int | None:
        """Numbers of state per sequence, of one of them."""
        return None if self.figures is None else sum(map(math.prod, self.figures.state.values()))

    @property
    def text(self) -> str:
        """What it is, in one line: `24 x block: residual`."""
        count = f"{self.count:,} x " if self.count > 1 else ""
        said = [*self.options, *(["residual"] if self.residual and "residual" not in self.options else [])]
        return f"{count}{self.name}" + (f": {', '.join(said)}" if said else "")


def outline(spec: Spec) -> tuple[Item, ...]:
    """A model's stacks, or what its only one is made of, in the order in which it computes.

    An architecture of several stacks is the last, as what joins them.
    """
    found = described(spec)
    stacks = [(path, node) for path, node in below(spec) if isinstance(node, Stack)]
    items = [_stack(path, stack, found) for path, stack in stacks]
    if not spec.stacks[0].name:
        return items[0].items
    path: Path = ("architecture",)
    return (*items, _component(path, path, spec.architecture, found))


def leaves(items: tuple[Item, ...]) -> Iterator[Item]:
    """What has nothing inside, in the order in which it computes."""
    for item in items:
        yield from leaves(item.items) if item.items else (item,)


def _stack(path: Path, stack: Stack, found: dict[Path, Description]) -> Item:
    return Item(place=path, node=stack, kind="stack", name=stack.name, items=_folded(_inside(stack, path, found)))


def _inside(node: Node, path: Path, found: dict[Path, Description], lead: Path = ()) -> Iterator[Item]:
    """What is inside a node at a path. lead: from there to the node, where it has no item of its own."""
    for inner, one in below(node):
        place, where = (*lead, *inner), (*path, *inner)
        if isinstance(one, Recurrent):
            yield _recurrent(place, where, one, found)
        elif isinstance(one, Component):
            item = _component(place, where, one.part, found)
            yield replace(item, node=one, options=(*item.options, *_names(one)))
        elif isinstance(one, Head):
            yield from _head(one, where, found, place)
        elif isinstance(one, NamedInput):
            often = () if one.per == "step" else (f"per {one.per}",)
            item = _component(place, where, one.part, found)
            yield replace(item, options=(*item.options, *often))
        elif isinstance(one, Part) and one.record.kind not in _UNSEEN:
            yield _component(place, where, one, found)


def _head(head: Head, path: Path, found: dict[Path, Description], place: Path) -> Iterator[Item]:
    """A head's pool and the head itself; the first of them says which layers are read."""
    for index, item in enumerate(_inside(head, path, found, place)):
        read = (f"of {', '.join(head.of)}",) if head.of and index == 0 else ()
        yield replace(item, options=(*read, *item.options))


def _recurrent(place: Path, path: Path, layer: Recurrent, found: dict[Path, Description]) -> Item:
    """A recurrent layer: what is around its cell is said beside the cell's options."""
    around = [field for field in dataclasses.fields(layer) if field.name not in ("cell", "hidden_size", *NAMED)]
    said = (_field(field, getattr(layer, field.name)) for field in around)
    return Item(
        place=place,
        node=layer,
        kind="cell",
        name=layer.cell.record.name,
        options=(
            f"hidden_size {layer.hidden_size:,}",
            *_options(layer.cell),
            *(text for text in said if text),
            *_names(layer),
        ),
        figures=found.get(path),
        items=_folded(_inside(layer.cell, (*path, "cell"), found)),
        direction="both" if layer.bidirectional else "backward" if layer.reverse else "forward",
        residual=layer.residual,
    )


def _names(layer: Layer) -> Iterator[str]:
    """What a layer is called and reads, as the file writes it."""
    if layer.name is not None:
        yield f"name {layer.name}"
    if layer.of:
        yield f"{'of' if joins(layer) else 'from'} {', '.join(layer.of)}"


def _component(place: Path, path: Path, part: Part, found: dict[Path, Description]) -> Item:
    return Item(
        place=place,
        node=part,
        kind=part.record.kind,
        name=part.record.name,
        options=tuple(_options(part)),
        figures=found.get(path),
        items=_folded(_inside(part, path, found)),
        residual=getattr(part.options, "residual", False) is True,
    )


def _folded(items: Iterator[Item]) -> tuple[Item, ...]:
    """Equal neighbours of one list as one item."""

    def alike(item: Item) -> tuple[Any, ...]:
        listed = isinstance(item.place[-1], int)
        return (item.place[:-1] if listed else item.place, *_content(item))

    groups = (list(group) for _, group in groupby(items, alike))
    return tuple(replace(group[0], count=len(group)) for group in groups)


def _content(item: Item) -> tuple[Any, ...]:
    """All that two items have in common that differ in their place alone."""
    return item.node, item.figures, item.items


def _options(part: Part) -> Iterator[str]:
    """The options of a component that are not as by default; layers and components among them are items."""
    inside = {path[0] for path, node in below(part) if path}
    for name, field in type(part.options).model_fields.items():
        value = getattr(part.options, name)
        if name not in inside and (field.is_required() or value != field.get_default(call_default_factory=True)):
            text = _said(field.alias or name, value)
            if text:
                yield text


def _field(field: dataclasses.Field[Any], value: Any) -> str:
    """A field of a layer, where it is not as by default."""
    if isinstance(value, Part) and value.record.kind in _UNSEEN:
        return ""
    same = field.default is not dataclasses.MISSING and value == field.default
    return "" if same else _said(field.name, value)


def _said(name: str, value: Any) -> str:
    """One option: by its name alone if it is on, and in brackets what a mapping holds."""
    if isinstance(value, bool):
        return name if value else f"no {name}"
    if value is None:
        return f"no {name}"
    if isinstance(value, Part):
        inside = ", ".join(_options(value))
        return _value(name, value.record.name) + (f" ({inside})" if inside else "")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = [_field(each, getattr(value, each.name)) for each in dataclasses.fields(value)]
        # A node is called as the key that it stands under.
        return _bracketed(name, [text.removeprefix("part ") for text in parts if text])
    if isinstance(value, BaseModel):
        given = [(key, getattr(value, key)) for key in type(value).model_fields if key in value.model_fields_set]
        return _bracketed(name, [_said(key, one) for key, one in given])
    if isinstance(value, tuple | list):
        return _value(name, " x ".join(map(_number, value)))
    return _value(name, _number(value))


def _bracketed(name: str, texts: list[str]) -> str:
    return f"{name} ({', '.join(texts)})" if texts else ""


def _value(name: str, text: str) -> str:
    return f"{name} {text if len(text) <= _LONGEST else text[: _LONGEST - 1] + '…'}"


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
