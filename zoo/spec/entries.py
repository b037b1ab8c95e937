"""The spec files of the library: which there are, and what they are called. Reads none of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from zoo.plugin.catalogue import MAPS, SpecFolder


@dataclass(frozen=True, slots=True)
class LibraryEntry:
    """A spec file of the library: its name is its path within the library's folder, without the ending."""

    name: str
    path: Path
    distribution: str
    version: str

    @property
    def qualified(self) -> str:
        return f"{self.distribution}/{self.name}"

    @property
    def short(self) -> str:
        """The file's own name: enough to find it, unless another spec has it as its whole name."""
        return self.path.stem


def entries_in(folders: Iterable[SpecFolder]) -> tuple[LibraryEntry, ...]:
    """Every spec in these folders, sorted by name, then by distribution."""
    found = [
        LibraryEntry(
            path.relative_to(folder.path).with_suffix("").as_posix(), path, folder.distribution, folder.version
        )
        for folder in folders
        for path in folder.specs
    ]
    return _sorted(found)


def maps_in(folders: Iterable[SpecFolder]) -> tuple[LibraryEntry, ...]:
    """Every map of weights beside the specs of these folders, in their folders `weights`, sorted likewise."""
    found = [
        LibraryEntry(
            path.relative_to(folder.path / MAPS).with_suffix("").as_posix(), path, folder.distribution, folder.version
        )
        for folder in folders
        for path in folder.maps
    ]
    return _sorted(found)


def _sorted(found: list[LibraryEntry]) -> tuple[LibraryEntry, ...]:
    return tuple(sorted(found, key=lambda entry: (entry.name, entry.distribution)))
