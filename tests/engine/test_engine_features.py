"""The combinations in which the check `engines` runs every cell."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, product

import pytest
import torch
from each import each

import zoo
from zoo.checks import features
from zoo.checks.features import ROWS, Features
from zoo.engine.backends import linear
from zoo.spec.shrink import shrink

KINDS = {
    "direction": ("forward", "reverse", "concat", "sum", "mean", "mul"),
    "norm": ("", "layer before", "rms before", "batch before", "layer after", "rms after", "batch after"),
    "dropout": ("", "input", "between", "output", "variational", "recurrent", "weight", "zoneout"),
}
FLAGS = ("projection", "residual", "learned", "two", "lengths", "state", "resets", "states")
LOOPED = ("recurrent", "zoneout")
"""What a kernel and the linear engine leave to the loop, beside resets and the states of all steps."""


def level(row: Features, name: str) -> object:
    """Both ways whatever the merge; the position of a norm; dropout around the recurrence or inside it."""
    value = getattr(row, name)
    if name == "direction":
        return value if value in ("forward", "reverse") else "both"
    if name == "norm":
        return value.split()[-1] if value else ""
    if name == "dropout":
        return "inside" if value in ("recurrent", "weight", "zoneout") else "around" if value else ""
    return value


LEVELS = {
    "direction": ("forward", "reverse", "both"),
    "norm": ("", "before", "after"),
    "dropout": ("", "around", "inside"),
    **dict.fromkeys(FLAGS, (False, True)),
}


def missing(rows: list[Features], names: list[str]) -> list[tuple[object, ...]]:
    found = {(a, level(row, a), b, level(row, b)) for row in rows for a, b in combinations(names, 2)}
    wanted = [(a, x, b, y) for a, b in combinations(names, 2) for x, y in product(LEVELS[a], LEVELS[b])]
    return [one for one in wanted if one not in found]


def test_every_two_features_meet() -> None:
    assert len(ROWS) == 12
    assert missing(list(ROWS), list(LEVELS)) == []


def test_every_two_features_meet_in_a_run_that_a_kernel_can_do() -> None:
    names = [name for name in LEVELS if name not in ("resets", "states")]
    rows = [row for row in ROWS if row.dropout not in LOOPED]
    assert [one for one in missing(rows, names) if "inside" not in one] == []


@each("name", KINDS)
def test_every_kind_is_there(name: str) -> None:
    assert {getattr(row, name) for row in ROWS} == set(KINDS[name])


def test_a_cell_comes_once_for_its_options_and_size() -> None:
    layers = [{"cell": "lstm", "hidden_size": size} for size in (4, 4, 5)]
    layers.append({"cell": {"kind": "lstm", "bias": "one"}, "hidden_size": 5})
    spec = zoo.load({"schema": 1, "name": "a", "input": 3, "layers": layers})
    assert [spec.layers.index(layer) for layer in features.cells(spec)] == [0, 2, 3]


def test_a_model_has_the_features_that_its_row_says() -> None:
    tiny = shrink(zoo.load("lstm"))
    row = Features(direction="sum", norm="rms before", dropout="zoneout", projection=True, residual=True, two=True)
    first, second = features.around(tiny, tiny.recurrent[0], row, 7, 11).recurrent
    assert (first.bidirectional, first.merge, first.reverse) == (True, "sum", False)
    assert first.norm is not None
    assert (first.norm.part.record.name, first.norm.position) == ("rms", "before")
    assert first.dropout.zoneout == features.RATE
    assert (first.output_projection, first.residual, second.residual) == (7, True, False)
    assert second.hidden_size == 2 * first.hidden_size


def test_what_a_cell_cannot_do_is_left_out() -> None:
    tiny = shrink(zoo.load("mlstm"))
    made = features.around(tiny, tiny.recurrent[0], Features(dropout="recurrent"), 7, 11)
    assert made.recurrent[0].dropout.recurrent == 0.0


@each("name", ["lstm", "rglru", "mlstm", "awd-lstm"])
def test_every_row_can_be_built(name: str) -> None:
    """Also for a cell that keeps its width, and for one whose heads divide its size."""
    tiny = shrink(zoo.load(name))
    layer = next(iter(features.cells(tiny)))
    for row in ROWS:
        zoo.build(features.around(tiny, layer, row, layer.hidden_size, layer.hidden_size), seed=0)


def test_the_check_finds_a_linear_engine_that_forgets_the_state_of_rows_with_lengths(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = linear.run

    def forgetful(steps):
        zeros = {name: torch.zeros_like(old) for name, old in steps.state.items()}
        return run(steps if steps.valid is None else replace(steps, state=zeros))

    assert zoo.check("mingru", device="cpu", checks=["engines"]).ok
    monkeypatch.setattr(linear, "run", forgetful)
    assert "differs by" in str(zoo.check("mingru", device="cpu", checks=["engines"]))


def test_the_check_finds_a_merge_that_only_one_engine_gets_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """No library spec of this cell has two directions: only the combinations do."""
    from zoo.engine import recurrence

    recur = recurrence.recur

    def wrong(cell, x, state, initial, run, rates, *, backwards):
        found = recur(cell, x, state, initial, run, rates, backwards=backwards)
        return found._replace(output=2 * found.output) if backwards and run.engine == "auto" else found

    monkeypatch.setattr("zoo.engine.recurrent_layer.recur", wrong)
    report = str(zoo.check("indrnn", device="cpu", checks=["engines"]))
    assert "cell indrnn with concat" in report
