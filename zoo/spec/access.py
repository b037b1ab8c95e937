"""Which files the reader opens: specs only and, where `ZOO_SPEC_ROOT` or `confined` says so, those in one folder.

A spec may come from somebody else, and name other files. None but specs are opened for it, and no file is quoted that
is no spec: an error is often shown to whoever wrote the spec.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Final

from zoo.errors import Diagnostic, SpecError, ZooError
from zoo.plugin.catalogue import Catalogue

VARIABLE: Final = "ZOO_SPEC_ROOT"
"""The variable of the environment that names the folder which specs, and what they extend, must be in."""
ENDINGS: Final = (".yaml", ".yml")

_VERSION: Final = re.compile(
    r"""^(?:[ \t]*["']schema["']|\{(?:.*,)?[ \t]*["']?schema["']?|schema)[ \t]*:[ \t]*[0-9]{1,4}[ \t\r]*(?:[,}#]|$)""",
    re.MULTILINE,
)
_MAP: Final = re.compile(r"^weights[ \t]*:[ \t]*[0-9]{1,4}[ \t\r]*(?:#|$)", re.MULTILINE)
_KEYS: Final = "(architecture|cell|hidden_size|input|layers)[\"']?[ \\t]*:"
_KEY: Final = re.compile(rf"^[\"']?{_KEYS}", re.MULTILINE)
_KEY_OF_FLOW: Final = re.compile(rf"[{{,]\s*[\"']?{_KEYS}")
_root: ContextVar[str | None] = ContextVar("root", default=None)


def names_a_spec(path: str | os.PathLike[str]) -> bool:
    """Whether a path ends as a spec's does, and leads to such a file where it is a symbolic link."""
    return all(os.fsdecode(one).lower().endswith(ENDINGS) for one in (path, os.path.realpath(path)))


def looks_like_a_spec(text: str) -> bool:
    """Whether a line says `schema: 1`, or another version."""
    return _VERSION.search(text) is not None


def looks_like_a_map(text: str) -> bool:
    """Whether a line says `weights: 1`, or another version, as a map of weights does."""
    return _MAP.search(text) is not None


def may_be_a_spec(text: str) -> bool:
    """Whether it says that, or has two keys that hardly anything but a spec has: one whose version was forgotten."""
    key = _KEY_OF_FLOW if text.lstrip().startswith("{") else _KEY
    return looks_like_a_spec(text) or len(set(key.findall(text))) >= 2


@contextlib.contextmanager
def confined(folder: str | os.PathLike[str] | None) -> Iterator[None]:
    """Read only specs inside this folder, and of the library, while the block runs; None changes nothing."""
    token = _root.set(os.fspath(folder) if folder is not None else _root.get())
    try:
        yield
    finally:
        _root.reset(token)


def refuse_outside(path: str | os.PathLike[str], catalogue: Catalogue) -> None:
    """Refuse a path that leads out of the folder to which specs are confined. The library's folders are never outside.

    Raises:
        SpecError: It is outside.
        ZooError: What should be a folder is none.
    """
    reason = outside(path, catalogue)
    if reason is not None:
        raise SpecError([Diagnostic(printable(path), 0, 0, reason, "root")])


def outside(path: str | os.PathLike[str], catalogue: Catalogue) -> str | None:
    """Why a path may not be read; None if it may. Errors as `refuse_outside`."""
    root = _root.get() or os.environ.get(VARIABLE)
    if not root:
        return None
    allowed = Path(os.path.realpath(root))
    if not allowed.is_dir():
        raise ZooError(f"specs are confined to {root!r} ({VARIABLE} or root), which is not a folder")
    try:
        real = Path(os.path.realpath(path))
    except ValueError:  # a NUL character, which the reader refuses
        return None
    library = (Path(os.path.realpath(folder.path)) for folder in catalogue.spec_folders)
    if any(real.is_relative_to(folder) for folder in (allowed, *library)):
        return None
    return f"is outside {root}, to which specs are confined ({VARIABLE} or root)"


def printable(path: str | os.PathLike[str]) -> str:
    """A path for messages: what no encoding can write is replaced."""
    return os.fsdecode(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
