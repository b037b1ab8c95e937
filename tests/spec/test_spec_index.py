"""The index of `zoo list`: a row comes from it only where nothing that the row depends on has changed."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from running import ROOT

from zoo.plugin import manager
from zoo.spec import index, listing

SPEC = "schema: 1\nname: {name}\ninput: 10\ncell: {cell}\nhidden_size: {size}\n"
RNN = 10 * 20 + 20 * 20 + 2 * 20
LSTM = 4 * RNN
"""Parameters of a layer of 20 units on 10 features, with two biases."""


@dataclass
class Library:
    """A library of its own, read as a fresh process would. read: the specs that were read, not found in the index."""

    folder: Path
    cache: Path
    read: list[str] = field(default_factory=list)

    def write(self, name: str, cell: str = "rnn", size: int = 20) -> Path:
        path = self.folder / f"{name}.yaml"
        path.write_text(SPEC.format(name=name, cell=cell, size=size), encoding="utf-8")
        return path

    def parameters(self) -> dict[str, int | None]:
        """What the list says, and `read` anew."""
        manager._current = manager._others = None
        self.read.clear()
        return {entry.name: row.parameters for entry, row in listing.listing().rows}

    @property
    def file(self) -> Path:
        (found,) = (self.cache / "recurrent-zoo").iterdir()
        return found

    def write_index(self, content: bytes) -> None:
        """With the digest that belongs to it."""
        self.file.write_bytes(hashlib.blake2b(content, digest_size=20).hexdigest().encode() + b"\n" + content)

    def data(self) -> Any:
        return json.loads(self.file.read_bytes().partition(b"\n")[2])


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    found = Library(tmp_path / "specs", tmp_path / "cache")
    found.folder.mkdir()
    before = listing._read

    def read(entry: Any, *arguments: Any) -> Any:
        found.read.append(entry.name)
        return before(entry, *arguments)

    monkeypatch.setattr(listing, "folder", lambda: found.folder)
    monkeypatch.setattr(listing, "_read", read)
    monkeypatch.setattr(manager, "_others", None)
    monkeypatch.setattr(index, "_BEGAN", time.time_ns() + 10**12)
    # Other tests leave modules behind whose files are gone.
    modules = {name: module for name, module in sys.modules.items() if name.startswith("zoo.")}
    python = SimpleNamespace(
        modules=modules, version=sys.version, prefix=sys.prefix, stdlib_module_names=sys.stdlib_module_names
    )
    monkeypatch.setattr(index, "sys", python)
    monkeypatch.setenv("ZOO_PLUGINS", "none")
    monkeypatch.setenv("ZOO_INDEX", "on")
    monkeypatch.setenv("XDG_CACHE_HOME", str(found.cache))
    found.write("a")
    found.write("b", "lstm")
    return found


def test_what_is_known_is_not_read_again(library: Library) -> None:
    assert library.parameters() == {"a": RNN, "b": LSTM}
    assert library.read == ["a", "b"]
    assert library.parameters() == {"a": RNN, "b": LSTM}
    assert library.read == []


def test_a_spec_that_changed_is_read_again_even_where_its_size_and_times_are_the_same(library: Library) -> None:
    path = library.write("a", size=20)
    library.parameters()
    before = path.stat()
    library.write("a", size=30)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert library.parameters() == {"a": 10 * 30 + 30 * 30 + 2 * 30, "b": LSTM}
    assert library.read == ["a"]
    assert library.parameters()["a"] == 10 * 30 + 30 * 30 + 2 * 30
    assert library.read == []


def test_a_spec_that_goes_or_comes_is_seen(library: Library) -> None:
    library.parameters()
    (library.folder / "a.yaml").rename(library.folder / "c.yaml")
    assert library.parameters() == {"b": LSTM, "c": RNN}
    assert library.read == ["c"]
    library.parameters()
    assert sorted(library.data()["specs"]) == [str(library.folder / name) for name in ("b.yaml", "c.yaml")]


def test_a_spec_follows_the_files_that_it_extends(library: Library, tmp_path: Path) -> None:
    base, middle = tmp_path / "base.yaml", tmp_path / "middle.yaml"
    base.write_text("schema: 1\ninput: 10\ncell: rnn\n")
    middle.write_text("schema: 1\nextends: base.yaml\nhidden_size: 20\n")
    (library.folder / "x.yaml").write_text("schema: 1\nname: x\nextends: ../middle.yaml\ncell: lstm\n")
    assert library.parameters()["x"] == LSTM
    assert library.parameters()["x"] == LSTM
    assert library.read == []
    base.write_text("schema: 1\ninput: 11\ncell: rnn\n")
    assert library.parameters()["x"] == LSTM + 4 * 20
    assert library.read == ["x"]
    library.write("y")  # which files there are may decide which one a name means
    library.parameters()
    assert library.read == ["x", "y"]
    middle.unlink()
    assert "x" not in library.parameters()


def test_a_spec_follows_the_versions_of_what_it_requires(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    with library.write("a").open("a") as file:
        file.write("requires: [Torch>=2]\nvariants: {small: {requires: [pluggy]}}\n")
    library.parameters()
    assert library.parameters()["a"] == RNN
    assert library.read == []
    known = importlib.metadata.version
    for changed, version in (("torch", "2.999"), ("pluggy", "999")):
        with monkeypatch.context() as site:
            site.setattr(
                importlib.metadata,
                "version",
                lambda name, changed=changed, version=version: version if name.lower() == changed else known(name),
            )
            library.parameters()
            assert library.read == ["a"]
    library.parameters()

    def gone(name: str) -> str:
        if name.lower() == "torch":
            raise importlib.metadata.PackageNotFoundError(name)
        return known(name)

    monkeypatch.setattr(importlib.metadata, "version", gone)
    assert library.parameters() == {"b": LSTM}


def test_a_spec_with_a_mistake_is_read_every_time_and_said_to_be_wrong(library: Library) -> None:
    library.write("a", cell="lstn")
    library.parameters()
    for _ in range(2):
        assert library.parameters() == {"b": LSTM}
        assert library.read == ["a"]
        manager._current = manager._others = None
        (mistake,) = listing.listing().broken
        assert mistake.message == "unknown cell 'lstn'; did you mean 'lstm'?"


@pytest.mark.parametrize("name", ["ZOO_PLUGINS", "ZOO_ANYTHING"])
def test_another_environment_has_another_index(library: Library, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    library.parameters()
    monkeypatch.setenv(name, "no-such")
    library.parameters()
    assert library.read == ["a", "b"]
    monkeypatch.setenv("ZOO_PLUGINS", "none")
    monkeypatch.delenv("ZOO_ANYTHING", raising=False)
    library.parameters()
    assert library.read == []


def test_another_version_has_another_index(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.parameters()
    monkeypatch.setattr(index.sys, "version", "3.99")
    library.parameters()
    assert library.read == ["a", "b"]
    source = manager.builtin()
    monkeypatch.setattr(manager, "builtin", lambda: type(source)(**{**_fields(source), "version": "99"}))
    library.parameters()
    assert library.read == ["a", "b"]


def _fields(source: manager.Source) -> dict[str, Any]:
    return {name: getattr(source, name) for name in source.__dataclass_fields__}


def test_code_that_changed_since_makes_all_of_it_old(library: Library, tmp_path: Path) -> None:
    library.parameters()
    data = library.data()
    described = str(ROOT / "zoo" / "cells" / "options.py")
    assert described in data["modules"]
    data["modules"][described][1] += 1
    library.write_index(json.dumps(data).encode())
    library.parameters()
    assert library.read == ["a", "b"]
    library.parameters()
    assert library.read == []


def test_code_that_changes_while_the_command_runs_leaves_no_index(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.parameters()
    newest = max(max(stamp[1:3]) for stamp in library.data()["modules"].values())
    library.file.unlink()
    monkeypatch.setattr(index, "_BEGAN", newest - 1)
    library.parameters()
    assert list((library.cache / "recurrent-zoo").iterdir()) == []
    monkeypatch.setattr(index, "_BEGAN", newest)
    library.parameters()
    assert library.file.exists()


def _told(data: Any, **changes: Any) -> bytes:
    """An index that says something else of the spec `a`."""
    path = next(path for path in data["specs"] if path.endswith("a.yaml"))
    names = ("variant", "parameters", "macs", "description", "tags", "paper", "components")
    files, row = data["specs"][path]
    row = {**dict(zip(names, row, strict=True)), **changes}
    data["specs"][path] = [row.pop("files", files), list(row.values())]
    return json.dumps(data).encode()


HOSTILE: dict[str, Callable[[Library], Any]] = {
    "nothing": lambda lib: lib.file.write_bytes(b""),
    "half of it": lambda lib: lib.file.write_bytes(lib.file.read_bytes()[:-200]),
    "a digit changed": lambda lib: lib.file.write_bytes(lib.file.read_bytes().replace(b", 640, ", b", 641, ")),
    "noise": lambda lib: lib.file.write_bytes(bytes(range(256)) * 50),
    "no JSON": lambda lib: lib.write_index(b"{nothing"),
    "not UTF-8": lambda lib: lib.write_index(b'{"modules": "\xff"}'),
    "brackets": lambda lib: lib.write_index(b"[" * 100_000),
    "a list": lambda lib: lib.write_index(b"[]"),
    "null": lambda lib: lib.write_index(b"null"),
    "no modules": lambda lib: lib.write_index(json.dumps({"specs": lib.data()["specs"]}).encode()),
    "rows of nothing": lambda lib: lib.write_index(b'{"modules": {}, "specs": {"a": []}}'),
    "parameters as text": lambda lib: lib.write_index(_told(lib.data(), parameters="7")),
    "parameters true": lambda lib: lib.write_index(_told(lib.data(), parameters=True)),
    "tags of numbers": lambda lib: lib.write_index(_told(lib.data(), tags=[1])),
    "description of numbers": lambda lib: lib.write_index(_told(lib.data(), description=1)),
    "components of numbers": lambda lib: lib.write_index(_told(lib.data(), components=[1])),
    "a variant first": lambda lib: lib.write_index(_told(lib.data(), variant="small")),
    "no files": lambda lib: lib.write_index(_told(lib.data(), files={})),
    "endless": lambda lib: lib.file.write_bytes(b" " * (index.MOST_BYTES + 1)),
    "a folder": lambda lib: _replaced(lib.file, Path.mkdir),
    "a FIFO": lambda lib: _replaced(lib.file, os.mkfifo),
    "a link": lambda lib: _linked(lib.file),
    "writable for all": lambda lib: lib.file.write_bytes(lib.file.read_bytes()) and lib.file.chmod(0o666),
    "folder writable for all": lambda lib: lib.file.parent.chmod(0o777),
}


def _replaced(file: Path, make: Callable[[Path], Any]) -> None:
    file.unlink()
    make(file)


def _linked(file: Path) -> None:
    other = file.rename(file.parent.parent / "other")
    file.symlink_to(other)


@pytest.mark.parametrize("spoil", HOSTILE.values(), ids=list(HOSTILE))
def test_an_index_that_is_damaged_or_not_ones_own_alone_is_not_believed(
    library: Library, spoil: Callable[[Library], Any]
) -> None:
    library.parameters()
    spoil(library)
    assert library.parameters() == {"a": RNN, "b": LSTM}
    assert library.read == ["a", "b"]


def test_an_index_of_another_user_is_not_believed(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.parameters()
    before = library.file.read_bytes()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    library.parameters()
    assert library.read == ["a", "b"]
    assert library.file.read_bytes() == before, "nor is it replaced"


def test_a_damaged_index_is_replaced_by_a_good_one(library: Library) -> None:
    library.parameters()
    good = library.file.read_bytes()
    library.file.write_bytes(good[:50])
    library.parameters()
    assert library.file.read_bytes() == good
    assert library.file.stat().st_mode & 0o777 == 0o600


def test_where_no_index_can_be_written_the_list_is_right(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", Path("/proc/no/such"), Path("/dev/null/x")):
        monkeypatch.setenv("XDG_CACHE_HOME", str(place))
        for _ in range(2):
            assert library.parameters() == {"a": RNN, "b": LSTM}
            assert library.read == ["a", "b"]
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", "not-absolute")
    assert library.parameters() == {"a": RNN, "b": LSTM}
    assert not Path("relative").exists()
    assert not Path("not-absolute").exists()


def test_a_full_disk_leaves_the_old_index_or_none(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    library.parameters()
    before = library.file.read_bytes()
    library.write("a", size=30)
    with monkeypatch.context() as disk:
        disk.setattr(Path, "replace", full)
        assert library.parameters()["a"] == 10 * 30 + 30 * 30 + 2 * 30
    assert library.file.read_bytes() == before  # and nothing beside it


def test_it_can_be_switched_off_and_follows_the_home_folder(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOO_INDEX", "off")
    library.parameters()
    assert not library.cache.exists()
    monkeypatch.setenv("ZOO_INDEX", "")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    library.parameters()
    assert len(list((tmp_path / "home" / ".cache" / "recurrent-zoo").iterdir())) == 1


def test_old_indices_are_deleted_and_nothing_else(library: Library) -> None:
    library.parameters()
    folder = library.file.parent
    for number in range(20):
        (folder / f"specs-{number:040}.json").write_text("old")
        os.utime(folder / f"specs-{number:040}.json", (number, number))
    (folder / ".specs-left").write_text("")
    os.utime(folder / ".specs-left", (0, 0))
    (folder / ".specs-new").write_text("")
    (folder / "other").write_text("")
    library.write("c")
    library.parameters()
    names = {path.name for path in folder.iterdir()}
    assert {".specs-new", "other"} <= names
    assert ".specs-left" not in names
    kept = sorted(name for name in names if name.startswith("specs-"))
    assert len(kept) == index.MOST_FILES
    assert f"specs-{5:040}.json" in kept
    assert f"specs-{4:040}.json" not in kept


# What only whole processes show.

PLUGIN = """\
from pathlib import Path
import os
import zoo
{more}

