"""The checks are tested too: every planted bug is caught, by the check that is there for it."""

from __future__ import annotations

from contextvars import copy_context

import pytest
from each import each
from planted.specs import SPECS
from planted.suite import Mutant, also, caught, mutants, sound, table


@pytest.mark.parametrize("name", SPECS)
def test_planted(name: str) -> None:
    """One test for each spec, of all the bugs that it shows; without any, the checks that are there for them pass."""
    assert sound(name) == {}
    every_bug_is_caught([bug for bug in mutants() if bug.spec == name])


def every_bug_is_caught(bugs: list[Mutant]) -> None:
    @each("bug", bugs, ids=lambda bug: bug.name)
    def is_caught(bug: Mutant) -> None:
        # In a context of its own: a bug may leave a streaming block open, which later tests of this process would see.
        reason = copy_context().run(caught, bug)
        assert reason is not None, f"{bug.by} does not catch it; caught by {sorted(also(bug))}"
        # By its figure, not by a crash on the way to it.
        assert not reason.startswith("raised"), reason

    is_caught()


def test_there_are_enough_of_them() -> None:
    assert len(mutants()) >= 100
    assert len({bug.name for bug in mutants()}) == len(mutants())
    assert {bug.spec for bug in mutants()} == set(SPECS)


@pytest.mark.long
def test_table(capsys: pytest.CaptureFixture[str]) -> None:
    text = table()
    with capsys.disabled():
        print(f"\n\n{text}")  # noqa: T201 - the report of this suite
    assert "NOT CAUGHT" not in text


@pytest.mark.long
@pytest.mark.parametrize("name", SPECS)
def test_no_check_fails_without_a_bug(name: str) -> None:
    assert sound(name, everything=True) == {}
