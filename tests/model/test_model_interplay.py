"""A model among torch's own tools: copies, pickles, dtypes, functional calls, autocast, and the keys of its weights."""

from __future__ import annotations

import copy
import io
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from each import each
from model_support import build, close, features, flat, symbols
from torch import Tensor
from torch.func import functional_call, grad, vmap

from zoo.model.base import Model

LENGTHS = [3, 7, 1, 5]
TIED: dict[str, Any] = {
    "input": {"kind": "tokens", "vocabulary": 9, "size": 5, "padding": 0},
    "cell": "gru",
    "layers": 2,
    "head": "tied",
}
MODELS: dict[str, dict[str, Any]] = {
    "lstm": {"cell": "lstm", "layers": 2, "bidirectional": True},
    "before": {
        "cell": {"kind": "gru", "reset_gate": "before"},
        "head": {"kind": "linear", "size": 2, "pool": "attention"},
    },
    "learned": {"layers": [{"cell": "rnn", "hidden_size": 5, "initial_state": "learned", "norm": "rms"}]},
    "tied": TIED,
}


def data(model: Model) -> Tensor:
    return features() if model.input_shape else symbols(4, 7, 9)


def output(model: Model) -> Tensor:
    y: Tensor = model(data(model), lengths=LENGTHS, return_state=True)[0]
    return y


@pytest.mark.parametrize("keys", MODELS.values(), ids=MODELS)
def test_a_deep_copy_is_equal_and_apart(keys: dict[str, Any]) -> None:
    model = build(**keys)
    before = output(model)
    other = copy.deepcopy(model)
    assert torch.equal(output(other), before)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(1.0)
    assert torch.equal(output(model), before)
    assert not torch.equal(output(other), before)


@pytest.mark.parametrize("keys", MODELS.values(), ids=MODELS)
def test_a_pickle_and_a_saved_state_dict_give_equal_outputs(keys: dict[str, Any]) -> None:
    model = build(**keys)
    assert torch.equal(output(pickle.loads(pickle.dumps(model))), output(model))
    buffer = io.BytesIO()
    torch.save(model.state_dict(), buffer)
    buffer.seek(0)
    fresh = build(seed=9, **keys)
    assert not torch.equal(output(fresh), output(model))
    fresh.load_state_dict(torch.load(buffer, weights_only=True), strict=True)
    assert torch.equal(output(fresh), output(model))


@pytest.mark.parametrize("keys", MODELS.values(), ids=MODELS)
def test_precisions_change_parameters_and_outputs_together(keys: dict[str, Any]) -> None:
    reference = output(build(**keys))
    for dtype, tolerance in ((torch.float32, 1e-5), (torch.bfloat16, 3e-2), (torch.float16, 5e-3)):
        model = build(**keys)
        model = {torch.float32: model.float, torch.bfloat16: model.bfloat16, torch.float16: model.half}[dtype]()
        x = data(model)
        y = model(x.to(dtype) if x.is_floating_point() else x, lengths=LENGTHS, return_state=True)[0]
        assert y.dtype == dtype
        close(y.double(), reference, tolerance)


