"""How the command line prints: tables for people, JSON for machines, progress bars for terminals only."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

Item = TypeVar("Item")


def write(text: str) -> None:
    """One text on standard output, as it is. Ends the command, with nothing wrong, if the reader has left."""
    try:
        sys.stdout.write(text + "\n")
    except BrokenPipeError:
        # typer would make a failure of it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None


def write_json(data: Any) -> None:
    write(json.dumps(data, indent=2, ensure_ascii=False))


def note(text: str) -> None:
    """One line on standard error: what a pipe should not receive."""
    sys.stderr.write(text + "\n")


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    """A table: drawn by rich on a terminal; piped, plain and never cut, two spaces between columns."""
    lines = [tuple(row) for row in rows]
    if not sys.stdout.isatty():
        _plain(columns, lines, right)
        return
    from rich.console import Console
    from rich.table import Table

    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        drawn.add_column(
            column,
            justify="right" if column in right else "left",
            overflow="fold",
            no_wrap=index == 0,
        )
    for row in lines:
        drawn.add_row(*(_escaped(cell) for cell in row))
    Console().print(drawn)


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)


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
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(items, description=label, console=Console(stderr=True), transient=True)


class Doing:
    """A line on standard error that says what is being done now, where that is a terminal; it goes when done."""

    def __init__(self, total: int, label: str) -> None:
        self.total, self.label = total, label
        self.finished = 0
        self.now: dict[str, str] = {}
        self.shown = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

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
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()

    def _draw(self) -> None:
        if not self.shown:
            return
        now = ", ".join(f"{name} {step}" for name, step in self.now.items())
        text = f"{self.label} {self.finished + 1} of {self.total}: {now}"
        width = shutil.get_terminal_size().columns - 1
        sys.stderr.write(f"\r\x1b[2K{text if len(text) <= width else text[: width - 1] + '…'}")
        sys.stderr.flush()
