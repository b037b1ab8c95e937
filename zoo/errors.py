"""The errors that people see: each says where, what, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


class ZooError(Exception):
    """Something the user gave cannot be used. Its text is one clear message; `exit_status` is the command line's."""

    exit_status = 2


class PluginError(ZooError):
    """A plugin, or a record that it returned, breaks the rules of the plugin system."""


class BuildError(ZooError):
    """A valid spec that cannot be built as asked: over the memory budget, an engine that a cell cannot use, or a
    mistake of a component's author."""


class DeclarationError(BuildError):
    """A component is, takes or returns something else than it declares: its author's mistake, on one line."""


class InputError(ZooError, ValueError):
    """A tensor or an argument given to a model does not fit it."""


class ProvenanceWarning(UserWarning):
    """Saved weights come from other versions of plugins than the model they are loaded into."""


class CheckFailure(ZooError):
    """A check of the contract does not hold; the text names the figure and its bound.

    part: the component of the spec that alone is to blame, where the check knows: only a deviation that this one
    declares makes the failure an expected one.
    """

    exit_status = 1

    def __init__(self, text: str, part: Any = None) -> None:
        super().__init__(text)
        self.part = part


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One mistake in one file: `line` and `column` count from 1; `text` is the source line they point into.

    A mistake of the file as a whole (not UTF-8, a directory, ...) has line 0. `code` is a short stable name
    of the kind of mistake, for machines.
    """

    file: str
    line: int
    column: int
    message: str
    code: str
    text: str = ""
    width: int = 1

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def __str__(self) -> str:
        head = f"{self.place}: {self.message}"
        if not self.text.strip():
            return head
        number = str(self.line)
        # Tabs would shift the caret away from what it points at.
        lead = "".join("\t" if c == "\t" else " " for c in self.text[: self.column - 1])
        caret = "^" * max(1, min(self.width, len(self.text) - self.column + 1))
        return f"{head}\n  {number} | {self.text}\n  {' ' * len(number)} | {lead}{caret}"


@dataclass(init=False)
class SpecError(ZooError):
    """A spec that the reader refuses, with every mistake found in it, in the order of the file."""

    diagnostics: tuple[Diagnostic, ...] = field(default=())

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(str(d) for d in self.diagnostics))

    __hash__ = ZooError.__hash__
