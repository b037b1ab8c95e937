"""Which cells promise half precision depends on their options: a chaotic one is off by more, in float32 too."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import zoo
from zoo.checks.precision import BOUND, drift
from zoo.spec.traits import traits


def spec(**cell: Any) -> Any:
    return zoo.load({"schema": 1, "name": "a", "input": 64, "cell": cell, "hidden_size": 64})


@pytest.mark.parametrize(
    ("cell", "promised"),
    [
        ({"kind": "janet"}, True),
        ({"kind": "janet", "beta": 2.0}, False),
        ({"kind": "antisymmetric"}, True),
        ({"kind": "antisymmetric", "epsilon": 0.1}, False),
        ({"kind": "antisymmetric", "sigma": 3.0}, False),
        ({"kind": "esn", "spectral_radius": 1.25}, True),
        ({"kind": "esn", "spectral_radius": 2.8}, False),
    ],
)
def test_half_precision_is_promised_where_it_holds(cell: dict[str, Any], promised: bool) -> None:
    assert traits(spec(**cell)).low_precision is promised


@pytest.mark.long
@pytest.mark.parametrize("cell", [{"kind": "janet", "beta": 1.5}, {"kind": "antisymmetric", "epsilon": 0.02}])
def test_the_last_value_that_promises_it_holds_it(cell: dict[str, Any]) -> None:
    for form, error in drift(spec(**cell), torch.device("cpu")).items():
        assert error <= BOUND, form
