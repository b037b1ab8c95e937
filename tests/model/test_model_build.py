"""Building: seeds and the random state, meta and materialise, dtypes, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from each import each
from model_support import build, close, features, spec

import zoo
from zoo.model.base import Model
from zoo.model.build import with_engine

TIED: dict[str, Any] = {
    "input": {"kind": "tokens", "vocabulary": 9, "size": 5, "padding": 0},
    "cell": "lstm",
    "layers": 2,
    "head": "tied",
}
FULL: dict[str, Any] = {
    "cell": {"kind": "lstm", "forget_bias": 1.0},
    "bidirectional": True,
    "norm": "layer",
    "layers": [{"hidden_size": 4, "output_projection": 6, "initial_state": "learned"}, {"hidden_size": 5}],
    "init": "orthogonal",
    "head": {"kind": "mlp", "size": 2, "hidden": [3], "pool": "attention"},
}


def equal(one: Model, other: Model) -> bool:
    mine, theirs = one.state_dict(), other.state_dict()
    return list(mine) == list(theirs) and all(torch.equal(mine[key], theirs[key]) for key in mine)


@pytest.mark.parametrize("keys", [{}, TIED, FULL], ids=["plain", "tied", "full"])
def test_a_seed_gives_the_same_parameters_and_leaves_the_global_state(keys: dict[str, Any]) -> None:
    torch.manual_seed(100)
    before = torch.random.get_rng_state()
    one = build(seed=7, **keys)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(101)
    assert equal(one, build(seed=7, **keys))
    assert not equal(one, build(seed=8, **keys))


@pytest.mark.parametrize("keys", [{}, TIED, FULL], ids=["plain", "tied", "full"])
def test_no_seed_draws_from_the_global_state(keys: dict[str, Any]) -> None:
    def drawn() -> Model:
        return zoo.build(spec(**keys), dtype=torch.float64)

    torch.manual_seed(5)
    one, second = drawn(), drawn()
    assert not equal(one, second)
    torch.manual_seed(5)
    assert equal(drawn(), one)
    assert equal(build(seed=5, **keys), one)


@each("dtype", [torch.float64, torch.float32, torch.bfloat16])
@each("keys", [{}, TIED, FULL], ids=["plain", "tied", "full"])
def test_meta_then_materialise_equals_a_direct_build(keys: dict[str, Any], dtype: torch.dtype) -> None:
    model = zoo.build(spec(**keys), device="meta", dtype=dtype)
    assert {p.device.type for p in model.parameters()} == {"meta"}
    made = zoo.materialise(model, "cpu", seed=3)
    assert made is model
    assert {p.dtype for p in model.parameters()} == {dtype}
    assert equal(model, build(seed=3, dtype=dtype, **keys))


def test_a_materialised_tied_head_still_shares_the_embedding() -> None:
    model = zoo.materialise(zoo.build(spec(**TIED), device="meta"), "cpu", seed=0)
    model(torch.ones(2, 3, dtype=torch.int64)).sum().backward()
    embedding = model.get_parameter("input.embedding.weight")
    assert embedding.grad is not None
    assert (embedding.grad[2:].abs().sum(1) > 0).all()  # symbols that the input never held: only the head reaches them


def test_meta_takes_no_memory_and_knows_shapes() -> None:
    model = zoo.build(spec(cell="lstm", hidden_size=10**6), device="meta")
    output, (h, c) = model(torch.empty(2, 4, 3, device="meta"))
    assert (tuple(output.shape), tuple(h.shape), tuple(c.shape)) == ((2, 4, 10**6), (1, 2, 10**6), (1, 2, 10**6))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_dtypes_hold_for_every_parameter_and_the_output(dtype: torch.dtype) -> None:
    model = build(dtype=dtype, **FULL)
    assert {p.dtype for p in model.parameters()} == {dtype}
    assert model(features().to(dtype), lengths=[3, 7, 1, 5]).dtype == dtype
    state = model.init_state(2)
    assert {s.dtype for s in state.values()} == {torch.float64 if dtype == torch.float64 else torch.float32}


def test_low_precision_parameters_are_the_float32_ones_rounded() -> None:
    rounded = build(seed=4, dtype=torch.bfloat16, **FULL).state_dict()
    for key, value in build(seed=4, dtype=torch.float32, **FULL).state_dict().items():
        assert torch.equal(rounded[key], value.bfloat16()), key


def test_the_default_dtype_is_torch_s_and_stays() -> None:
    torch.set_default_dtype(torch.float64)
    try:
        assert next(zoo.build(spec()).parameters()).dtype == torch.float64
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    build(dtype=torch.float64)
    assert torch.get_default_dtype() == torch.float32


def test_bfloat16_is_close_to_float32() -> None:
    for keys in ({"cell": "gru", "layers": 2}, {"cell": {"kind": "gru", "reset_gate": "before"}}, {"cell": "lstm"}):
        low = build(dtype=torch.bfloat16, **keys)
        high = with_engine(low, "loop").float()
        x = features().bfloat16()
        for lengths in (None, [3, 7, 1, 5]):
            close(low(x, lengths=lengths)[0].float(), high(x.float(), lengths=lengths)[0], 2e-2)


HUGE: dict[str, Any] = {"cell": "lstm", "hidden_size": 100_000}
REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "memory": (
        {"cell": "lstm", "hidden_size": 20, "input": 10},
        {"memory_limit": 10_239},
        "a has 2,560 parameters, 10,240 bytes, over the limit of 10,239 bytes: "
        "raise it with memory_limit=..., or build on device='meta'",
    ),
    "memory-default": (
        HUGE,
        {},
        "a has 40,002,000,000 parameters, 149.0 GiB, over the limit of 4.0 GiB: "
        "raise it with memory_limit=..., or build on device='meta'",
    ),
    "memory-text": ({}, {"memory_limit": "4GB"}, "memory_limit must be a whole number from 0, or None, not '4GB'"),
    "engine": ({}, {"engine": "warp"}, "unknown engine 'warp'; engines: auto, fused, "),
    "engine-none": ({}, {"engine": None}, "unknown engine None; engines: auto, fused, "),
    "device": ({}, {"device": "gpu"}, "device 'gpu' cannot be used here: Expected one of cpu, cuda"),
    "device-type": ({}, {"device": 3.5}, "device '3.5' cannot be used here: "),
    "fused": (
        {
            "layers": [
                {"cell": "rnn", "hidden_size": 4},
                {"cell": {"kind": "gru", "reset_gate": "before"}, "hidden_size": 4},
            ]
        },
        {"engine": "fused"},
        "layers.1: cell 'gru' has no fused kernel with these options: use engine 'auto' or 'loop'",
    ),
    "dtype-integer": (
        {},
        {"dtype": torch.int32},
        "dtype must be one of torch.float64, torch.float32, torch.bfloat16, torch.float16, not torch.int32",
    ),
    "dtype-text": (
        {},
        {"dtype": "float64"},
        "dtype must be one of torch.float64, torch.float32, torch.bfloat16, torch.float16, not 'float64'",
    ),
    "seed-real": ({}, {"seed": 1.5}, "seed must be a whole number from 0 to 18446744073709551615, or None, not 1.5"),
    "seed-negative": ({}, {"seed": -1}, "seed must be a whole number from 0 to 18446744073709551615, or None, not -1"),
    "seed-bool": ({}, {"seed": True}, "seed must be a whole number from 0 to 18446744073709551615, or None, not True"),
    "seed-large": (
        {},
        {"seed": 2**64},
        "seed must be a whole number from 0 to 18446744073709551615, or None, not 18446744073709551616",
    ),
}


@each("name", REFUSED)
def test_what_cannot_be_built_is_one_build_error(name: str) -> None:
    keys, options, message = REFUSED[name]
    with pytest.raises(zoo.BuildError) as caught:
        zoo.build(spec(**keys), **options)
    if name in ("device", "device-type", "engine", "engine-none"):  # torch's own words, or a list that grows, follow
        assert str(caught.value).startswith(message)
    else:
        assert str(caught.value) == message


def test_the_memory_limit_counts_bytes_and_can_be_lifted() -> None:
    keys = spec(cell="lstm", hidden_size=20, input=10)
    assert zoo.build(keys, memory_limit=10_240).spec.name == "a"
    assert zoo.build(keys, memory_limit=5_120, dtype=torch.bfloat16).spec.name == "a"
    with pytest.raises(zoo.BuildError, match="20,480 bytes, over"):
        zoo.build(keys, memory_limit=10_240, dtype=torch.float64)
    assert zoo.build(keys, memory_limit=None).spec.name == "a"
    assert zoo.build(keys, memory_limit=0, device="meta").spec.name == "a"


def test_with_engine_is_a_copy_that_refuses_the_same() -> None:
    model = build(cell={"kind": "gru", "reset_gate": "before"})
    copy = with_engine(model, "loop")
    assert (model.engine, copy.engine) == ("auto", "loop")
    assert copy is not model
    assert equal(copy, model)
    assert next(copy.parameters()).data_ptr() != next(model.parameters()).data_ptr()
    with pytest.raises(zoo.BuildError, match="no fused kernel"):
        with_engine(model, "fused")


def test_example_input_repeats_and_leaves_the_random_state() -> None:
    model = build(**TIED)
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    x = model.example_input(3, 200)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(x, model.example_input(3, 200, seed=0))
    assert not torch.equal(x, model.example_input(3, 200, seed=1))
    assert sorted(set(x.flatten().tolist())) == list(range(9))
    assert build().example_input(3, 4).dtype == torch.float64


def test_a_built_model_stands_in_training_mode() -> None:
    assert all(module.training for module in build(**FULL).modules())
