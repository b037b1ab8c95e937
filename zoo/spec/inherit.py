"""One mapping out of many: a file and the files it extends, then a variant on top. A key replaces the whole key.

The nodes keep the file and place that they come from, so a diagnostic points into the file that holds the key.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Final

from zoo.errors import Diagnostic, SpecError, did_you_mean
from zoo.plugin.catalogue import Catalogue
from zoo.spec import access
from zoo.spec.changes import with_paths
from zoo.spec.document import MOST_BYTES, Node, read
from zoo.spec.fields import NAME_PATTERN
from zoo.spec.file import NEVER_INHERITED, NOT_IN_VARIANTS, SCHEMA_VERSION
from zoo.spec.problems import show

DEEPEST: Final = 8
MOST_VARIANTS: Final = 50


def with_bases(root: Node, file: FilePath | None, catalogue: Catalogue) -> Node:
    """The root mapping with everything it extends filled in.

    Args:
        root: Of the spec.
        file: Where it was read; bases are relative to it.
        catalogue: What is installed.

    Raises:
        SpecError: If a base cannot be used, there is a cycle (it is shown), more than 8 levels, or a wrong version.
    """
    files: list[FilePath | None] = [file]
    seen = [] if file is None else [_real(file)]
    shown = [root.source.file]
    levels = [_versioned(root)]
    size, node = root.source.size, root
    while (extends := _entries(node).get("extends")) is not None:
        if len(levels) > DEEPEST:
            raise SpecError([extends.diagnostic(f"extends goes more than {DEEPEST} files deep", "extends")])
        base = _base(extends, files[-1], catalogue)
        if _real(base) in seen:
            loop = " -> ".join([*shown[seen.index(_real(base)) - len(seen) :], str(extends.value)])
            raise SpecError([extends.diagnostic(f"extends is circular: {loop}", "extends")])
        node = _read(base, extends)
        size += node.source.size
        if size > MOST_BYTES:
            message = f"with the files that it extends it is larger than {MOST_BYTES // 1024} KiB, which no spec needs"
            raise SpecError([extends.diagnostic(message, "size")])
        files.append(base)
        seen.append(_real(base))
        shown.append(node.source.file)
        levels.append(_versioned(node))
    merged: dict[str, Node] = {}
    for level, entries in enumerate(reversed(levels)):
        own = level == len(levels) - 1
        merged |= {k: v for k, v in entries.items() if own or k not in (*NEVER_INHERITED, "extends", "schema")}
    return _like(root, merged)


def _base(extends: Node, file: FilePath | None, catalogue: Catalogue) -> FilePath:
    """The file that an `extends` names: one beside it, above it or below it, or a spec of the library by its name."""

    def refuse(message: str) -> SpecError:
        return SpecError([extends.diagnostic(message, "extends")])

    name = extends.value
    if not isinstance(name, str):
        raise refuse(f"extends must be a path, not {show(extends.plain())}")
    if not name.lower().endswith(access.ENDINGS):
        from zoo.spec import library  # which reads specs with what is here

        found = library.find(name, catalogue)
        if found is None:
            close = did_you_mean(
                name, {known for each in library.entries(catalogue) for known in (each.short, each.name)}
            )
            raise refuse(
                f"cannot extend {show(name)}: write a path relative to this file that ends in .yaml or .yml, "
                f"or the name of a spec of the library{close}"
            )
        return found.path
    if file is None:
        raise refuse("a path is relative to the file that extends it, and this spec is no file: extend a spec by name")
    if name.startswith(("/", "\\", "~")) or FilePath(name).is_absolute() or re.match(r"[A-Za-z]\w*:", name):
        raise refuse("extends must be a path relative to this file, as in ../base.yaml, not an absolute one")
    base = file.parent / name
    outside = access.outside(base, catalogue)
    if outside is not None:
        raise refuse(f"cannot extend this file: {outside}")
    if not access.names_a_spec(base):
        raise refuse("cannot extend this file: is a symbolic link to a file that is not a .yaml")
    return base


def _read(base: FilePath, extends: Node) -> Node:
    """The root of a base. What a file is that is no spec is not for whoever wrote the `extends` to learn."""
    try:
        node = read(base, extended=True)
    except SpecError as error:
        raise SpecError(_named_by(error, extends)) from None
    if "schema" not in _entries(node):
        raise SpecError([extends.diagnostic("cannot extend this file: is not a spec, which says schema: 1", "extends")])
    return node


def variants(root: Node) -> tuple[Mapping[str, Node], list[Diagnostic]]:
    """The variants that a merged root offers, and what is wrong with the others: a name, a value, a key."""
    node = _entries(root).get("variants")
    if node is None:
        return {}, []
    if not isinstance(node.value, dict):
        message = f"variants must be a mapping of names, not {show(node.plain())}"
        return {}, [node.diagnostic(message, "variants")]
    if len(node.value) > MOST_VARIANTS:
        message = f"a spec has at most {MOST_VARIANTS} variants, not {len(node.value)}"
        return {}, [node.diagnostic(message, "variants", on_key=True)]
    found: list[Diagnostic] = []
    good: dict[str, Node] = {}
    for name, variant in node.value.items():
        if not _is_name(name):
            message = f"variant {name!r}: a name is lower case letters, digits, '.', '_' and '-'"
            found.append(variant.diagnostic(message, "name", on_key=True))
        if not isinstance(variant.value, dict):
            found.append(
                variant.diagnostic(f"a variant must be a mapping of keys, not {show(variant.plain())}", "variant")
            )
            continue
        found += [
            variant.value[key].diagnostic(f"a variant may not set {key!r}", "variant_key", on_key=True)
            for key in NOT_IN_VARIANTS
            if key in variant.value
        ]
        # Its other mistakes are found with the rest of the spec; those just noted would be found again.
        own = {key: below for key, below in variant.value.items() if key not in NOT_IN_VARIANTS}
        good[name] = Node(own, variant.source, variant.line, variant.column, variant.width, variant.key)
    return good, found


def with_variant(root: Node, variant: Node | None) -> Node:
    """The root with a variant's keys on top; what belongs to the bare spec alone (`expect`) goes.

    Raises:
        SpecError: A dotted path of the variant leads nowhere.
    """
    entries = {k: v for k, v in _entries(root).items() if k not in ("extends", "variants")}
    if variant is None:
        return _like(root, entries)
    entries.pop("expect", None)
    own = _entries(variant)
    whole = _like(root, entries | {key: value for key, value in own.items() if "." not in key})
    return with_paths(whole, {key: value for key, value in own.items() if "." in key})


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


def _real(path: FilePath) -> str:
    """One spelling for each file. Unlike `Path.resolve`, it takes a symbolic link that leads back to itself."""
    return os.path.realpath(path)


def _is_name(text: str) -> bool:
    return re.fullmatch(NAME_PATTERN, text) is not None


def _named_by(error: SpecError, extends: Node) -> list[Diagnostic]:
    """A base that cannot be read at all is a mistake of the `extends` that names it."""
    return [
        extends.diagnostic(f"cannot extend this file: {d.message}", d.code) if not d.line else d
        for d in error.diagnostics
    ]
