"""Planting bugs: in methods and functions, taken out again, and held to be caught by a figure."""

from __future__ import annotations

import types
from collections.abc import Iterator

import author_acme
import pytest
import torch
from each import each

import zoo
from zoo.engine.sequence import gaps_backward
from zoo.errors import ZooError
from zoo.testing import assert_bug_caught, isolated_plugins, planted, tiny_spec

STEP = "author_acme:Base.step"
HALF = types.SimpleNamespace(rate=0.5)


@pytest.fixture(autouse=True)
def _acme() -> Iterator[None]:
    with isolated_plugins(author_acme):
        yield


def test_a_bug_is_there_inside_the_block_alone() -> None:
    before = author_acme.Base.step
    with planted(STEP, "self.rate *", "2.0 *"):
        assert author_acme.Base.step(None, 1.0, {"h": 3.0}, ()) == {"h": 7.0}  # type: ignore[arg-type]
    assert author_acme.Base.step is before
    assert author_acme.Base.step(HALF, 1.0, {"h": 3.0}, ()) == {"h": 2.5}  # type: ignore[arg-type]


def test_it_goes_where_the_block_raises() -> None:
    with pytest.raises(KeyError), planted(STEP, "self.rate *", "2.0 *"):
        raise KeyError
    assert author_acme.Base.step(HALF, 1.0, {"h": 3.0}, ()) == {"h": 2.5}  # type: ignore[arg-type]


def test_whoever_holds_a_function_has_the_bug() -> None:
    held = {"kept": author_acme.kept}
    with planted("author_acme:kept", "1.0 - rate", "rate"):
        assert author_acme.kept(0.25) == held["kept"](0.25) == 0.25
    assert author_acme.kept(0.25) == held["kept"](0.25) == 0.75


def test_a_function_inside_another_keeps_its_variables() -> None:
    assert author_acme.scaled(3.0) == 6.0
    with planted("author_acme:scaled", "factor *", "factor +"):
        assert author_acme.scaled(3.0) == 5.0
    assert author_acme.scaled(3.0) == 6.0


def test_a_bug_outlives_other_names_of_the_variables() -> None:
    """`step` and `ends` in the source; what is no variable of the function has to be what it says."""
    place, gaps = "zoo.engine.sequence:gaps_backward", torch.tensor([[5.0, 6.0, 7.0, 8.0]])
    right, wrong = "torch.where((t > 0) & (t < last), last - t, t)", "torch.where((t > 0) & (t < last), t, t)"
    sound = gaps_backward(gaps, None)
    with planted(place, right, wrong):
        assert torch.equal(gaps_backward(gaps, None), gaps)
    assert torch.equal(gaps_backward(gaps, None), sound)
    assert not torch.equal(sound, gaps)
    for other in (
        right.replace("torch", "numpy"),
        right.replace("0", "1"),
        right.replace("last - t", "t - last"),
    ):
        with pytest.raises(ZooError, match="occurs 0 times"), planted(place, other, "pass"):
            pass


def test_a_default_and_a_private_name_can_be_written_anew() -> None:
    one = author_acme.Private()
    with planted("author_acme:Private.shown", "more: int = 1", "more: int = 5"):
        assert one.shown() == 7
    with planted("author_acme:Private.shown", "self.__own +", "self.__own -"):
        assert one.shown() == 1
    assert one.shown() == 3


def test_a_property_stays_one() -> None:
    cell = zoo.build(tiny_spec("decay")).layers[0].cell
    with planted("author_acme:Base.half_life", "0.5 /", "3.0 /"):
        assert cell.half_life == 6.0
    assert cell.half_life == 1.0


def test_super_works_in_what_is_written_anew() -> None:
    with planted("author_acme:Decay.reset_parameters", "mul_(1.0)", "mul_(0.0)"):
        assert not zoo.build(tiny_spec("decay")).layers[0].cell.weight.any()
    assert zoo.build(tiny_spec("decay")).layers[0].cell.weight.any()


@each(
    ("where", "right", "said"),
    [
        ("author_acme:Base.stop", "x", "'author_acme:Base.stop' is not a 'module:function' or 'module:Class.method'"),
        ("no_such_module:f", "x", "No module named 'no_such_module'"),
        ("author_acme", "x", "'author_acme' is not a 'module:function'"),
        (STEP, "not there", "'not there' occurs 0 times in step, expected once"),
        (STEP, "state", "'state' occurs 2 times in step, expected once"),
        ("math:sin", "x", "is not a function written in Python"),
        ("author_acme:Base", "x", "is not a function written in Python"),
        ("author_acme:kept", "# the rest", "changes nothing in kept but a comment or a docstring"),
        ("author_acme:kept", "What is kept", "changes nothing in kept but a comment or a docstring"),
    ],
)
def test_a_place_that_cannot_be_used_is_one_clear_error(where: str, right: str, said: str) -> None:
    with pytest.raises(zoo.ZooError, match=said.replace("(", r"\(")), planted(where, right, "# y"):
        pass


def test_a_bug_that_is_no_python_is_told_so() -> None:
    with (
        pytest.raises(zoo.ZooError, match="kept cannot be written so: "),
        planted("author_acme:kept", "return", "retrn"),
    ):
        pass


def test_a_bug_that_a_check_finds_by_its_figure_is_caught() -> None:
    assert_bug_caught(tiny_spec("decay"), "reference", STEP, "self.rate *", "0.9 *")
    assert_bug_caught(tiny_spec("decay"), "gradcheck", STEP, 'state["h"] + u', 'state["h"].detach() + u')


def test_one_that_slips_through_is_an_error() -> None:
    with pytest.raises(AssertionError, match=r"decay: chunked does not catch '0.9 \*' in place of 'self.rate \*'"):
        assert_bug_caught(tiny_spec("decay"), "chunked", STEP, "self.rate *", "0.9 *")


def test_a_crash_is_not_a_catch() -> None:
    with pytest.raises(AssertionError, match="is a crash, which any check would catch: reference raised NameError"):
        assert_bug_caught(tiny_spec("decay"), "reference", STEP, "self.rate *", "no_name *")


def test_a_check_that_does_not_pass_to_begin_with_proves_nothing() -> None:
    with pytest.raises(AssertionError, match="reference does not pass before the bug is planted: failed, cell lying"):
        assert_bug_caught(tiny_spec("lying"), "reference", STEP, "self.rate *", "0.9 *")
    with pytest.raises(AssertionError, match="does not pass before the bug is planted: skipped"):
        assert_bug_caught(tiny_spec("silent"), "reference", STEP, "self.rate *", "0.9 *")
    with pytest.raises(zoo.ZooError, match="unknown check 'referense'; did you mean 'reference'"):
        assert_bug_caught(tiny_spec("decay"), "referense", STEP, "self.rate *", "0.9 *")
