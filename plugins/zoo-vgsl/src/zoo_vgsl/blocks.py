"""The blocks of a line, each with its place in it: what they say, not yet what that means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import zoo

FORMS: Final[dict[str, tuple[str, str]]] = {
    "convolution": (
        r"C(?P<turned>T)?(?P<activation>lr|s|t|r|l|m)(?P<name>{\w+})?(?P<y>\d+),(?P<x>\d+),(?P<size>\d+)"
        r"(,(?P<stride_y>\d+),(?P<stride_x>\d+))?(,(?P<dilation_y>\d+),(?P<dilation_x>\d+))?",
        "C(s|t|r|l|lr|m)<y>,<x>,<channels>[,<stride y>,<stride x>][,<dilation y>,<dilation x>]",
    ),
    "recurrent": (
        r"(?P<cell>[LG])(?P<direction>[frb])(?P<axis>[xy])(?P<last>s)?(?P<old>[co])?(?P<name>{\w+})?(?P<size>\d+)",
        "L(f|r|b)(x|y)[s]<units>",
    ),
    "pool": (
        r"Mp(?P<name>{\w+})?(?P<y>\d+),(?P<x>\d+)(,(?P<stride_y>\d+),(?P<stride_x>\d+))?",
        "Mp<y>,<x>[,<stride y>,<stride x>]",
    ),
    "reshape": (
        r"S(?P<name>{\w+})?(?P<axis>\d+)\((?P<a>\d+)x(?P<b>\d+)\)(?P<high>\d+),(?P<low>\d+)",
        "S<axis>(<a>x<b>)<axis of a>,<axis of b>",
    ),
    "dropout": (r"Do(?P<name>{\w+})?(?P<rate>\d+(\.\d*)?|\.\d+)?(,(?P<axes>\d+))?", "Do[<rate>][,<1 or 2>]"),
    "group norm": (r"Gn(?P<name>{\w+})?(?P<groups>\d+)", "Gn<groups>"),
    "output": (r"O(?P<name>{\w+})?(?P<axes>[012])(?P<kind>[lsc])(?P<augmented>a)?(?P<size>\d+)", "O1(c|l|s)<outputs>"),
}
"""By what a block is: its form, and that for people."""
_BEGINNINGS: Final = {
    "Do": "dropout",
    "Mp": "pool",
    "Gn": "group norm",
    "C": "convolution",
    "L": "recurrent",
    "G": "recurrent",
    "S": "reshape",
    "O": "output",
}
_OTHERS: Final = {
    "(": "layers in parallel are not read: a spec says them with `name`, `from` and `join`",
    "[": "a series inside the series is not read: write its layers without brackets",
    "I": "I stands in parallel layers only, which are not read",
    "A": "A, a sum of pieces of an axis, has no layer in zoo",
    "W": "W, the masking of wav2vec 2.0, is for training without targets",
}
LARGEST: Final = 10**6
"""No number of a line is larger."""


@dataclass(frozen=True, slots=True)
class Block:
    """One block.

    Attributes:
        kind: Of `FORMS`.
        start: Where it begins in the line.
        end: Where it ends.
        given: What stands in its places, by name; None where nothing does.
    """

    kind: str
    start: int
    end: int
    given: dict[str, str | None]

    def number(self, name: str, default: int | None = None) -> int:
        """A whole number."""
        text = self.given[name]
        if text is None and default is not None:
            return default
        assert text is not None
        if len(text) > len(str(LARGEST)) or int(text) > LARGEST:
            raise self.wrong(f"no number is larger than {LARGEST:,}")
        return int(text)

    def positive(self, name: str, what: str, default: int | None = None) -> int:
        """A whole number from 1."""
        found = self.number(name, default)
        if found < 1:
            raise self.wrong(f"{what} must be at least 1, not {found}")
        return found

    def wrong(self, message: str) -> zoo.LineError:
        """The error that this block is wrong."""
        return zoo.LineError(message, self.start, self.end)


def blocks(line: str) -> tuple[Block, list[Block]]:
    """The input block of a line, with the places batch, height, width and channels, and the others.

    Raises:
        zoo.LineError: The line has no such form; says where.
    """
    text = line.strip()
    begin = len(line) - len(line.lstrip())
    if not text.isascii():
        odd = next(index for index, letter in enumerate(line) if not letter.isascii())
        raise zoo.LineError("a line has ASCII letters only", odd, odd + 1)
    if not text.startswith("["):
        raise zoo.LineError("a line begins with '['", begin, begin + 1)
    if len(text) < 2 or not text.endswith("]"):
        raise zoo.LineError("a line ends with ']'", begin + len(text) - 1, begin + len(text))
    words = [
        (found.group(), begin + 1 + found.start(), begin + 1 + found.end()) for found in re.finditer(r"\S+", text[1:-1])
    ]
    if not words:
        raise zoo.LineError("the line is empty: it begins with [<batch>,<height>,<width>,<channels>", begin, begin + 1)
    word, start, end = words[0]
    found = re.fullmatch(r"(?P<batch>\d+),(?P<height>\d+),(?P<width>\d+),(?P<channels>\d+)", word)
    if found is None:
        raise zoo.LineError("the first block is <batch>,<height>,<width>,<channels>, as in 1,48,0,1", start, end)
    return Block("input", start, end, found.groupdict()), [_block(*one) for one in words[1:]]


def _block(word: str, start: int, end: int) -> Block:
    kind = _BEGINNINGS.get(word[:2]) or _BEGINNINGS.get(word[:1])
    if kind is None:
        said = _OTHERS.get(word[0], f"no block begins with {word[0]!r}: there are C, L, G, Mp, S, Do, Gn and O")
        raise zoo.LineError(said, start, end)
    form, shown = FORMS[kind]
    found = re.fullmatch(form, word, re.ASCII)
    if found is None:
        raise zoo.LineError(f"the form of this block is {shown}", start, end)
    return Block(kind, start, end, found.groupdict())
