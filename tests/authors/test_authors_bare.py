"""Components without parameters that describe nothing, one of each kind: correct, so the contract says so."""

from __future__ import annotations

from typing import Any

import author_bare
import pytest
import torch
from each import each

import zoo
from zoo.testing import isolated_plugins

SPECS: dict[str, dict[str, Any]] = {
    "input": {"input": "bare", "cell": "gru", "hidden_size": 11},
    "layer": {"input": 9, "layers": [{"cell": "gru", "hidden_size": 11}, {"kind": "bare"}]},
    "head": {"input": 9, "cell": "gru", "hidden_size": 11, "head": "bare"},
    "pool": {"input": 9, "cell": "gru", "hidden_size": 11, "head": {"kind": "linear", "size": 3, "pool": "bare"}},
    "norm": {"input": 9, "cell": "gru", "hidden_size": 11, "norm": "bare"},
    "cell": {"input": 9, "cell": "bare", "hidden_size": 11},
    "nothing-with-parameters": {"input": "bare", "layers": [{"kind": "bare"}]},
}
CHECKS = [
    "shapes",
    "parameters",
    "summary",
    "options",
    "meta",
    "padding_invariance",
    "gradient_flow",
    "state_dict",
    "seed",
]


def spec(name: str) -> dict[str, Any]:
    return {"schema": 1, "name": name, **SPECS[name]}


@each("name", SPECS)
def test_the_contract_holds(name: str) -> None:
    with isolated_plugins(author_bare):
        report = zoo.check(zoo.load(spec(name)), checks=CHECKS)
    assert report.ok, str(report)


def test_an_option_that_changes_nothing_is_still_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(author_bare.ScaledHead, "forward", lambda self, x: 2.0 * x)
    with isolated_plugins(author_bare):
        report = zoo.check(zoo.load(spec("head")), checks=["options"])
    assert [outcome.reason for outcome in report.outcomes] == ["changes nothing: head.factor"]


def test_a_model_without_one_number_of_its_own_runs_in_the_dtype_it_was_built_in() -> None:
    with isolated_plugins(author_bare):
        model = zoo.build(spec("nothing-with-parameters"), dtype=torch.float64)
        x = torch.arange(18.0, dtype=torch.float64).view(1, 2, 9)
        y = model(x)[0]
        assert model.state_dict() == {}
    assert y.dtype == torch.float64
    assert torch.equal(y, 4 * x)
    with pytest.raises(zoo.InputError, match=r"x has dtype torch.float64, the model torch.float32"):
        model.float()(x)
