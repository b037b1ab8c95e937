"""How the command line prints: tables for people, JSON for machines, progress bars for terminals only.

Nothing else prints. What a terminal would obey in a text from outside is shown as an escape, and standard output holds
the command's answer alone: while a command runs, whatever others print there goes to standard error.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, ParamSpec, TextIO, TypeVar, cast

from zoo.cli.streams import Safe
from zoo.errors import clean, one_line

Item = TypeVar("Item")
_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")
_OBEYED: Final = re.compile(
    "[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""What JSON need not escape, and a terminal might obey."""

_own: list[Safe] = []
"""Standard output and error of the command that runs, as they were before others were kept from them."""


def write(text: str) -> None:
    """One text on standard output."""
    _out().write(clean(text) + "\n")


def write_json(data: Any) -> None:
    out = _out()
    text = json.dumps(data, indent=2, ensure_ascii=False)
    if not out.encodes(text):
        text = json.dumps(data, indent=2)
    out.write(_OBEYED.sub(_as_json, text) + "\n")


def note(text: str) -> None:
    """A line on standard error: what a pipe should not receive. It follows what was printed before, in one log too."""
    _out().flush()
    _err().write(clean(text) + "\n")


def is_terminal() -> bool:
    """Whether standard output is one."""
    return _out().isatty()


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    """A table: wrapped between words to fit a terminal; piped, plain and never cut, two spaces between columns."""
    lines = [tuple(map(one_line, row)) for row in rows]
    if not is_terminal():
        _plain(columns, lines, right)
        return
    from zoo.cli import tables

    if tables.is_plain([columns, *lines]):
        width = shutil.get_terminal_size().columns
        head, *others = tables.drawn([columns, *lines], [column in right for column in columns], width)
        bold = os.environ.get("TERM") != "dumb" and "NO_COLOR" not in os.environ
        # Past `clean`, which would show the escapes that make it bold; every text in it is clean already.
        _out().write(f"\x1b[1m{head}\x1b[0m\n" if bold else f"{head}\n")
        for line in others:
            write(line)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        drawn.add_column(
            Text(column),
            justify="right" if column in right else "left",
            overflow="fold",
            no_wrap=index == 0,
        )
    for row in lines:
        drawn.add_row(*map(Text, row))  # never as markup: `[bold]` in a description is what it says
    Console(file=cast(TextIO, _out())).print(drawn)


def _plain(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str]) -> None:
    widths = [max(len(row[i]) for row in (columns, *rows)) for i in range(len(columns))]
    for row in (columns, *rows):
        cells = (
            text.rjust(width) if column in right else text.ljust(width)
            for column, text, width in zip(columns, row, widths, strict=True)
        )
        write("  ".join(cells).rstrip())


def progress(items: Sequence[Item], label: str) -> Iterator[Item]:
    """The items, with a progress bar on standard error where that is a terminal; it goes when done."""
    err = _err()
    if not err.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(items, description=label, console=Console(file=cast(TextIO, err)), transient=True)


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Standard output and error on which everything can be written, for parsing, help and completion."""
    before = sys.stdout, sys.stderr
    # Only who types a command can put an escape into its arguments, which a message of their wrong use then repeats.
    drawn = not any("\x1b" in argument for argument in sys.argv)
    terminal = os.environ.get("TERM")
    if not drawn:
        os.environ["TERM"] = "dumb"  # else what colours the message would be shown as escapes too
    sys.stdout, sys.stderr = Safe(before[0], drawn=drawn), Safe(before[1], drawn=drawn)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        if not drawn:
            os.environ.pop("TERM") if terminal is None else os.environ.update(TERM=terminal)


def alone(command: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
    """A command that has standard output to itself: what plugins and others write there goes to standard error."""

    @functools.wraps(command)
    def run(*args: _Given.args, **kwargs: _Given.kwargs) -> _Result:
        before = sys.stdout, sys.stderr
        with _apart(before[0]) as out:
            _own[:] = [Safe(out, drawn=True, like=before[0]), Safe(before[1], drawn=True)]
            sys.stdout = sys.stderr = Safe(before[1])
            try:
                return command(*args, **kwargs)
            finally:
                sys.stdout, sys.stderr = before
                _own.clear()

    return run


@contextlib.contextmanager
def _apart(stream: TextIO) -> Iterator[TextIO]:
    """The stream, on another descriptor if it has the first: that one leads to standard error meanwhile."""
    try:
        number = stream.fileno()
    except (OSError, ValueError, AttributeError):
        number = -1
    if number != 1:
        yield stream
        return
    stream.flush()
    kept = os.dup(1)
    own = os.fdopen(kept, "w", encoding=stream.encoding, errors=stream.errors)
    own.reconfigure(line_buffering=bool(stream.line_buffering), write_through=getattr(stream, "write_through", False))
    failure = None
    try:
        _lead(1, 2)
        yield own
    finally:
        try:
            own.flush()
        except OSError as error:
            failure = error
        with contextlib.suppress(OSError):
            stream.flush()
        os.dup2(kept, 1)
        if failure is not None:
            _lead(kept, -1)  # what could not be written is not to be tried again
        own.close()
    if failure is not None and not isinstance(failure, BrokenPipeError):
        raise failure


def nothing_more() -> None:
    """As the process ends: what others print from now on is no part of the answer."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stdout.flush()
        _lead(1, 2)
    sys.stdout = sys.stderr


def _lead(descriptor: int, to: int) -> None:
    """Have a descriptor lead where another one does, or nowhere if that one is not open."""
    try:
        os.dup2(to, descriptor)
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)


def _out() -> Safe:
    return _own[0] if _own else Safe(sys.stdout)


def _err() -> Safe:
    return _own[1] if _own else Safe(sys.stderr)


def _as_json(match: re.Match[str]) -> str:
    return json.dumps(match.group())[1:-1]


class Doing:
    """A line on standard error that says what is being done now, where that is a terminal; it goes when done."""

    def __init__(self, total: int, label: str) -> None:
        self.total, self.label = total, label
        self.finished = 0
        self.now: dict[str, str] = {}
        self.shown = _err().isatty() and os.environ.get("TERM") != "dumb"

    def __enter__(self) -> Doing:
        return self

    def __exit__(self, *error: object) -> None:
        self.clear()

    def at(self, name: str, step: str) -> None:
        """One of them is at this step now."""
        self.now[name] = step
        self._draw()

    def done(self, name: str) -> None:
        self.finished += 1
        self.now.pop(name, None)

    def clear(self) -> None:
        """Take the line away, before something else is written there."""
        if self.shown:
            _err().write("\r\x1b[2K")
            _err().flush()

    def _draw(self) -> None:
        if not self.shown:
            return
        now = ", ".join(f"{name} {step}" for name, step in self.now.items())
        text = one_line(f"{self.label} {self.finished + 1} of {self.total}: {now}")
        width = shutil.get_terminal_size().columns - 1
        _err().write(f"\r\x1b[2K{text if len(text) <= width else text[: width - 1] + '…'}")
        _err().flush()
