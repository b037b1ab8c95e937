"""The check `reference`, and the same as an assertion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import author_acme
import numpy as np
import pytest
import torch
from each import each

import zoo
from zoo.testing import assert_matches_reference, isolated_plugins, planted, tiny_spec


@pytest.fixture(autouse=True)
def _acme() -> Iterator[None]:
    with isolated_plugins(author_acme):
        yield


def outcome(spec: Any, **keys: Any) -> tuple[str, str]:
    (found,) = zoo.check(spec, checks=["reference"], device="cpu", **keys).outcomes
    return found.status, found.reason


def test_a_cell_that_gives_what_its_reference_gives_passes() -> None:
    assert outcome(tiny_spec("decay")) == ("passed", "")
    assert outcome(tiny_spec({"kind": "decay", "rate": 0.9}, layers=2, bidirectional=True)) == ("passed", "")


def test_one_that_gives_something_else_fails_by_its_figure() -> None:
    status, reason = outcome(tiny_spec("lying"))
    assert status == "failed"
    assert reason.startswith("cell lying against its reference: differs by 1.")
    assert reason.endswith(", bound 1e-10")


def test_a_declared_deviation_is_expected_and_must_be_real() -> None:
    status, reason = outcome(tiny_spec("confessed"))
    assert status == "expected failure"
    assert reason.startswith("its reference is a constant (cell confessed against its reference: differs by 1.")
    assert outcome(tiny_spec("repentant")) == ("failed", "passes, though a deviation is declared: was once wrong")


def test_a_deviation_may_depend_on_the_options() -> None:
    assert outcome(tiny_spec("partly")) == ("passed", "")
    other = tiny_spec({"kind": "partly", "rate": 0.25})
    status, reason = outcome(other)
    assert (status, reason.partition(" (")[0]) == ("expected failure", "its reference knows one rate")


@each("order", [("confessed", "lying"), ("lying", "confessed")])
def test_a_declared_deviation_hides_no_other_cell(order: tuple[str, str]) -> None:
    layers = [{"cell": cell} for cell in order]
    status, reason = outcome({"schema": 1, "name": "both", "input": 5, "hidden_size": 7, "layers": layers})
    assert status == "failed"
    assert reason.startswith("cell lying against its reference")


@each("cell", ["lost-confessed", "crashing"])
def test_a_crash_is_no_expected_failure(cell: str) -> None:
    status, reason = outcome(tiny_spec(cell))
    assert status == "failed"
    assert reason.startswith("raised ")


def test_single_numbers_and_what_training_gathers_are_compared_too() -> None:
    assert outcome(tiny_spec("gain"))[0] == "failed"
    spec = tiny_spec("ligru")
    assert outcome(spec) == ("passed", "")
    with planted("zoo.references.gated:ligru_step", '(wx - p["norm.running_mean"])', "wx"):
        assert outcome(spec)[0] == "failed"


def test_a_run_without_dt_is_one_of_steps_of_one() -> None:
    assert outcome(tiny_spec("timed")) == ("passed", "")
    with planted("author_acme:Timed.project", "x[..., :1] * 0 + 1", "x[..., :1] * 0 + 5"):
        status, reason = outcome(tiny_spec("timed"))
    assert status == "failed"
    assert "cell timed against its reference, without dt, which is then 1: differs by" in reason


def test_every_cell_of_a_model_is_compared() -> None:
    layers = [{"cell": "decay"}, {"cell": "lying"}]
    spec = {"schema": 1, "name": "both", "input": 5, "hidden_size": 7, "layers": layers}
    assert outcome(spec)[1].startswith("cell lying against its reference")
    layers[1] = {"cell": "silent"}
    assert outcome(spec) == ("passed", "")


def test_a_model_without_a_reference_is_a_skip_that_says_so() -> None:
    assert outcome(tiny_spec("silent")) == ("skipped", "no reference is declared for cell silent")
    linear = {"schema": 1, "name": "flat", "input": 5, "layers": [{"kind": "linear", "size": 3}]}
    assert outcome(linear) == ("skipped", "the spec has no recurrent layer")


def test_a_reference_that_is_not_there_is_a_finding() -> None:
    status, reason = outcome(tiny_spec("lost"))
    assert status == "failed"
    assert reason.startswith("raised AttributeError: module 'author_acme' has no attribute 'nothing'")


def test_what_a_record_says_of_it_is_checked() -> None:
    with pytest.raises(zoo.PluginError, match="CellType 'a': reference must be a string 'module:attribute'"):
        zoo.CellType(name="a", build="a:A", reference="a.A")


@each("engine", ["loop", "auto"])
def test_the_assertion_takes_a_cell_in_both_forms_at_any_size(engine: str) -> None:
    assert_matches_reference("decay", engine=engine)
    assert_matches_reference({"kind": "decay", "rate": 0.25}, input_size=31, hidden_size=41, steps=3, batch=1)
    assert_matches_reference("silent", author_acme.reference)


def test_the_assertion_says_by_how_much() -> None:
    with pytest.raises(AssertionError, match=r"^cell decay against its reference: differs by 1\.\d+, bound 1e-10$"):
        assert_matches_reference("decay", author_acme.constant)
    assert_matches_reference("decay", author_acme.constant, bound=2.5)
    with pytest.raises(
        zoo.ZooError, match="cell 'silent' declares no reference: give one, or write it into its record"
    ):
        assert_matches_reference("silent")


def test_a_difference_at_one_step_of_one_row_is_found() -> None:
    rows = iter(range(3))

    def nearly(x: Any, parameters: Any, options: Any) -> Any:
        y = author_acme.reference(x, parameters, options)
        if next(rows) == 2:
            y[-1, 0] += 2e-10
        return y

    with pytest.raises(AssertionError, match="differs by 2e-10"):
        assert_matches_reference("decay", nearly)


def test_a_reference_of_another_length_is_found() -> None:
    def short(x: Any, parameters: Any, options: Any) -> Any:
        return author_acme.reference(x, parameters, options)[:-1]

    with pytest.raises(AssertionError, match=r"shape \(9, 6\), expected \(8, 6\)"):
        assert_matches_reference("decay", short)


def test_a_reference_of_other_numbers_is_told_so() -> None:
    with pytest.raises(AssertionError, match="the reference gives numbers of type complex128, expected float64"):
        assert_matches_reference("decay", lambda x, p, o: author_acme.reference(x, p, o) + 1j)
    with pytest.raises(zoo.ZooError, match="a reference is a function of x, parameters and options, not 3"):
        assert_matches_reference("decay", 3)  # type: ignore[arg-type]


@each("sizes", [{"batch": 0}, {"steps": -1}, {"input_size": 2.5}, {"hidden_size": True}])
def test_sizes_that_are_none_are_refused(sizes: dict[str, Any]) -> None:
    with pytest.raises(zoo.ZooError, match=f"{next(iter(sizes))} must be a whole number from 1, not"):
        assert_matches_reference("decay", **sizes)


def test_a_reference_that_writes_into_its_arguments_spoils_nothing() -> None:
    def careless(x: Any, parameters: Any, options: Any) -> Any:
        y = author_acme.reference(x, parameters, options)
        x[:] = np.nan
        parameters["weight"][:] = np.nan
        return y

    assert_matches_reference("decay", careless)


def test_what_starts_as_zeros_is_moved_before_it_is_compared() -> None:
    """Or a bias that a cell forgets would be compared as zeros."""
    seen = []

    def look(x: Any, parameters: Any, options: Any) -> Any:
        seen.append(parameters)
        return x @ np.zeros((5, 6))

    spec = tiny_spec({"kind": "gru", "bias": "one"}, hidden_size=6, init="keras")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        plain = zoo.build(spec)
    assert not plain.layers[0].cell.bias.any()
    with pytest.raises(AssertionError):
        assert_matches_reference({"kind": "gru", "bias": "one"}, look)
    assert np.unique(seen[0]["bias"]).size == 18
