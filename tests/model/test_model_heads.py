"""Pools over padded rows against each row by itself, and the heads: linear, mlp, and tied to the embedding."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from each import each
from model_support import build, close, features, per_row, symbols
from torch import Tensor
from torch.nn import functional as F

import zoo
from zoo.engine.recurrence import Run
from zoo.model.base import Model
from zoo.model.build import with_engine

LENGTHS = [3, 7, 1, 5]
IDENTITY: dict[str, Any] = {"kind": "linear", "size": 10, "bias": False}


def pooled(pool: Any, **keys: Any) -> Model:
    """A model whose head passes on what the pool gives."""
    keys = {"bidirectional": True, **keys}
    model = build(head={**IDENTITY, "pool": pool}, **keys)
    torch.nn.init.eye_(model.get_parameter("head.linear.weight"))
    return model


def headless(model: Model) -> Model:
    bare = copy.deepcopy(model)
    bare.head = bare.pool = None
    return bare


@each("pool", ["last", "mean", "max", "attention", "linear"])
@each("ragged", [False, True])
def test_pools_equal_numpy_on_each_row_alone(pool: str, ragged: bool) -> None:
    model = pooled({"kind": "attention", "score": "linear"} if pool == "linear" else pool)
    bare = headless(model)
    x = features()
    lengths = LENGTHS if ragged else [7] * 4
    garbage = x.clone()
    for row, length in enumerate(lengths):
        garbage[row, length:] = 1e9
    found = model(garbage, lengths=LENGTHS if ragged else None)
    for row, alone in enumerate(per_row(x, lengths)):
        y = bare(alone)[0][0].detach().numpy()
        if pool == "last":
            expected = np.concatenate([y[-1, :5], y[0, 5:]])
        elif pool in {"attention", "linear"}:
            weights = {
                k.removeprefix("pool."): v.numpy() for k, v in model.state_dict().items() if k.startswith("pool.")
            }
            if pool == "attention":
                hidden = np.tanh(y @ weights["hidden.weight"].T + weights["hidden.bias"])
                scores = hidden @ weights["score.weight"][0]
            else:
                assert set(weights) == {"score.weight"}
                scores = y @ weights["score.weight"][0]
            alpha = np.exp(scores) / np.exp(scores).sum()
            expected = alpha @ y
        else:
            expected = y.mean(0) if pool == "mean" else y.max(0)
        np.testing.assert_allclose(found[row].detach().numpy(), expected, rtol=0, atol=1e-12)


def test_linear_scores_have_a_weight_for_each_feature_and_no_hidden_layer() -> None:
    spec = {"input": 4, "cell": "gru", "hidden_size": 5, "head": {"kind": "none", "pool": "last"}}
    without = zoo.describe(zoo.load(spec)).parameters
    linear = zoo.load({**spec, "head": {"kind": "none", "pool": {"kind": "attention", "score": "linear"}}})
    assert zoo.describe(linear).parameters == without + 5
    assert sum(parameter.numel() for parameter in zoo.build(linear).parameters()) == without + 5
    with pytest.raises(zoo.SpecError, match="size is of the hidden layer"):
        pooled({"kind": "attention", "score": "linear", "size": 3})


def test_max_of_negative_outputs_is_not_the_padding_s_zero() -> None:
    model = pooled("max", bidirectional=False)
    model.get_parameter("layers.0.cell.bias_ih").data.fill_(-9.0)
    assert (model(features(), lengths=LENGTHS)[:, :5] < -0.5).all()


ONE_ROW: dict[str, dict[str, Any]] = {
    "plain": {"hidden_size": 5},
    "both": {"hidden_size": 5, "bidirectional": True},
    "sum": {"hidden_size": 5, "bidirectional": True, "merge": "sum"},
    "mean": {"hidden_size": 5, "bidirectional": True, "merge": "mean"},
    "mul": {"hidden_size": 5, "bidirectional": True, "merge": "mul"},
    "reverse": {"hidden_size": 5, "reverse": True},
    "projected": {"hidden_size": 5, "bidirectional": True, "output_projection": 4},
    "normed": {"hidden_size": 5, "bidirectional": True, "norm": "layer"},
    "residual": {"hidden_size": 3, "residual": True},
    "residual-both": {"hidden_size": 3, "bidirectional": True, "output_projection": 6, "residual": True},
    "residual-reverse": {"hidden_size": 3, "reverse": True, "residual": True},
}


def final_by_hand(model: Model, x: Tensor) -> Tensor:
    """The final output of each direction of a one-layer model, for one row (1, T, F) without padding."""
    layer: Any = model.layers[0]

    def run(cell: Any, x: Tensor) -> Tensor:
        h = torch.zeros(1, cell.hidden_size, dtype=torch.float64)
        for x_t in x.unbind(1):
            h = torch.tanh(F.linear(x_t, cell.weight_ih, cell.bias_ih) + F.linear(h, cell.weight_hh, cell.bias_hh))
        return h

    last = run(layer.cell, x.flip(1) if layer.reverse else x)
    beside = x[:, 0] if layer.reverse else x[:, -1]
    if layer.reverse_cell is not None:
        back = run(layer.reverse_cell, x.flip(1))
        merges = {"sum": last + back, "mean": (last + back) / 2, "mul": last * back}
        last = torch.cat([last, back], 1) if layer.merge == "concat" else merges[str(layer.merge)]
        beside = torch.cat([x[:, -1, :3], x[:, 0, 3:]], 1)
    if layer.norm is not None:
        centred = last - last.mean(1, keepdim=True)
        last = centred / (centred.square().mean(1, keepdim=True) + 1e-5).sqrt()
    if layer.output_projection is not None:
        last = F.linear(last, layer.output_projection.weight, layer.output_projection.bias)
    return last + beside if layer.residual else last


@each("engine", ["auto", "loop"])
@each("name", ONE_ROW)
def test_last_is_the_final_output_of_each_direction(name: str, engine: str) -> None:
    layer = ONE_ROW[name]
    size = 6 if name == "residual-both" else 3
    model = with_engine(pooled("last", input=size, layers=[{"cell": "rnn", **layer}], bidirectional=False), engine)
    x = features(size=size)
    for lengths in (None, LENGTHS):
        found = model(x, lengths=lengths)
        for row, alone in enumerate(per_row(x, lengths or [7] * 4)):
            expected = final_by_hand(model, alone)[0]
            close(found[row, : expected.shape[0]], expected)


def test_last_of_two_directions_is_not_the_last_step() -> None:
    model = pooled("last")
    y = headless(model)(features())[0]
    assert not torch.allclose(model(features()), y[:, -1])


def test_last_behind_a_linear_layer_is_the_last_valid_step() -> None:
    model = pooled(
        "last", layers=[{"cell": "rnn", "hidden_size": 5}, {"kind": "linear", "size": 4}], bidirectional=False
    )
    y = headless(model)(features(), lengths=LENGTHS)[0]
    found = model(features(), lengths=LENGTHS)
    for row, length in enumerate(LENGTHS):
        close(found[row, :4], y[row, length - 1])


def test_a_linear_head_without_a_pool_is_zero_in_padding() -> None:
    model = build(head={"kind": "linear", "size": 2})
    output = model(features(), lengths=LENGTHS)
    bare = headless(model)(features(), lengths=LENGTHS)[0]
    head: Any = model.head
    for row, length in enumerate(LENGTHS):
        close(output[row, :length], bare[row, :length] @ head.linear.weight.T + head.linear.bias)
        assert (output[row, length:] == 0).all()


@each("activation", ["relu", "tanh", "sigmoid", "gelu", "silu", "none"])
def test_an_mlp_head_by_hand(activation: str) -> None:
    model = build(head={"kind": "mlp", "size": 2, "hidden": [4, 6], "activation": activation, "pool": "mean"})
    functions: dict[str, Any] = {
        "relu": F.relu,
        "tanh": torch.tanh,
        "sigmoid": torch.sigmoid,
        "gelu": F.gelu,
        "silu": F.silu,
    }
    function = functions.get(activation, lambda x: x)
    y = headless(model)(features())[0].mean(1)
    head: Any = model.head
    for index, linear in enumerate(head.linears):
        y = y @ linear.weight.T + linear.bias
        y = function(y) if index < 2 else y
    close(model(features()), y)


@each("head", [{"kind": "linear", "size": 9}, {"kind": "tied"}])
def test_a_soft_cap_bounds_logits(head: dict[str, Any]) -> None:
    plain, capped = build(**{**TIED, "head": head}), build(**{**TIED, "head": {**head, "soft_cap": 0.25}})
    with torch.no_grad():
        for value in plain.parameters():
            value.mul_(3)
    capped.load_state_dict(plain.state_dict())
    x = symbols(4, 7, 9)
    y = plain(x)
    assert y.abs().max() > 0.5, "nothing to bound"
    close(capped(x), 0.25 * torch.tanh(y / 0.25))


TIED: dict[str, Any] = {"input": {"kind": "tokens", "vocabulary": 9, "size": 5}, "cell": "lstm", "head": "tied"}


def test_a_tied_head_shares_the_embedding() -> None:
    model = build(**TIED)
    x = symbols(4, 7, 9)
    weight = model.get_parameter("input.embedding.weight")
    bias = model.get_parameter("head.bias")
    torch.nn.init.normal_(bias)
    close(model(x), headless(model)(x)[0] @ weight.T + bias)
    assert [key for key in model.state_dict() if not key.startswith("layers")] == [
        "input.embedding.weight",
        "head.bias",
    ]
    assert sum(p.numel() for p in model.parameters()) == 9 * 5 + 9 + 4 * 5 * (5 + 5 + 2)
    assert [
        key for key in build(**{**TIED, "head": {"kind": "tied", "bias": False}}).state_dict() if "head" in key
    ] == []


def test_a_tied_head_s_gradient_is_the_sum_of_both_uses() -> None:
    model = build(**TIED)
    x = symbols(4, 7, 9)
    weight = model.get_parameter("input.embedding.weight")
    model(x).square().sum().backward()
    first = weight.detach().clone().requires_grad_()
    second = weight.detach().clone().requires_grad_()
    layer: Any = model.layers[0]
    start = layer.init_state(4, device=x.device, dtype=torch.float64)
    y = layer(F.embedding(x, first), start, Run()).output
    (y @ second.T + model.get_parameter("head.bias")).square().sum().backward()
    assert first.grad is not None
    assert second.grad is not None
    assert first.grad.abs().max() > 0
    close(weight.grad, first.grad + second.grad, 1e-10)


@pytest.mark.parametrize("change", ["deepcopy", "pickle", "to", "load", "step"])
def test_a_tied_head_stays_tied(change: str) -> None:
    model = build(**TIED)
    if change == "deepcopy":
        model = copy.deepcopy(model)
    elif change == "pickle":
        model = pickle.loads(pickle.dumps(model))
    elif change == "to":
        model = model.to(torch.float32)
    elif change == "load":
        model.load_state_dict(build(seed=9, **TIED).state_dict())
    else:
        model(symbols(4, 7, 9)).sum().backward()
        torch.optim.SGD(model.parameters(), lr=0.1).step()
    x = symbols(4, 7, 9)
    weight = model.get_parameter("input.embedding.weight")
    close(model(x), headless(model)(x)[0] @ weight.T + model.get_parameter("head.bias"), 1e-6)
    with torch.no_grad():
        weight.zero_()
    assert torch.equal(model(x), model.get_parameter("head.bias").expand(4, 7, 9))
