"""What `zoo list` shows: a row for every model of the library, from the index where that knows it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo.errors import Diagnostic, SpecError
from zoo.plugin import manager
from zoo.plugin.catalogue import Plugin, SpecFolder
from zoo.spec.bundled import folder
from zoo.spec.entries import LibraryEntry, entries_in
from zoo.spec.index import Index, Row

if TYPE_CHECKING:
    from zoo.spec.canonical import Spec

_YEAR = re.compile(r"(?<![\d.:/])(?:19|20)\d\d(?!\d|\.\d)")
"""Alone, and no part of an address or of arXiv's numbers."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What `zoo list` shows.

    Attributes:
        rows: Of the models that can be read: each spec, then its variants.
        broken: The mistakes of the others.
        plugins: Those that are installed.
    """

    rows: tuple[tuple[LibraryEntry, Row], ...]
    broken: tuple[Diagnostic, ...]
    plugins: tuple[Plugin, ...]


def names() -> tuple[str, ...]:
    """The names of the library's specs, none of which is read."""
    return tuple(entry.name for entry in _found()[0])


def listing(wanted: Callable[[str], bool] = lambda name: True) -> Listing:
    """The specs of the library whose name is wanted, in the order of `library.entries`."""
    entries, plugins, version = _found()
    index = None if version is None else Index(plugins, entries, version)
    rows: list[tuple[LibraryEntry, Row]] = []
    broken: list[Diagnostic] = []
    for entry in entries:
        if not wanted(entry.name):
            continue
        known = index.rows(entry.path) if index is not None else ()
        try:
            rows += ((entry, row) for row in known or _read(entry, index))
        except SpecError as error:
            broken += error.diagnostics
    if index is not None:
        index.save()
    return Listing(tuple(rows), tuple(broken), plugins)


def year(paper: str | None) -> int | None:
    """The year of a source, which is the first that its text names, if it names one."""
    found = _YEAR.search(paper or "")
    return int(found.group()) if found else None


def uses(row: Row, name: str) -> bool:
    """Whether a model has a component of this name, whatever its kind: `crf`, or `zoo-acme/crf`."""
    return any(name in _names(component) for component in row.components)


def _names(component: str) -> tuple[str, str]:
    qualified = component.partition(" ")[2]
    return qualified, qualified.rpartition("/")[2]


def used(rows: Iterable[Row]) -> list[str]:
    """The names of all components in these models, sorted."""
    return sorted({_names(component)[1] for row in rows for component in row.components})


def _read(entry: LibraryEntry, index: Index | None) -> tuple[Row, ...]:
    """Raises SpecError: the mistakes in the spec."""
    # They are what takes the time that the index saves.
    from zoo.spec import library
    from zoo.spec.document import recorded

    with recorded() as files:
        models = library.read_all(entry.path)
    rows = tuple(
        Row(
            variant=variant,
            parameters=model.description.parameters,
            macs=model.description.macs_per_step,
            description=model.spec.description or "",
            tags=model.spec.tags,
            paper=model.spec.paper,
            components=_components(model.spec),
        )
        for variant, model in models.items()
    )
    if index is not None:
        index.add(entry.path, rows, files, [text for model in models.values() for text in model.spec.requires])
    return rows


def _components(spec: Spec) -> tuple[str, ...]:
    from zoo.spec.tree import parts

    return tuple(dict.fromkeys(f"{part.record.kind} {part.provided.qualified}" for _, part in parts(spec)))


def _found() -> tuple[tuple[LibraryEntry, ...], tuple[Plugin, ...], str | None]:
    """The specs, the plugins, and this package's version; None where the catalogue is there, which needs no index."""
    plugins = manager.others()
    if plugins is None:
        known = manager.catalogue()
        return entries_in(known.spec_folders), known.plugins, None
    source = manager.builtin()
    own = SpecFolder(folder(), source.distribution, source.version)
    usable = (plugin for plugin in plugins if plugin.status == "ok")
    entries = entries_in([own, *(each for plugin in usable for each in plugin.spec_folders)])
    return entries, plugins, source.version
