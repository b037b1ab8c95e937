"""The checks are tested too: every planted bug is caught, by the check that is there for it among others."""

from __future__ import annotations

import os

import pytest
from planted.specs import SPECS
from planted.suite import Mutant, caught, mutants, sound, table


@pytest.mark.parametrize("name", SPECS)
def test_sound(name: str) -> None:
    assert sound(name) == {}


@pytest.mark.parametrize("bug", mutants(), ids=lambda bug: bug.name.replace(" ", "-"))
def test_planted(bug: Mutant) -> None:
    assert sound(bug.spec) == {}
    found = caught(bug)
    assert bug.by in found, f"caught by {sorted(found)}"
    # By its figure, not by a crash on the way to it.
    assert not found[bug.by].startswith("raised"), found[bug.by]


def test_there_are_enough_of_them() -> None:
    assert len(mutants()) >= 100
    assert len({bug.name for bug in mutants()}) == len(mutants())
    assert {bug.spec for bug in mutants()} == set(SPECS)


# Each of several workers would have to plant all of them again to print them all.
@pytest.mark.skipif("PYTEST_XDIST_WORKER" in os.environ, reason="the table is printed by a run in one process")
def test_table(capsys: pytest.CaptureFixture[str]) -> None:
    text = table()
    with capsys.disabled():
        print(f"\n\n{text}")  # noqa: T201 - the report of this suite
    assert "NOT CAUGHT" not in text
