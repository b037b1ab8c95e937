"""The errors that people see: each says where, what, and how to mend it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

_UNSAFE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""What a terminal obeys instead of showing it, what turns the direction of writing, and what nobody sees."""


def clean(text: str) -> str:
    r"""A text that a terminal shows as it is: characters that it would obey are written as escapes, `\x1b`."""
    return _UNSAFE.sub(_escaped, text)


def one_line(text: str) -> str:
    """The same for what must not go on in another line: names, and fields of a table."""
    return clean(text).replace("\n", "\\n").replace("\t", "\\t")


def _escaped(match: re.Match[str]) -> str:
    return match.group().encode("unicode_escape").decode("ascii")


class ZooError(Exception):
    """Something the user gave cannot be used. Its text is one clear message.

    `str()` is safe to print, whatever file names and foreign texts are in it; `args` has them as they came.

    Attributes:
        exit_status: That of the command line.
    """

    exit_status = 2

    def __str__(self) -> str:
        return clean(super().__str__())


class PluginError(ZooError):
    """A plugin, or a record that it returned, breaks the rules of the plugin system."""


class LineError(ZooError):
    """A line in a foreign language cannot be read, or says what no spec can say.

    Args:
        message: What is wrong there.
        start: Index of the first character that is meant.
        end: Index behind the last one.

    Attributes:
        message: What is wrong there.
        start: Index of the first character that is meant.
        end: Index behind the last one.
    """

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.message, self.start, self.end = message, start, end


class BuildError(ZooError):
    """A valid spec that cannot be built as asked.

    It is over the memory budget, names an engine that a cell cannot use, or a component's author made a mistake.
    """


class DeclarationError(BuildError):
    """A component is, takes or returns something else than it declares: its author's mistake, on one line."""


class InputError(ZooError, ValueError):
    """A tensor or an argument given to a model does not fit it."""


class PrecisionWarning(UserWarning):
    """A model runs in half precision, which one of its components does not promise to be any good in."""


class ProvenanceWarning(UserWarning):
    """Saved weights come from other versions of plugins than the model they are loaded into."""


class CheckFailure(ZooError):
    """A conformance check does not hold; the text names the figure and its bound.

    Args:
        text: What does not hold.
        part: The component of the spec that alone is to blame, where the check knows. Only a deviation that this one
            declares makes the failure an expected one.
    """

    exit_status = 1

    def __init__(self, text: str, part: Any = None) -> None:
        super().__init__(text)
        self.part = part


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One mistake in one file.

    Attributes:
        file: Path of the file.
        line: Counted from 1; 0 for a mistake of the file as a whole (not UTF-8, a directory, ...).
        column: Counted from 1.
        message: What is wrong, and how to mend it.
        code: A short stable name of the kind of mistake, for machines.
        text: The source line that `line` and `column` point into.
        width: Number of characters that are wrong.
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
        """Where it is: `file:line:column`, or the file alone."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def __str__(self) -> str:
        head = one_line(f"{self.place}: {self.message}")
        if not self.text.strip():
            return head
        number = str(self.line)
        # Tabs would shift the caret away from what it points at.
        lead = "".join("\t" if c == "\t" else " " for c in self.text[: self.column - 1])
        caret = "^" * max(1, min(self.width, len(self.text) - self.column + 1))
        return f"{head}\n  {number} | {clean(self.text)}\n  {' ' * len(number)} | {lead}{caret}"


@dataclass(init=False)
class SpecError(ZooError):
    """A spec that the reader refuses.

    Args:
        diagnostics: Every mistake found in it, in the order of the file.

    Attributes:
        diagnostics: Every mistake found in it, in the order of the file.

    Example:
        >>> try:
        ...     zoo.load({"schema": 1, "name": "a", "input": 1, "cell": "lstn", "hidden_size": 2})
        ... except zoo.SpecError as error:
        ...     print(error.diagnostics[0].message)
        unknown cell 'lstn'; did you mean 'lstm'?
    """

    diagnostics: tuple[Diagnostic, ...] = field(default=())

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(str(d) for d in self.diagnostics))

    __hash__ = ZooError.__hash__


_LONGEST_NAME = 60
"""Characters of a name that are compared: comparing takes the square of them."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant. Case does not matter, nor "_" or a space in place of "-"."""
    import difflib  # a command that makes no mistake does without it

    spelt = {_plain(each): each for each in sorted(known, reverse=True)}
    typed = _plain(name[:_LONGEST_NAME])
    if typed in spelt:
        return spelt[typed]
    close = difflib.get_close_matches(typed, sorted(spelt), n=1)
    return spelt[close[0]] if close else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a message on an unknown name: what was probably meant, or nothing."""
    meant = nearest(name, known)
    return "" if meant is None else f"; did you mean {meant!r}?"


def one_of(label: str, value: str, known: Sequence[str]) -> None:
    """Refuse a value that is none of those known.

    Args:
        label: What it is the value of, as in "--sort".
        value: What was given.
        known: All that would be right.

    Raises:
        ZooError: If the value is not known. It says what would be right.
    """
    if value not in known:
        quoted = [repr(name) for name in known]
        few = f"{', '.join(quoted[:-1])} or {quoted[-1]}"
        listed = few if len(known) <= 3 else f"one of {', '.join(known)}"
        raise ZooError(f"{label} must be {listed}, not {value!r:.60}{did_you_mean(value, known)}")


def _plain(name: str) -> str:
    return name.casefold().replace("_", "-").replace(" ", "-")
