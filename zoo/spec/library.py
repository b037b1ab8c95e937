"""Find specs: by path, by library name, or by variant; in this package's folder and in those of plugins."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from zoo.errors import ZooError, did_you_mean
from zoo.plugin.catalogue import Catalogue
from zoo.plugin.manager import catalogue as installed
from zoo.spec import access, saved
from zoo.spec.access import ENDINGS
from zoo.spec.document import Node, is_map, parse, read
from zoo.spec.dump import written
from zoo.spec.entries import LibraryEntry, entries_in
from zoo.spec.file import SCHEMA_VERSION
from zoo.spec.resolve import Resolved, resolve

_COMPARED: Final = 60

UNWRITTEN: Final = {"schema": SCHEMA_VERSION, "name": "model"}
"""What a mapping need not say: the version that a file is in, and the name that it is found by."""

SpecLike = str | os.PathLike[str] | Mapping[str, Any]


def entries(catalogue: Catalogue | None = None) -> tuple[LibraryEntry, ...]:
    """Every spec of the library, sorted by name, then by distribution."""
    return entries_in((catalogue or installed()).spec_folders)


def locate(reference: str, catalogue: Catalogue | None = None) -> tuple[Path, str | None]:
    """The file and the variant that `specs/lstm.yaml`, `lstm`, `zoo-acme/lstm` or `zaremba-lm@medium` means.

    A spec in a folder of the library is `cells/tlstm`, or `tlstm` where no other spec has that name.

    Raises:
        ZooError: no such spec, or two of that name; says what would be right.
    """
    _refuse_text(reference)
    name, at, variant = reference.rpartition("@")
    if not at or os.path.lexists(reference):
        name, variant = reference, ""
    # No name of the library ends so, and a shell may give thousands of files.
    if name.endswith(ENDINGS) or saved.is_saved(name):
        return Path(name), variant or None
    found = find(name, catalogue)
    if found is not None:
        return found.path, variant or None
    known = entries(catalogue)
    close = did_you_mean(name, {entry.short for entry in known} | {entry.name for entry in known})
    if (os.sep in name and not close) or os.path.lexists(name):
        return Path(name), variant or None
    hint = close or "; `zoo list` shows them all"
    plugins = (catalogue or installed()).plugins
    idle = [f"{plugin.name} is {plugin.status}" for plugin in plugins if plugin.status != "ok"]
    hint += f" (and {', '.join(idle)}: see zoo plugins)" if idle and not close else ""
    raise ZooError(f"unknown spec {_short(name)}{hint} (a path ends in .yaml)")


def find(name: str, catalogue: Catalogue | None = None) -> LibraryEntry | None:
    """The spec of the library that a name means, if there is one. Raises ZooError where two have that name."""
    matches = _named(name, entries(catalogue))
    if len(matches) > 1:
        # A name of this package's own library is reserved, as its components' names are.
        own = [entry for entry in matches if entry.distribution == "recurrent-zoo"]
        if len(own) != 1:
            choices = " or ".join(repr(entry.qualified) for entry in matches)
            raise ZooError(f"two specs are called {name!r}: write {choices}")
        matches = own
    return matches[0] if matches else None


def _refuse_text(reference: str) -> None:
    """A spec's text is easily taken for what stands for a spec."""
    if "\n" in reference or re.match(r"\s*[{\"']*\w+[\"']?:\s", reference):
        raise ZooError(
            f"{_short(reference)} is the text of a spec, and neither its name nor its path: "
            "give a mapping, as yaml.safe_load(text) makes one, or the path of a .yaml file"
        )


def _short(name: str) -> str:
    return repr(name) if len(name) <= _COMPARED else f"{name[: _COMPARED - 3]!r}..."


def _named(name: str, known: Sequence[LibraryEntry]) -> list[LibraryEntry]:
    """The specs that a name can mean: those whose whole name it is come before those whose own name it is."""
    whole = [entry for entry in known if name in (entry.name, entry.qualified)]
    return whole or [entry for entry in known if name in (entry.short, f"{entry.distribution}/{entry.short}")]


def files_in(folder: str, *, maps: bool = False) -> list[Path]:
    """Every spec file below a folder, sorted; none if it is no folder, or the name of a spec of the library.

    Args:
        folder: Its path.
        maps: Whether maps of weights are wanted too.

    Raises:
        ZooError: a folder without any.
    """
    path = Path(folder)
    if not path.is_dir() or _named(folder, entries()):
        return []
    access.refuse_outside(path, installed())
    files = sorted(file for ending in ("*.yaml", "*.yml") for file in path.rglob(ending))
    files = [file for file in files if maps or not is_map(file)]
    if not files:
        raise ZooError(f"{folder}: no .yaml files in this folder")
    return files


def read_all(
    reference: SpecLike, catalogue: Catalogue | None = None, changes: Node | None = None
) -> dict[str | None, Resolved]:
    """Every model of a spec: the bare one under None and each variant under its name.

    Args:
        reference: a path, a library name, or a mapping with the keys of a spec. A variant in it is ignored.
        catalogue: the components to use; those that are installed if not given.
        changes: made to each model before it is looked at, see `zoo.spec.changes`.

    Raises:
        SpecError: Every mistake in it, with its place.
        ZooError: No such spec.
    """
    chosen = catalogue or installed()
    root, file, _ = _open(reference, chosen)
    return resolve(root, chosen, file, changes=changes)


def load(reference: SpecLike, catalogue: Catalogue | None = None, changes: Node | None = None) -> Resolved:
    """The one model that a reference means; `name@variant` chooses a size. Arguments and errors as `read_all`."""
    chosen = catalogue or installed()
    root, file, variant = _open(reference, chosen)
    # A change need not fit the file's other models.
    models = resolve(root, chosen, file, changes=changes, only=() if changes is None else (variant,))
    if variant not in models:
        offered = ", ".join(str(name) for name in resolve(root, chosen, file) if name) or "it has none"
        raise ZooError(f"{root.source.file}: unknown variant {variant!r} (variants: {offered})")
    return models[variant]


def models(reference: SpecLike, catalogue: Catalogue | None = None, changes: Node | None = None) -> list[Resolved]:
    """The models that a reference stands for: `name@variant` that one alone, else the bare one and every variant.

    Arguments and errors as `read_all`.
    """
    if isinstance(reference, str) and locate(reference, catalogue)[1] is not None:
        return [load(reference, catalogue, changes)]
    return list(read_all(reference, catalogue, changes).values())


def _open(reference: SpecLike, catalogue: Catalogue) -> tuple[Node, Path | None, str | None]:
    if isinstance(reference, Mapping):
        return _written_out(reference), None, None
    path, variant = locate(reference, catalogue) if isinstance(reference, str) else (Path(reference), None)
    access.refuse_outside(path, catalogue)
    if saved.is_saved(path):
        return saved.read_spec(path), None, variant
    return read(path), path, variant


def _written_out(data: Mapping[str, Any]) -> Node:
    """A mapping goes the way of a file, so that there is one reader and one kind of message."""
    return parse(written({**UNWRITTEN, **data}, "mapping"), "<mapping>")
