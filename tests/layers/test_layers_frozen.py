"""Frozen components: not trained, counted apart, saved, and their statistics do not move."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import zoo
from zoo.spec.dump import to_data

CONV = {"kind": "conv1d", "channels": 6, "kernel_size": 3, "padding": "causal", "norm": "batch", "frozen": True}
SPEC: dict[str, Any] = {
    "schema": 1,
    "name": "a",
    "input": {"kind": "tokens", "vocabulary": 9, "size": 6, "frozen": True},
    "hidden_size": 6,
    "layers": [
        CONV,
        {"cell": {"kind": "lstm", "frozen": True}, "bidirectional": True, "merge": "sum"},
        {"cell": "gru"},
    ],
    "head": "tied",
}
GRU, LSTM, TABLE, CONVOLUTION = 3 * 6 * (6 + 6 + 2), 4 * 6 * (6 + 6 + 2), 9 * 6, 6 * 6 * 3 + 6 + 2 * 6


def test_they_are_counted_apart_in_closed_form_in_the_model_and_in_the_summary() -> None:
    expect = {"parameters": GRU + 9, "frozen": TABLE + CONVOLUTION + 2 * LSTM}
    spec = zoo.load({**SPEC, "expect": expect})
    figures = zoo.describe(spec)
    assert {"parameters": figures.parameters, "frozen": figures.frozen} == expect
    model = zoo.build(spec, seed=0)
    trained = {name: p.numel() for name, p in model.named_parameters() if p.requires_grad}
    assert sum(trained.values()) == expect["parameters"]
    assert {name.partition(".")[0] for name in trained} == {"layers", "head"}
    assert sum(p.numel() for p in model.parameters()) == sum(expect.values())
    assert f"{expect['frozen']:,} more that are frozen" in zoo.summary(spec).card
    with pytest.raises(zoo.SpecError, match="expects 7 frozen parameters, but the model has"):
        zoo.load({**SPEC, "expect": {**expect, "frozen": 7}})


def test_training_moves_none_of_their_numbers() -> None:
    model = zoo.build(SPEC, seed=0).train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.1)
    output: Any = model(model.example_input(4, 7))
    output.square().sum().backward()
    optimiser.step()
    moved = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert {name.rpartition(".")[0] for name in moved} == {"layers.2.cell", "head"}


def test_it_is_written_as_it_is_read_and_lasts() -> None:
    spec = zoo.load(SPEC)
    assert zoo.load(to_data(spec)) == spec
    assert spec != zoo.load({**SPEC, "input": {**SPEC["input"], "frozen": False}})
    model = zoo.materialise(zoo.build(spec, device="meta"), "cpu", seed=0)
    assert not model.input.get_parameter("embedding.weight").requires_grad
    assert not model.double().input.get_parameter("embedding.weight").requires_grad


@pytest.mark.parametrize("value", [1, "yes"])
def test_it_is_true_or_false(value: object) -> None:
    with pytest.raises(zoo.SpecError, match="'frozen' must be true or false"):
        zoo.load({**SPEC, "input": {**SPEC["input"], "frozen": value}})