@zoo.hookimpl
def zoo_specs():
    return [Path(__file__).parent / "specs"]

@zoo.hookimpl
def zoo_cells():
    return [zoo.CellType(name="acme", build="zoo_acme.cell:Acme", describe="zoo_acme.cost:describe")]
"""
COST = """\
import zoo

def describe(options, input_shape, hidden_size):
    return zoo.Description(output_shape=(hidden_size,), parameters={parameters})
"""


@dataclass
class Stranger:
    """A plugin in a site folder of its own, and the list of a fresh process."""

    site: Path
    cache: Path

    def write(self, *, parameters: int = 7, more: str = "", version: str = "1") -> None:
        package = self.site / "zoo_acme"
        (package / "specs").mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").write_text(PLUGIN.format(more=more))
        (package / "cost.py").write_text(COST.format(parameters=parameters))
        (package / "specs" / "acme.yaml").write_text(SPEC.format(name="acme", cell="acme", size=20))
        for old in self.site.glob("*.dist-info"):
            old.rename(self.site / f"zoo_acme-{version}.dist-info")
        info = self.site / f"zoo_acme-{version}.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: zoo-acme\nVersion: {version}\n")
        (info / "entry_points.txt").write_text("[zoo.plugins]\nacme = zoo_acme\n")

    def start(self, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
        paths = os.pathsep.join([str(self.site), str(ROOT)])
        inherited = {key: value for key, value in os.environ.items() if key not in ("ZOO_PLUGINS", "ZOO_INDEX")}
        return subprocess.Popen(
            [sys.executable, "-X", "importtime", "-m", "zoo", "list", "acme"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**inherited, "PYTHONPATH": paths, "XDG_CACHE_HOME": str(self.cache), **(env or {})},
        )  # fmt: skip

    def told(self, env: dict[str, str] | None = None) -> tuple[list[str], list[str], bool]:
        """The rows, what is said beside them, and whether the specs were read."""
        out, err = self.start(env).communicate(timeout=60)
        said = [line for line in err.splitlines() if not line.startswith("import time:")]
        return [" ".join(line.split()) for line in out.splitlines()[1:]], said, "zoo.cells.options" in err


@pytest.fixture
def stranger(tmp_path: Path) -> Stranger:
    found = Stranger(tmp_path / "site", tmp_path / "cache")
    found.write()
    _age(found.site)
    return found


def _age(site: Path) -> None:
    """Code that was written a moment before it is read is not believed to be what was read."""
    newest = max(path.stat().st_ctime for path in site.rglob("*"))
    time.sleep(max(0, newest + 1.1 - time.time()))


def test_a_plugin_that_changes_or_breaks_shows_at_once(stranger: Stranger) -> None:
    assert stranger.told() == (["acme 7 zoo-acme 1"], [], True)
    assert stranger.told() == (["acme 7 zoo-acme 1"], [], False)
    # Its state is asked of the plugin itself, which may look at more than its files.
    stranger.write(more="if 'ACME_BREAKS' in os.environ: raise SystemExit('no licence')")
    assert stranger.told() == (["acme 7 zoo-acme 1"], [], True)
    why = "plugin acme (zoo-acme 1) is broken: cannot be imported: SystemExit: no licence"
    nothing = "zoo: no spec of the library is called 'acme'; `zoo list` shows them all"
    assert stranger.told({"ACME_BREAKS": "1"})[:2] == ([], [why, nothing])
    # Code that no list imports decides on the figure.
    stranger.write(parameters=8)
    assert stranger.told()[0] == ["acme 8 zoo-acme 1"]
    stranger.write(parameters=8, version="2")
    assert stranger.told()[0] == ["acme 8 zoo-acme 2"]
    (stranger.site / "zoo_acme" / "cost.py").unlink()
    rows, said, _ = stranger.told()
    assert rows == []
    assert "cannot describe itself: ModuleNotFoundError" in said[0]


def test_processes_that_write_it_at_once_leave_a_whole_one(stranger: Stranger) -> None:
    several = [stranger.start() for _ in range(3)]
    found = {process.communicate(timeout=60)[0] for process in several}
    assert len(found) == 1
    assert stranger.told() == (["acme 7 zoo-acme 1"], [], False)
    (only,) = (stranger.cache / "recurrent-zoo").iterdir()
    assert only.name.startswith("specs-")
