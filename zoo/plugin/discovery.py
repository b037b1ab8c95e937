"""Find the installed plugins: entry points of the group `zoo.plugins`, never from the current directory."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from zoo.errors import PluginError, did_you_mean
from zoo.plugin.catalogue import BUILTIN, normalise
from zoo.plugin.distributions import Installed, find, folder_of
from zoo.plugin.loading import VARIABLE, Source

GROUP: Final = "zoo.plugins"
_LONGEST_NAME: Final = 100
"""Characters of a plugin's name: a damaged file may have a page of them, which every table would be as wide as."""
_VALUE: Final = re.compile(r"\s*\w+(\.\w+)*\s*(:\s*\w+(\.\w+)*\s*)?(\[.*\]\s*)?")


def discover() -> tuple[list[Source], list[str]]:
    """Every installed plugin, sorted by name and distribution, and notes on `ZOO_PLUGINS`, which limits them."""
    found = sorted(_sources(trusted_path()), key=lambda source: (source.name, source.distribution))
    return _limited(found, os.environ.get(VARIABLE, "").strip())


def _limited(sources: list[Source], wanted: str) -> tuple[list[Source], list[str]]:
    if not wanted:
        return sources, []
    names = [] if wanted == "none" else [name.strip() for name in wanted.split(",") if name.strip()]

    def chosen(source: Source, name: str) -> bool:
        return name == source.name or normalise(name) == source.distribution

    known = sorted({name for source in sources for name in (source.name, source.distribution)})
    notes = []
    for name in dict.fromkeys(names):
        # What is built in is always there, and may be named.
        if normalise(name) in ("builtin", BUILTIN) or any(chosen(source, name) for source in sources):
            continue
        hint = did_you_mean(name, known)
        notes.append(f"{VARIABLE} names {name!r}, and no such plugin is installed{hint}")
    cause = f"{VARIABLE}={wanted} leaves it out"
    return [
        source if any(chosen(source, name) for name in names) else replace(source, disabled=cause) for source in sources
    ], notes


def trusted_path() -> list[str]:
    """`sys.path` without the current directory, unless that was put there on purpose.

    Python puts it first for `python -m` and at a prompt, and for an empty entry of PYTHONPATH: whoever unpacks a
    file there would be able to run code. An editable installation or PYTHONPATH may name it in full.
    """
    try:
        here = Path.cwd().resolve()
    except OSError:
        here = None  # the folder was deleted, and nothing can be imported from it
    entries = [Path(entry) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    named = any(entry.is_absolute() and entry.resolve() == here for entry in entries)
    careless = len(entries) > 1 and not named and not all(entry.is_absolute() for entry in entries)
    kept = []
    for index, entry in enumerate(sys.path):
        # A relative entry means another folder whenever the program changes its own.
        if not isinstance(entry, str) or not Path(entry).is_absolute():
            continue
        implied = (index == 0 and not sys.flags.safe_path) or careless
        if implied and Path(entry).resolve() == here:
            continue
        kept.append(entry)
    return kept


@contextlib.contextmanager
def _importing_from(path: Sequence[str]) -> Iterator[None]:
    """Import from these folders only; what the imported code adds to `sys.path` stays."""
    before = list(sys.path)
    sys.path[:] = path
    try:
        yield
    finally:
        added = [entry for entry in sys.path if entry not in path]
        sys.path[:] = [*before, *added]


def _sources(path: list[str]) -> Iterator[Source]:
    seen: set[str] = set()
    for found in importlib.metadata.distributions(path=path):
        try:
            # Most distributions are no plugins, and are not read further.
            if GROUP not in (found.read_text("entry_points.txt") or ""):
                continue
        except Exception:
            continue  # unreadable: it cannot be told whose it is, and pip would complain of it
        try:
            metadata = found.metadata  # read anew each time
            name, version = str(metadata["Name"] or ""), str(metadata["Version"] or "?")
        except Exception as error:
            name, version = "", ""
            problem = type(error).__name__
        else:
            problem = "no name" if not name else ""
        if problem:
            yield _damaged("?", "?", f"its METADATA cannot be read ({problem}): reinstall it", folder_of(found))
            continue
        name = normalise(name)
        if name in seen:
            continue
        seen.add(name)
        installed = find(name, found, version, path)
        if installed is None:
            continue
        try:
            points = [point for point in installed.distribution.entry_points if point.group == GROUP]
        except Exception:
            cause = f"its entry_points.txt cannot be read: reinstall {name}"
            yield _damaged(name, installed.version, cause, folder_of(installed.distribution))
            continue
        for point in points:
            yield _source(installed, point, path)


def _source(installed: Installed, point: importlib.metadata.EntryPoint, path: Sequence[str]) -> Source:
    module = point.value.partition(":")[0].strip()
    return Source(
        name=point.name if len(point.name) <= _LONGEST_NAME else f"{point.name[:_LONGEST_NAME]}...",
        distribution=installed.name,
        version=installed.version,
        module=point.value,
        load=_loader(point, path),
        remarks=lambda: (*installed.notes, *installed.elsewhere(module)),
        unmet=installed.unmet,
    )


def _damaged(distribution: str, version: str, cause: str, where: str) -> Source:
    def load() -> Any:
        raise PluginError(cause)

    return Source(name=distribution, distribution=distribution, version=version, module=where, load=load)


def _loader(point: importlib.metadata.EntryPoint, path: Sequence[str]) -> Callable[[], Any]:
    def load() -> Any:
        if not _VALUE.fullmatch(point.value):
            raise PluginError(f"its entry point must name a module, or 'module:object', not {point.value!r}")
        with _importing_from(path):
            return point.load()

    return load
