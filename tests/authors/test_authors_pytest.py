"""pytest with this package installed: its options, its line of counts, and nothing else for whoever does not use it."""

from __future__ import annotations

import io
import sys
import xml.etree.ElementTree
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from each import each
from running import ROOT, Done, python

import zoo.testing.place
from zoo.checks.report import Outcome
from zoo.plugin import manager
from zoo.plugin.manager import isolated
from zoo.testing.conformance import Check

MINE = """
from zoo.testing import parametrize_with_checks, tiny_spec

@parametrize_with_checks(["lstm", tiny_spec("gru")], checks=["shapes", "direction"])
def test_spec(check):
    check()

def test_other():
    pass
"""


class Here:
    """Runs of pytest in this process, which need not load torch each, with built-in components only."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.monkeypatch = folder, monkeypatch

    def __call__(self, *arguments: str, text: str = MINE) -> Done:
        written(self.folder, text)
        command = ["-q", "-p", "no:cacheprovider", "-p", "no:faulthandler", "--capture=sys", *arguments]
        out, err = io.StringIO(), io.StringIO()
        with self.monkeypatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.chdir(self.folder)
            patch.setattr(sys, "path", [*sys.path])
            patch.setattr(sys, "dont_write_bytecode", True)  # the same file is written anew within a second
            patch.setattr(manager, "_current", isolated())
            patch.delitem(sys.modules, "test_mine", raising=False)
            status = pytest.main(command)
            sys.modules.pop("test_mine", None)
        return Done(command, int(status), out.getvalue(), err.getvalue())


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Here:
    return Here(tmp_path, monkeypatch)


def written(folder: Path, text: str) -> None:
    (folder / "test_mine.py").write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\n")


def anew(folder: Path, *arguments: str, text: str = MINE) -> Done:
    """As `run`, in a process of its own: where it matters what is imported, or that there are several."""
    written(folder, text)
    return python("-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments, cwd=folder, env={"ZOO_PLUGINS": "none"})


def line(done: Done) -> str:
    """The line of the contract."""
    (found,) = [line for line in done.stdout.splitlines() if line.startswith("zoo: ")]
    return found


def test_the_checks_are_counted_on_one_line(run: Here, tmp_path: Path) -> None:
    for done in (run(), anew(tmp_path, "-n", "2")):
        assert line(done) == "zoo: 4 checks on 2 models: 2 passed, 2 skipped, 0 failed"
        assert done.stdout.splitlines()[-1].startswith("5 passed, 2 skipped")


def test_failures_and_expected_ones_are_counted_too(run: Here) -> None:
    text = """
import author_acme
from zoo.plugin import manager
from zoo.plugin.manager import given, isolated
from zoo.testing import parametrize_with_checks, tiny_spec

manager._current = isolated(given(author_acme, distribution="acme"))

@parametrize_with_checks([tiny_spec("lying"), tiny_spec("confessed")], checks=["reference", "shapes"])
def test_spec(check):
    check()
"""
    (run.folder / "author_acme.py").write_text((ROOT / "tests" / "author_acme.py").read_text())
    done = run(text=text)
    assert line(done) == "zoo: 4 checks on 2 models: 2 passed, 1 expected failure, 0 skipped, 1 failed"
    assert "lying: reference: cell lying against its reference: differs by " in done.stdout
    assert done.returncode == 1


def test_a_check_can_be_chosen_even_a_slow_one(run: Here) -> None:
    done = run("--zoo-check", "reference", "--zoo-check", "parameters", "-vv")
    assert "test_spec[lstm-reference] PASSED" in done.stdout
    assert "-shapes]" not in done.stdout
    assert "-applies]" not in done.stdout
    assert line(done) == "zoo: 4 checks on 2 models: 4 passed, 0 skipped, 0 failed"
    done = run("--zoo-check", "learns", "--collect-only")
    assert "test_mine.py::test_spec[gru-learns]" in done.stdout.splitlines()


def test_a_device_can_be_chosen_and_must_exist(run: Here) -> None:
    assert line(run("--zoo-device", "cpu")).startswith("zoo: 4 checks")
    text = MINE.replace('"direction"]', '"direction"], device="nowhere"')
    assert "device 'nowhere' cannot be used here" in run(text=text).stdout
    assert line(run("--zoo-device", "cpu", text=text)).endswith("2 passed, 2 skipped, 0 failed")
    done = run("--zoo-device", "nowhere")
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("ERROR: device 'nowhere' cannot be used here: ")
    assert len(done.stderr.strip().splitlines()) == 1


def test_an_unknown_check_is_one_line(run: Here) -> None:
    done = run("--zoo-check", "shapez")
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.strip() == "ERROR: unknown check 'shapez'; did you mean 'shapes'?"


def test_a_test_that_does_not_call_its_check_fails(run: Here) -> None:
    done = run(text=MINE.replace("check()", "check"))
    assert "did not run its check: the test has to call it, check()" in done.stdout
    assert line(done) == "zoo: 6 checks on 2 models: 0 passed, 0 skipped, 6 failed"


def test_a_model_that_no_check_applies_to_is_counted(run: Here) -> None:
    done = run(text=MINE.replace('"shapes", ', ""))
    assert line(done) == "zoo: 4 checks on 2 models: 0 passed, 2 skipped, 2 failed"


def test_the_device_is_that_of_the_helpers_too(run: Here) -> None:
    text = """
