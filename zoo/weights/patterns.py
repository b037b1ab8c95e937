"""Names with places to fill in, as in `layers.{i}.cell.{name}`, and lists of names with `*` for anything."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Final

from zoo.errors import ZooError

_PLACE: Final = re.compile(r"\{([a-z_]+)(?:([+-])([0-9]{1,4}))?\}")
_PART: Final = "[^./]+"
LONGEST: Final = 300
MOST_PLACES: Final = 3
"""In one part of a name of ours, between dots: more could share its letters among them in endless ways."""
MOST_KEPT: Final = 20_000
"""Patterns that are kept compiled: more than the lines of any map."""


def mistake_in(pattern: str, *, offsets: bool) -> str | None:
    """What is wrong with a pattern.

    Args:
        pattern: Of a name.
        offsets: Whether a number may be added to a place, as in `{i-1}`: only where it is filled in.

    Returns:
        A line that goes on after the name of a key; None if nothing is wrong.
    """
    if not 0 < len(pattern) <= LONGEST:
        return f"must be a name of 1 to {LONGEST} characters, not of {len(pattern)}"
    rest = _PLACE.sub("", pattern)
    if "{" in rest or "}" in rest:
        return f"must have places such as {{i}}{' or {i-1}' if offsets else ''}, and no other braces, not {pattern!r}"
    found = list(_PLACE.finditer(pattern))
    if any(one.end() == other.start() for one, other in pairwise(found)):
        return f"must have something between two places, not {pattern!r}"
    if not offsets and any(match[2] for match in found):
        return f"must have places such as {{i}} here; {{i+1}} stands on the other side, not {pattern!r}"
    if not offsets and any(part.count("{") > MOST_PLACES for part in re.split("[./]", pattern)):
        return f"must have at most {MOST_PLACES} places between two dots, not {pattern!r:.80}"
    return None


def places(pattern: str) -> set[str]:
    """The names of the places in a pattern."""
    return {match[1] for match in _PLACE.finditer(pattern)}


def matched(pattern: str, name: str) -> dict[str, str] | None:
    """What stands at the places of a pattern in a name; None where the name is another. A place holds no dot."""
    if "{" not in pattern:
        return {} if pattern == name else None
    found = _compiled(pattern).fullmatch(name)
    return None if found is None else found.groupdict()


def begins(pattern: str, name: str) -> tuple[dict[str, str], str] | None:
    """The same for the begin of a dotted name, and what follows it."""
    found = re.match(rf"(?:{_compiled(pattern).pattern})\.", name)
    return None if found is None else (found.groupdict(), name[found.end() :])


def filled(pattern: str, given: Mapping[str, str]) -> str:
    """A name, of a pattern and what stands at its places.

    Raises:
        ZooError: If a number is to be added to what is none.
    """

    def fill(match: re.Match[str]) -> str:
        text = given[match[1]]
        if match[2] is None:
            return text
        if not text.isdecimal():
            raise ZooError(f"{match.group()} counts on from {text!r}, which is no number")
        number = int(text) + int(f"{match[2]}{match[3]}")
        if number < 0:
            raise ZooError(f"{match.group()} is {number} where {match[1]} is {text}")
        return str(number)

    return _PLACE.sub(fill, pattern)


def listed_in(name: str, globs: tuple[str, ...]) -> str | None:
    """The first of some patterns with `*` that a name fits; None where there is none."""
    return next((glob for glob in globs if _fits(glob.split("*"), name)), None)


def _fits(parts: list[str], name: str) -> bool:
    """Whether a name is these parts, with anything between two of them. In one pass: names come out of files."""
    first, *rest = parts
    if not rest:
        return name == first
    if not name.startswith(first):
        return False
    start = len(first)
    for part in rest[:-1]:
        found = name.find(part, start)
        if found < 0:
            return False
        start = found + len(part)
    return len(name) - start >= len(rest[-1]) and name.endswith(rest[-1])


@lru_cache(maxsize=MOST_KEPT)
def _compiled(pattern: str) -> re.Pattern[str]:
    text, end, seen = "", 0, set()
    for match in _PLACE.finditer(pattern):
        text += re.escape(pattern[end : match.start()])
        text += f"(?P={match[1]})" if match[1] in seen else f"(?P<{match[1]}>{_PART})"
        seen.add(match[1])
        end = match.end()
    return re.compile(text + re.escape(pattern[end:]))
