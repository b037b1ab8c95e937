"""What `zoo new plugin` refuses, each on one line, and that it then leaves no trace."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from each import each
from new_plugins import on_a_terminal
from temporary_site import Site, cell_plugin

from zoo.errors import ZooError
from zoo.plugin import manager
from zoo.plugin.manager import isolated
from zoo.scaffold import package
from zoo.scaffold.names import names
from zoo.scaffold.package import write_package


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Built-in components only, whatever is installed."""
    monkeypatch.setattr(manager, "_current", isolated())


def refused(said: str, name: str, kind: str, folder: Path) -> None:
    with pytest.raises(ZooError) as caught:
        write_package(name, kind, "MIT", folder)
    assert re.fullmatch(said, str(caught.value)), str(caught.value)


def listed(folder: Path) -> str:
    return subprocess.run(["ls", "-lR", str(folder)], capture_output=True, check=True, text=True).stdout


@each(
    ("given", "name", "package", "stem"),
    [
        ("acme", "acme", "zoo_acme", "Acme"),
        ("zoo-acme", "acme", "zoo_acme", "Acme"),
        ("my-2nd-cell", "my-2nd-cell", "zoo_my_2nd_cell", "My2ndCell"),
        ("zoo", "zoo", "zoo_zoo", "Zoo"),
    ],
)
def test_names(given: str, name: str, package: str, stem: str) -> None:
    found = names(given)
    assert (found.name, found.distribution, found.package, found.stem) == (name, f"zoo-{name}", package, stem)


@each(
    ("given", "said"),
    [
        ("Acme", "'Acme' cannot be a plugin's name: write 'acme'"),
        ("zoo_acme", "'zoo_acme' cannot be a plugin's name: write 'zoo-acme'"),
        ("my.cell--two", "'my.cell--two' cannot be a plugin's name: write 'my-cell-two'"),
        ("2d", "'2d' cannot be a plugin's name: use lower case letters, digits and single '-' .*, as in 'my-cell'"),
        ("zoo-", "'zoo-' cannot be a plugin's name: use lower case letters, .*"),
        ("", "'' cannot be a plugin's name: use lower case letters, .*"),
        ("ячейка", "'ячейка' cannot be a plugin's name: use lower case letters, .*"),
        ("acme/../x", r"'acme/\.\./x' cannot be a plugin's name: write 'acme-x'"),
        ("acme\n", r"'acme\\n' cannot be a plugin's name: write 'acme'"),
        ("a" * 21, "'a{21}' is too long for a plugin's name: use at most 20 letters, without 'zoo-'"),
        ("x" * 9000, "'x{57}...' is too long .*"),
        ("class", "'class' is a Python keyword: choose another name"),
        ("none", "'none' is a Python keyword: choose another name"),
        ("on", "'on' means True in YAML, so no spec could name it: choose another name"),
        ("zoo-null", "'zoo-null' means None in YAML, .*"),
    ],
)
def test_a_name_that_cannot_be(tmp_path: Path, given: str, said: str) -> None:
    refused(said, given, "cell", tmp_path)


@each(
    ("name", "kind", "said"),
    [
        ("lstm", "cell", "cell 'lstm' exists already, from recurrent-zoo [^ ]*: choose another name"),
        ("linear", "head", "head 'linear' exists already, from recurrent-zoo [^ ]*: choose another name"),
        ("linear", "layer", "layer 'linear' exists already, .*"),
        ("tokens", "input", "input 'tokens' exists already, .*"),
        ("recurrent", "layer", "'recurrent' is the format's own kind of layer: choose another name"),
        ("rnn", "specs", "the spec 'rnn-classifier' exists already, from recurrent-zoo [^ ]*: choose another name"),
        ("builtin", "cell", r"plugin builtin \(recurrent-zoo [^ ]*\) is installed already: choose another name"),
        ("acme", "gate", "--kind must be 'cell', 'layer', 'head', 'input' or 'specs', not 'gate'"),
    ],
)
def test_what_is_taken_or_unknown(tmp_path: Path, name: str, kind: str, said: str) -> None:
    refused(said, name, kind, tmp_path)


def test_a_name_of_another_kind_is_free(tmp_path: Path) -> None:
    assert write_package("linear", "cell", "MIT", tmp_path).names.name == "linear"


def test_licences_and_folders_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ZooError, match=r"^--licence must be 'MIT', .* or 'none', not 'GPL'$"):
        write_package("acme", "cell", "GPL", tmp_path)
    refused(".*no/such: no such folder; make it first, or give another --folder", "acme", "cell", tmp_path / "no/such")
    assert list(tmp_path.iterdir()) == []


def test_what_is_installed_is_refused_on_one_line(site: Site, tmp_path: Path) -> None:
    site.plugin("acme", cell_plugin("other", "zoo_acme"), version="0.2")
    site.plugin("broken", "1 / 0")
    site.install("zoo-plain", {"zoo_plain.py": ""}, version="3", points="")
    here = tmp_path / "here"
    here.mkdir()
    for name, said in {
        "acme": "plugin acme (zoo-acme 0.2) is installed already",
        "other": "cell 'other' exists already, from zoo-acme 0.2",
        "broken": "plugin broken (zoo-broken 0.1) is installed already",
        "plain": "zoo-plain 3 is installed already",
    }.items():
        done = site.zoo("new", "plugin", name, cwd=here)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"zoo: {said}: choose another name\n"
    assert list(here.iterdir()) == []


@each("there", ["folder", "full", "file", "link"])
def test_what_is_there_is_never_touched(tmp_path: Path, there: str) -> None:
    place = tmp_path / "zoo-acme"
    if there == "link":
        place.symlink_to("nowhere")
    elif there == "file":
        place.write_text("mine")
    else:
        place.mkdir()
    if there == "full":
        (place / "notes.txt").write_text("mine")
    before = listed(tmp_path)
    said = ".*/zoo-acme exists already and is left as it is; choose another name or --folder"
    refused(said, "acme", "cell", tmp_path)
    assert listed(tmp_path) == before


def test_what_appears_meanwhile_is_not_touched_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rendered(*arguments: Any) -> Any:
        (tmp_path / "zoo-acme").mkdir()
        return original(*arguments)

    original = package.rendered
    monkeypatch.setattr(package, "rendered", rendered)
    refused(".*/zoo-acme exists already and is left as it is; .*", "acme", "cell", tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["zoo-acme"]


def test_nothing_is_asked_for_what_is_refused_anyway(tmp_path: Path) -> None:
    (tmp_path / "zoo-acme").mkdir()
    for name, said in {"acme": "zoo-acme exists already", "lstm": "cell 'lstm' exists already"}.items():
        status, shown = on_a_terminal("new", "plugin", name, typed=b"", cwd=tmp_path)
        assert status == 2
        assert shown.startswith(f"zoo: {said}")


@each("method", ["write_text", "rename", "mkdir"])
def test_a_failure_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    def full(self: Path, *arguments: object, **others: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, method, full)
    refused(".*/zoo-acme: cannot be written: No space left on device", "acme", "cell", tmp_path)
    assert list(tmp_path.iterdir()) == []