from zoo.testing import assert_bug_caught, assert_matches_reference

def test_numbers():
    assert_matches_reference("gru")

def test_bug():
    assert_bug_caught("gru", "reference", "zoo.references.classic:gru_step", "(1.0 - z) * n", "z * n")
"""
    assert run("--zoo-device", "cpu", text=text).stdout.splitlines()[-1].startswith("2 passed")
    spied = f"""
import zoo.testing.place

def place(device=None):
    from zoo.testing import asked
    raise RuntimeError(f"on {{asked.current.device}}")

zoo.testing.place.place = place
{text}
"""
    run.monkeypatch.setattr(zoo.testing.place, "place", zoo.testing.place.place)  # to be put back
    done = run("--zoo-device", "cpu", text=spied).stdout
    assert done.splitlines()[-1].startswith("2 failed")
    assert done.count("RuntimeError: on cpu") >= 2


def test_collecting_imports_no_torch(tmp_path: Path) -> None:
    text = f"""{MINE}
import sys
assert "torch" not in sys.modules
"""
    assert "7 tests collected" in anew(tmp_path, "--collect-only", text=text).stdout


@each(
    ("wrong", "said"),
    [
        ('"lstm"', "specs are given as a list, not as one: write ['lstm']"),
        ('["lstm"], checks="shapes"', "checks are given as a list of names, not as one text, 'shapes'"),
        ('["lstm"], checks=[]', "no check is named: leave the names out for all of them"),
    ],
)
def test_what_is_no_list_is_told_so(run: Here, wrong: str, said: str) -> None:
    text = f"""
from zoo.testing import parametrize_with_checks

@parametrize_with_checks({wrong})
def test_a(check):
    check()
"""
    assert said in run(text=text).stdout


def test_a_report_says_which_check_on_which_model_it_was(run: Here) -> None:
    run("--junit-xml", "found.xml")
    tree = xml.etree.ElementTree.parse(run.folder / "found.xml")
    found = {one.get("value") for one in tree.iter("property") if one.get("name") == "zoo_check"}
    assert found == {f"{model} {check}" for model in ("lstm", "gru") for check in ("shapes", "direction", "applies")}


def test_who_does_not_use_it_sees_nothing_and_imports_nothing(tmp_path: Path) -> None:
    text = """
import sys

def test_what_is_there():
    ours = sorted(name for name in sys.modules if name.split(".")[0] == "zoo")
    assert ours == ["zoo", "zoo.testing", "zoo.testing.asked", "zoo.testing.pytest_plugin"]
    assert not {"torch", "pydantic", "yaml", "numpy"} & set(sys.modules)
"""
    done = anew(tmp_path, "-p", "no:hypothesispytest", text=text)
    assert done.returncode == 0, done.stdout
    assert "zoo" not in done.stdout


def test_it_can_be_left_out(run: Here) -> None:
    done = run("-p", "no:zoo")
    assert done.returncode == 0
    assert not [line for line in done.stdout.splitlines() if line.startswith("zoo: ")]


@each("status", ["failed", "skipped", "expected failure"])
def test_what_a_terminal_would_obey_is_shown_and_not_done(status: str) -> None:
    title = "\x1b]0;title\x07"
    outcome = Outcome("saving", status, f"raised {title}", traceback=f"line 1: {title}")
    model: Any = SimpleNamespace(spec=SimpleNamespace(id="m"), outcome=lambda _: outcome)
    check: Any = SimpleNamespace(name="saving")
    kinds = (pytest.fail.Exception, pytest.skip.Exception, pytest.xfail.Exception)
    with pytest.raises(kinds) as caught:
        Check(model, check)()
    assert "\x1b" not in str(caught.value)
    assert str(caught.value).count("\\x1b]0;title\\x07") == (2 if status == "failed" else 1)
