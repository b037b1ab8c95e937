"""What `zoo list` says of each spec, kept in the user's cache folder: reading the specs takes most of its time.

A row is used only where nothing that it depends on has changed:

- the spec and every file that it extends, by content, and the versions of what it requires;
- the code that read and described it, plugins' included, by the size, times and inode of each module's file;
- the plugins, their versions and status, where Python imports from and its version, and the variables of the
  environment that are named ZOO_*.

Plugins are loaded as ever, so what is said of them is never old. What cannot be told for certain is read anew: specs
with mistakes, code that changed while the command ran or has no file, and an index that is damaged, another user's, or
open to others to write. The folder may be deleted at any time. `ZOO_INDEX=off` neither reads nor writes it.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import os
import stat
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Final

from zoo.plugin.catalogue import Plugin
from zoo.plugin.discovery import trusted_path
from zoo.spec.entries import LibraryEntry

VARIABLE: Final = "ZOO_INDEX"
FOLDER: Final = "recurrent-zoo"
FORMAT: Final = 2
MOST_BYTES: Final = 16 * 2**20
MOST_FILES: Final = 16
"""Indices that are kept: one for each set of plugins and environment."""
LONGEST_SPEC: Final = 256 * 1024

_LIBRARY: Final = "library"
_REQUIRES: Final = "requires "
"""Where files are absolute paths: which specs there are, and a distribution's version."""

_BEGAN: Final = time.time_ns() - 10**9
"""A second before this process read any of the code that describes specs; the times of files are coarse."""

Stamp = list[int]


@dataclass(frozen=True, slots=True)
class Row:
    """What the list says of a model: of a spec, or of one of its variants. Figures are None where they are unknown.

    Attributes:
        variant: Its name; None for the spec itself.
        macs: Multiply-adds per step.
        components: What it is made of, each once: "head recurrent-zoo/linear".
    """

    variant: str | None
    parameters: int | None
    macs: int | None
    description: str
    tags: tuple[str, ...]
    paper: str | None
    components: tuple[str, ...]


class Index:
    """The rows that are known and still right, by the path of the spec.

    Args:
        plugins: those that are installed, as they were loaded just now.
        entries: every spec of the library. A spec that extends another may depend on which there are.
        version: of this package.
    """

    def __init__(self, plugins: Iterable[Plugin], entries: Iterable[LibraryEntry], version: str) -> None:
        variables = {key: value for key, value in sorted(os.environ.items()) if key.startswith("ZOO_")}
        installed = [(p.name, p.distribution, p.version, p.module, p.status) for p in plugins]
        # Two copies of this package, or two environments, have an index each.
        python = [sys.version, sys.prefix, __file__, trusted_path()]
        key = json.dumps([FORMAT, version, python, installed, variables])
        self._file = _file(_digest(key.encode("utf-8", "surrogatepass")))
        self._library = _digest("\0".join(str(entry.path) for entry in entries).encode("utf-8", "surrogatepass"))
        self._modules: dict[str, Stamp] = {}
        self._specs: dict[str, tuple[dict[str, str], tuple[Row, ...]]] = {}
        self._versions: dict[str, str] = {}
        self._changed = False
        if self._file is not None:
            self._load(self._file)

    def rows(self, path: Path) -> tuple[Row, ...]:
        """What is known of a spec's models, if every file that it was read from is still the same; else nothing."""
        files, rows = self._specs.get(str(path), ({}, ()))
        for name, digest in files.items():
            if self._digest_of(name) != digest:
                return ()
        return rows

    def add(self, path: Path, rows: tuple[Row, ...], files: Mapping[str, bytes], requires: Iterable[str]) -> None:
        """Note what a spec was found to be.

        Args:
            path: The spec.
            rows: What the list says of its models.
            files: The content of every file that was read for it.
            requires: What it and its variants require, as in `zoo-acme>=0.2`.
        """
        if not all(Path(name).is_absolute() for name in files):
            return
        digests = {name: _digest(content) for name, content in files.items()}
        others = [*([_LIBRARY] if len(files) > 1 else []), *(_REQUIRES + name for name in _distributions(requires))]
        self._specs[str(path)] = digests | {name: self._digest_of(name) or "" for name in others}, rows
        self._changed = True

    def save(self) -> None:
        """Write the index, whole or not at all. Where that cannot be done, the next command takes longer."""
        if not self._changed or self._file is None:
            return
        modules = _modules()
        if modules is None:
            return
        specs = {
            path: [files, *map(astuple, rows)]
            for path, (files, rows) in self._specs.items()
            if os.path.exists(path)  # noqa: PTH110 (hundreds of them)
        }
        with contextlib.suppress(OSError, ValueError):
            content = json.dumps({"modules": self._modules | modules, "specs": specs}).encode("utf-8")
            _write(self._file, _digest(content).encode() + b"\n" + content)

    def _digest_of(self, name: str) -> str | None:
        if name == _LIBRARY:
            return self._library
        if name.startswith(_REQUIRES):
            return self._version_of(name.removeprefix(_REQUIRES))
        content = _read(name, LONGEST_SPEC)
        return None if content is None else _digest(content)

    def _version_of(self, distribution: str) -> str:
        """Of a distribution that specs require; none if it is not installed."""
        if distribution not in self._versions:
            try:
                self._versions[distribution] = importlib.metadata.version(distribution)
            except importlib.metadata.PackageNotFoundError:
                self._versions[distribution] = "none"
        return self._versions[distribution]

    def _load(self, file: Path) -> None:
        digest, _, content = (_read(file, MOST_BYTES, ours=True) or b"").partition(b"\n")
        if not content or digest.decode("ascii", "replace") != _digest(content):
            return
        try:
            modules, specs = _parsed(json.loads(content))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return
        if all(_stamp(name) == stamp for name, stamp in modules.items()):
            self._modules, self._specs = modules, specs


