"""What is known of an installed distribution: which copy of it is used, where its code comes from, what it lacks."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

from zoo.plugin.catalogue import BUILTIN


@dataclass(frozen=True, slots=True)
class Installed:
    """A distribution that is installed.

    Attributes:
        notes: What its user should know of how it is.
    """

    name: str
    version: str
    distribution: Distribution = field(repr=False)
    notes: tuple[str, ...] = ()

    def elsewhere(self, module: str) -> Iterator[str]:
        """That a module is not this distribution's own, so that the version says nothing of it; else nothing."""
        file = getattr(sys.modules.get(module), "__file__", None)
        folder = folder_of(self.distribution)
        if not file or file.startswith(os.path.join(folder, "")) or self._editable():  # noqa: PTH118 (at every start)
            return
        code = Path(file).resolve()
        if not code.is_relative_to(Path(folder).resolve()):
            yield (
                f"its code is imported from {Path(file).parent}, and not from {folder}, where {self.name} "
                f"{self.version} is installed"
            )

    def unmet(self) -> Iterator[tuple[str, str]]:
        """The distributions that it needs and lacks, each with what is wrong and how to mend it."""
        texts = self.distribution.requires or ()
        if not texts:
            return
        # packaging takes 10 ms to import.
        from packaging.requirements import InvalidRequirement, Requirement
        from packaging.utils import canonicalize_name

        for text in texts:
            try:
                wanted = Requirement(text)
            except InvalidRequirement:
                continue  # pip would have complained of it
            if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
                continue
            extras = f"[{','.join(sorted(wanted.extras))}]" if wanted.extras else ""
            needed = f"{canonicalize_name(wanted.name)}{extras}{wanted.specifier}"
            install = f"pip install {shlex.quote(needed)}"
            try:
                there = importlib.metadata.version(wanted.name)
            except importlib.metadata.PackageNotFoundError:
                if canonicalize_name(wanted.name) == BUILTIN:
                    continue  # it runs from a source tree
                yield wanted.name, f"{self.name} requires {needed}, which is not installed: {install}"
                continue
            if not wanted.specifier.contains(there, prereleases=True):
                yield wanted.name, f"{self.name} requires {needed}, and {there} is installed: {install}"

    def _editable(self) -> bool:
        """Whether it was installed to be edited where its code stands (PEP 610)."""
        try:
            origin: Any = json.loads(self.distribution.read_text("direct_url.json") or "{}")
            return bool(origin["dir_info"]["editable"])
        except (ValueError, KeyError, TypeError):
            return False


def find(name: str, found: Distribution, version: str, path: Sequence[str]) -> Installed | None:
    """The copy of a distribution that Python imports from, of those on the path; None for what pip left half removed.

    Args:
        name: Normalised.
        found: One of the copies.
        version: One of the copies.
        path: Where modules are imported from.
    """
    copies = list(importlib.metadata.distributions(name=name, path=list(path)))
    if len(copies) == 1:
        return Installed(name, version, found)
    if not copies:  # its folder is not named after it
        return None if _half_removed(found) else Installed(name, version, found)
    folder = folder_of(copies[0])
    # What one folder has twice is in no order that means anything.
    twins = sorted((copy for copy in copies if folder_of(copy) == folder), key=_ordered)
    chosen = twins[-1]
    version = version_of(chosen)
    notes = []
    others = dict.fromkeys(version_of(twin) for twin in twins[:-1] if version_of(twin) != version)
    if others:
        notes.append(
            f"{' and '.join([*others, version])} of {name} are both in {folder}, and which its code is cannot be told: "
            f"pip uninstall it until it is gone, then install it again"
        )
    hidden = [copy for copy in copies if folder_of(copy) != folder and version_of(copy) != version]
    notes += [f"hides {name} {version_of(copy)} in {folder_of(copy)}" for copy in hidden]
    return Installed(name, version, chosen, tuple(notes))


def folder_of(found: Distribution) -> str:
    """Where its modules are."""
    return str(found.locate_file(""))


def version_of(found: Distribution) -> str:
    try:
        return str(found.version)
    except Exception:
        return "?"


def _ordered(found: Distribution) -> Any:
    from packaging.version import InvalidVersion, Version

    try:
        return Version(version_of(found))
    except InvalidVersion:
        return Version("0.dev0")


def _half_removed(found: Distribution) -> bool:
    """pip renames what it takes away first, and a crash or an open file leaves that: `~oo_acme-0.1.dist-info`."""
    return Path(str(getattr(found, "_path", ""))).name.startswith("~")
