"""The entries of the changelog about what breaks, and whether they name it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from api_breaking import Change, owner

CHANGELOG: Final = Path(__file__).parents[2] / "CHANGELOG.md"


def entries(text: str) -> list[str]:
    """The items under a heading "Breaking" of the newest version."""
    newest = re.split(r"^## ", text, flags=re.MULTILINE)[1:2]
    if not newest:
        return []
    parts = re.split(r"^### (.*)$", newest[0], flags=re.MULTILINE)
    under = [body for title, body in zip(parts[1::2], parts[2::2], strict=True) if title.strip() == "Breaking"]
    return [item.strip() for body in under for item in re.split(r"^- ", body, flags=re.MULTILINE)[1:]]


def unnamed(broken: Iterable[Change], text: str) -> list[Change]:
    """The changes that no entry is about: it must have the last two words of the subject, such as `build` and `seed`.

    What goes with something larger need not be named by itself.
    """
    items = [set(_words(item)) for item in entries(text)]
    changes = list(broken)
    gone = {change.subject for change in changes if change.what.endswith("removed")}
    return [
        change
        for change in changes
        if owner(change.subject) not in gone
        and not any(set(_words(change.subject.partition(" [")[0])[-2:]) <= item for item in items)
    ]


def _words(text: str) -> list[str]:
    return [word for word in re.findall(r"[\w-]+", text) if word != "zoo"]
