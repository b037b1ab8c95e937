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

from zoo.errors import PluginError
from zoo.plugin.catalogue import normalise
from zoo.plugin.loading import Source

GROUP: Final = "zoo.plugins"
VARIABLE: Final = "ZOO_PLUGINS"
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

    notes = [
        f"{VARIABLE} names {name!r}, and no such plugin is installed"
        for name in dict.fromkeys(names)
        if not any(chosen(source, name) for source in sources)
    ]
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
            name = str(found.metadata["Name"] or "")
            version = str(found.version)
        except Exception as error:
            name, version = "", ""
            problem = type(error).__name__
        else:
            problem = "no name" if not name else ""
        if problem:
            yield _damaged("?", "?", f"its METADATA cannot be read ({problem}): reinstall it", str(_folder(found)))
            continue
        name = normalise(name)
        if name in seen:
            continue
        seen.add(name)
        # A folder further on may hold another version; Python imports from the first.
        first = next(iter(importlib.metadata.distributions(name=name, path=path)), found)
        try:
            points = [point for point in first.entry_points if point.group == GROUP]
            version = str(first.version)
        except Exception:
            yield _damaged(name, version, f"its entry_points.txt cannot be read: reinstall {name}", str(_folder(first)))
            continue
        for point in points:
            yield Source(
                name=point.name, distribution=name, version=version, module=point.value, load=_loader(point, path)
            )


def _folder(found: importlib.metadata.Distribution) -> object:
    return found.locate_file("")


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
