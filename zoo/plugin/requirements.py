"""Whether what a spec requires is installed, and what to install if not."""

from __future__ import annotations

import importlib.metadata
import shlex
from collections.abc import Mapping
from typing import Final

_LONGEST: Final = 200


def why_missing(text: str, versions: dict[str, str], troubles: Mapping[str, str]) -> str | None:
    """Why a requirement, as in `zoo-acme>=0.2`, is not met, and the command that mends it; None if it is met.

    Args:
        text: a distribution and versions, as in a package's dependencies. Untrusted: never a place to download from.
        versions: of the plugins' distributions, by normalised name; others are looked up, and added if they are there.
        troubles: why plugins do not work although they are installed, by the same names.
    """
    # packaging takes 10 ms to import, and few specs require anything.
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name
    from packaging.version import InvalidVersion

    shown = text if len(text) <= 60 else f"{text[:57]}..."
    form = "write a distribution and its versions, as in 'zoo-acme>=0.2'"
    if len(text) > _LONGEST:
        return f"{shown!r} is longer than {_LONGEST} characters: {form}"
    try:
        wanted = Requirement(text)
    except (
        InvalidRequirement,
        ValueError,
        RecursionError,
    ):  # a number of thousands of digits, and brackets in brackets
        return f"{shown!r} is not a requirement: {form}"
    if wanted.url is not None:
        return f"{shown!r} names a place to download from, which a spec may not: {form}"
    try:
        if wanted.marker is not None and not wanted.marker.evaluate():
            return None
    except ValueError:
        return f"{shown!r} has a condition that cannot be judged: {form}"
    name = canonicalize_name(wanted.name)
    needed = f"{name}{wanted.specifier}"
    install = f"pip install {shlex.quote(needed)}"
    try:
        version = versions.setdefault(name, versions.get(name) or importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return f"the spec requires {needed}, which is not installed: {install}"
    try:
        # Whoever installed a pre-release means to use it.
        met = wanted.specifier.contains(version, prereleases=True)
    except InvalidVersion:
        met = not str(wanted.specifier)
    if not met:
        return f"the spec requires {needed}, but {name} {version} is installed: {install}"
    return f"the spec requires {needed}, but {troubles[name]}" if name in troubles else None
