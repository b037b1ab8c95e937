"""What is public, as facts: a subject, and what holds of it. One fact is one line of `public.txt`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SNAPSHOT: Final = Path(__file__).with_name("public.txt")
HEAD: Final = (
    "# Everything that users and plugins build on, one fact to a line. Written by: python tests/api\n"
    "# subject  kind  @place of an argument  : type  = default\n"
)


@dataclass(frozen=True, slots=True)
class Fact:
    """What holds of one subject.

    kind: "function", "argument", "field", ... place: of an argument, "position 0" or "keyword". type: of a value, or
    of what a function returns, as the code writes it. default: its value in the words of Python; None where there is
    none, and something must be given.
    """

    kind: str
    place: str = ""
    type: str = ""
    default: str | None = None

    def line(self, subject: str) -> str:
        columns = [subject, self.kind]
        columns += [f"@{self.place}"] if self.place else []
        columns += [f": {self.type}"] if self.type else []
        columns += [] if self.default is None else [f"= {self.default}"]
        return "  ".join(" ".join(column.split()) for column in columns)


Facts = Mapping[str, Fact]


def write(facts: Facts) -> str:
    """The text of a snapshot, sorted, so that a diff shows what has changed and nothing else."""
    lines = sorted(fact.line(subject) for subject, fact in facts.items())
    return HEAD + "".join(f"{line}\n" for line in lines)


def read(text: str) -> dict[str, Fact]:
    """The facts of a snapshot. Raises ValueError for a line that is none, or a subject that stands there twice."""
    found: dict[str, Fact] = {}
    for line in text.splitlines():
        if line.startswith("#") or not line:
            continue
        subject, kind, *rest = line.split("  ")
        if subject in found:
            raise ValueError(f"{subject!r} stands there twice")
        marked = {column[0]: column[1:].strip() for column in rest}
        if marked.keys() - {"@", ":", "="}:
            raise ValueError(f"no fact: {line!r}")
        found[subject] = Fact(kind, marked.get("@", ""), marked.get(":", ""), marked.get("="))
    return found
