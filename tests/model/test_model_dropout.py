"""Every kind of dropout: where it acts, how often, with which mask, and that it acts in training only."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from each import each
from model_support import build, close, features, symbols, within
from torch import Tensor

from zoo.model.base import Model
from zoo.model.build import with_engine

KINDS: dict[str, dict[str, Any]] = {
    "input": {"dropout": {"input": 0.3}},
    "between": {"dropout": 0.3},
    "output": {"dropout": {"output": 0.3}},
    "variational": {"dropout": {"input": 0.3, "between": 0.3, "output": 0.3, "variational": True}},
    "recurrent": {"dropout": {"recurrent": 0.3}},
    "weight": {"dropout": {"weight": 0.3}},
    "zoneout": {"dropout": {"zoneout": 0.3}},
    "symbols": {"input": {"kind": "tokens", "vocabulary": 9, "size": 3, "dropout": 0.3}},
    "head": {"head": {"kind": "linear", "size": 2, "dropout": 0.3}},
    "mlp": {"head": {"kind": "mlp", "size": 2, "hidden": [4], "activation": "tanh", "dropout": 0.3}},
}


def data(model: Model) -> Tensor:
    return features() if model.input_shape else symbols(4, 7, 9)


def run(model: Model, seed: int, x: Tensor | None = None) -> Tensor:
    torch.manual_seed(seed)
    with torch.no_grad():
        output: Tensor = model(data(model) if x is None else x, return_state=True)[0]
    return output


BEFORE: dict[str, Any] = {"kind": "gru", "reset_gate": "before"}
CELLS = [("rnn", "auto"), ("lstm", "auto"), ("lstm", "loop"), ("gru", "auto"), (BEFORE, "loop")]


@each("kind", KINDS)
@each(("cell", "engine"), CELLS, ids=str)
def test_it_acts_in_training_only_and_repeats_with_a_seed(cell: Any, kind: str, engine: str) -> None:
    model = with_engine(build(cell=cell, layers=2, **KINDS[kind]), engine)
    first = run(model, 0)
    assert torch.equal(run(model, 0), first)
    assert not torch.equal(run(model, 1), first)
    model.eval()
    before = torch.random.get_rng_state()
    assert torch.equal(run(model, 0), run(model, 1))
    torch.random.set_rng_state(before)
    model(data(model))
    assert torch.equal(torch.random.get_rng_state(), before)
    plain = build(cell=cell, layers=2, **{k: v for k, v in KINDS[kind].items() if k != "dropout"}).eval()
    if kind != "zoneout":
        assert torch.equal(run(with_engine(plain, engine), 0), run(model, 0))


def relu_identity(layers: Any, dropout: Any, **keys: Any) -> Model:
    """Units that pass their input on, max(x, 0): what a layer drops is seen as it is."""
    cell = {"kind": "rnn", "nonlinearity": "relu", "bias": "none"}
    model = build(input=20, hidden_size=20, cell=cell, layers=layers, dropout=dropout, **keys)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.zero_()
            if "weight_ih" in name:
                parameter.copy_(torch.eye(20))
    return model


ONES = torch.ones(40, 30, 20, dtype=torch.float64)


@each("engine", ["auto", "loop"])
@each(
    ("layers", "dropout", "sites"),
    [
        (1, {"input": 0.3}, 1),
        (1, {"output": 0.3}, 1),
        (2, 0.3, 1),
        (3, {"between": 0.3}, 2),
        (3, {"input": 0.3}, 1),
        (3, {"output": 0.3}, 1),
        (3, {"input": 0.3, "between": 0.3, "output": 0.3}, 4),
    ],
    ids=str,
)
def test_on_the_model_it_means_the_stack_s_input_between_its_layers_and_its_output(
    layers: int, dropout: Any, sites: int, engine: str
) -> None:
    """Every site drops at a rate of 0.3 and scales by 1 / 0.7, so the share and the size of what is left count sites."""
    output = run(with_engine(relu_identity(layers, dropout), engine), 3, ONES)
    within(output, 1 - 0.7**sites)
    left = output[output > 0]
    close(left, torch.full_like(left, 0.7**-sites))


def test_on_the_layers_it_means_each_layer() -> None:
    layers = [{"dropout": {"input": 0.3}}, {"dropout": {"output": 0.3}}, {"dropout": {"input": 0.3, "output": 0.3}}]
    output = run(relu_identity([{"hidden_size": 20, **layer} for layer in layers], 0), 3, ONES)
    within(output, 1 - 0.7**4)


def test_between_on_layers_of_another_kind_stands_behind_recurrent_ones() -> None:
    layers: list[dict[str, Any]] = [
        {"hidden_size": 20},
        {"kind": "linear", "size": 20, "bias": False},
        {"hidden_size": 20},
    ]
    model = relu_identity(layers, 0.3)
    model.get_parameter("layers.1.linear.weight").data.copy_(torch.eye(20))
    output = run(model, 3, ONES)
    within(output, 0.3)


@pytest.mark.parametrize("kind", ["input", "between", "output"])
def test_a_variational_mask_is_one_per_sequence_and_another_for_each_row(kind: str) -> None:
    output = run(relu_identity(2, {kind: 0.3, "variational": True}), 3, ONES)
    assert torch.equal(output, output[:, :1].expand_as(output))
    within(output[:, 0], 0.3)
    left = output[output > 0]
    close(left, torch.full_like(left, 1 / 0.7))
    assert len({tuple(row.tolist()) for row in output[:, 0]}) == 40
    free = run(relu_identity(2, {kind: 0.3}), 3, ONES)
    assert not torch.equal(free, free[:, :1].expand_as(free))


def test_symbols_are_dropped_whole_and_everywhere_in_a_pass() -> None:
    model = build(input={"kind": "tokens", "vocabulary": 500, "size": 4, "dropout": 0.3})
    source: Any = model.input
    x = torch.arange(500).repeat(2, 2)
    torch.manual_seed(0)
    vectors = source(x).detach()
    weight = model.get_parameter("input.embedding.weight").detach()
    assert torch.equal(vectors[0, :500], vectors[1, 500:])
    gone = (vectors[0, :500] == 0).all(1)
    within((~gone).double(), 0.3)
    close(vectors[0, :500][~gone], weight[~gone] / 0.7)


@pytest.mark.parametrize("pool", [None, "mean"])
def test_head_dropout_acts_on_what_comes_in(pool: str | None) -> None:
    head: dict[str, Any] = {"kind": "linear", "size": 20, "bias": False, "dropout": 0.3}
    model = relu_identity(1, 0, head={**head, "pool": pool} if pool else head)
    model.get_parameter("head.linear.weight").data.copy_(torch.eye(20))
    torch.manual_seed(0)
    output = model(ONES).detach()
    within(output, 0.3)
    left = output[output > 0]
    close(left, torch.full_like(left, 1 / 0.7))


def test_a_linear_layer_s_dropout_acts_on_its_result() -> None:
    layers: list[dict[str, Any]] = [{"hidden_size": 20}, {"kind": "linear", "size": 20, "bias": True, "dropout": 0.3}]
    model = relu_identity(layers, 0)
    model.get_parameter("layers.1.linear.weight").data.zero_()
    model.get_parameter("layers.1.linear.bias").data.fill_(2.0)
    torch.manual_seed(0)
    output = model(ONES)[0].detach()
    within(output, 0.3)
    left = output[output > 0]
    close(left, torch.full_like(left, 2 / 0.7))
