"""Find maps of weights by name or path, in this package's folder and in those of plugins, and read them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from zoo.errors import SpecError, ZooError, did_you_mean
from zoo.plugin.catalogue import Catalogue
from zoo.plugin.manager import catalogue as installed
from zoo.spec import access, document, library
from zoo.spec.canonical import Spec
from zoo.spec.diagnostics import explained, in_order
from zoo.spec.dump import written
from zoo.spec.entries import LibraryEntry, maps_in
from zoo.spec.fields import MOST_MISTAKES
from zoo.spec.nodes import Node
from zoo.spec.problems import Problem, flatten, keys_of
from zoo.weights.map_file import VERSION, MapFile

MapLike = str | os.PathLike[str] | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WeightMap:
    """A map of weights that was read.

    Attributes:
        says: What it says.
        root: Where each of its values was written.
        path: Of its file; None of a mapping.
    """

    says: MapFile
    root: Node
    path: Path | None

    @property
    def spec(self) -> str:
        """The spec, as `zoo.load` takes it: a path is beside the map."""
        named = self.says.spec
        beside = self.path is not None and named.rpartition("@")[0].endswith(access.ENDINGS)
        beside = beside or (self.path is not None and named.endswith(access.ENDINGS))
        return str(self.path.parent / named) if beside and self.path is not None else named

    def place(self, *path: int | str) -> str:
        """Where a part of it was written, `file:line`."""
        node = self.root.at(path)
        line = node.key[0] if node.key is not None else node.line
        return f"{self.root.source.file}:{line}"


def entries(catalogue: Catalogue | None = None) -> tuple[LibraryEntry, ...]:
    """Every map, sorted by name, then by distribution."""
    return maps_in((catalogue or installed()).spec_folders)


def locate(reference: str, catalogue: Catalogue | None = None) -> Path:
    """The file of a map, by its path, which ends in .yaml, or by its name.

    Raises:
        ZooError: There is none, or two have that name.
    """
    if reference.lower().endswith(access.ENDINGS):
        return Path(reference)
    known = entries(catalogue)
    whole = [one for one in known if reference in (one.name, one.qualified)]
    found = whole or [one for one in known if reference in (one.short, f"{one.distribution}/{one.short}")]
    own = [one for one in found if one.distribution == "recurrent-zoo"]
    if len(found) > 1 and len(own) != 1:
        raise ZooError(f"two maps are called {reference!r}: write {' or '.join(repr(one.qualified) for one in found)}")
    if not found:
        hint = did_you_mean(reference, {one.short for one in known} | {one.name for one in known})
        named = ", ".join(one.name for one in known[:20])
        shown = reference if len(reference) <= 60 else f"{reference[:57]}..."
        raise ZooError(f"unknown map {shown!r}{hint or (f'; known: {named}' if known else '')} (a path ends in .yaml)")
    return (own or found)[0].path


def read(reference: MapLike, catalogue: Catalogue | None = None) -> WeightMap:
    """A map, validated.

    Args:
        reference: A name, a path, or a mapping with the keys of a map, of which weights, name and spec may be left out.
        catalogue: What is installed.

    Raises:
        SpecError: Every mistake in it, with its place.
        ZooError: There is no such map.
    """
    chosen = catalogue or installed()
    if isinstance(reference, Mapping):
        # The model that it is for is given beside it.
        data = {"weights": VERSION, "name": "map", "spec": "model", **reference}
        return _validated(document.parse(written(data, "mapping"), "<mapping>"), None)
    path = locate(reference, chosen) if isinstance(reference, str) else Path(reference)
    access.refuse_outside(path, chosen)
    return _validated(document.read_map(path), path)


def check(found: WeightMap, catalogue: Catalogue | None = None) -> Spec:
    """The spec that a map is for, with its changes made.

    Raises:
        SpecError: There is none such, or a change cannot be made; with the place in the map.
    """
    try:
        return library.load(found.spec, catalogue, found.root.below("changes")).spec
    except SpecError:
        raise
    except ZooError as error:
        raise SpecError([found.root.at(("spec",)).diagnostic(str(error), "spec")]) from None


def _validated(root: Node, path: Path | None) -> WeightMap:
    try:
        return WeightMap(MapFile.model_validate(root.plain()), root, path)
    except ValidationError as error:
        problems = flatten(error, keys_of(MapFile))[:MOST_MISTAKES]
    found = [_placed(problem, root) for problem in problems]
    raise SpecError(in_order(found, root))


def _placed(problem: Problem, root: Node) -> Any:
    unknown = problem.type in ("extra_forbidden", "weights_key")
    message = problem.message if problem.type == "weights_key" else explained(problem)
    if problem.type == "extra_forbidden":
        key = str(problem.path[-1])
        known = problem.allowed or _keys_at(problem.path)
        message = f"unknown key {key!r:.60}{did_you_mean(key, known) or '; known here: ' + ', '.join(known)}"
    return root.at(problem.path).diagnostic(message, problem.type, on_key=unknown)


def _keys_at(path: tuple[int | str, ...]) -> tuple[str, ...]:
    from zoo.weights.map_file import SourceEntry

    return keys_of(SourceEntry) if path[:1] == ("source",) else ()
