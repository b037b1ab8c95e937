"""The tree of a spec: its nodes, and the one way to walk over them.

    Spec -> Stack -> input, init, layers, head or heads by name
    layer = Recurrent (cell, norm, init) | Component, whose options may hold layers of their own

A path says where a node stands in a spec that spells every layer out: `("layers", 0, "cell")`, `("head", "pool")`, and
`("encoder", "layers", 0)` where an architecture has stacks with names. Nobody else enumerates what a spec is made of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Literal, TypeVar

from pydantic import BaseModel

from zoo.components import Part
from zoo.engine.around import Dropout, Merge
from zoo.spec.named import Named

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Norm:
    """A norm component and where it stands: before the cell or after it, or, of a block alone, on the block's sum."""

    part: Part
    position: Literal["before", "after", "sum"] = "after"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedInput:
    """One of several inputs, which stands under its name in the options of the component that holds them.

    Attributes:
        per: How often it comes in: at each step, or once for a whole sequence.
    """

    part: Part
    per: Literal["step", "sequence"] = "step"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrent:
    """One recurrent layer.

    Its output is as wide as the cell's, twice that for two directions merged by `concat`, or `output_projection`.
    That has a bias or none: `projection_bias` says so, and nothing where there is no projection.
    `name` and `of` are as those of a `Component`. `share` names the parameters of its cell that two directions share,
    or is `ALL`; of one direction it says nothing.
    """

    cell: Part
    hidden_size: int
    bidirectional: bool = False
    merge: Merge = "concat"
    share: tuple[str, ...] = ()
    reverse: bool = False
    dropout: Dropout = Dropout()  # noqa: RUF009 - frozen
    norm: Norm | None = None
    residual: bool = False
    output_projection: int | None = None
    projection_bias: bool = True
    initial_state: Literal["zeros", "learned"] = "zeros"
    init: Part
    name: str | None = None
    of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A layer of another kind. Its options may hold layers of their own.

    Attributes:
        name: By which later layers may ask for its output, or None.
        of: Names of the layers whose output it reads, "input" for what the first layer of the stack reads. Without any
            it reads the layer before it.
    """

    part: Part
    name: str | None = None
    of: tuple[str, ...] = ()


Layer = Recurrent | Component


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A head and the pool over time in front of it.

    Attributes:
        name: Of one of several heads; "" of the only one.
        of: Names of the layers whose output it reads, "input" for what the first layer reads, several side by side.
            Without any it reads the last layer.
        pool: None means an output per step.
        part: None leaves what the pool gives as it is.
    """

    name: str = ""
    of: tuple[str, ...] = ()
    pool: Part | None = None
    part: Part | None

    @property
    def path(self) -> Path:
        """Where it stands in its stack."""
        return ("heads", self.name) if self.name else ("head",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """An input, layers one after the other, and a head or none, or several heads.

    Attributes:
        init: Of what is no recurrent layer.
        heads: Several, by their names, in the order of the file; then `head` is None.
        merge: How the outputs of several heads become one; None keeps them apart.
        name: As its architecture calls it; "" where the model is one stack, whose keys stand at the top of the file.
    """

    name: str = ""
    input: Part
    init: Part
    layers: tuple[Layer, ...]
    head: Head | None = None
    heads: tuple[Head, ...] = ()
    merge: Literal["sum"] | None = None

    @property
    def path(self) -> Path:
        """Where it stands in the spec."""
        return (self.name,) if self.name else ()

    @property
    def all_heads(self) -> tuple[Head, ...]:
        """The only head, several, or none."""
        return self.heads if self.head is None else (self.head,)

    @property
    def pooled(self) -> bool:
        """Whether every output is one for a sequence, and none is one for each step."""
        return bool(self.all_heads) and all(head.pool is not None for head in self.all_heads)


Node = Stack | Layer | Norm | NamedInput | Head | Part
NODES: Final = (Stack, Recurrent, Component, Norm, NamedInput, Head, Part)

Root = TypeVar("Root")
AnyNode = TypeVar("AnyNode", bound=Node)


def inherits(part: Part) -> bool:
    """Whether layers inside a component take from the stack the keys that they lack, and see what has a name there."""
    return getattr(part.record, "inherits", True) and part.record.kind == "layer"


def dotted(path: Path) -> str:
    """A path as messages have it: `layers.0.cell`."""
    return ".".join(map(str, path))


def as_path(place: str) -> Path:
    """The path that `dotted` gave."""
    return tuple(int(step) if step.isdigit() else step for step in place.split("."))


def walk(root: Any, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """Every node below a spec, or below another node, in the order of the file; a node before what is inside it."""
    for inner, node in below(root):
        where = (*path, *inner)
        yield where, node
        yield from walk(node, where)


def over_time(root: Any, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """As `walk`, without what runs within a step: over characters of a word, not over the steps of a sequence.

    Of what is inside an input, only other inputs run over time.
    """
    within = isinstance(root, Part) and not inherits(root)
    for inner, node in below(root):
        if not within or _is_input(node):
            where = (*path, *inner)
            yield where, node
            yield from over_time(node, where)


def _is_input(node: Node) -> bool:
    return isinstance(node, NamedInput) or (isinstance(node, Part) and node.record.kind == "input")


def inputs_inside(part: Part) -> Iterator[tuple[Path, Part, Literal["step", "sequence"]]]:
    """The inputs directly among a component's options, each with its path from there and how often it comes in."""
    for path, node in below(part):
        if isinstance(node, NamedInput):
            yield path, node.part, node.per
        elif isinstance(node, Part) and node.record.kind == "input":
            yield path, node, "step"


def parts(root: Any, path: Path = ()) -> Iterator[tuple[Path, Part]]:
    """Every component below a spec, or below a node that stands at a path."""
    return ((where, node) for where, node in walk(root, path) if isinstance(node, Part))


def layers(root: Any) -> Iterator[tuple[Path, Layer]]:
    """Every layer, a layer before those inside it."""
    return ((path, node) for path, node in walk(root) if isinstance(node, Layer))


def recurrent(root: Any) -> Iterator[tuple[Path, Recurrent]]:
    """Every recurrent layer."""
    return ((path, node) for path, node in walk(root) if isinstance(node, Recurrent))


def at(root: Any, path: Path, kind: type[AnyNode]) -> AnyNode:
    """The node of this kind at a path. Raises KeyError where there is none."""
    for where, node in walk(root):
        if where == path and isinstance(node, kind):
            return node
    raise KeyError(dotted(path))


def map_nodes(root: Root, change: Callable[[Path, Node], Node], path: Path = ()) -> Root:
    """The same tree with every node changed, what is inside a node before the node itself."""
    new: dict[Path, Node] = {}
    for inner, node in below(root):
        where = (*path, *inner)
        changed = change(where, map_nodes(node, change, where))
        if changed is not node:
            new[inner] = changed
    return _rebuilt(root, new) if new else root


def map_parts(root: Root, change: Callable[[Path, Part], Part]) -> Root:
    """The same tree with every component changed."""
    return map_nodes(root, lambda path, node: change(path, node) if isinstance(node, Part) else node)


def put(root: Root, path: Path, node: Node) -> Root:
    """The same tree with another node at a path, in place of one of its kind: layer for layer, part for part."""
    kind: Any = Layer if isinstance(node, Layer) else type(node)
    return map_nodes(root, lambda where, now: node if where == path and isinstance(now, kind) else now)


def below(node: Any) -> Iterator[tuple[Path, Node]]:
    """What stands directly inside a spec or a node, by its path from there."""
    for path, value in _held(node):
        yield from _found(path, value)


def _held(node: Any) -> Iterator[tuple[Path, Any]]:
    """The values that a node holds. A component stands where its node does, and a stack at the top of the file."""
    if isinstance(node, Part):
        yield from (((name,), getattr(node.options, name)) for name in type(node.options).model_fields)
    else:
        yield from ((path, getattr(node, name)) for name, path in _keys(type(node)))


def _keys(kind: type[Any]) -> tuple[tuple[str, Path], ...]:
    """The fields of a kind of node, each with the path that the format gives it."""
    return tuple((each.name, () if each.name in ("part", "stacks") else (each.name,)) for each in fields(kind))


def _found(path: Path, value: Any) -> Iterator[tuple[Path, Node]]:
    if isinstance(value, NODES):
        yield path, value
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _found(_inside(path, index, item), item)
    elif isinstance(value, Named):
        for name, item in value.items():
            yield from _found((*path, name), item)
    elif isinstance(value, BaseModel):  # no component, but a part of a component's options
        for name in type(value).model_fields:
            yield from _found((*path, name), getattr(value, name))


def _inside(path: Path, index: int, item: Any) -> Path:
    """The stacks of an architecture, and several heads, stand under their names; the only stack of a model has none."""
    if isinstance(item, Stack):
        return (*path, *item.path)
    if isinstance(item, Head):
        return (*path, item.name)
    return (*path, index)


def _rebuilt(node: Any, new: Mapping[Path, Node]) -> Any:
    """A node with some of what stands directly inside it replaced."""

    def change(path: Path, value: Any) -> Any:
        return new.get(path, value)

    return _holding(node, {path: replaced(value, NODES, change, path) for path, value in _held(node)})


def _holding(node: Any, values: Mapping[Path, Any]) -> Any:
    """A node with other values, by the paths of `_held`."""
    if isinstance(node, Part):
        return node.with_options(node.options.model_copy(update={str(path[0]): v for path, v in values.items()}))
    return replace(node, **{name: values[path] for name, path in _keys(type(node))})


def replaced(value: Any, kinds: Any, change: Callable[[Path, Any], Any], path: Path = ()) -> Any:
    """A value with everything of these kinds replaced that it is, or holds in nodes, tuples, mappings and models."""
    if isinstance(value, kinds):
        return change(path, value)
    if isinstance(value, NODES):
        inside = dict(_held(value))
        others = {inner: replaced(one, kinds, change, (*path, *inner)) for inner, one in inside.items()}
        return value if all(others[inner] is inside[inner] for inner in inside) else _holding(value, others)
    if isinstance(value, Named):
        own = {name: replaced(item, kinds, change, (*path, name)) for name, item in value.items()}
        return value if all(own[name] is value[name] for name in own) else Named(own)
    if isinstance(value, tuple):
        items = [replaced(item, kinds, change, _inside(path, index, item)) for index, item in enumerate(value)]
        return value if all(a is b for a, b in zip(items, value, strict=True)) else tuple(items)
    if isinstance(value, BaseModel):
        held = {name: getattr(value, name) for name in type(value).model_fields}
        new = {name: replaced(one, kinds, change, (*path, name)) for name, one in held.items()}
        return value if all(new[name] is held[name] for name in held) else value.model_copy(update=new)
    return value
