"""The tree of a file: each value with where it was written, so that a mistake found later can point there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from zoo.errors import Diagnostic

LONGEST_EXCERPT: Final = 200

_UNSPACED: Final = re.compile(r"[ -]*([A-Za-z_]\w{0,40}):(?![\s:/])([^\s,}]{1,40})")

Place = tuple[int, int, int]
"""Line and column, from 1 and in characters, and how many characters to underline."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file as it is named in messages, and its lines without their ends.

    Attributes:
        quoted: Whether messages may show them.
    """

    file: str
    lines: tuple[str, ...]
    quoted: bool = True

    @property
    def size(self) -> int:
        """Characters, about."""
        return sum(map(len, self.lines)) + len(self.lines)

    def diagnostic(self, message: str, code: str, place: Place) -> Diagnostic:
        """A mistake at a place, with the line it points into. A place behind the last line moves to its end."""
        line, column, width = place
        if line > len(self.lines):
            line = max(1, len(self.lines))
            column = len(self.lines[-1]) + 1 if self.lines else 1
        text = self.lines[line - 1] if self.lines else ""
        # A file of one endless line must not be printed once per mistake.
        text = text[:LONGEST_EXCERPT] if self.quoted and column <= LONGEST_EXCERPT else ""
        return Diagnostic(self.file, line, column, message, code, text, width)

    def unspaced(self, line: int, column: int = 1) -> tuple[str, Place] | None:
        """A colon without a space behind it, at the first key of a line or at a column: how to mend it, and where."""
        text = self.lines[line - 1] if line <= len(self.lines) else ""
        match = _UNSPACED.match(text, column - 1) if self.quoted else None
        if match is None:
            return None
        key, value = match.groups()
        return f"a space is missing after the colon: write {key}: {value}", (line, match.end(1) + 1, 1)


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it was written; `key` is where the key in front of it was, if there is one.

    A block mapping or list has no mark of its own, so its place is its key's.
    """

    value: str | int | float | bool | dict[str, Node] | list[Node]
    source: Source
    line: int
    column: int
    width: int = 1
    key: Place | None = None

    def plain(self) -> Any:
        """The value as plain Python data."""
        value = self.value
        if isinstance(value, dict):
            return {key: node.plain() for key, node in value.items()}
        if isinstance(value, list):
            return [node.plain() for node in value]
        return value

    def at(self, path: Sequence[int | str]) -> Node:
        """The deepest node that exists along a path."""
        node = self
        for step in path:
            below = node.below(step)
            if below is None:
                break
            node = below
        return node

    def below(self, step: int | str) -> Node | None:
        """The value under a key, or the entry at an index, if there is one."""
        value = self.value
        if isinstance(value, dict):
            return value.get(step) if isinstance(step, str) else None
        if isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value):
            return value[step]
        return None

    def diagnostic(self, message: str, code: str, *, on_key: bool = False) -> Diagnostic:
        """A mistake in this value, or in the key in front of it."""
        place = self.key if on_key and self.key is not None else (self.line, self.column, self.width)
        return self.source.diagnostic(message, code, place)
