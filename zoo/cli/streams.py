"""What a command's two streams are made of: nothing that comes from outside is obeyed, or stops the command."""

from __future__ import annotations

import os
import re
from typing import Any, Final, TextIO

from zoo.errors import clean

_DRAWN: Final = re.compile("\x1b\\[[0-9;?]*[A-Kmhl]|\r")
"""What colours a text and moves the cursor; a title, a link or a command to the terminal is none of these."""

_DRAWINGS: Final = {
    "|": "│┃├",
    "`": "└",
    "+": "┌╭╮╰╯",
    "-": "─━╸╺–—−",
    "->": "→",
    "<-": "←",
    "...": "…",
    "'": "‘’",
    '"': "“”",
    "x": "×",
    "<=": "≤",
    ">=": "≥",
    ".": "·",
    "*": "•",
}
_PLAIN: Final = {ord(drawn): plain for plain, alike in _DRAWINGS.items() for drawn in alike}
"""What stands for a character that an encoding has not."""


class Safe:
    """A stream of text on which everything can be written, and nothing is obeyed.

    What the stream's encoding has not is written as something alike, or as an escape. Where the reader has left, as
    `head` does, the rest goes nowhere: the command ends with the status that it would have had.
    """

    def __init__(self, stream: TextIO, *, drawn: bool = False, like: Any = None) -> None:
        """Write to a stream.

        Args:
            stream: Where to.
            drawn: Whether colours and movements of the cursor are let through.
            like: Whose `isatty` is asked; that of the stream by default.
        """
        self._stream = stream
        self._drawn = drawn
        self._like = like if like is not None else stream

    def write(self, text: str) -> int:
        safe = self._cleaned(text)
        try:
            try:
                self._stream.write(safe)
            except UnicodeEncodeError:
                self._stream.write(fitted(safe, self._stream.encoding or "ascii"))
        except BrokenPipeError:
            self.drop()
        return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except BrokenPipeError:
            self.drop()

    def isatty(self) -> bool:
        return bool(self._like.isatty())

    def drop(self) -> None:
        """Whatever is written from now on, and whatever waits to be written, goes nowhere."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)

    def encodes(self, text: str) -> bool:
        """Whether the stream's encoding has every character of a text."""
        try:
            text.encode(self._stream.encoding or "utf-8")
        except (UnicodeEncodeError, LookupError):
            return False
        return True

    def _cleaned(self, text: str) -> str:
        if not self._drawn or "\x1b" not in text:
            return clean(text)
        pieces, at = [], 0
        for match in _DRAWN.finditer(text):
            pieces += [clean(text[at : match.start()]), match.group()]
            at = match.end()
        return "".join([*pieces, clean(text[at:])])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def fitted(text: str, encoding: str) -> str:
    """A text in the characters that an encoding has: lines and arrows are drawn with others, the rest are escapes."""

    def one(character: str) -> str:
        try:
            character.encode(encoding)
        except UnicodeEncodeError:
            return character.translate(_PLAIN).encode("ascii", "backslashreplace").decode("ascii")
        return character

    return text.translate({ord(c): one(c) for c in set(text) if ord(c) > 127})
