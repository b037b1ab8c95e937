"""Files that are written whole or not at all, alone or several that belong together. No torch is imported here.

One file is written beside its name, flushed to the disk and renamed. Several cannot be renamed in one go, so they get
their names for a moment through a hidden folder and one symbolic link in it; that link is what is renamed:

    .a.pt.zoo-tmp-XXXX/old/a.pt, a.yaml      hard links to what was there
    .a.pt.zoo-tmp-XXXX/new/a.pt, a.yaml      what is to be there, on the disk
    .a.pt.zoo-tmp-XXXX/now -> old, then new  the one rename
    a.pt -> .a.pt.zoo-tmp-XXXX/now/a.pt      and a.yaml alike; plain files again at the end

Killed at any moment, the process leaves all the old files or all the new ones under their names. The next call for the
same names makes plain files of links that were left, and removes the hidden folder. Where the file system has no
symbolic links, the files are renamed one after the other; copies stand in for hard links.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from zoo.errors import ZooError

MARK: Final = ".zoo-tmp-"
"""What the name of everything temporary holds: `.NAME.zoo-tmp-RANDOM`."""

Writer = Callable[[Path], None]
"""Writes a file that is there already, and empty."""


def write(path: Path, data: bytes, *, force: bool = False) -> None:
    """Write one file; arguments and errors as `write_all`."""
    write_all({path: data}, force=force)


def write_with(path: Path, writer: Writer, *, force: bool = False) -> None:
    """Write one file by a function that is given the path to write to; arguments and errors as `write_all`."""
    write_all({path: writer}, force=force)


def write_all(files: Mapping[Path, bytes | Writer], *, force: bool = False) -> None:
    """Write files that belong together, in one folder: all of them or none, whatever happens meanwhile.

    Args:
        files: What each file is to hold, by its path; or a function that writes it to the path that it is given.
        force: Replace files that are there.

    Raises:
        ZooError: A file is there already, or cannot be written. Nothing was changed then, and nothing is left.
    """
    paths = list(files)
    folder = paths[0].parent
    assert all(path.parent == folder for path in paths), "files that belong together are in one folder"
    check_free(paths, force=force)
    try:
        with _alone(folder):
            _settle(folder, paths)
            check_free(paths, force=force)
            staged = folder / f".{paths[0].name}{MARK}{secrets.token_hex(4)}"
            try:
                _stage(staged, files)
                _commit(staged, paths, force=force)
            finally:
                _settle(folder, paths)
            _flush(folder)
    except OSError as error:
        raise ZooError(f"{paths[0]}: cannot be written: {error.strerror or error}") from None


def check_free(paths: Iterable[Path], *, force: bool = False, inputs: Iterable[Path] = ()) -> None:
    """Refuse paths that must not be written, before any work is done.

    Args:
        paths: What is to be written.
        force: Whether files that are there may be replaced.
        inputs: Files that are read: none of them may be replaced, by whatever name, even with `force`.

    Raises:
        ZooError: One of the paths is an input, exists, or cannot be a file there.
    """
    read = list(inputs)
    for path in paths:
        if not path.parent.is_dir():
            raise ZooError(f"{path}: cannot be written: No such folder: {path.parent}")
        for one in read:
            if _same(path, one):
                raise ZooError(f"{path}: is the same file as {one}, which is read: choose another name")
        if not os.path.lexists(path) or (_left_over(path) is not None and not path.exists()):
            continue
        if path.is_dir() or not (path.is_file() or path.is_symlink()):
            raise ZooError(f"{path}: cannot be written: it is {'a folder' if path.is_dir() else 'not a regular file'}")
        if not force:
            raise ZooError(f"{path}: exists already: choose another name, or add --force to replace it")


def _same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:  # one of them is not there
        return path.absolute() == other.absolute()


def _stage(staged: Path, files: Mapping[Path, bytes | Writer]) -> None:
    """Everything that is to be there, on the disk, under names that nobody reads."""
    staged.mkdir(mode=0o700)
    new = staged / "new"
    new.mkdir()
    for path, data in files.items():
        # Not by tempfile, whose files only their owner may read.
        handle = os.open(new / path.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        with os.fdopen(handle, "wb") as file:
            if isinstance(data, bytes):
                file.write(data)
                file.flush()
            else:
                data(new / path.name)
            os.fsync(file.fileno())
        if path.is_file():
            (new / path.name).chmod(stat.S_IMODE(path.stat().st_mode))
    _flush(new)


def _commit(staged: Path, paths: list[Path], *, force: bool) -> None:
    """From the old files to the new ones, in one step."""
    staged.chmod(0o755)  # others read through it for a moment
    if len(paths) == 1 or not _linked(staged, paths):
        for path in paths:
            _place(staged / "new" / path.name, path, force=force)
        return
    folder = staged.parent
    for path in paths:
        link = staged / f"{path.name}.link"
        link.symlink_to(Path(staged.name, "now", path.name))
        # Relative to where it is going to stand. A link that is made in place fails where something has come meanwhile.
        if force:
            link.replace(path)
        else:
            link.unlink()
            path.symlink_to(Path(staged.name, "now", path.name))
    _flush(folder)
    turned = staged / "turned"
    turned.symlink_to("new")
    turned.replace(staged / "now")
    _flush(staged)


def _linked(staged: Path, paths: list[Path]) -> bool:
    """Set up `old` and `now`; False where the file system has no links."""
    old = staged / "old"
    old.mkdir()
    try:
        for path in paths:
            if path.is_file():
                _same_content(path, old / path.name)
        (staged / "now").symlink_to("old")
    except (OSError, NotImplementedError):
        return False
    return True


def _place(new: Path, path: Path, *, force: bool) -> None:
    """One file under its name; without `force`, only where nothing has come meanwhile."""
    if not force:
        try:
            os.link(new, path)
            return
        except FileExistsError:
            raise
        except (OSError, NotImplementedError):  # no hard links here
            pass
    new.replace(path)


def _left_over(path: Path) -> Path | None:
    """Where a link of ours points, if that is what stands at a path."""
    if not path.is_symlink():
        return None
    target = path.readlink()
    ours = len(target.parts) == 3 and MARK in target.parts[0] and target.parts[1:] == ("now", path.name)
    return path.parent / target if ours else None


def _settle(folder: Path, paths: list[Path]) -> None:
    """Make plain files of our links, old or new as the one link says, and remove what is left of earlier calls."""
    for path in paths:
        _make_plain(path)
    marks = tuple(f".{path.name}{MARK}" for path in paths)
    for rest in [one for one in folder.iterdir() if one.name.startswith(marks)]:
        if rest.is_dir():
            for file in (rest / "new").glob("*"):  # one that was written with the others, and still points in here
                _make_plain(folder / file.name)
            shutil.rmtree(rest, ignore_errors=True)
        else:
            rest.unlink()


def _make_plain(path: Path) -> None:
    target = _left_over(path)
    if target is None:
        return
    if not target.is_file():
        path.unlink()  # nothing was there before
        return
    plain = path.parent / f".{path.name}{MARK}{secrets.token_hex(4)}"
    _same_content(target, plain)
    plain.replace(path)


def _same_content(file: Path, other: Path) -> None:
    """Another name for what is in a file; a copy where there are no hard links, or it lies in another file system."""
    try:
        os.link(os.path.realpath(file), other)
    except (OSError, NotImplementedError):
        shutil.copy2(file, other)
        with other.open("rb") as copied:
            os.fsync(copied.fileno())


def _flush(folder: Path) -> None:
    """Names on the disk too, where the system can do that."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """No other call in this folder meanwhile, in whatever process; released by the system where one is killed."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
