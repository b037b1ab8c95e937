"""A test over many values: none is left out, and each that fails is named with how."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from each import each

from zoo.plugin import manager
from zoo.plugin.manager import isolated


def message(test: Any, **fixtures: Any) -> str:
    with pytest.raises(AssertionError) as caught:
        test(**fixtures)
    return str(caught.value)


def test_every_value_that_fails_is_named_and_how() -> None:
    tried = []

    def test(n: int) -> None:
        tried.append(n)
        assert n % 2 == 0, f"{n} is odd"
        if n == 4:
            raise ValueError("four")
        if n == 6:
            pytest.fail("six")

    said = message(each("n", range(8), ids=lambda n: f"number {n}")(test)).splitlines()
    assert tried == list(range(8))
    assert said[0] == "6 of 8 fail"
    named = [line for line in said if line.startswith("[")]
    assert [line.partition("]")[0] for line in named] == [f"[number {n}" for n in (1, 3, 4, 5, 6, 7)]
    assert "test_each.py:" in named[0]
    assert "AssertionError: 1 is odd" in named[0]
    assert named[2].endswith("ValueError: four")
    assert named[4].endswith("Failed: six")


def test_values_that_pass_are_a_test_that_passes() -> None:
    each(("a", "b"), [(1, 1), (2, 2)])(lambda a, b: None)()


def test_a_skip_and_no_values_at_all_are_no_pass() -> None:
    assert "Skipped: not here" in message(each("n", [1])(lambda n: pytest.skip("not here")))
    assert "no values" in message(each("n", [])(lambda n: None))


def test_what_is_given_is_new_for_every_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, seen = manager._current, []

    def test(n: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        assert list(tmp_path.iterdir()) == []
        assert manager._current is before
        assert not hasattr(Path, "changed")
        (tmp_path / "file").touch()
        monkeypatch.setattr(Path, "changed", n, raising=False)
        manager._current = isolated()
        seen.append(n)

    each("n", [1, 2])(test)(tmp_path=tmp_path, monkeypatch=monkeypatch)
    assert (seen, manager._current) == ([1, 2], before)


def test_one_inside_another_names_both() -> None:
    def test(a: int, b: int) -> None:
        assert a < b

    said = message(each("a", [1, 3])(each("b", [2, 4])(test)))
    assert "[3] " in said
    assert "[2] test_each.py" in said


def test_an_argument_that_the_test_does_not_take_is_a_mistake() -> None:
    with pytest.raises(AssertionError, match="takes no"):
        each("m", [1])(lambda n: None)
