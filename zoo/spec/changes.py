"""Changes to a spec from outside its file: `hidden_size=30`, `layers.0.hidden_size=30`, as calls and `--set` have them.

A plain key replaces the whole key, as in a variant. A dotted path replaces that value alone: what it leads through must
stand in the spec, where a short form (`cell: lstm`, `layers: 2`, `dropout: 0.1`) counts as what it is short for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from zoo.errors import Diagnostic, SpecError, ZooError, did_you_mean
from zoo.spec.document import Node, parse
from zoo.spec.dump import written
from zoo.spec.model import MOST_LAYERS
from zoo.spec.problems import show

FIXED: Final = ("schema", "extends", "variants")
"""What a file is, rather than what its model is."""
COMPONENTS: Final = ("architecture", "cell", "head", "init", "input", "norm", "pool")
"""Keys whose value may be the name of a component, short for a mapping with `kind`."""

_KEY: Final = re.compile(r"[A-Za-z_]\w*(\.\w[\w-]*)*")


def of_mapping(changes: Mapping[str, Any]) -> Node:
    """The changes that a call was given, as values by their paths.

    Raises:
        SpecError: a value that no spec can hold.
    """
    return parse(written(changes, "changes"), "changes")


def of_texts(texts: Iterable[str]) -> Node | None:
    """The changes of `--set KEY=VALUE`, where a value is YAML; None where there are none.

    Raises:
        ZooError: a text that is no `KEY=VALUE`. SpecError: a value that is no YAML, or a key that is given twice.
    """
    lines = []
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not _KEY.fullmatch(key):
            raise ZooError(f"--set takes KEY=VALUE, as in hidden_size=30 or layers.0.hidden_size=30, not {text!r:.60}")
        lines.append(f"{key}: {' '.join(value.splitlines())}")
    return parse("\n".join(lines).encode("utf-8", "surrogateescape"), "--set") if lines else None


def changed(document: Node, changes: Node) -> Node:
    """A spec's document with the changes made, in their order. Its published figures go: they are those of the old one.

    Raises:
        SpecError: every path that leads nowhere, and every key that may not be changed.
    """
    assert isinstance(changes.value, dict)
    bare = _with(document, {key: value for key, value in _entries(document).items() if key != "expect"})
    return with_paths(bare, changes.value)


def with_paths(document: Node, changes: Mapping[str, Node]) -> Node:
    """A spec's document with other values at dotted paths, as a variant writes them.

    Raises:
        SpecError: every path that leads nowhere.
    """
    found: list[Diagnostic] = []
    for path, value in changes.items():
        try:
            document = _put(document, tuple(path.split(".")), value, ())
        except _NoPathError as error:
            found.append(value.diagnostic(str(error), "path", on_key=True))
    if found:
        raise SpecError(found)
    return document


class _NoPathError(Exception):
    """Where a path leads nowhere, in words."""


def _put(node: Node, path: tuple[str, ...], value: Node, done: tuple[str, ...]) -> Node:
    """The node with another value at a path below it. done: how the path led here."""
    step, *rest = path
    if not done and step in FIXED:
        raise _NoPathError(f"{step!r} cannot be changed: it says what the file is, and not what its model is")
    node = _spelt_out(node, done)
    if isinstance(node.value, list):
        index = int(step) if step.isdecimal() else _named(node.value, step)
        if not 0 <= index < len(node.value):
            raise _NoPathError(f"there is no {_dotted(done, step)} in this spec: {_counted(node, done)}")
        items = list(node.value)
        items[index] = _put(items[index], tuple(rest), value, (*done, step)) if rest else value
        return _with(node, items)
    if not isinstance(node.value, dict):
        raise _NoPathError(f"there is no {_dotted(done, step)} in this spec: {_dotted(done)} is {show(node.value)}")
    if not rest:
        return _with(node, {**node.value, step: value})
    if step not in node.value:
        known = ", ".join(node.value)
        hint = did_you_mean(step, node.value) or (f"; {_place(done)} has {known}" if known else "")
        raise _NoPathError(f"there is no {_dotted(done, step)} in this spec{hint}")
    return _with(node, {**node.value, step: _put(node.value[step], tuple(rest), value, (*done, step))})


def _named(items: list[Node], name: str) -> int:
    """Where the entry of this name stands in a list of layers; -1 if there is none."""
    for index, item in enumerate(items):
        found = item.below("name")
        if found is not None and found.value == name:
            return index
    return -1


def _spelt_out(node: Node, path: tuple[str, ...]) -> Node:
    """What a short form is short for, so that a path can lead into it."""
    value, key = node.value, path[-1] if path else ""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if (key in COMPONENTS or path[-2:-1] == ("of",)) and isinstance(value, str) and value != "none":
        return _with(node, {"kind": node})
    if number and (key == "input" or path[-2:-1] == ("of",)):
        return _with(node, {"kind": _with(node, "features"), "size": node})
    if key == "output_projection" and number:
        return _with(node, {"size": node})
    if key == "dropout" and number:
        return _with(node, {"between": node})
    if key == "layers" and isinstance(value, int) and number and 1 <= value <= MOST_LAYERS:
        return _with(node, [_with(node, {}) for _ in range(value)])
    return node


def _counted(node: Node, path: tuple[str, ...]) -> str:
    assert isinstance(node.value, list)
    count = len(node.value)
    return f"{_dotted(path)} has {count} {'entry' if count == 1 else 'entries'}, from 0" if count else "it is empty"


def _dotted(*steps: str | tuple[str, ...]) -> str:
    return repr(".".join(_flat(steps)))


def _flat(steps: tuple[str | tuple[str, ...], ...]) -> Iterator[str]:
    for step in steps:
        yield from (step,) if isinstance(step, str) else step


def _place(path: tuple[str, ...]) -> str:
    return _dotted(path) if path else "it"


def _with(node: Node, value: Any) -> Node:
    """Another value at the same place."""
    return Node(value, node.source, node.line, node.column, node.width, node.key)


def _entries(node: Node) -> dict[str, Node]:
    assert isinstance(node.value, dict)  # the reader returns nothing else at the root
    return node.value
