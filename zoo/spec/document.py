"""From the bytes of a file to its nodes. All that guards against hostile or ambiguous YAML is here and in `events`.

The parser's events are walked, never loaded: its loaders recurse without a limit, expand aliases, let the last of two
equal keys win, and read `no`, `1:30` and dates as something else than text.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, Final

import yaml

from zoo.errors import Diagnostic, SpecError
from zoo.spec import access
from zoo.spec.escapes import Pairs
from zoo.spec.events import FORBIDDEN, TOO_DEEP, Builder
from zoo.spec.nodes import Node, Place, Source

__all__ = ["Node", "Source", "parse", "read"]

MOST_BYTES: Final = 256 * 1024
MOST_CHARACTERS: Final = 10
"""Forbidden characters shown: a file that is no text has thousands."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LINE_END = re.compile(r"\r\n|\r|\n")
_recorder: ContextVar[dict[str, bytes] | None] = ContextVar("recorder", default=None)


def read(path: str | os.PathLike[str], *, extended: bool = False) -> Node:
    """The root mapping of a file. Never waits, whatever the path turns out to be.

    A file that is no spec is never quoted, and nothing is said of what is in it. It is a spec if it says which version
    of the format it is in, or, where that was forgotten in a file with a spec's ending, if it has a spec's keys.

    Args:
        path: Of the file.
        extended: Whether another spec names this one, which has to say its version in any case.

    Raises:
        SpecError: If it is no readable regular file, or `parse` refuses it.
    """
    name = access.printable(path)
    text = _decoded(_content(path), name)
    known = access.looks_like_a_spec(text)
    if not known and text.strip() and (extended or not access.names_a_spec(path)):
        raise _no_spec(name, "which says schema: 1" if extended else "which is a .yaml file that begins with schema: 1")
    if known or access.may_be_a_spec(text):
        return _parsed(text, name, quoted=known)
    try:
        root = _parsed(text, name, quoted=False)
    except SpecError as error:
        if error.diagnostics[0].code in ("empty", "character"):
            raise
        raise _no_spec(name, "which begins with schema: 1") from None
    version = root.value.get("schema") if isinstance(root.value, dict) else None
    if version is None or type(version.value) is not int:
        raise _no_spec(name, "which begins with schema: 1")
    return root


def read_map(path: str | os.PathLike[str]) -> Node:
    """The root mapping of a map of weights, which says `weights: 1`. Any other file is not quoted.

    Args:
        path: Of the file.

    Raises:
        SpecError: If it is no such file, or `parse` refuses it.
    """
    name = access.printable(path)
    text = _decoded(_content(path), name)
    if not access.looks_like_a_map(text):
        said = "is not a map of weights, which is a .yaml file that begins with weights: 1"
        raise SpecError([Diagnostic(name, 0, 0, said, "file")])
    return _parsed(text, name, quoted=True)


