"""A name on its way out works as ever, says so where it is used, is in no list, and goes in time."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import types
import warnings
from pathlib import Path

import pytest
from api_facts import SNAPSHOT, read
from packaging.version import Version

import zoo
from zoo.components import resolve

ROOT = Path(__file__).parents[2]
VERSION = Version(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])
DEPRECATED = zoo._DEPRECATED
each = pytest.mark.parametrize("name", sorted(DEPRECATED))


def overdue(version: Version) -> list[str]:
    return [name for name, entry in DEPRECATED.items() if version >= Version(entry.removed_in)]


def test_what_was_to_go_is_gone() -> None:
    mend = "its time has come: take it out of zoo/__init__.py, and say so in CHANGELOG.md"
    assert overdue(VERSION) == [], mend


def test_it_would_be_noticed() -> None:
    assert overdue(Version("0.2.9")) == []
    assert overdue(Version("0.3")) == overdue(Version("0.3.0")) == overdue(Version("1.0")) == ["shrink"]
    assert overdue(Version("0.3.0.dev1")) == [], "a version on the way to it is not it"


@each
def test_it_names_what_takes_its_place_and_when_it_goes(name: str) -> None:
    entry = DEPRECATED[name]
    with pytest.warns(DeprecationWarning, match="is deprecated") as caught:
        found = getattr(zoo, name)
    assert callable(found)
    (warning,) = caught
    assert str(warning.message) == (
        f"zoo.{name} is deprecated since {entry.since} and goes in {entry.removed_in}: use {entry.instead}"
    )
    home, _, instead = entry.instead.rpartition(".")
    assert callable(resolve(f"{home}:{instead}"))
    assert Version(entry.since) < Version(entry.removed_in)


@each
def test_it_is_in_no_list_but_in_the_snapshot(name: str) -> None:
    assert name not in zoo.__all__
    assert name not in dir(zoo)
    assert f"zoo.{name}(" not in (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    facts = read(SNAPSHOT.read_text(encoding="utf-8"))
    assert f"zoo.{name}" in facts
    fact = facts[f"deprecated zoo.{name}"]
    assert (fact.type, fact.default) == (f"use {DEPRECATED[name].instead}", DEPRECATED[name].removed_in)


def test_every_other_name_with_a_home_is_listed() -> None:
    assert {*zoo._MODULE_OF} - {*DEPRECATED} == {*zoo.__all__}


@pytest.mark.parametrize(
    "use", ["zoo.shrink", "getattr(zoo, 'shrink')", "__import__('zoo').shrink", "exec('from zoo import shrink')"]
)
def test_every_way_to_it_warns_once(use: str) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        eval(use, {"zoo": zoo})
        eval(use, {"zoo": zoo})
    assert [warning.category for warning in caught] == [DeprecationWarning] * 2


@pytest.mark.parametrize("statement", ["from zoo import shrink", "import zoo\nzoo.shrink", "import zoo as z; z.shrink"])
def test_it_points_at_the_line_that_uses_it(statement: str, tmp_path: Path) -> None:
    file = tmp_path / "theirs.py"
    file.write_text(f"# a file of theirs\n\n{statement}\n")
    line = 2 + len(statement.splitlines())
    done = subprocess.run([sys.executable, "-W", "always", file], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0
    assert re.findall(r"^(.*):(\d+): DeprecationWarning: zoo\.shrink ", done.stderr, re.MULTILINE) == [
        (str(file), str(line))
    ]


def test_it_works_as_ever() -> None:
    from zoo.testing import tiny

    spec = zoo.load("zaremba-lm@medium")
    with pytest.warns(DeprecationWarning, match="use zoo.testing.tiny"):
        small = zoo.shrink(spec)
    assert small == tiny(spec) == tiny("zaremba-lm@medium")
    assert small.recurrent[0].hidden_size < spec.recurrent[0].hidden_size


def test_other_names_do_not_warn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in zoo.__all__:
            getattr(zoo, name)
        exec("from zoo import *", {})


def uses(text: str) -> list[str]:
    """The deprecated names that a text uses."""
    named = "|".join(DEPRECATED)
    found = re.findall(rf"\bzoo\.({named})\b(?!\.)", text)
    for imported in re.findall(r"^\s*from zoo import (\([^)]*\)|.*)$", text, re.MULTILINE):
        found += re.findall(rf"\b({named})\b", imported)
    return found


def test_nobody_in_the_house_uses_it() -> None:
    for folder in ("zoo", "plugins", "docs", "specs", "tests"):
        for path in [*(ROOT / folder).rglob("*.py"), *(ROOT / folder).rglob("*.md")]:
            # The page on living with plugins shows what a warning says.
            if path.parent != Path(__file__).parent and path != ROOT / "docs" / "plugins.md":
                assert uses(path.read_text(encoding="utf-8")) == [], path
    assert uses((ROOT / "README.md").read_text(encoding="utf-8")) == []


def test_a_use_of_it_is_found() -> None:
    assert uses("x = zoo.shrink(spec)") == ["shrink"]
    assert uses("from zoo import Spec, shrink\n") == uses("from zoo import (\n    shrink,\n)\n") == ["shrink"]
    assert uses("from zoo.spec.shrink import shrink\nimport zoo.spec.shrink") == []


def test_the_next_one_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DEPRECATED, "load", type(DEPRECATED["shrink"])("zoo.testing.tiny", "0.4", "0.6"))
    monkeypatch.delitem(vars(zoo), "load", raising=False)
    assert isinstance(zoo, types.ModuleType)
    with pytest.warns(
        DeprecationWarning, match=r"zoo\.load is deprecated since 0\.4 and goes in 0\.6: use zoo\.testing\.tiny"
    ):
        assert zoo.load("lstm").name == "lstm"