def _parsed(data: Any) -> tuple[dict[str, Stamp], dict[str, tuple[dict[str, str], tuple[Row, ...]]]]:
    """An index as it was written. Raises ValueError, TypeError, KeyError, AttributeError: it is something else."""
    modules, specs = dict(data["modules"]), {}
    for path, (files, *models) in data["specs"].items():
        rows = tuple(map(_row, models))
        names = [row.variant for row in rows]
        right = all(type(text) is str for text in (*files, *files.values())) and names[:1] == [None]
        if not right or None in names[1:] or path not in files:
            raise ValueError(path)
        specs[path] = files, rows
    return modules, specs


def _row(data: Any) -> Row:
    """A row as it was written."""
    variant, parameters, macs, description, tags, paper, components = data
    row = Row(variant, parameters, macs, description, tuple(tags), paper, tuple(components))
    texts = [*row.tags, *row.components, description, *(text for text in (variant, paper) if text is not None)]
    right = all(type(text) is str for text in texts)
    if not right or any(type(figure) not in (int, type(None)) for figure in (parameters, macs)):
        raise ValueError(data)
    return row


def _distributions(requires: Iterable[str]) -> set[str]:
    """The distributions that requirements name."""
    texts = set(requires)
    if not texts:
        return set()
    from packaging.requirements import Requirement  # 10 ms

    return {Requirement(text).name for text in texts}


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=20).hexdigest()


def _file(name: str) -> Path | None:
    """Where the index of this name is; None where there is to be none, or no folder for it."""
    if os.environ.get(VARIABLE, "").strip().lower() in ("off", "0", "no", "false"):
        return None
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 (Path.home raises where there is none)
    # A relative folder is to be ignored, says the standard of these folders.
    base = given if given.is_absolute() else home / ".cache"
    return base / FOLDER / f"specs-{name}.json" if base.is_absolute() else None


def _read(path: str | Path, most: int, *, ours: bool = False) -> bytes | None:
    """The content of a regular file of at most so many bytes, else None. If `ours`, nobody else may have written it."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
    flags |= getattr(os, "O_NOFOLLOW", 0) if ours else 0
    try:
        if ours and not _own(os.lstat(Path(path).parent)):
            return None
        descriptor = os.open(path, flags)
    except (OSError, ValueError):
        return None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > most or (ours and not _own(status)):
            return None
        pieces = []
        while piece := os.read(descriptor, most + 1):
            pieces.append(piece)
        return b"".join(pieces)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _own(status: os.stat_result) -> bool:
    """Whether a file or folder is this user's, and nobody else may write to it."""
    if not hasattr(os, "geteuid"):
        return True
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _stamp(name: str) -> Stamp | None:
    try:
        status = os.stat(name)  # noqa: PTH116 (hundreds of them)
    except (OSError, ValueError):
        return None
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def _modules() -> dict[str, Stamp] | None:
    """The files of all code that was loaded, but for Python's own; None if they may hold something else by now."""
    stamps: dict[str, Stamp] = {}
    for name, module in sorted(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name.partition(".")[0] in sys.stdlib_module_names or not isinstance(file, str):
            continue
        stamp = _stamp(file)
        if stamp is None or max(stamp[1:3]) > _BEGAN or not Path(file).is_absolute():
            return None
        stamps[file] = stamp
    return stamps


def _write(file: Path, content: bytes) -> None:
    """Raises OSError where the folder cannot be written, or is not this user's alone."""
    _may_be_made(file.parent)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _own(os.lstat(file.parent)):
        raise PermissionError(file.parent)
    import tempfile

    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=".specs-")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        temporary.replace(file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _prune(file.parent)


def _may_be_made(folder: Path) -> None:
    """Who runs this with another user's HOME, as sudo does, must not leave files that this one cannot delete."""
    nearest = next(each for each in (folder, *folder.parents) if each.exists())
    status = nearest.stat()
    if hasattr(os, "geteuid") and status.st_uid != os.geteuid() and not status.st_mode & stat.S_ISVTX:
        raise PermissionError(nearest)


def _prune(folder: Path) -> None:
    """Delete the indices that were written longest ago, and what an interrupted command has left."""
    found = [(path.lstat().st_mtime, path) for path in folder.iterdir() if path.name.startswith(("specs-", ".specs-"))]
    kept = sorted((each for each in found if not each[1].name.startswith(".")), reverse=True)
    old = time.time() - 3600
    for written, path in (*kept[MOST_FILES:], *(each for each in found if each[1].name.startswith("."))):
        if not path.name.startswith(".") or written < old:
            path.unlink(missing_ok=True)
