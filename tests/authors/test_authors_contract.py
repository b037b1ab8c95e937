"""The contract in front of an author's mistakes: one finding for what makes all else meaningless, and never a crash."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mistaken
import pytest
import torch
from each import each
from mistaken import MADE, Leaky, sound
from running import ROOT, Done, python
from test_authors_mistakes import DECLARED, RETURNED, made, spec
from torch import nn
from typer.testing import CliRunner

import zoo
from zoo.checks import findings
from zoo.checks.report import Outcome
from zoo.cli.main import app
from zoo.testing import isolated_plugins


@pytest.fixture(autouse=True)
def _wrong() -> Iterator[None]:
    sound()
    with isolated_plugins(mistaken.plugin()):
        yield


def report(**keys: Any) -> zoo.Report:
    return zoo.check(spec(**keys), device="cpu")


def failures(found: zoo.Report) -> list[Outcome]:
    return [one for one in found.outcomes if one.status == "failed"]


@each("mistake", [*DECLARED, *RETURNED])
def test_a_mistake_is_one_finding_and_the_rest_is_not_run(mistake: str) -> None:
    sound()
    overrides, said = (DECLARED | RETURNED)[mistake]
    MADE["cell"] = made(**{"base": Leaky, **overrides})
    found = report()
    (failed,) = failures(found)
    assert failed.check == ("build" if mistake in DECLARED else "forward")
    same = re.split(r"\(\d", said)[0]  # the contract's batches have other sizes
    assert failed.reason.startswith("layers.0: cell 'wrong': Wrong" + same)
    assert "Traceback" in failed.traceback
    assert found.not_run == len(found.outcomes) - 1 > 15
    assert not found.ok
    assert len(str(found).splitlines()) == 2
    assert f"0 passed, 0 skipped, 1 failed, {found.not_run} not run" in str(found)


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise ValueError


def leaves(self: Any, u: Any, state: Any, const: Any) -> Any:
    raise SystemExit(3)


def unspeakable(self: Any, u: Any, state: Any, const: Any) -> Any:
    raise Unspeakable


def lines(self: Any, u: Any, state: Any, const: Any) -> Any:
    raise RuntimeError("one\ntwo")


@each(
    ("step", "said"),
    [
        (leaves, "raised SystemExit: 3 (in layers.0: cell 'wrong': Wrong.leaves, test_authors_contract.py:"),
        (unspeakable, "raised Unspeakable: (its text cannot be shown) (in layers.0: cell 'wrong': Wrong.unspeakable, "),
        (lines, "raised RuntimeError: one (in layers.0: cell 'wrong': Wrong.lines, test_authors_contract.py:"),
    ],
)
def test_whatever_a_cell_raises_is_a_finding(step: Any, said: str) -> None:
    sound()
    MADE["cell"] = made(Leaky, step=step)
    (failed,) = failures(report())
    assert failed.reason.startswith(said)
    assert failed.reason.endswith("given u (2, 4), state {h (2, 4), c (2, 4)}, const (4, 4))")


def test_an_error_of_arithmetic_names_the_cell_the_line_and_what_came() -> None:
    def step(self: Any, u: Any, state: Any, const: Any) -> Any:
        return {"h": u @ torch.ones(3, 3), "c": u}

    MADE["cell"] = made(Leaky, step=step)
    (failed,) = failures(report(layers=[{"cell": "gru"}, {"cell": "wrong"}]))
    assert failed.reason.startswith("raised RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x4 and 3x3) (in ")
    place = f"layers.1: cell 'wrong': Wrong.step, test_authors_contract.py:{step.__code__.co_firstlineno + 1}, given u"
    assert place in failed.reason
    assert 'return {"h": u @ torch.ones(3, 3), "c": u}' in failed.traceback
    assert "_call_impl" not in failed.traceback


def test_a_layer_with_weights_in_step_is_told_what_to_do() -> None:
    def step(self: Any, u: Any, state: Any, const: Any) -> Any:
        return {"h": torch.tanh(u + self.inner(state["h"])), "c": state["h"]}

    def after(one: Any) -> None:
        one.inner = nn.Linear(one.output_shape[0], one.output_shape[0])

    MADE["cell"] = made(Leaky, step=step, after=after)
    found = zoo.check(spec(), device="cpu", checks=["shapes", "precision"])
    (failed,) = failures(found)
    assert failed.check == "precision"
    assert (
        "but got Float and BFloat16 (in layers.0: cell 'wrong': Wrong.step, test_authors_contract.py:" in failed.reason
    )
    assert failed.reason.endswith(
        "move it to project, or give its weights by constants, which the engine widens (docs/cells/write-a-cell.md)"
    )


def test_an_undescribed_error_while_the_tiny_copy_is_made_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(spec: Any) -> Any:
        raise AttributeError("nothing")

    monkeypatch.setattr("zoo.checks.subject.shrink", broken)
    (failed,) = failures(report())
    assert failed.reason.startswith("raised AttributeError: nothing")


def test_deviations_that_cannot_be_told_are_a_finding() -> None:
    def deviations(options: Any) -> Any:
        raise KeyError("rate")

    class Plugin:
        @zoo.hookimpl
        def zoo_cells(self) -> list[zoo.CellType]:
            return [zoo.CellType(name="odd", build="mistaken:make_cell", deviations=deviations)]

    with isolated_plugins(Plugin()):
        (found,) = zoo.check(spec(cell="odd"), device="cpu", checks=["shapes"]).outcomes
    assert (found.status, found.reason) == ("failed", "cell 'odd' cannot tell its deviations: KeyError: 'rate'")


def test_a_mistake_is_no_expected_failure() -> None:
    """A crash is not, and neither is what a crash became: some run other than the first may be wrong alone."""

    def step(self: Any, u: Any, state: Any, const: Any) -> Any:
        new = Leaky.step(self, u, state, const)
        return new if u.shape[0] != 5 else {"h": new["h"]}

    MADE["cell"] = made(Leaky, step=step)

    class Plugin:
        @zoo.hookimpl
        def zoo_cells(self) -> list[zoo.CellType]:
            return [zoo.CellType(name="odd", build="mistaken:make_cell", deviations={"shapes": "known"})]

    with isolated_plugins(Plugin()):
        (found,) = zoo.check(spec(cell="odd"), device="cpu", checks=["shapes"]).outcomes
    assert found.status == "failed"
    assert found.reason.startswith("raised DeclarationError: layers.0: cell 'odd': Wrong.step gives no state 'c'")


def test_a_device_without_numbers_is_refused() -> None:
    with pytest.raises(zoo.ZooError, match="device 'meta' holds no numbers that could be checked"):
        zoo.check("lstm", device="meta")


def test_what_a_check_says_of_itself_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo.checks.shapes.shapes", lambda subject: "at five sizes")
    found = zoo.check("lstm", device="cpu", checks=["shapes"])
    assert found.outcomes[0].detail == "at five sizes"
    assert found.outcomes[0].seconds > 0
    assert found.to_json()["outcomes"][0]["detail"] == "at five sizes"
    (_, line) = found.text(verbose=True).splitlines()
    assert line.split() == ["passed", "shapes", f"{found.outcomes[0].seconds:.2f}", "s", "at", "five", "sizes"]


# The command.


def command(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["test", "--device", "cpu", *arguments])


def test_verbose_has_a_line_for_each_check(tmp_path: Path) -> None:
    done = command("lstm", "-v", "--check", "shapes", "--check", "direction")
    head, one, two, total = done.stdout.splitlines()
    assert head == "lstm: 1 passed, 1 skipped, 0 failed"
    assert one.split()[:2] == ["passed", "shapes"]
    assert two.endswith("s  no layer is bidirectional or reversed")
    assert two.split()[:2] == ["skipped", "direction"]
    assert total == "1 model: 1 passed, 1 skipped, 0 failed"


def test_traceback_is_shown_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(subject: Any) -> None:
        raise LookupError("not here")

    monkeypatch.setattr("zoo.checks.shapes.shapes", crash)
    plain = command("lstm", "--check", "shapes").stdout
    assert "LookupError: not here" in plain
    assert "Traceback" not in plain
    shown = command("lstm", "--check", "shapes", "--traceback").stdout
    assert 'raise LookupError("not here")' in shown


def test_exitfirst_stops_at_the_first_failing_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(subject: zoo.Subject) -> None:
        if subject.spec.name == "gru":
            raise zoo.CheckFailure("the figure is 2, bound 1")

    monkeypatch.setattr("zoo.checks.shapes.shapes", fails)
    names = ["lstm", "gru", "rnn", "lstm-coupled"]
    done = command(*names, "-j", "1", "-x", "--check", "shapes")
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "lstm: 1 passed, 0 skipped, 0 failed",
        "gru: 0 passed, 0 skipped, 1 failed",
        "  FAILED shapes: the figure is 2, bound 1",
        "2 models: 1 passed, 0 skipped, 1 failed; 2 not tested because of --exitfirst",
    ]
    assert command(*names, "-j", "1", "--check", "shapes").stdout.splitlines()[-1].startswith("4 models: 3 passed")


@each("wrong", ["0", "-1", "x", "1.5", ""])
def test_a_number_of_jobs_that_is_none_is_refused(wrong: str) -> None:
    sound()
    from zoo.checks.workers import count

    with pytest.raises(zoo.ZooError, match="--jobs must be 'auto' or a whole number from 1, not"):
        count(3, wrong)
    assert (count(3, "2"), count(1, "7"), count(1, "auto")) == (2, 1, 1)


# Processes.

PLUGIN = """
import os
import re
import time