def is_map(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a map of weights, and no spec; never waits, and tells nothing else of the file."""
    try:
        return access.names_a_spec(path) and access.looks_like_a_map(_decoded(_bytes(path), ""))
    except (OSError, ValueError, SpecError):
        return False


def _content(path: str | os.PathLike[str]) -> bytes:
    """What is in a file, which is noted where that is asked for."""
    try:
        data = _bytes(path)
    except (OSError, ValueError) as error:
        raise SpecError([Diagnostic(access.printable(path), 0, 0, _reason(path, error), "file")]) from None
    if (read_so_far := _recorder.get()) is not None:
        read_so_far[os.fsdecode(path)] = data
    return data


def _no_spec(file: str, mend: str) -> SpecError:
    return SpecError([Diagnostic(file, 0, 0, f"is not a spec, {mend}", "file")])


@contextlib.contextmanager
def recorded() -> Iterator[dict[str, bytes]]:
    """The content of every file that is read inside the block, by path: what a spec depends on."""
    files: dict[str, bytes] = {}
    token = _recorder.set(files)
    try:
        yield files
    finally:
        _recorder.reset(token)


def parse(data: bytes, file: str) -> Node:
    """The root mapping of a spec's text.

    Args:
        data: The text.
        file: Its name in messages.

    Raises:
        SpecError: If there are mistakes: every one, with its place. A mistake of the syntax ends the search.
    """
    return _parsed(_decoded(data, file), file, quoted=True)


def _parsed(text: str, file: str, *, quoted: bool) -> Node:
    """The root mapping; `quoted` says whether a text that is no mapping may be shown where it is wrong."""
    source = Source(file, tuple(_LINE_END.split(text)))
    if FORBIDDEN.search(text):
        raise SpecError(islice(_forbidden(source), MOST_CHARACTERS))
    pairs = Pairs(text)
    loader = _Loader(pairs.text)
    shown = source if quoted else replace(source, quoted=False)
    builder = Builder(loader, source, pairs)
    try:
        root = builder.document(shown)
    except yaml.YAMLError as error:
        raise SpecError([*builder.mistakes, _syntax(shown, error)]) from None
    finally:
        loader.dispose()
    if builder.mistakes:
        raise SpecError(builder.mistakes)
    return root


def _bytes(path: str | os.PathLike[str]) -> bytes:
    with contextlib.suppress(OSError):  # opening tells what is wrong, but a device may not like to be opened at all
        _refuse_special(os.stat(path).st_mode)  # noqa: PTH116 (a path may be bytes)
    # It may have become another one: without O_NONBLOCK the opening of a FIFO waits for somebody to write into it.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    try:
        _refuse_special(os.fstat(descriptor).st_mode)
        pieces = []
        left = MOST_BYTES + 1
        while left > 0 and (piece := os.read(descriptor, left)):
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)
    finally:
        os.close(descriptor)


def _refuse_special(mode: int) -> None:
    if not stat.S_ISREG(mode):
        kinds = {"a folder": stat.S_ISDIR, "a named pipe": stat.S_ISFIFO, "a socket or a device": stat.S_ISSOCK}
        kind = next((name for name, is_one in kinds.items() if is_one(mode)), "a device")
        raise ValueError(f"is {kind}, not a file")


def _reason(path: str | os.PathLike[str], error: OSError | ValueError) -> str:
    if not isinstance(error, OSError):
        return "a path cannot hold a NUL character" if "null" in str(error) else str(error)
    if error.errno == errno.ENOENT:
        return "is a symbolic link to a file that does not exist" if Path(path).is_symlink() else "no such file"
    if error.errno == errno.ELOOP:
        return "is a symbolic link that leads back to itself"
    if error.errno == errno.ENXIO:
        return "is a socket or a device, not a file"
    return f"cannot be read: {error.strerror}"


def _decoded(data: bytes, file: str) -> str:
    def refuse(message: str, code: str) -> SpecError:
        return SpecError([Diagnostic(file, 0, 0, message, code)])

    if len(data) > MOST_BYTES:
        raise refuse(f"is larger than {MOST_BYTES // 1024} KiB, which no spec needs", "size")
    if data.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")):
        raise refuse("is UTF-16 or UTF-32; save it as UTF-8", "encoding")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise refuse(
            f"is not UTF-8: byte 0x{data[error.start]:02x} on line {line}; save it as UTF-8", "encoding"
        ) from None


def _forbidden(source: Source) -> Iterator[Diagnostic]:
    """The first character of each line that no spec may hold; without the line, which a terminal might obey."""
    for number, line in enumerate(source.lines, start=1):
        match = FORBIDDEN.search(line)
        if match is not None:
            name = "a NUL character" if match.group() == "\0" else f"the character U+{ord(match.group()):04X}"
            message = f"{name} may not occur in a spec"
            yield Diagnostic(source.file, number, match.start() + 1, message, "character")


def _syntax(source: Source, error: yaml.YAMLError) -> Diagnostic:
    """The parser's own words, with how to mend the likeliest causes."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return source.diagnostic(f"not valid YAML: {' '.join(str(error).split())}", "syntax", (1, 1, 1))
    mark = error.problem_mark or error.context_mark
    place = (mark.line + 1, mark.column + 1, 1) if mark is not None else (1, 1, 1)
    line = source.lines[place[0] - 1] if place[0] <= len(source.lines) else ""
    character = line[place[1] - 1 : place[1]]
    problem = " ".join(str(error.problem).split())
    if "nesting depth" in problem:
        return source.diagnostic(TOO_DEEP, "depth", place)
    unspaced = _unspaced(source, problem, error, place[0])
    if unspaced is not None:
        return source.diagnostic(f"not valid YAML: {unspaced[0]}", "syntax", unspaced[1])
    hint = ""
    if character == "\t" and "character" in problem:
        hint = ": indent with spaces, not with tabs"
    elif "mapping values are not allowed" in problem:
        hint = ": text that holds ': ' needs quotes, and keys of one mapping the same indentation"
    elif "cannot start any token" in problem:
        hint = f": text that begins with {character!r} needs quotes"
    elif "unexpected end of stream" in problem and "quoted" in str(error.context):
        hint = ": a quote is not closed"
    elif error.context_mark is not None and error.context_mark.line + 1 != place[0]:
        hint = f" ({error.context} that begins on line {error.context_mark.line + 1})"
    elif "Unicode character escape" in problem:
        hint = ": half of a surrogate pair is no character; write the character itself"
    return source.diagnostic(f"not valid YAML: {problem}{hint}", "syntax", place)


def _unspaced(source: Source, problem: str, error: yaml.MarkedYAMLError, line: int) -> tuple[str, Place] | None:
    """`cell:gru` is text that goes on in the next line, where the parser stumbles: the line where it begins."""
    if "could not find expected ':'" in problem and error.context_mark is not None:
        return source.unspaced(error.context_mark.line + 1, error.context_mark.column + 1)
    found = None
    if "mapping values are not allowed" in problem:
        for above in range(line - 1, 0, -1):
            text = source.lines[above - 1].strip()
            if not text or text.startswith("#"):
                continue
            here = source.unspaced(above)
            if here is None:
                break
            found = here
    return found
