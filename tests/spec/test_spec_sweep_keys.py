"""Whatever a key of the format is given: no command takes long or much memory, and a refusal is one line of words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from each import each
from sweeping import FLOATS, INTEGERS, KEYS, ODD, attempt, held, warm

from zoo.plugin.manager import isolated

KNOWN = isolated()
VALUES = (*INTEGERS, *FLOATS, *ODD)
TOP = [
    "schema",
    "name",
    "description",
    "paper",
    "tags",
    "requires",
    "architecture",
    "cell",
    "input",
    "hidden_size",
    "layers",
    "bidirectional",
    "merge",
    "share",
    "dropout",
    "norm",
    "residual",
    "init",
    "head",
    "expect",
    "extends",
    "variants",
    "output_projection",
    "memory_limit",
    "unknown",
]
LAYER = [
    "kind",
    "cell",
    "hidden_size",
    "bidirectional",
    "merge",
    "share",
    "dropout",
    "norm",
    "residual",
    "init",
    "output_projection",
    "reverse",
    "initial_state",
]
RATES = ["input", "between", "output", "variational", "recurrent", "weight", "zoneout"]

Written = Callable[[Any], dict[str, Any]]
"""The keys that have a value in some place."""


def on_top(key: str) -> Written:
    return lambda value: {key: value}


def on_a_layer(key: str) -> Written:
    return lambda value: {"layers": [{}, {key: value}]}


def a_rate(key: str) -> Written:
    return lambda value: {"layers": 2, "dropout": {key: value}}


PLACES: dict[str, Written] = {
    **{key: on_top(key) for key in TOP},
    **{f"layer-{key}": on_a_layer(key) for key in LAYER},
    **{f"dropout-{key}": a_rate(key) for key in RATES},
    "projection-size": lambda value: {"layers": [{"output_projection": {"size": value}}]},
    "projection-bias": lambda value: {"layers": [{"output_projection": {"size": 3, "bias": value}}]},
    "one_hot": lambda value: {"input": {"kind": "one_hot", "vocabulary": value}},
    "expect-parameters": lambda value: {"expect": {"parameters": value}},
    "pool": lambda value: {"head": {"kind": "linear", "size": 2, "pool": value}},
    "norm-position": lambda value: {"norm": {"kind": "layer", "position": value}},
    "variant": lambda value: {"variants": {"a": value}},
    "variant-hidden_size": lambda value: {"variants": {"a": {"hidden_size": value}}},
    "variant-layers": lambda value: {"variants": {"a": {"layers": value}}},
    "learned": lambda value: {"hidden_size": value, "bidirectional": True, "layers": [{"initial_state": "learned"}]},
    "batch-norm": lambda value: {"hidden_size": value, "norm": "batch"},
    "tied": lambda value: {"input": {"kind": "tokens", "vocabulary": value, "size": 4}, "head": "tied"},
    "attention": lambda value: {"hidden_size": value, "head": {"kind": "linear", "size": 2, "pool": "attention"}},
    "square": lambda value: {"head": {"kind": "mlp", "size": value, "hidden": [value]}},
    "lstms": lambda value: {"cell": "lstm", "hidden_size": value, "layers": 20},
}


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    warm(KNOWN)


@each("place", ["input", "hidden_size", "layer-output_projection", "projection-size", "one_hot", "tied", "learned"])
@each("value", [10**4, 10**8, 10**18])
def test_a_huge_size_takes_neither_time_nor_memory(place: str, value: int) -> None:
    held(KEYS | PLACES[place](value), KNOWN)


@each("place", ["layers", "dropout", "dropout-weight", "expect-parameters", "variant", "requires"])
def test_a_value_that_cannot_be_is_refused_in_a_line(place: str) -> None:
    for value in (0.0, 1e300, 10**18, -(10**18), "x" * 10_000, [[[1]]], {"kind": 10**18}, None):
        held(KEYS | PLACES[place](value), KNOWN, ("validate", "figures"))


@pytest.mark.parametrize("init", ["keras", "orthogonal"])
def test_no_scheme_computes_anything_on_meta(init: str) -> None:
    """An orthogonal matrix of 20,000 rows takes an hour."""
    for action in ("summary", "meta"):
        outcome = attempt(action, KEYS | {"hidden_size": 20_000, "init": init}, KNOWN)
        assert (outcome.said, outcome.seconds < 1, outcome.megabytes < 50) == ("", True, True), outcome


@pytest.mark.long
@pytest.mark.parametrize("place", PLACES)
def test_any_value_of_any_key(place: str) -> None:
    for value in VALUES:
        held(KEYS | PLACES[place](value), KNOWN)


@pytest.mark.long
@pytest.mark.parametrize("init", ["keras", "orthogonal", "xavier", "torch", "uniform"])
def test_any_size_under_any_scheme(init: str) -> None:
    scheme = {"kind": "uniform", "range": 0.1} if init == "uniform" else init
    for value in INTEGERS:
        held(KEYS | {"hidden_size": value, "init": scheme}, KNOWN)
        held(KEYS | {"init": scheme, "input": value, "layers": [{"kind": "linear", "size": value}, {}]}, KNOWN)
