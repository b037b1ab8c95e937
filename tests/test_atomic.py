"""`zoo.atomic`: killed at every call to the system, failing at every call, on a full disk; nothing that was not named is touched."""

from __future__ import annotations

import errno
import os
import resource
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from each import each

from zoo import atomic
from zoo.errors import ZooError

CALLS = ("open", "write", "fsync", "link", "symlink", "rename", "replace", "unlink", "rmdir", "mkdir", "chmod", "close")
OLD, NEW = {"a.pt": b"old weights", "a.yaml": b"old spec"}, {"a.pt": b"new weights" * 9, "a.yaml": b"new spec" * 9}


def found(folder: Path) -> dict[str, bytes]:
    """What the names that people know lead to."""
    return {name: (folder / name).read_bytes() for name in sorted(NEW) if (folder / name).exists()}


def temporary(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if atomic.MARK in path.name]


def start(folder: Path, before: dict[str, bytes]) -> None:
    folder.mkdir()
    for name, data in before.items():
        (folder / name).write_bytes(data)


def interrupted(monkeypatch: pytest.MonkeyPatch, at: int, act: Callable[[str], None], *, after: bool) -> None:
    """From now on `act` is called at the call to the system of that number, before or after it is done."""
    count = [0]

    def wrapped(name: str, original: Any) -> Any:
        def call(*args: Any, **keys: Any) -> Any:
            count[0] += 1
            mine = count[0] == at
            if mine and not after:
                act(name)
            result = original(*args, **keys)
            if mine and after:
                act(name)
            return result

        return call

    for name in CALLS:
        # The disk of a test need not be waited for.
        original = (lambda handle: None) if name == "fsync" else getattr(os, name)
        monkeypatch.setattr(os, name, wrapped(name, original))


def killed(folder: Path, at: int, *, after: bool, force: bool) -> bool:
    """Write in a process of its own that is killed there; False if it was done before."""
    child = os.fork()
    if not child:
        with pytest.MonkeyPatch.context() as patch:
            interrupted(patch, at, lambda _: os.kill(os.getpid(), signal.SIGKILL), after=after)
            atomic.write_all({folder / name: data for name, data in NEW.items()}, force=force)
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.mark.parametrize("after", [False, True], ids=["at each call", "after each call"])
@pytest.mark.parametrize("before", [{}, OLD, {"a.pt": OLD["a.pt"]}], ids=["nothing", "a pair", "half a pair"])
def test_killed_at_every_call_it_leaves_the_old_files_or_the_new_ones(
    before: dict[str, bytes], after: bool, tmp_path: Path
) -> None:
    seen = set()
    for at in range(1, 500):
        folder = tmp_path / str(at)
        start(folder, before)
        if not killed(folder, at, after=after, force=bool(before)):
            break
        left = found(folder)
        assert left in (before, NEW), f"killed at call {at}"
        assert all(name.startswith(".a.") for name in temporary(folder))
        seen.add(left == NEW)
        again = {folder / name: data for name, data in NEW.items()}
        if left == NEW and not before:
            with pytest.raises(ZooError, match="exists already"):
                atomic.write_all(again)
        atomic.write_all(again, force=bool(before) or left == NEW)
        assert found(folder) == NEW
        assert not any(path.is_symlink() for path in folder.iterdir())
        assert temporary(folder) == []
    assert at > 30, "that many calls at least: each was a kill"
    assert seen == {False, True}
    assert found(folder) == NEW