import zoo


@zoo.hookimpl
def zoo_cells():
    return [zoo.CellType(name=name, build=f"zoo_dies:{name.capitalize()}") for name in ("dies", "waits")]


def __getattr__(name):  # torch is imported when a cell is built, as in any plugin
    from mistaken import Leaky

    class Dies(Leaky):
        def step(self, u, state, const):
            os._exit(7)

    class Waits(Leaky):
        def step(self, u, state, const):
            print("this cell talks\\n", end="", flush=True)  # in one piece, whoever else talks
            time.sleep(60)

    if name not in ("Dies", "Waits"):
        raise AttributeError(name)
    return {"Dies": Dies, "Waits": Waits}[name]
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an installed plugin, and specs of its cells."""
    folder = tmp_path_factory.mktemp("dies")
    (folder / "zoo_dies.py").write_text(PLUGIN)
    info = folder / "zoo_dies-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: zoo-dies\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[zoo.plugins]\ndies = zoo_dies\n")
    for name in ("dies", "waits"):
        text = f"schema: 1\nname: {name}\ninput: 5\ncell: {name}\nhidden_size: 4\n"
        (folder / f"{name}.yaml").write_text(text)
    return folder


def paths(folder: Path) -> dict[str, str]:
    return {"PYTHONPATH": os.pathsep.join((str(folder), str(ROOT), str(ROOT / "tests" / "authors")))}


def zoo_test(folder: Path, *arguments: str) -> Done:
    return python("-m", "zoo", "test", "--device", "cpu", *arguments, cwd=folder, env=paths(folder))


def test_processes_give_the_same_in_the_same_order_and_one_that_dies_is_one_line(place: Path) -> None:
    checks = ["--check", "shapes", "--check", "direction"]
    done = zoo_test(place, "lstm", "dies.yaml", "gru", "rnn", "-j", "2", *checks)
    skipped = "1 skipped (direction: no layer is bidirectional or reversed), 0 failed"
    assert done.stdout.splitlines() == [
        f"lstm: 1 passed, {skipped}",
        "dies: 0 passed, 0 skipped, 1 failed",
        "  FAILED process: the process that ran it ended with status 7 before any check",
        f"gru: 1 passed, {skipped}",
        f"rnn: 1 passed, {skipped}",
        "4 models: 3 passed, 3 skipped, 1 failed",
    ]
    assert done.returncode == 1
    assert done.stderr == "zoo: conformance checks failed for dies\n"


@pytest.mark.long
def test_what_is_asked_wrongly_is_one_line_from_processes_too(place: Path) -> None:
    done = zoo_test(place, "lstm", "gru", "-j", "2", "--engine", "warp", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "zoo: unknown engine 'warp'; engines: auto, fused, linear, loop, compile, scan\n"


@pytest.mark.skipif(sys.platform == "win32", reason="a group of processes is interrupted otherwise there")
def test_an_interrupt_ends_all_processes_without_a_word(place: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "zoo", "test", "--device", "cpu", "waits.yaml", "waits.yaml", "-j", "2"],
        cwd=place,
        env={**os.environ, **paths(place)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    talks = [process.stderr.readline() for _ in range(2)]
    os.killpg(process.pid, signal.SIGINT)
    out, said = process.communicate(timeout=30)
    assert talks == ["this cell talks\n"] * 2
    assert (process.returncode, out, said.replace("this cell talks\n", "")) == (130, "", "")
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("a process of the group is still there")


def test_a_terminal_is_told_what_is_done_now_and_nothing_else_is(monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    from zoo.cli import output
    from zoo.cli.output import Doing
    from zoo.cli.streams import Safe

    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Screen()
    monkeypatch.setattr(output, "_own", [Safe(screen, drawn=True), Safe(screen, drawn=True)])
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "45")
    with Doing(9, "testing") as doing:
        doing.at("lstm", "shapes")
        doing.at("gru", "engines")
        doing.done("lstm")
        doing.at("a-very-long-name-of-a-model", "padding_invariance")
    shown = [line for line in screen.getvalue().split("\r\x1b[2K") if line]
    assert shown[:2] == ["testing 1 of 9: lstm shapes", "testing 1 of 9: lstm shapes, gru engines"]
    assert shown[2].startswith("testing 2 of 9: gru engines, a-very")
    assert max(map(len, shown)) < 45
    assert screen.getvalue().endswith("\r\x1b[2K")
    pipe = io.StringIO()
    monkeypatch.setattr(output, "_own", [Safe(pipe, drawn=True), Safe(pipe, drawn=True)])
    with Doing(9, "testing") as doing:
        doing.at("lstm", "shapes")
    assert pipe.getvalue() == ""


# pytest.

MINE = """
import sys
sys.path.insert(0, {here!r})
import mistaken
from mistaken import MADE, Leaky
from zoo.plugin import manager
from zoo.plugin.manager import given, isolated
from zoo.testing import parametrize_with_checks, tiny_spec

