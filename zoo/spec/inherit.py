"""One mapping out of many: a file and the files it extends, then a variant on top. A key replaces the whole key.

The nodes keep the file and place that they come from, so a diagnostic points into the file that holds the key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Final

from zoo.errors import Diagnostic, SpecError
from zoo.spec.document import Node, read
from zoo.spec.model import NAME_PATTERN, NEVER_INHERITED, NOT_IN_VARIANTS, SCHEMA_VERSION
from zoo.spec.problems import show

DEEPEST: Final = 8


def with_bases(root: Node, file: FilePath | None) -> Node:
    """The root mapping with everything it extends filled in. file: where root was read; bases are relative to it.

    Raises SpecError: a base that cannot be read, a cycle (the loop is shown), more than 8 levels, a wrong version.
    """
    chain: list[FilePath] = [] if file is None else [file]
    shown = [root.source.file]
    levels = [_versioned(root)]
    node = root
    while (extends := _entries(node).get("extends")) is not None:
        if not isinstance(extends.value, str):
            raise SpecError([extends.diagnostic(f"extends must be a path, not {show(extends.plain())}", "extends")])
        if not chain:
            raise SpecError([extends.diagnostic("extends needs a spec that is a file: it is relative to it", "extends")])
        if len(levels) > DEEPEST:
            raise SpecError([extends.diagnostic(f"extends goes more than {DEEPEST} files deep", "extends")])
        base = chain[-1].parent / extends.value
        seen = [path.resolve() for path in chain]
        if base.resolve() in seen:
            loop = " -> ".join([*shown[seen.index(base.resolve()) :], extends.value])
            raise SpecError([extends.diagnostic(f"extends goes round in a circle: {loop}", "extends")])
        try:
            node = read(base)
        except SpecError as error:
            raise SpecError(_named_by(error, extends)) from None
        if "schema" not in _entries(node):
            raise SpecError([node.diagnostic(f"missing key 'schema': write schema: {SCHEMA_VERSION}", "missing")])
        chain.append(base)
        shown.append(node.source.file)
        levels.append(_versioned(node))
    merged: dict[str, Node] = {}
    for level, entries in enumerate(reversed(levels)):
        own = level == len(levels) - 1
        merged |= {k: v for k, v in entries.items() if own or k not in (*NEVER_INHERITED, "extends", "schema")}
    return _like(root, merged)


def variants(root: Node) -> Mapping[str, Node]:
    """The variants that a merged root offers. Raises SpecError where one is not a mapping or sets what it may not."""
    node = _entries(root).get("variants")
    if node is None:
        return {}
    found: list[Diagnostic] = []
    if not isinstance(node.value, dict):
        raise SpecError([node.diagnostic(f"variants must be a mapping of names, not {show(node.plain())}", "variants")])
    for name, variant in node.value.items():
        if not _is_name(name):
            message = f"variant {name!r}: a name is lower case letters, digits, '.', '_' and '-'"
            found.append(variant.diagnostic(message, "name", on_key=True))
        if not isinstance(variant.value, dict):
            found.append(variant.diagnostic(f"a variant must be a mapping of keys, not {show(variant.plain())}", "variant"))
            continue
        found += [
            variant.value[key].diagnostic(f"a variant may not set {key!r}", "variant_key", on_key=True)
            for key in NOT_IN_VARIANTS
            if key in variant.value
        ]
    if found:
        raise SpecError(found)
    return node.value


def with_variant(root: Node, variant: str | None) -> Node:
    """The root with a variant's keys on top; what belongs to the bare spec alone (`expect`) goes."""
    entries = {k: v for k, v in _entries(root).items() if k not in ("extends", "variants")}
    if variant is None:
        return _like(root, entries)
    entries.pop("expect", None)
    return _like(root, entries | _entries(variants(root)[variant]))


def _versioned(node: Node) -> dict[str, Node]:
    entries = _entries(node)
    version = entries.get("schema")
    if version is None:
        return entries
    if type(version.value) is not int or version.value < 1:
        message = f"schema must be {SCHEMA_VERSION}, the version of this format, not {show(version.plain())}"
        raise SpecError([version.diagnostic(message, "schema")])
    if version.value > SCHEMA_VERSION:
        message = (
            f"schema {version.value} is newer than this recurrent-zoo reads ({SCHEMA_VERSION}): "
            "pip install -U recurrent-zoo"
        )
        raise SpecError([version.diagnostic(message, "schema")])
    return entries


def _entries(node: Node) -> dict[str, Node]:
    assert isinstance(node.value, dict)  # the reader returns nothing else at the root
    return node.value


def _like(root: Node, entries: dict[str, Node]) -> Node:
    return Node(entries, root.source, root.line, root.column, root.width, root.key)


def _is_name(text: str) -> bool:
    return re.match(NAME_PATTERN, text) is not None


def _named_by(error: SpecError, extends: Node) -> list[Diagnostic]:
    """A base that cannot be read at all is a mistake of the `extends` that names it."""
    return [
        extends.diagnostic(f"cannot extend this file: {d.message}", d.code) if not d.line else d
        for d in error.diagnostics
    ]