@pytest.mark.parametrize("keys", MODELS.values(), ids=MODELS)
def test_a_functional_call_uses_the_parameters_that_it_is_given(keys: dict[str, Any]) -> None:
    model, other = build(**keys), build(seed=9, **keys)
    x = data(model)
    kept = copy.deepcopy(model.state_dict())
    found = functional_call(model, dict(other.named_parameters()), (x,), {"lengths": LENGTHS, "return_state": True})[0]
    assert torch.equal(found, output(other))
    assert all(torch.equal(value, kept[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize("keys", MODELS.values(), ids=MODELS)
def test_torch_func_grad_equals_backward(keys: dict[str, Any]) -> None:
    model = build(**keys)

    def loss(parameters: dict[str, Tensor]) -> Tensor:
        y: Tensor = functional_call(model, parameters, (data(model),), {"lengths": LENGTHS, "return_state": True})[0]
        return y.square().sum()

    found = grad(loss)({name: p.detach() for name, p in model.named_parameters()})
    output(model).square().sum().backward()  # type: ignore[no-untyped-call]
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None
        close(found[name], parameter.grad, 1e-11)


@pytest.mark.parametrize("name", ["before", "tied"])
def test_vmap_over_models_on_the_loop_equals_each(name: str) -> None:
    models = [build(seed=seed, engine="loop", **MODELS[name]) for seed in range(3)]
    stacked = {
        key: torch.stack([m.get_parameter(key).detach() for m in models]) for key, _ in models[0].named_parameters()
    }
    x = data(models[0])

    def one(parameters: dict[str, Tensor], x: Tensor) -> Tensor:
        y: Tensor = functional_call(models[0], parameters, (x,), {"return_state": True})[0]
        return y

    found = vmap(one, in_dims=(0, None))(stacked, x)
    for index, model in enumerate(models):
        close(found[index], model(x, return_state=True)[0])
    both = torch.stack([x, x.roll(1, 0)])
    found = vmap(one, in_dims=(None, 0))({k: v[0] for k, v in stacked.items()}, both)
    close(found[1], models[0](both[1], return_state=True)[0])


@each("engine", ["auto", "loop"])
@each("ragged", [False, True])
@each("cell", ["rnn", "lstm", "gru", {"kind": "gru", "reset_gate": "before"}], ids=str)
def test_autocast_is_close_and_keeps_states_in_float32(cell: Any, ragged: bool, engine: str) -> None:
    model = build(cell=cell, layers=2, bidirectional=True, dtype=torch.float32, engine=engine)
    x = features().float()
    lengths = LENGTHS if ragged else None
    expected, expected_state = model(x, lengths=lengths)
    with torch.autocast("cpu", torch.bfloat16):
        found, state = model(x, lengths=lengths)
    found.sum().backward()
    close(found.float(), expected, 3e-2)
    for one, other in zip(flat(state), flat(expected_state), strict=True):
        assert one.dtype == torch.float32
        close(one, other, 3e-2)
    assert all(
        p.grad is not None and p.grad.dtype == torch.float32 and p.grad.isfinite().all() for p in model.parameters()
    )


@each("engine", ["auto", "loop"])
@each("cell", ["rnn", "lstm", "gru"])
def test_frozen_weights_and_no_grad_give_the_same_numbers(cell: str, engine: str) -> None:
    model = build(cell=cell, engine=engine)
    expected = output(model)
    with torch.no_grad():
        close(output(model), expected.detach())
    with torch.inference_mode():
        close(output(model).clone(), expected.detach())
    model.requires_grad_(False)
    x = features().requires_grad_()
    model(x)[0].sum().backward()
    assert x.grad is not None
    assert (x.grad != 0).all()


def test_threads_share_a_model() -> None:
    model = build(cell="lstm", layers=2).eval()
    expected = [model(features(seed=seed))[0].detach() for seed in range(4)]
    found: dict[int, Tensor] = {}

    def work(seed: int) -> None:
        with torch.no_grad():
            for _ in range(5):
                found[seed] = model(features(seed=seed))[0]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert sorted(found) == [0, 1, 2, 3]
    for seed in range(4):
        assert torch.equal(found[seed], expected[seed])


def test_exporting_leaves_out_what_reads_numbers_and_keeps_the_numbers() -> None:
    model = build(input={"kind": "tokens", "vocabulary": 9, "size": 3}, cell="gru", engine="loop").eval()
    x, lengths = symbols(4, 7, 9), torch.tensor(LENGTHS)
    exported = torch.export.export(model, (x,), {"lengths": lengths}, strict=False).module()
    other, swapped = symbols(4, 7, 9, seed=5), torch.tensor([1, 2, 6, 7])
    assert torch.equal(exported(other, lengths=swapped)[0], model(other, lengths=swapped)[0])


BOTH = [
    f"layers.{layer}.{cell}.{name}"
    for layer in range(2)
    for cell in ("cell", "reverse_cell")
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
]
KEYS: list[tuple[dict[str, Any], list[str]]] = [
    (
        {"cell": "lstm"},
        ["layers.0.cell.weight_ih", "layers.0.cell.weight_hh", "layers.0.cell.bias_ih", "layers.0.cell.bias_hh"],
    ),
    (
        {"cell": {"kind": "lstm", "projection": 2, "bias": "one"}},
        ["layers.0.cell.weight_ih", "layers.0.cell.weight_hh", "layers.0.cell.bias", "layers.0.cell.weight_hr"],
    ),
    ({"cell": {"kind": "gru", "bias": "none"}}, ["layers.0.cell.weight_ih", "layers.0.cell.weight_hh"]),
    ({"cell": "gru", "layers": 2, "bidirectional": True}, BOTH),
    (
        {**TIED, "layers": 1},
        [
            "input.embedding.weight",
            "layers.0.cell.weight_ih",
            "layers.0.cell.weight_hh",
            "layers.0.cell.bias_ih",
            "layers.0.cell.bias_hh",
            "head.bias",
        ],
    ),
    (
        {
            "layers": [
                {
                    "cell": {"kind": "rnn", "bias": "one"},
                    "hidden_size": 5,
                    "bidirectional": True,
                    "norm": "layer",
                    "output_projection": 4,
                    "initial_state": "learned",
                },
                {"kind": "linear", "size": 4},
            ],
            "head": {"kind": "mlp", "size": 2, "hidden": [3], "pool": "attention"},
        },
        [
            "layers.0.cell.weight_ih",
            "layers.0.cell.weight_hh",
            "layers.0.cell.bias",
            "layers.0.reverse_cell.weight_ih",
            "layers.0.reverse_cell.weight_hh",
            "layers.0.reverse_cell.bias",
            "layers.0.norm.weight",
            "layers.0.norm.bias",
            "layers.0.output_projection.weight",
            "layers.0.output_projection.bias",
            "layers.0.initial.h",
            "layers.0.reverse_initial.h",
            "layers.1.linear.weight",
            "layers.1.linear.bias",
            "pool.hidden.weight",
            "pool.hidden.bias",
            "pool.score.weight",
            "head.linears.0.weight",
            "head.linears.0.bias",
            "head.linears.1.weight",
            "head.linears.1.bias",
        ],
    ),
]


@each(("keys", "expected"), KEYS, ids=range(len(KEYS)))
def test_the_keys_of_the_weights_are_stable(keys: dict[str, Any], expected: list[str]) -> None:
    """Saved weights hold these names: a change of them breaks every file that somebody saved."""
    model = build(**keys)
    assert sorted(model.state_dict()) == sorted(expected)
    assert sorted(name for name, _ in model.named_parameters()) == sorted(expected)
