"""A key that is right, in the wrong place: where it belongs, with the text to write there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from zoo.errors import ZooError, nearest
from zoo.plugin.catalogue import Catalogue
from zoo.spec.document import Node
from zoo.spec.dump import Writer
from zoo.spec.file import ExpectEntry, SpecFile, StackEntry
from zoo.spec.model import RecurrentEntry
from zoo.spec.problems import Path, keys_of
from zoo.spec.rates import DropoutEntry

PLACES: Final = ("cell", "norm", "init", "input", "head")
"""Keys of a stack, the first three of a layer too, under which a component has options of its own."""
LONGEST: Final = 120
"""Characters of a text to write; a longer one leaves the value out."""


@dataclass(frozen=True, slots=True)
class Home:
    """A place for a key.

    Attributes:
        path: Of the mapping that it belongs in.
        written: What stands there.
        what: What the key is.
    """

    path: Path
    written: Any
    what: str
    keys: tuple[str, ...]


def whereto(path: Path, root: Node, catalogue: Catalogue) -> str | None:
    """Where the key at a path belongs, or None where nothing near has it.

    Args:
        path: of a key that cannot stand where it does.
        root: the document.
        catalogue: the components that are installed.
    """
    key = str(path[-1])
    homes = [home for home in _homes(path[:-1], root, catalogue) if key in home.keys]
    if not homes:
        return _above(path, root)
    # Rather where it is not written yet: a `size` beside a head without one.
    lacking = [home for home in homes if not (isinstance(home.written, Mapping) and key in home.written)]
    return f"{key!r} {_belongs((lacking or homes)[0], key, root.at(path).plain())}"


def near(path: Path, root: Node, catalogue: Catalogue) -> str | None:
    """As `whereto`, for a key that is misspelt as well."""
    key = str(path[-1])
    for home in _homes(path[:-1], root, catalogue):
        meant = nearest(key, home.keys)
        if meant is not None:
            return f"did you mean {meant!r}? It {_belongs(home, meant, root.at(path).plain())}"
    return None


def _holders(level: Path, root: Node) -> list[Path]:
    """The model, the stack and the layers that a level is inside of, innermost first."""
    several = root.below("architecture") is not None

    def holds(path: Path) -> bool:
        if len(path) == 1 and several and path[0] not in keys_of(SpecFile):
            return isinstance(root.at(path).value, dict)  # a stack by its name
        return not path or _is_layer(path)

    return [level[:end] for end in range(len(level), -1, -1) if holds(level[:end])]


def _is_layer(path: Path) -> bool:
    return len(path) > 1 and path[-2] == "layers" and isinstance(path[-1], int)


def _has_kind(path: Path, root: Node) -> bool:
    """Whether it is a layer of another kind than a recurrent one: nothing of the model's cell, input or head is its."""
    kind = root.at(path).below("kind") if _is_layer(path) else None
    return kind is not None and kind.plain() != "recurrent"


def _homes(level: Path, root: Node, catalogue: Catalogue) -> Iterator[Home]:
    """Every mapping, of the model or layer that a key was written in or of one above, that has keys of its own."""
    holders = _holders(level, root)
    inside = holders[0]
    for above in holders[:1] if _has_kind(inside, root) else holders:
        here = root.at(above)
        for place in PLACES[:3] if _is_layer(inside) else PLACES:
            node = here.below(place)
            if node is not None and (*above, place) != level:
                yield from _of_component((*above, place), place, node.plain(), catalogue)
        written = here.below("dropout")
        if written is not None or (above == inside and not _has_kind(inside, root)):
            found = None if written is None else written.plain()
            yield Home((*above, "dropout"), found, "a kind of dropout", keys_of(DropoutEntry))
    if _is_layer(inside):
        return
    architecture = root.below("architecture")
    if architecture is not None and level != ("architecture",):
        yield from _of_component(("architecture",), "architecture", architecture.plain(), catalogue)
    yield Home(("expect",), None, "a figure to expect", keys_of(ExpectEntry))
    if root.at(inside).below("head") is None and root.at(inside).below("input") is not None:
        yield Home((*inside, "head"), {"kind": "linear", "size": 1}, "a part of the head", ("pool",))


def _of_component(path: Path, kind: str, written: Any, catalogue: Catalogue) -> Iterator[Home]:
    """The options of the component that stands at a place, and of the pool in a head."""
    if kind == "input" and isinstance(written, int) and not isinstance(written, bool):
        written = {"kind": "features", "size": written}
    name = written.get("kind") if isinstance(written, Mapping) else written
    try:
        options = catalogue.find(kind, name).record.options if isinstance(name, str) else None
    except ZooError:
        options = None
    more = {"head": ("pool",), "norm": ("position",)}.get(kind, ())
    if options is not None:
        yield Home(path, written, f"an option of {kind} {name!r}", (*keys_of(options), *more))
    if kind == "head" and isinstance(written, Mapping) and "pool" in written:
        yield from _of_component((*path, "pool"), "pool", written["pool"], catalogue)


def _belongs(home: Home, key: str, value: Any) -> str:
    """As in "is an option of cell 'rnn' and belongs inside 'cell': cell: {kind: rnn, nonlinearity: relu}"."""
    outer = str(home.path[-1])
    if isinstance(home.written, Mapping):
        whole = {**home.written, key: value}
    elif outer == "dropout" and isinstance(home.written, int | float):
        whole = {"between": home.written, key: value}
    else:
        whole = {**({} if home.written is None else {"kind": home.written}), key: value}
    text = _text({outer: whole})
    if len(text) > LONGEST:
        text = f"{outer}: {{..., {key}: ...}}"
    return f"is {home.what} and belongs inside {outer!r}: {text}"


def _above(path: Path, root: Node) -> str | None:
    """A key of the model, of a stack or of a layer that stands inside a component or among the wrong ones."""
    key, level = str(path[-1]), path[:-1]
    inside = _holders(level, root)[0]
    deeper = level[len(inside) :]
    text = _text({key: root.at(path).plain()})
    text = text if len(text) <= LONGEST else f"{key}: ..."
    if _is_layer(inside) and deeper and key in keys_of(RecurrentEntry) and key != "kind":
        return f"{key!r} is a key of the layer and belongs beside {str(deeper[0])!r}, not inside it: {text}"
    several = root.below("architecture") is not None
    whose, keys = ("stack", keys_of(StackEntry)) if several and inside else ("model", keys_of(SpecFile))
    if key not in keys or (_has_kind(inside, root) and key in keys_of(RecurrentEntry)):
        return None
    if _is_layer(inside):
        return f"{key!r} is a key of the {whose} and belongs beside 'layers', not in a layer"
    if not deeper:
        return None
    return f"{key!r} is a key of the {whose} and belongs beside {str(deeper[0])!r}, not inside it: {text}"


def _text(data: dict[str, Any]) -> str:
    """One line of YAML, as `cell: {kind: rnn, nonlinearity: relu}`."""
    text: str = yaml.dump(
        data, Dumper=Writer, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6
    )
    return text.strip().removeprefix("{").removesuffix("}")
