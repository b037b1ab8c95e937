"""The trait `bounded` of every built-in cell is exact: whoever has it stays within a bound, whoever has not grows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from each import each

from zoo.checks import bounds, variations
from zoo.checks.features import source
from zoo.checks.subject import Subject
from zoo.components import Part, Traits
from zoo.errors import BuildError, CheckFailure
from zoo.plugin.manager import catalogue, isolated
from zoo.spec.canonical import Spec
from zoo.spec.library import load
from zoo.spec.traits import traits
from zoo.spec.tree import Recurrent
from zoo.testing import tiny, tiny_spec

SPECS = Path(__file__).parents[2] / "specs" / "cells"
RECORDS = [provided.record for provided in isolated().all("cell")]
UNSEEN = {
    "fastgrnn-nu": "its steps of σ(ν) are small there: what adds up does so later",
    "ligru-norm": "the recurrent weights as they start are too small for relu to grow by",
    "lipschitz-gamma": "a large damping holds the matrices as they start, not every one",
    "rhn-coupled": "c sees the input in the first micro-step alone: at depth 1 it grows, see below",
}
"""Options beside which no growth is seen, though nothing rules it out: no promise, and none broken."""

LARGEST_KERNEL = 9


def measured(spec: Spec, longest: int = 4096) -> str:
    """What grows, or nothing."""
    subject = Subject(spec, torch.device("cpu"), shrunk=False)
    try:
        bounds.measure(*bounds.of_cell(subject, only(spec)), "it", longest=longest)
    except CheckFailure as failure:
        return str(failure)
    return ""


def only(spec: Spec) -> Recurrent:
    (layer,) = spec.layers
    assert isinstance(layer, Recurrent)
    return layer


@each("record", RECORDS, ids=lambda record: record.name)
def test_as_it_comes(record) -> None:
    spec = tiny(SPECS / f"{record.name}.yaml")
    assert only(spec).cell.traits.bounded == (not measured(spec))


def varied(name: str) -> Iterator[tuple[str, Spec]]:
    spec = tiny(SPECS / f"{name}.yaml")
    for option in variations.options(spec, lambda part: False):
        if option.slot.place != "layers.0.cell":
            continue
        fitting = [attempt for attempt in option.tries() if variations.fits(attempt.changed)]
        if option.path[-1] == "kernel":  # a kernel far larger than the map takes terabytes over so many steps
            fitting = [attempt for attempt in fitting if attempt.value <= LARGEST_KERNEL]
        for attempt in fitting if option.every else fitting[:3]:
            yield f"{name}-{option.path[-1]}", attempt.changed


@pytest.mark.long
@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_with_each_option_changed(record) -> None:
    for label, spec in varied(record.name):
        try:
            grows = measured(spec, longest=16_384)
        except BuildError:
            continue
        declared = only(spec).cell.traits.bounded
        if not declared and not grows:
            assert label in UNSEEN, f"{label}: {only(spec).cell.options} could promise to be bounded"
        else:
            assert declared == (not grows), f"{only(spec).cell.options}: {grows}"


# Where the promise is a function of the options, at values on both sides of where it turns; the figures are derived.
@each(
    ("cell", "expected"),
    [
        ({"kind": "lem", "dt": 1.9}, True),  # within 1.9 / 0.1
        ({"kind": "lem", "dt": 2.0}, False),
        ({"kind": "cornn", "dt": 1.0, "epsilon": 1.0, "gamma": 1.9}, True),  # explicit: Δt² γ + 2 Δt ε < 4
        ({"kind": "cornn", "dt": 1.0, "epsilon": 1.0, "gamma": 2.1}, False),
        ({"kind": "cornn", "discretisation": "imex", "dt": 1.0, "epsilon": 1.0, "gamma": 5.9}, True),  # < 4 + 2 Δt ε
        ({"kind": "cornn", "discretisation": "imex", "dt": 1.0, "epsilon": 1.0, "gamma": 6.1}, False),
        ({"kind": "rhn", "coupled": False, "depth": 1}, False),
        ({"kind": "qrnn", "pooling": "ifo"}, False),
        ({"kind": "qrnn", "pooling": "fo"}, True),
        ({"kind": "ran", "nonlinearity": "identity"}, False),
        ({"kind": "rnn", "nonlinearity": "relu"}, False),
        ({"kind": "deltanet", "output_gate": True}, False),
        ({"kind": "gla", "output_gate": False}, True),
        ({"kind": "gated-deltanet", "output_gate": False}, True),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_options_decide(cell, expected) -> None:
    spec = tiny_spec(cell)
    assert only(spec).cell.traits.bounded is expected
    assert (not measured(spec)) is expected


def test_what_grows_with_the_input_and_with_the_length_is_told_apart() -> None:
    grows = measured(tiny_spec("mingru"))
    assert grows.startswith("it grows with the input: ")
    assert "for inputs 10,000 times larger" in grows
    grows = measured(tiny_spec("antisymmetric"))
    assert grows.startswith("it grows with the length: ")


# What it means for a model: from the last bounded cell on, nothing lets go.
@each(
    ("keys", "expected"),
    [
        ({"layers": [{"cell": "gru"}]}, True),
        ({"layers": [{"cell": "gru"}], "head": {"kind": "linear", "size": 3}}, True),
        ({"layers": [{"cell": "gru"}], "head": {"kind": "mlp", "size": 3, "hidden": [7], "pool": "mean"}}, True),
        ({"layers": [{"cell": "mingru"}]}, False),
        ({"layers": [{"cell": "mingru"}, {"cell": "gru"}]}, True),
        ({"layers": [{"cell": "gru"}, {"cell": "mingru"}]}, False),
        ({"layers": [{"cell": "gru"}, {"kind": "linear", "size": 5}]}, True),
        ({"layers": [{"cell": "gru", "residual": True}]}, False),
        ({"layers": [{"cell": "gru"}, {"cell": "gru", "residual": True}]}, True),
        ({"layers": [{"cell": "gru", "norm": "layer"}]}, True),
    ],
)
def test_a_model(keys, expected) -> None:
    assert traits(load({"schema": 1, "name": "t", "input": 6, "hidden_size": 6, **keys}).spec).bounded is expected


def test_symbols_are_no_large_inputs() -> None:
    tokens = {"kind": "tokens", "vocabulary": 9, "size": 6}
    layers = [{"cell": "gru", "hidden_size": 6, "residual": True}]
    assert traits(load({"schema": 1, "name": "t", "input": tokens, "layers": layers}).spec).bounded


def test_nothing_is_promised_by_saying_nothing() -> None:
    assert not Traits().bounded
    found = catalogue().find("norm", "rms")
    assert Part(found, found.record.options()).traits.bounded
    assert source((3,)).traits.bounded
