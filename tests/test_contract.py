"""The contract, run: on every spec of the library and its variants, on specs of every feature, and on its own rules."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import typer
from each import each
from feature_specs import FEATURES
from typer.testing import CliRunner

import zoo
from zoo.checks.choice import Chosen, select
from zoo.checks.report import Outcome, Report
from zoo.checks.run import check, run
from zoo.checks.subject import Skip, Subject
from zoo.cli import models
from zoo.components import CheckType
from zoo.errors import CheckFailure
from zoo.plugin.manager import catalogue
from zoo.spec import library
from zoo.spec.canonical import Spec
from zoo.spec.tree import Recurrent
from zoo.testing import parametrize_with_checks

LIBRARY = [entry.qualified for entry in library.entries() if entry.distribution == "recurrent-zoo"]
CPU = torch.device("cpu")


def _folder(name: str) -> str:
    """The folder of the library that has a spec of this name; "" at its top, and for specs that are no files."""
    found = library.find(name, catalogue())
    return found.name.rpartition("/")[0] if found is not None else ""


MODELS = [
    model.spec
    for reference in (*LIBRARY, *FEATURES)
    for model in (library.models(reference) if isinstance(reference, str) else [library.load(reference)])
]
QUICK = [*(check.name for check in select() if not check.record.architectures), "learns"]
FEW = ("parameters", "shapes", "padding_invariance", "round_trip")
"""Of a published model in every run: its cells, layers and heads are held to the rest elsewhere, and it in the long run."""
PUBLISHED = [model for model in MODELS if (folder := _folder(model.name)) and folder != "cells"]
OTHERS = [model for model in MODELS if model not in PUBLISHED]


@pytest.mark.parametrize("spec", OTHERS, ids=[spec.id for spec in OTHERS])
def test_every_check_holds_for(spec: Spec) -> None:
    """One test for each model: what a check found stands in the report, whatever the others found."""
    report = check(spec, checks=QUICK)
    assert report.ok, str(report)
    assert report.passed
    assert not [outcome for outcome in report.outcomes if outcome.check == "learns" and outcome.status == "skipped"]


@pytest.mark.parametrize("spec", PUBLISHED, ids=[spec.id for spec in PUBLISHED])
def test_a_published_model_can_be_built_and_run(spec: Spec) -> None:
    report = check(spec, checks=FEW)
    assert report.ok, str(report)


@pytest.mark.long
@pytest.mark.parametrize("spec", PUBLISHED, ids=[spec.id for spec in PUBLISHED])
def test_every_check_holds_for_a_published_model(spec: Spec) -> None:
    report = check(spec, checks=QUICK)
    assert report.ok, str(report)


# One gate's peephole, of which torch's compiler gets the gradient wrong where it is written as a matrix of one row.
@pytest.mark.slow
@parametrize_with_checks(["lstm-coupled"], checks=["compile"], slow=True)
def test_compiles(check):
    check()


# Rules of the runner, each shown on checks of its own.


def passes(subject: Subject) -> None:
    assert subject.tiny.name


def fails(subject: Subject) -> None:
    raise CheckFailure("the figure is 2, bound 1")


def skips(subject: Subject) -> None:
    raise Skip("a component declares causal: false")


def raises(subject: Subject) -> None:
    raise KeyError("first line\nsecond line")


def draws(subject: Subject) -> None:
    torch.rand(3)


def _record(name: str) -> Chosen:
    return Chosen(name, CheckType(name=name, run=f"{__name__}:{name}"))


def _with_deviation(spec: Spec, name: str) -> Spec:
    layer = spec.layers[0]
    assert isinstance(layer, Recurrent)
    provided = layer.cell.provided
    record = replace(provided.record, deviations={name: "known since the paper"})
    cell = replace(layer.cell, provided=replace(provided, record=record))
    return spec.with_stack(layers=(replace(layer, cell=cell),))


@pytest.fixture
def subject() -> Subject:
    return Subject(zoo.load("lstm"), CPU)


@each(
    ("name", "status", "reason"),
    [
        ("passes", "passed", ""),
        ("fails", "failed", "the figure is 2, bound 1"),
        ("skips", "skipped", "a component declares causal: false"),
        (
            "raises",
            "failed",
            f"raised KeyError: 'first line\\nsecond line' (in raises, test_contract.py:{raises.__code__.co_firstlineno + 1})",
        ),
    ],
)
def test_outcome(subject, name, status, reason):
    assert run(subject, _record(name)) == Outcome(name, status, reason)


@each(
    ("name", "status", "reason"),
    [
        ("fails", "expected failure", "known since the paper (the figure is 2, bound 1)"),
        ("passes", "failed", "passes, though a deviation is declared: known since the paper"),
        ("skips", "skipped", "a component declares causal: false"),
    ],
)
def test_deviation_is_a_strict_expected_failure(name, status, reason):
    subject = Subject(_with_deviation(zoo.load("lstm"), name), CPU)
    assert run(subject, _record(name)) == Outcome(name, status, reason)


def test_deviation_of_another_check_changes_nothing():
    subject = Subject(_with_deviation(zoo.load("lstm"), "passes"), CPU)
    assert run(subject, _record("fails")).status == "failed"


def test_checks_leave_the_global_random_state(subject):
    before = torch.get_rng_state()
    run(subject, _record("draws"))
    assert torch.equal(torch.get_rng_state(), before)


def test_report_counts_and_says_why():
    report = Report(
        "lstm",
        (
            Outcome("a", "passed"),
            Outcome("b", "expected failure", "known"),
            Outcome("c", "skipped", "no layer is bidirectional or reversed"),
            Outcome("d", "failed", "differs by 1, bound 0"),
        ),
    )
    assert str(report).splitlines() == [
        "lstm: 2 passed, 1 skipped (c: no layer is bidirectional or reversed), 1 failed",
        "  FAILED d: differs by 1, bound 0",
        "  expected failure b: known",
    ]
    assert not report.ok


def test_a_model_for_which_no_check_ran_has_failed():
    report = check(zoo.load("lstm"), device="cpu", checks=["direction"])
    assert (report.passed, report.skipped, report.failed, report.ok) == (0, 1, 0, False)
    assert "FAILED: no check ran" in str(report)


def test_slow_checks_run_only_when_asked_for():
    fast, everything = {c.name for c in select()}, {c.name for c in select(slow=True)}
    assert everything - fast == {"learns", "compile", "export"}
    assert [c.name for c in select(["learns"])] == ["learns"]


def test_unknown_check_is_named():
    with pytest.raises(zoo.ZooError, match="unknown check 'chunkd'; did you mean 'chunked'"):
        select(["chunkd"])


def test_skips_quote_a_declaration():
    found = {
        o.check: o.reason for o in check(zoo.load("rnn-bidirectional"), device="cpu").outcomes if o.status == "skipped"
    }
    ends = "layers.0 is bidirectional"
    assert found == {
        "causality": ends,
        "chunked": ends,
        "stepwise": ends,
        "dropout": "the spec asks for no dropout",
        "loss_reference": "no head has a loss",
        "decode": "no head decodes whole numbers that are known how to find",
        "every_head_matters": "the model has one output",
        "every_input_matters": "the model has one input",
        "lengths_out": "no layer changes the number of steps",
        "frozen": "no component is frozen",
        "generate": "it does not run one step at a time: layers.0 is bidirectional",
    }


# The command line.

app = typer.Typer()
models.register(app)


def test_command_covers_variants_and_counts():
    result = CliRunner().invoke(
        app, ["test", "zaremba-lm", "-j", "1", "--device", "cpu", "--check", "shapes", "--check", "direction"]
    )
    assert result.exit_code == 0
    reason = "no layer is bidirectional or reversed"
    names = ["zaremba-lm", "zaremba-lm@small", "zaremba-lm@medium", "zaremba-lm@large"]
    assert result.stdout.splitlines() == [
        *(f"{name}: 1 passed, 1 skipped (direction: {reason}), 0 failed" for name in names),
        "4 models: 4 passed, 4 skipped, 0 failed",
    ]


def test_command_as_json():
    result = CliRunner().invoke(app, ["test", "zaremba-lm@large", "--device", "cpu", "--check", "parameters", "--json"])
    assert result.exit_code == 0
    (found,) = json.loads(result.stdout)
    (outcome,) = found.pop("outcomes")
    counts = {"passed": 1, "skipped": 0, "failed": 0, "not_run": 0}
    assert found == {"name": "zaremba-lm@large", "ok": True, **counts}
    assert 0.0 < outcome.pop("seconds") < 60.0
    assert outcome == {"check": "parameters", "status": "passed", "reason": "", "detail": "", "traceback": ""}


def test_command_fails_with_status_1_where_no_check_ran():
    result = CliRunner().invoke(app, ["test", "lstm", "--device", "cpu", "--check", "direction"])
    assert result.exit_code == 1
    assert "FAILED: no check ran" in result.stdout
    assert "conformance checks failed for lstm" in result.output


def test_command_fails_with_status_1_where_a_check_fails(monkeypatch):
    monkeypatch.setattr("zoo.checks.shapes.shapes", fails)
    result = CliRunner().invoke(
        app, ["test", "lstm", "gru", "-j", "1", "--device", "cpu", "--check", "shapes", "--json"]
    )
    assert result.exit_code == 1
    outcomes = [one["outcomes"] for one in json.loads(result.stdout)]
    found = [(one["check"], one["status"], one["reason"]) for model in outcomes for one in model]
    assert found == [("shapes", "failed", "the figure is 2, bound 1")] * 2
    assert "CheckFailure: the figure is 2, bound 1" in outcomes[0][0]["traceback"]


# What plugin authors use.


def test_parametrised_test(pytester_dir):
    text = "from zoo.testing import parametrize_with_checks\n\n@parametrize_with_checks(['lstm', 'zaremba-lm@small'], checks=[{}], device='cpu')\ndef test_spec(check):\n    check()\n"
    done = pytester_dir(text.format("'shapes', 'direction'"))
    assert done.count("PASSED") == 4
    assert "test_spec[lstm-shapes] PASSED" in done
    assert "test_spec[lstm-direction] SKIPPED (lstm: direction: no layer is bidirectional or reversed)" in done
    assert "test_spec[zaremba-lm@small-shapes] PASSED" in done
    nothing = pytester_dir(text.format("'direction'"))
    assert "lstm: no check applies to it" in nothing
    assert "test_spec[lstm-applies] FAILED" in nothing


@pytest.fixture
def pytester_dir(tmp_path: Path, monkeypatch):
    import subprocess
    import sys

    def call(text: str) -> str:
        file = tmp_path / "test_mine.py"
        file.write_text(text)
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-v",
            "-p",
            "no:cacheprovider",
            "--rootdir",
            str(tmp_path),
            str(file),
        ]
        monkeypatch.setenv("COLUMNS", "200")
        return subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1]
        ).stdout

    return call
