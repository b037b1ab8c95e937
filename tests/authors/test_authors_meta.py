"""A tensor that is made on the CPU whatever the device, seen on a machine that has no other, with its line."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import author_acme
import pytest
import torch
from each import each

import zoo
from zoo.checks.meta import meta
from zoo.checks.subject import Subject
from zoo.testing import isolated_plugins, planted, tiny_spec

STEP, RIGHT = "author_acme:Base.step", 'self.rate * state["h"] + u'


@pytest.fixture(autouse=True)
def _acme() -> Iterator[None]:
    with isolated_plugins(author_acme):
        yield


def said() -> str:
    try:
        meta(Subject(tiny_spec("decay", input=9, hidden_size=11), torch.device("cpu")))
    except zoo.CheckFailure as failure:
        return str(failure)
    return ""


def test_a_cell_that_asks_what_is_there_runs() -> None:
    assert said() == ""
    with planted(STEP, RIGHT, f"{RIGHT} + u.new_zeros(11) + torch.zeros(11, device=u.device) + torch.tensor(1.0)"):
        assert said() == ""


def test_a_tensor_of_the_cpu_is_named_with_its_method_and_line() -> None:
    with planted(STEP, RIGHT, f"{RIGHT} + torch.zeros(*u.shape)"):
        assert said() == (
            "a run on meta: torch.zeros in Decay.step (<step with a planted bug>, line 2) makes a tensor (3, 11) on cpu, "
            "whatever the device of the run: give it device=x.device, or make it from what is there, as x.new_zeros does"
        )


@each(
    ("wrong", "expected"),
    [
        ("torch.addcmul(u, state['h'], torch.full((1,), 0.5))", "torch.full in Decay.step"),
        (f"{RIGHT} + torch.from_numpy(__import__('numpy').ones(11, 'float32'))", "add in Decay.step"),
        ("torch.zeros(*u.shape)", "the output is on cpu"),
        (f"{RIGHT} * (2.0 if bool((u > 0).all()) else 1.0)", "in Decay.step: Tensor.item() cannot be called on meta"),
        (f"{RIGHT} + u.cpu()", "in Decay.step: Cannot copy out of meta tensor"),
    ],
)
def test_other_ways_to_leave_the_device(wrong: str, expected: str) -> None:
    with planted(STEP, RIGHT, wrong):
        assert expected in said()


def test_what_belongs_to_a_module_and_is_no_buffer_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is on meta where the model was built there, and stays behind where the model is moved."""
    start = author_acme.Base.__init__

    def with_attribute(self, *arguments) -> None:
        start(self, *arguments)
        self.scale = SimpleNamespace(of=torch.ones(11))  # which nobody looks into

    monkeypatch.setattr(author_acme.Base, "__init__", with_attribute)
    with planted(STEP, RIGHT, "self.rate * self.scale.of * state['h'] + u"):
        found = said()
    assert found.startswith("a run on meta, of a model that was moved there: mul in Decay.step")
    assert found.endswith("and what belongs to a module as a parameter or a buffer of it")


def test_meta_itself_is_no_device_for_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    line = (
        "device 'meta' holds no numbers that could be checked: name another, where the check 'meta' runs the model on"
    )
    with pytest.raises(zoo.ZooError, match=line):
        zoo.check(tiny_spec("decay"), device="meta")
    monkeypatch.setenv("ZOO_DEVICE", "meta")
    with pytest.raises(zoo.ZooError, match=line):
        zoo.check(tiny_spec("decay"))
