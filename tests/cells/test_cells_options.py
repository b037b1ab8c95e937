"""Every built-in cell, with its defaults and with every option changed, beside the NumPy loops of another hand."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from each import each

import zoo
from zoo.checks.reference import reference
from zoo.checks.subject import Subject
from zoo.components import CellType
from zoo.errors import ZooError
from zoo.plugin.manager import isolated
from zoo.spec.canonical import Spec
from zoo.spec.describe import describe
from zoo.spec.library import load
from zoo.spec.tree import Recurrent
from zoo.testing import tiny, tiny_spec

SPECS = Path(__file__).parents[2] / "specs" / "cells"
RECORDS = [provided.record for provided in isolated().all("cell")]
OURS = "layers.0.cell."


@each("record", RECORDS, ids=lambda record: record.name)
def test_outputs_are_the_reference_s(record):
    """With its defaults, with every value that an option has few of, and with another one of every other option."""
    # The three that torch's kernels run are held to it step by step too.
    for engine in ("auto", "loop") if record.name in ("rnn", "lstm", "gru") else ("auto",):
        said = reference(Subject(tiny(SPECS / f"{record.name}.yaml"), torch.device("cpu"), engine, shrunk=False))
        options = list(record.options.model_fields)
        varied = re.findall(r"(\w+) \((.*?)\)(?:, |$)", said.partition(f"{record.name}: ")[2])
        assert [name for name, _ in varied] == options
        assert "none" not in [values for _, values in varied]


def learned() -> Iterator[Spec]:
    for record in RECORDS:
        spec = tiny(SPECS / f"{record.name}.yaml")
        (layer,) = spec.layers
        assert isinstance(layer, Recurrent)
        if record.name != "rwkv4":  # a mean of nothing
            yield spec.with_stack(layers=(replace(layer, initial_state="learned"),))


@each("spec", list(learned()), ids=lambda spec: spec.id)
def test_a_start_that_is_learned_is_read(spec):
    report = zoo.check(spec, checks=["gradient_flow", "parameters"])
    assert [one.status for one in report.outcomes] == ["passed", "passed"], str(report)


def test_a_cell_whose_start_cannot_be_learned_says_so():
    with pytest.raises(ZooError, match="cell 'rwkv4' has no state with a learnable initial value; use zeros"):
        tiny_spec("rwkv4", layers=[{"initial_state": "learned"}])


@each("record", RECORDS, ids=lambda record: record.name)
def test_a_cell_says_whose_equations_it_computes(record):
    assert isinstance(record, CellType)
    assert record.reference
    assert record.reference.startswith("zoo.references.")
    assert record.paper
    assert record.authority


def test_every_cell_has_its_spec_and_all_of_them_the_same_size():
    """64 numbers in and 64 numbers out, so that their figures compare."""
    assert sorted(path.stem for path in SPECS.glob("*.yaml")) == sorted(record.name for record in RECORDS)
    for record in RECORDS:
        layer = _only_layer(SPECS / f"{record.name}.yaml")
        assert layer.cell.record.name == record.name


def _only_layer(path: Path) -> Recurrent:
    spec = load(path).spec
    (layer,) = spec.layers
    shapes = [row.description.output_shape for row in describe(spec).rows if row.description]
    assert {math.prod(shape) for shape in shapes if shape} == {64}
    assert isinstance(layer, Recurrent)
    return layer
