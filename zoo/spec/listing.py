"""What `zoo list` shows: a row for every spec of the library, from the index where that knows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from zoo.errors import Diagnostic, SpecError
from zoo.plugin import manager
from zoo.plugin.catalogue import Plugin, SpecFolder
from zoo.spec.bundled import folder
from zoo.spec.entries import LibraryEntry, entries_in
from zoo.spec.index import Index, Row


@dataclass(frozen=True, slots=True)
class Listing:
    """What `zoo list` shows.

    Attributes:
        rows: Of the specs that can be read.
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
        row = index.row(entry.path) if index is not None else None
        try:
            rows.append((entry, row or _read(entry, index)))
        except SpecError as error:
            broken += error.diagnostics
    if index is not None:
        index.save()
    return Listing(tuple(rows), tuple(broken), plugins)


def _read(entry: LibraryEntry, index: Index | None) -> Row:
    """Raises SpecError: the mistakes in the spec."""
    # They are what takes the time that the index saves.
    from zoo.spec import library
    from zoo.spec.document import recorded

    with recorded() as files:
        models = library.read_all(entry.path)
    bare = models[None]
    row = Row(
        parameters=bare.description.parameters,
        variants=tuple(name for name in models if name),
        description=bare.spec.description or "",
        tags=bare.spec.tags,
        paper=bare.spec.paper,
    )
    if index is not None:
        index.add(entry.path, row, files, [text for model in models.values() for text in model.spec.requires])
    return row


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
