"""`zoo new spec`: what it writes validates, for every cell and every name, and it writes a whole file or none."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from each import each
from running import ROOT

from zoo.errors import ZooError
from zoo.plugin.manager import catalogue
from zoo.spec import library, template
from zoo.spec.template import write_new

NAMES = [
    "1.5", "null", "1e5", "true", "false", "yes", "no", "on", "off", "y", "n", "1", "0", "017", "0x1f", "0o17", "1_000", "1.", "1e-3",
    "2024-01-31", "nan", "inf", "a", "a.b-c_d", "12-3",
]  # fmt: skip


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@each("name", NAMES)
def test_a_name_that_yaml_takes_for_something_else(name: str, tmp_path: Path) -> None:
    path = write_new(name, "lstm", tmp_path)
    assert path == tmp_path / f"{name}.yaml"
    assert library.load(path).spec.name == name


def test_every_cell(tmp_path: Path) -> None:
    for cell in catalogue().all("cell"):
        if cell.distribution == "recurrent-zoo":
            path = write_new(f"a-{cell.record.name}", cell.record.name, tmp_path)
            assert library.load(path).spec.recurrent[0].cell.record.name == cell.record.name
    assert "{kind: maps" in (tmp_path / "a-convlstm.yaml").read_text()
    assert not [name for name in names(tmp_path) if not name.endswith(".yaml")]


def test_a_cell_that_a_first_spec_cannot_have_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template, "_INPUTS", ("{kind: tokens}",))
    with pytest.raises(
        ZooError, match=r"^cell 'gru' has required options that a first spec cannot fill in: missing key 'vocabulary'$"
    ):
        write_new("x", "gru", tmp_path)
    assert names(tmp_path) == []


@pytest.mark.parametrize("what", ["spec", "plugin"])
def test_a_full_disk_leaves_nothing_in_the_way_of_the_next_attempt(what: str, tmp_path: Path) -> None:
    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))

    command = [sys.executable, "-B", "-m", "zoo", "new", what, "mine", "--folder", str(tmp_path)]
    done = subprocess.run(
        command, preexec_fn=no_room, capture_output=True, text=True, check=False, cwd=tmp_path, stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    made = tmp_path / ("mine.yaml" if what == "spec" else "zoo-mine")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"zoo: {made}: cannot be written: File too large\n"
    assert names(tmp_path) == []


def test_a_file_that_appears_meanwhile_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.yaml"
    monkeypatch.setattr(template, "_text", lambda *_: path.write_text("mine") and "theirs")
    with pytest.raises(ZooError, match="exists already and is left as it is"):
        write_new("x", "gru", tmp_path)
    real = os.link

    def late(draft: Path, target: Path) -> None:
        target.write_text("mine")
        real(draft, target)

    monkeypatch.setattr(template, "_text", lambda *_: "theirs")
    monkeypatch.setattr(os, "link", late)
    path.unlink()
    with pytest.raises(ZooError, match="cannot be written: File exists"):
        write_new("x", "gru", tmp_path)
    assert path.read_text() == "mine"
    assert names(tmp_path) == ["x.yaml"]


def test_without_hard_links_it_is_still_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", none)
    assert library.load(write_new("x", "gru", tmp_path)).spec.name == "x"
    assert names(tmp_path) == ["x.yaml"]
