"""A table for a terminal as lines of text. rich draws the same, and takes as long to do it as the rest of a command."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

GAP: Final = 2
"""Columns of the terminal between two of the table."""
_NARROWEST: Final = 10
"""Columns of the terminal that a text always gets."""


def is_plain(rows: Sequence[Sequence[str]]) -> bool:
    """Whether every character takes one column of a terminal: no Chinese, no emoji, no accents apart."""
    return all(text.isascii() or all(map(_is_narrow, text)) for row in rows for text in row)


def drawn(rows: Sequence[Sequence[str]], right: Sequence[bool], width: int) -> Iterator[str]:
    """The lines of a table. Texts are wrapped between words until it fits, the first column and numbers are not.

    Args:
        rows: The head first.
        right: Which columns are flush right.
        width: Columns of the terminal; more are used where the table cannot be that narrow.
    """
    widths = _widths(rows, right, width)
    for row in rows:
        cells = [_wrapped(text, size) for text, size in zip(row, widths, strict=True)]
        for number in range(max(map(len, cells))):
            texts = [cell[number] if number < len(cell) else "" for cell in cells]
            parts = zip(texts, widths, right, strict=True)
            yield (" " * GAP).join(t.rjust(size) if flush else t.ljust(size) for t, size, flush in parts).rstrip()


def _widths(rows: Sequence[Sequence[str]], right: Sequence[bool], width: int) -> list[int]:
    """As wide as the texts are; the widest give way first where that is too much."""
    natural = [max(map(len, column)) for column in zip(*rows, strict=True)]
    room = width - GAP * (len(natural) - 1)
    # The head is not wrapped either.
    least = [
        size if index == 0 or flush else min(size, max(_NARROWEST, len(head)))
        for index, (size, flush, head) in enumerate(zip(natural, right, rows[0], strict=True))
    ]
    for most in range(max(natural), _NARROWEST, -1):
        widths = [max(low, min(size, most)) for size, low in zip(natural, least, strict=True)]
        if sum(widths) <= room:
            return widths
    return least


def _wrapped(text: str, width: int) -> list[str]:
    if len(text) <= width:
        return [text]
    return textwrap.wrap(text, width, break_on_hyphens=False) or [""]


def _is_narrow(character: str) -> bool:
    wide = unicodedata.east_asian_width(character) in ("W", "F")
    return not wide and not unicodedata.category(character).startswith(("M", "C"))