def test_without_hard_links_a_pair_that_is_killed_is_whole_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Old files that lie in another file system, where no hard link can reach them: links lead there."""

    def elsewhere(*args: Any, **keys: Any) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(os, "link", elsewhere)
    start(tmp_path / "there", OLD)
    seen = set()
    for at in range(1, 500):
        folder = tmp_path / str(at)
        folder.mkdir()
        for name in OLD:
            (folder / name).symlink_to(tmp_path / "there" / name)
        if not killed(folder, at, after=False, force=True):
            break
        assert found(folder) in (OLD, NEW), f"killed at call {at}"
        seen.add(found(folder) == NEW)
        atomic.write_all({folder / name: data for name, data in NEW.items()}, force=True)
        assert found(folder) == NEW
        assert temporary(folder) == []
    assert at > 30
    assert seen == {False, True}
    assert found(tmp_path / "there") == OLD
    assert not any(path.is_symlink() for path in folder.iterdir())


def test_a_link_that_was_left_outlives_what_is_written_beside_it(tmp_path: Path) -> None:
    """One of the two is written alone after a kill: the other one still pointed into the folder that is removed."""
    for at in range(1, 200):
        folder = tmp_path / str(at)
        start(folder, OLD)
        if not killed(folder, at, after=True, force=True):
            break
        left = found(folder)
        atomic.write(folder / "a.pt", b"another", force=True)
        assert found(folder) == {**left, "a.pt": b"another"}


@each("before", [{}, OLD], ids=["nothing before", "a pair before"])
def test_an_error_at_every_call_leaves_nothing(before: dict[str, bytes], tmp_path: Path) -> None:
    hit = []

    def full(name: str) -> None:
        hit.append(name)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for at in range(1, 500):
        folder = tmp_path / str(at)
        start(folder, before)
        try:
            with pytest.MonkeyPatch.context() as patch:
                interrupted(patch, at, full, after=False)
                atomic.write_all({folder / name: data for name, data in NEW.items()}, force=bool(before))
        except ZooError as error:
            text = str(error)
        else:
            text = ""
        if text:
            assert text == f"{folder / 'a.pt'}: cannot be written: No space left on device"
            if hit[-1] in ("fsync", "mkdir", "symlink", "chmod"):  # those that no cleaning up makes
                assert found(folder) == before
                assert temporary(folder) == []
        assert found(folder) in (before, NEW)
        if found(folder) == NEW and at > 60:
            break
    assert {"fsync", "mkdir", "symlink", "chmod"} <= set(hit)


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            atomic.write_all({tmp_path / "a.pt": bytes(500), tmp_path / "a.yaml": bytes(5000)})
        except ZooError as error:
            os._exit(0 if str(error) == f"{tmp_path / 'a.pt'}: cannot be written: File too large" else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_stays_without_force(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"mine")
    with pytest.raises(ZooError, match=r"a\.yaml: exists already: choose another name, or add --force to replace it"):
        atomic.write_all({tmp_path / "a.pt": b"x", tmp_path / "a.yaml": b"y"})
    assert [path.name for path in tmp_path.iterdir()] == ["a.yaml"]
    assert (tmp_path / "a.yaml").read_bytes() == b"mine"
    atomic.write_all({tmp_path / "a.pt": b"x", tmp_path / "a.yaml": b"y"}, force=True)
    assert found(tmp_path) == {"a.pt": b"x", "a.yaml": b"y"}


def test_what_comes_meanwhile_stays_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = atomic._stage

    def meanwhile(*args: Any) -> None:
        stage(*args)
        (tmp_path / "a.yaml").write_bytes(b"mine")

    monkeypatch.setattr(atomic, "_stage", meanwhile)
    for files in ({"a.yaml": b"y"}, {"a.pt": b"x", "a.yaml": b"y"}):
        (tmp_path / "a.yaml").unlink(missing_ok=True)
        with pytest.raises(ZooError, match="cannot be written: File exists"):
            atomic.write_all({tmp_path / name: data for name, data in files.items()})
        assert [path.name for path in tmp_path.iterdir()] == ["a.yaml"]
        assert (tmp_path / "a.yaml").read_bytes() == b"mine"


def test_an_input_is_never_an_output(tmp_path: Path) -> None:
    source = tmp_path / "source.pt"
    source.write_bytes(b"weights")
    (tmp_path / "hard.pt").hardlink_to(source)
    (tmp_path / "soft.pt").symlink_to("source.pt")
    for name in ("source.pt", "hard.pt", "soft.pt"):
        with pytest.raises(ZooError, match=r"is the same file as .*source\.pt, which is read: choose another name"):
            atomic.check_free([tmp_path / name], force=True, inputs=[source])


def test_only_ordinary_files_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder.pt").mkdir()
    os.mkfifo(tmp_path / "pipe.pt")
    for name, what in (("folder.pt", "a folder"), ("pipe.pt", "not a regular file")):
        with pytest.raises(ZooError, match=f"cannot be written: it is {what}"):
            atomic.write(tmp_path / name, b"", force=True)
    with pytest.raises(ZooError, match="cannot be written: No such folder: "):
        atomic.write(tmp_path / "none" / "a.pt", b"")


def test_a_link_is_replaced_and_what_it_points_to_stays(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_bytes(b"theirs")
    (tmp_path / "a.pt").symlink_to("theirs")
    atomic.write_all({tmp_path / "a.pt": b"x", tmp_path / "a.yaml": b"y"}, force=True)
    assert (tmp_path / "theirs").read_bytes() == b"theirs"
    assert found(tmp_path) == {"a.pt": b"x", "a.yaml": b"y"}


def test_modes_are_those_of_any_new_file_or_of_the_one_replaced(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        atomic.write(tmp_path / "a.pt", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.pt").stat().st_mode) == 0o640
    (tmp_path / "a.pt").chmod(0o600)
    atomic.write_all({tmp_path / "a.pt": b"x", tmp_path / "a.yaml": b"y"}, force=True)
    assert stat.S_IMODE((tmp_path / "a.pt").stat().st_mode) == 0o600


@each("missing", ["link", "symlink"])
def test_without_links_files_are_written_all_the_same(
    missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*args: Any, **keys: Any) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    start(tmp_path / "a", OLD)
    monkeypatch.setattr(os, missing, none)
    atomic.write_all({tmp_path / "a" / name: data for name, data in NEW.items()}, force=True)
    assert found(tmp_path / "a") == NEW
    assert temporary(tmp_path / "a") == []