class Wrong(Leaky):
    def step(self, u, state, const):
        return u @ u, 1

MADE["cell"] = Wrong
manager._current = isolated(given(mistaken.plugin(), distribution="zoo-mistaken"))

@parametrize_with_checks([tiny_spec("wrong"), "lstm"], checks=["shapes", "causality", "direction"])
def test_spec(check):
    check()
"""


def test_in_pytest_one_test_fails_and_shows_where_and_the_others_are_skipped(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(MINE.format(here=str(Path(__file__).parent)))
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    done = python("-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", cwd=tmp_path, env={"ZOO_PLUGINS": "none"})
    assert done.stdout.splitlines()[-1].startswith("1 failed, 3 passed, 4 skipped")
    assert "wrong: forward: raised RuntimeError: mat1 and mat2 shapes cannot be multiplied" in done.stdout
    assert "return u @ u, 1" in done.stdout
    assert "wrong: causality: the model cannot be built or run" in done.stdout
    assert "zoo: 6 checks on 2 models: 2 passed, 3 skipped, 1 failed" in done.stdout


def test_what_a_check_says_of_itself_is_in_the_report_of_its_test() -> None:
    from types import SimpleNamespace

    from zoo.testing.pytest_plugin import _shown

    sections: list[tuple[str, ...]] = []
    item: Any = SimpleNamespace(user_properties=[], add_report_section=lambda *given: sections.append(given))
    _shown(item, SimpleNamespace(calls=[Outcome("options", "passed", detail="varied: rate")]))
    assert item.user_properties == [("zoo_detail", "varied: rate")]
    assert sections == [("call", "zoo", "varied: rate")]
    _shown(item, None)
    _shown(item, SimpleNamespace(calls=[None]))
    assert len(sections) == 1


def test_the_files_that_are_no_authors_are_there() -> None:
    """A file that has moved would be named to an author as their own code."""
    assert [path for path in findings._NOT_AUTHORS if not Path(path).exists()] == []
