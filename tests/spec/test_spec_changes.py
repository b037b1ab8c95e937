"""Changes from outside a file: in calls, and by --set. A key replaces the whole key, a path that value alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from each import each

import zoo
from zoo.cli.main import main
from zoo.plugin.manager import isolated, using

DEEP: dict[str, Any] = {
    "input": {"kind": "tokens", "vocabulary": 9, "size": 4},
    "cell": {"kind": "lstm", "bias": "one"},
    "hidden_size": 4,
    "dropout": {"between": 0.1, "output": 0.2},
    "layers": [{}, {"hidden_size": 6, "output_projection": 4}, {"norm": "layer"}],
    "head": {"kind": "linear", "size": 9, "pool": "mean"},
    "expect": {"parameters": 1},
}
BASE = {key: value for key, value in DEEP.items() if key != "expect"}


@pytest.fixture(autouse=True)
def builtin() -> Iterator[None]:
    with using(isolated()):
        yield


@each(
    ("changes", "same_as"),
    [
        ({"hidden_size": 5}, {"hidden_size": 5}),
        ({"layers": 2}, {"layers": 2}),
        ({"cell": "gru"}, {"cell": "gru"}),
        ({"cell.peephole": True}, {"cell": {"kind": "lstm", "bias": "one", "peephole": True}}),
        ({"input.size": 8}, {"input": {"kind": "tokens", "vocabulary": 9, "size": 8}}),
        ({"dropout.between": 0.3}, {"dropout": {"between": 0.3, "output": 0.2}}),
        (
            {"layers.1.output_projection.bias": False},
            {"layers": [{}, {"hidden_size": 6, "output_projection": {"size": 4, "bias": False}}, {"norm": "layer"}]},
        ),
        ({"layers.1.hidden_size": 7}, {"layers": [{}, {"hidden_size": 7, "output_projection": 4}, {"norm": "layer"}]}),
        ({"layers.0": {"reverse": True}}, {"layers": [{"reverse": True}, *BASE["layers"][1:]]}),
        (
            {"layers.2.norm.eps": 1e-3},
            {"layers": [*BASE["layers"][:2], {"norm": {"kind": "layer", "eps": 1e-3}}]},
        ),
        ({"head.pool": "none"}, {"head": {"kind": "linear", "size": 9}}),
        ({"name": "mine"}, {"name": "mine"}),
        (
            {"layers": 2, "layers.1.hidden_size": 8, "cell": "gru", "cell.bias": "none"},
            {"layers": [{}, {"hidden_size": 8}], "cell": {"kind": "gru", "bias": "none"}},
        ),
    ],
    ids=str,
)
def test_a_change_means_what_the_file_would_say(changes: dict[str, Any], same_as: dict[str, Any]) -> None:
    assert zoo.load(DEEP, **changes) == zoo.load({**BASE, **same_as})


@pytest.mark.parametrize(
    ("short", "changes", "same_as"),
    [
        ({"cell": "gru"}, {"cell.bias": "one"}, {"cell": {"kind": "gru", "bias": "one"}}),
        ({"input": 3}, {"input.size": 5}, {"input": 5}),
        ({"layers": 3}, {"layers.1.hidden_size": 6}, {"layers": [{}, {"hidden_size": 6}, {}]}),
        (
            {"layers": 2, "dropout": 0.1},
            {"dropout.output": 0.2},
            {"layers": 2, "dropout": {"between": 0.1, "output": 0.2}},
        ),
    ],
    ids=str,
)
def test_a_path_leads_into_what_a_short_form_is_short_for(
    short: dict[str, Any], changes: dict[str, Any], same_as: dict[str, Any]
) -> None:
    plain = {"input": 3, "cell": "lstm", "hidden_size": 4}
    assert zoo.load({**plain, **short}, **changes) == zoo.load({**plain, **same_as})


@each(
    ("changes", "message"),
    [
        ({"hiden_size": 5}, "changes:1:1: unknown key 'hiden_size'; did you mean 'hidden_size'?"),
        ({"hidden_size": "big"}, "changes:1:14: 'hidden_size' must be an integer, not the text 'big'"),
        ({"hidden_size": 0}, "changes:1:14: 'hidden_size' must be at least 1, not 0"),
        ({"cell.peephol": True}, "changes:1:1: unknown key 'peephol'; did you mean 'peephole'?"),
        ({"cel.peephole": True}, "changes:1:1: there is no 'cel' in this spec; did you mean 'cell'?"),
        ({"encoder.hidden_size": 5}, "changes:1:1: there is no 'encoder' in this spec; it has schema, name, input, cell"),
        ({"layers.3.hidden_size": 5}, "changes:1:1: there is no 'layers.3' in this spec: 'layers' has 3 entries, from 0"),
        ({"layers.last.hidden_size": 5}, "changes:1:1: there is no 'layers.last' in this spec: 'layers' has 3 entries"),
        ({"layers.1.norm.eps": 0.1}, "changes:1:1: there is no 'layers.1.norm' in this spec; 'layers.1' has hidden_size"),
        ({"hidden_size.x": 1}, "changes:1:1: there is no 'hidden_size.x' in this spec: 'hidden_size' is the number 4"),
        ({"schema": 2}, "changes:1:1: 'schema' cannot be changed"),
        ({"extends": "gru"}, "changes:1:1: 'extends' cannot be changed"),
        ({"variants": {}}, "changes:1:1: 'variants' cannot be changed"),
        ({"cell": "lstmm"}, "changes:1:7: unknown cell 'lstmm'; did you mean 'lstm'?"),
        ({"hidden_size": Ellipsis}, "<changes>: holds a value that no spec file can"),
    ],
    ids=str,
)  # fmt: skip
def test_a_wrong_change_is_one_clear_error(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(zoo.SpecError) as caught:
        zoo.load(DEEP, **changes)
    assert len(caught.value.diagnostics) == 1
    assert str(caught.value).startswith(message)


def test_every_wrong_change_is_told_at_once() -> None:
    with pytest.raises(zoo.SpecError) as caught:
        zoo.load(DEEP, **{"a.b": 1, "layers.9.x": 2, "extends": "gru"})
    assert [(one.line, one.code) for one in caught.value.diagnostics] == [(1, "path"), (2, "path"), (3, "path")]


def test_every_call_that_takes_a_spec_takes_changes() -> None:
    assert zoo.build("lstm", hidden_size=30).layers[0].cell.weight_hh.shape == (120, 30)
    assert zoo.summary("lstm", hidden_size=30, input=4).parameters == 4 * 30 * (4 + 30 + 2)
    assert zoo.check("lstm", checks=["shapes"], cell="gru").ok
    assert zoo.doctor("lstm", lengths=(4, 8), cell="gru").layers[0].cell == "gru"
    assert zoo.check(zoo.build("lstm"), checks=["shapes"]).name == "lstm"
    with pytest.raises(zoo.ZooError, match="a Linear has no spec"):
        zoo.check(torch.nn.Linear(3, 4))  # type: ignore[arg-type]
    loaded = zoo.load("lstm")
    for call in (zoo.load, zoo.build, zoo.summary, zoo.check):
        with pytest.raises(zoo.ZooError, match=r"changes \(hidden_size\) are made to a spec as it is written"):
            call(loaded, hidden_size=30)  # type: ignore[operator]
    for call in (zoo.summary, zoo.check, zoo.doctor):
        with pytest.raises(zoo.ZooError, match="as it is written"):
            call(zoo.build(loaded), hidden_size=30)  # type: ignore[operator]


def test_a_change_is_made_to_the_variant_that_was_chosen(tmp_path: Path) -> None:
    path = tmp_path / "sizes.yaml"
    path.write_text(
        "schema: 1\nname: sizes\ninput: 3\ncell: gru\nhidden_size: 4\n"
        "variants: {deep: {layers: [{}, {hidden_size: 6}]}, wide: {hidden_size: 9}}\n"
    )
    found = zoo.load(f"{path}@deep", **{"layers.1.hidden_size": 7, "cell.bias": "one"})
    assert [one.hidden_size for one in found.recurrent] == [4, 7]
    assert found.id == "sizes@deep"
    with pytest.raises(zoo.ZooError, match=r"unknown variant 'deeper' \(variants: deep, wide\)"):
        zoo.load(f"{path}@deeper", hidden_size=3)
    with pytest.raises(zoo.SpecError, match="there is no 'layers' in this spec"):
        zoo.load(path, **{"layers.1.hidden_size": 7})


def test_a_mapping_needs_neither_schema_nor_name() -> None:
    found = zoo.load({"input": 3, "cell": "gru", "hidden_size": 4})
    assert found == zoo.load({"schema": 1, "name": "model", "input": 3, "cell": "gru", "hidden_size": 4})
    assert zoo.load({"extends": "lstm", "hidden_size": 4}).recurrent[0].cell.record.name == "lstm"
    assert zoo.load({"extends": "cells/mingru", "name": "mine"}).name == "mine"
    with pytest.raises(zoo.SpecError, match=r"cannot extend the text 'lstmm': .*; did you mean 'lstm'\?"):
        zoo.load({"extends": "lstmm"})
    with pytest.raises(zoo.SpecError, match="missing key 'hidden_size'"):
        zoo.load({"input": 3, "cell": "gru"})
    assert zoo.load({"input": 3, "cell": "gru"}, hidden_size=4) == found, "a change may be what is missing"


def test_a_file_still_needs_both(tmp_path: Path) -> None:
    path = tmp_path / "bare.yaml"
    path.write_text("input: 3\ncell: gru\nhidden_size: 4\n")
    with pytest.raises(zoo.SpecError) as caught:
        zoo.load(path)
    assert {one.message for one in caught.value.diagnostics} == {"missing key 'schema'", "missing key 'name'"}


Run = Callable[..., tuple[str, str, int]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """A command in this process: what it prints, what it says, its status."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str) -> tuple[str, str, int]:
        monkeypatch.setattr(sys, "argv", ["zoo", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        return (*capfd.readouterr(), int(end.value.code or 0))

    return command


def test_set_changes_a_spec_for_every_command_that_reads_one(run: Run) -> None:
    out, _, status = run("summary", "lstm", "--set", "hidden_size=30", "--set", "cell.bias=one", "--json")
    assert (json.loads(out)["parameters"], status) == (4 * 30 * (10 + 30 + 1), 0)
    out, _, status = run("show", "lstm", "--set", "cell={kind: gru, reset_gate: before}", "--json")
    assert json.loads(out)["layers"][0]["cell"]["reset_gate"] == "before"
    assert run("show", "lstm", "--set", "hidden_size=30", "--resolved")[0].count("hidden_size: 30 ") == 1
    assert run("validate", "lstm", "gru", "--set", "hidden_size=30")[0] == "2 specs valid\n"
    assert run("validate", "lstm", "gru", "--set", "hidden_size=0")[2] == 2
    out, _, status = run("test", "lstm", "--set", "cell=sru", "--check", "bounded", "--check", "shapes", "-j", "1")
    assert (out.splitlines()[-1], status) == ("1 model: 1 passed, 1 skipped, 0 failed", 0)
    out, _, _ = run("doctor", "lstm", "--set", "cell=gru", "--length", "4")
    assert out.splitlines()[1].split()[:2] == ["layers.0", "gru"]


def test_tests_in_other_processes_have_the_changes_too(run: Run) -> None:
    checks = ("--check", "bounded", "--check", "shapes")
    out, err, status = run("test", "lstm", "gru", "--set", "cell=sru", *checks, "-j", "2", "--json")
    assert status == 0, err
    found = [{one["check"]: one["status"] for one in report["outcomes"]} for report in json.loads(out)]
    assert found == [{"bounded": "skipped", "shapes": "passed"}] * 2, "lstm and gru promise to be bounded, sru does not"


@each(
    ("change", "said"),
    [
        ("hidden_size", "zoo: --set takes KEY=VALUE, as in hidden_size=30 or layers.0.hidden_size=30, not 'hidden_size'"),
        ("=3", "zoo: --set takes KEY=VALUE"),
        ("a: b=3", "zoo: --set takes KEY=VALUE"),
        ("hidden_size=big", "--set:1:14: 'hidden_size' must be an integer, not the text 'big'"),
        ("hiden_size=3", "--set:1:1: unknown key 'hiden_size'; did you mean 'hidden_size'?"),
        ("layers.0.hidden_size=3", "--set:1:1: there is no 'layers' in this spec"),
        ("cell={kind: gru", "--set:1:17: not valid YAML"),
    ],
)  # fmt: skip
def test_a_wrong_set_is_said_where_it_is(change: str, said: str, run: Run) -> None:
    out, err, status = run("summary", "lstm", "--set", change)
    assert (out, status) == ("", 2)
    assert err.startswith(said)
