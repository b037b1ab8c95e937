"""Symbols as people write them: from a file, as bytes, or as numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from zoo.errors import ZooError, did_you_mean

MOST_BYTES: Final = 200_000_000
"""Of a file, which is read whole."""


class Symbols(Protocol):
    """How symbols are read and shown."""

    def read(self, option: str, text: str) -> list[int]: ...
    def shown(self, symbols: Sequence[int]) -> str: ...
    def one(self, option: str, text: str) -> int: ...


@dataclass(frozen=True)
class Words:
    """Symbols by name: characters, where each name is one or stands in angle brackets; else words between blanks."""

    numbers: Mapping[str, int]
    file: str

    @property
    def characters(self) -> bool:
        return all(len(name) == 1 or re.fullmatch(r"<[^<>]*>", name) for name in self.numbers)

    def read(self, option: str, text: str) -> list[int]:
        return [self._number(option, name, f" at position {place}") for place, name in enumerate(self._split(text), 1)]

    def one(self, option: str, text: str) -> int:
        return self._number(option, text, "")

    def shown(self, symbols: Sequence[int]) -> str:
        names = {number: name for name, number in self.numbers.items()}
        return ("" if self.characters else " ").join(names.get(symbol, f"<{symbol}>") for symbol in symbols)

    def _split(self, text: str) -> list[str]:
        if not self.characters:
            return text.split()
        longer = sorted((name for name in self.numbers if len(name) > 1), key=len, reverse=True)
        return re.findall("|".join([*map(re.escape, longer), "."]), text, re.DOTALL)

    def _number(self, option: str, name: str, where: str) -> int:
        if name not in self.numbers:
            hint = did_you_mean(name, list(self.numbers)) if len(name) > 1 else ""
            raise ZooError(f"{option}: {name!r}{where} is not in the vocabulary {self.file}{hint}")
        return self.numbers[name]


@dataclass(frozen=True)
class Bytes:
    """The bytes of UTF-8."""

    def read(self, option: str, text: str) -> list[int]:
        return list(text.encode())

    def one(self, option: str, text: str) -> int:
        found = text.encode()
        if len(found) != 1:
            raise ZooError(f"{option}: {text!r} is {len(found)} bytes, and a symbol of this model is one")
        return found[0]

    def shown(self, symbols: Sequence[int]) -> str:
        return bytes(symbols).decode("utf-8", "replace")


@dataclass(frozen=True)
class Numbers:
    """The symbols themselves, between blanks or commas."""

    count: int

    def read(self, option: str, text: str) -> list[int]:
        names = text.replace(",", " ").split()
        return [self._number(option, name, f" at position {place}") for place, name in enumerate(names, 1)]

    def one(self, option: str, text: str) -> int:
        return self._number(option, text, "")

    def shown(self, symbols: Sequence[int]) -> str:
        return " ".join(map(str, symbols))

    def _number(self, option: str, name: str, where: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", name):
            raise ZooError(
                f"{option}: {name!r}{where} is no number from 0 to {self.count - 1}: give --vocabulary FILE for text"
            )
        if int(name) >= self.count:
            raise ZooError(f"{option}: {name}{where} is not in the vocabulary, which is from 0 to {self.count - 1}")
        return int(name)


def symbols_of(file: Path | None, count: int) -> Symbols:
    """How the symbols of a model are written.

    Args:
        file: One symbol a line, or JSON: a list, or a mapping of symbols to numbers. Without one they are bytes where
            there are 256, else numbers.
        count: How many symbols the model knows.

    Raises:
        ZooError: If the file cannot be read, or does not fit.
    """
    if file is None:
        return Bytes() if count == 256 else Numbers(count)
    return Words(_checked(_read(file), file, count), str(file))


def _read(file: Path) -> Any:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise ZooError(f"{file}: a vocabulary of more than {MOST_BYTES:,} bytes is not read")
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ZooError(f"{file}: a vocabulary is text in UTF-8, which this is not") from None
    if file.suffix.lower() != ".json":
        return text.removesuffix("\n").split("\n")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ZooError(f"{file}: is no JSON: {' '.join(str(error).split())}") from None


def _checked(found: Any, file: Path, count: int) -> dict[str, int]:
    """Symbols and their numbers."""
    if isinstance(found, list):
        pairs = [(name, number) for number, name in enumerate(found)]
    elif isinstance(found, dict):
        pairs = list(found.items())
    else:
        raise ZooError(f"{file}: a vocabulary is a list of symbols, or a mapping of symbols to numbers")
    numbers: dict[str, int] = {}
    names: dict[int, str] = {}
    for name, number in pairs:
        if not isinstance(name, str) or not name:
            raise ZooError(f"{file}: {name!r:.60}, number {number}, is no symbol: each is a text")
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            raise ZooError(f"{file}: {name!r:.60} has {number!r:.60}, which is no number from 0")
        if name in numbers or number in names:
            raise ZooError(f"{file}: {name!r:.60}, number {number}, comes twice")
        if number >= count:
            raise ZooError(f"{file}: {name!r:.60} has number {number}, and the model knows {count} symbols")
        numbers[name], names[number] = number, name
    if not numbers:
        raise ZooError(f"{file}: has no symbols")
    return numbers
