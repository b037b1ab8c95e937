"""Checks of plugins: they join the contract, and take the place of none."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator

import pytest
from each import each

import zoo
from zoo.plugin.manager import given, isolated, using
from zoo.testing import tiny_spec

SPEC = {"schema": 1, "name": "small", "input": 3, "cell": "gru", "hidden_size": 4}


def fails(subject: zoo.Subject) -> None:
    raise zoo.CheckFailure("the figure is 3, bound 2")


def plugin(name: str) -> types.SimpleNamespace:
    @zoo.hookimpl
    def zoo_checks() -> list[zoo.CheckType]:
        return [zoo.CheckType(name=one, run="checks_for_tests:fails") for one in ("shapes", "odd", f"of-{name}")]

    return types.SimpleNamespace(zoo_checks=zoo_checks)


@pytest.fixture(autouse=True)
def _two_plugins(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    module = types.ModuleType("checks_for_tests")
    module.fails = fails  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "checks_for_tests", module)
    sources = []
    for name in ("zoo-a", "zoo-b"):
        holder = types.ModuleType(name.replace("-", "_"))
        holder.__dict__.update(vars(plugin(name)))
        sources.append(given(holder, distribution=name))
    with using(isolated(*sources)):
        yield


def outcomes(*checks: str) -> dict[str, str]:
    found = zoo.check(SPEC, checks=list(checks) or None, device="cpu").outcomes
    return {one.check: one.status for one in found}


def test_a_built_in_check_keeps_its_name_and_the_others_have_their_full_ones() -> None:
    found = outcomes()
    assert found["shapes"] == "passed"
    mine = ["zoo-a/odd", "of-zoo-a", "zoo-a/shapes", "zoo-b/odd", "of-zoo-b", "zoo-b/shapes"]
    assert {name: found[name] for name in mine} == dict.fromkeys(mine, "failed")


@each(
    ("written", "meant"),
    [
        ("shapes", "shapes"),
        ("recurrent-zoo/shapes", "shapes"),
        ("zoo-a/shapes", "zoo-a/shapes"),
        ("of-zoo-b", "of-zoo-b"),
    ],
)
def test_a_check_is_chosen_by_either_name(written: str, meant: str) -> None:
    assert outcomes(written) == {meant: "passed" if meant == "shapes" else "failed"}


@each(
    ("written", "said"),
    [
        ("odd", "two plugins offer a check 'odd': write 'zoo-a/odd' or 'zoo-b/odd'"),
        ("shapez", "unknown check 'shapez'; did you mean 'shapes'"),
        ("zoo-a/shapez", "unknown check 'zoo-a/shapez'; did you mean 'zoo-a/shapes'"),
    ],
)
def test_a_name_without_one_meaning_is_refused(written: str, said: str) -> None:
    with pytest.raises(zoo.ZooError, match=said):
        outcomes(written)


def test_a_deviation_is_declared_by_the_name_that_the_check_has() -> None:
    def cell(deviation: str) -> zoo.Report:
        @zoo.hookimpl
        def zoo_cells() -> list[zoo.CellType]:
            return [zoo.CellType(name="mine", build="zoo.cells.mine:make", deviations={deviation: "known"})]

        holder = types.ModuleType("zoo_c")
        holder.zoo_cells = zoo_cells  # type: ignore[attr-defined]
        checks = types.ModuleType("zoo_a")
        checks.__dict__.update(vars(plugin("zoo-a")))
        with using(isolated(given(checks, distribution="zoo-a"), given(holder, distribution="zoo-c"))):
            return zoo.check(tiny_spec("mine"), checks=["zoo-a/shapes"], device="cpu")

    made = types.ModuleType("zoo.cells.mine")

    def make(options: object, input_shape: tuple[int, ...], hidden_size: int) -> zoo.Cell:
        from zoo.cells.options import RNNOptions
        from zoo.cells.rnn import RNN

        return RNN(RNNOptions(), input_shape, hidden_size)

    made.make = make  # type: ignore[attr-defined]
    sys.modules["zoo.cells.mine"] = made
    try:
        assert cell("shapes").outcomes[0].status == "failed"
        (found,) = cell("zoo-a/shapes").outcomes
    finally:
        del sys.modules["zoo.cells.mine"]
    assert (found.status, found.reason) == ("expected failure", "known (the figure is 3, bound 2)")


def test_a_spec_that_is_not_there_may_be_of_a_plugin_that_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = types.ModuleType("zoo_broken")
    broken.zoo_cells = fails  # type: ignore[attr-defined]
    with (
        using(isolated(given(broken, distribution="zoo-broken"))),
        pytest.raises(zoo.ZooError, match=r"unknown spec 'nimbus'; .* \(and zoo-broken is broken: see zoo plugins\)"),
    ):
        zoo.load("nimbus")
