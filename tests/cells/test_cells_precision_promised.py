"""Which cells promise half precision depends on their options: a chaotic one is off by more, in float32 too."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from each import each

import zoo
from zoo.checks.precision import BOUND, drift
from zoo.spec.traits import traits


def spec(**cell: Any) -> Any:
    return zoo.load({"schema": 1, "name": "a", "input": 64, "cell": cell, "hidden_size": 64})


@each(
    ("cell", "promised"),
    [
        ({"kind": "janet"}, True),
        ({"kind": "janet", "beta": 2.0}, False),
        ({"kind": "antisymmetric"}, True),
        ({"kind": "antisymmetric", "epsilon": 0.1}, False),
        ({"kind": "antisymmetric", "sigma": 3.0}, False),
        ({"kind": "esn", "spectral_radius": 1.25}, True),
        ({"kind": "esn", "spectral_radius": 2.8}, False),
        ({"kind": "fastrnn"}, True),
        ({"kind": "fastrnn", "alpha": -1.5}, False),
        ({"kind": "fastrnn", "beta": 4.5}, False),
        ({"kind": "fastrnn", "beta": 1e9}, False),
        ({"kind": "fastrnn", "alpha": -1e9}, True),
        ({"kind": "fastgrnn"}, True),
        ({"kind": "fastgrnn", "nu": -2.5}, False),
        ({"kind": "indrnn"}, True),
        ({"kind": "indrnn", "bound": 1.1}, False),
        ({"kind": "indrnn", "bound": 1.05, "nonlinearity": "tanh"}, False),
        ({"kind": "lem"}, True),
        ({"kind": "lem", "dt": 2.0}, False),
        ({"kind": "cornn"}, True),
        ({"kind": "cornn", "dt": 0.4}, False),
        ({"kind": "unicornn"}, True),
        ({"kind": "unicornn", "dt": 0.7}, False),
        ({"kind": "mclstm"}, False),
    ],
)
def test_half_precision_is_promised_where_it_holds(cell: dict[str, Any], promised: bool) -> None:
    assert traits(spec(**cell)).low_precision is promised


@pytest.mark.long
@pytest.mark.parametrize(
    "cell",
    [
        {"kind": "janet", "beta": 1.5},
        {"kind": "antisymmetric", "epsilon": 0.02},
        {"kind": "fastrnn", "alpha": -2.44},
        {"kind": "fastrnn", "beta": 3.55},
        {"kind": "fastgrnn", "nu": -3.0},
        {"kind": "indrnn", "bound": 1.05},
        {"kind": "indrnn", "bound": 1.0, "nonlinearity": "tanh"},
        {"kind": "lem", "dt": 1.99},
        {"kind": "cornn", "dt": 0.35},
        {"kind": "cornn", "dt": 1.6, "discretisation": "imex"},
        {"kind": "unicornn", "dt": 0.66},
    ],
    ids=str,
)
def test_the_last_value_that_promises_it_holds_it(cell: dict[str, Any]) -> None:
    for form, error in drift(spec(**cell), torch.device("cpu")).items():
        assert error <= BOUND, form


def test_a_time_gate_opens_where_it_does_in_float64() -> None:
    """With gaps and periods of few digits a phase can be the ratio itself, which float32 took for either side."""
    cell = {"kind": "phased-lstm", "ratio": 0.5, "period_min": 1.0, "period_max": 10.0, "leak": 0.875}
    for form, error in drift(spec(**cell), torch.device("cpu")).items():
        assert error <= 0.004, form


def test_maps_pass_no_error_on() -> None:
    """With products of the input in half precision it was off by 18 and 27 per cent."""
    maps = {"kind": "maps", "channels": 8, "height": 8, "width": 8}
    one = zoo.load({"schema": 1, "name": "a", "input": maps, "cell": "convlstm", "hidden_size": 4})
    for form, error in drift(one, torch.device("cpu"), seed=7).items():
        assert error <= 0.004, form
