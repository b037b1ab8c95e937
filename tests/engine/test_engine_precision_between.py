"""Half precision between a cell and what stands around it: float32 inside a layer, and from one to the next."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from each import each
from torch import Tensor, nn

import zoo
from zoo.engine.recurrent_layer import RecurrentLayer

BEFORE = {"norm": {"kind": "layer", "position": "before"}}


def built(cell: Any, *, dtype: torch.dtype = torch.bfloat16, **keys: Any) -> zoo.Model:
    spec = {"schema": 1, "name": "a", "input": 6, "cell": cell, "hidden_size": 6, **keys}
    return zoo.build(spec, seed=0, dtype=dtype).eval()


def signal(steps: int, dtype: torch.dtype = torch.bfloat16) -> Tensor:
    return torch.randn(2, steps, 6, generator=torch.Generator().manual_seed(1)).bfloat16().to(dtype)


class Seen(nn.Module):
    """A norm of somebody else's: it keeps the mean of its last input, a new tensor each time, and tells its dtypes."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((6,), 2.0))
        self.register_buffer("mean", torch.zeros(6))
        self.dtypes: list[tuple[torch.dtype, ...]] = []

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        self.mean = x.detach().mean((0, 1))
        y = nn.functional.layer_norm(x, (6,), self.scale)  # refuses a weight of another precision
        self.dtypes.append((x.dtype, self.scale.dtype, y.dtype))
        return y


def with_norm(position: str, *, half: bool) -> tuple[zoo.Model, Seen]:
    """A model with that norm, in bfloat16 or for autocast."""
    model = built("gru", dtype=torch.float32, norm={"kind": "layer", "position": position})
    layer, norm = model.layers[0], Seen()
    assert isinstance(layer, RecurrentLayer)
    layer.norm = norm
    return (model.bfloat16() if half else model), norm


@each("position", ["before", "after"])
@each("half", [True, False], ids=["bfloat16", "autocast"])
def test_a_norm_sees_and_gives_float32(position: str, half: bool) -> None:
    model, norm = with_norm(position, half=half)
    with torch.autocast("cpu", torch.bfloat16, enabled=not half):
        y, _ = model(signal(5, torch.bfloat16 if half else torch.float32))
    assert norm.dtypes == [(torch.float32,) * 3]
    assert y.dtype == (torch.bfloat16 if half else torch.float32)
    assert norm.scale.dtype == (torch.bfloat16 if half else torch.float32)
    assert norm.mean.dtype == torch.float32
    assert norm.mean.abs().min() > 0
    y.float().square().sum().backward()
    assert norm.scale.grad is not None
    assert norm.scale.grad.abs().max() > 0


def test_a_layer_with_a_norm_equals_its_rounded_weights_in_float32() -> None:
    """Up to its output's last digit: with products of the input that are exact, nothing else is rounded."""
    for cell in ("br", "nbr", "gla", "janet"):
        for keys in ({"norm": "layer"}, BEFORE, {"layers": 2, **BEFORE}, {"layers": 2, "residual": True}):
            low = built(cell, **keys)
            expected, _ = copy.deepcopy(low).float()(signal(40, torch.float32))
            assert torch.allclose(low(signal(40))[0].float(), expected, rtol=2**-8, atol=1e-6), (cell, keys)


def test_layers_of_other_kinds_and_heads_are_given_the_models_precision() -> None:
    seen: list[tuple[str, torch.dtype]] = []
    layers = [{"cell": "gru", "hidden_size": 6}, {"kind": "linear", "size": 6}, {"cell": "gru", "hidden_size": 6}]
    spec = {
        "schema": 1,
        "name": "a",
        "input": 6,
        "layers": layers,
        "head": {"kind": "linear", "size": 3, "pool": "last"},
    }
    model = zoo.build(spec, seed=0, dtype=torch.bfloat16)
    for name in ("layers.1", "pool", "head"):
        model.get_submodule(name).register_forward_pre_hook(
            lambda _, given, name=name: seen.append((name, given[0].dtype))
        )
    assert model(signal(5)).dtype == torch.bfloat16
    assert seen == [(name, torch.bfloat16) for name in ("layers.1", "pool", "head")]


@each("keys", [{}, BEFORE, {"layers": 2}], ids=str)
def test_past_inputs_keep_their_digits(keys: dict[str, Any]) -> None:
    """A window sees the same of a sequence in pieces as of the whole."""
    for cell in ({"kind": "qrnn", "window": 3}, "deltanet"):
        model, x = built(cell, **keys), signal(9)
        whole, _ = model(x)
        state = model.init_state(2)
        before = {name: value.dtype for name, value in state.items()}
        pieces = []
        for step in range(9):
            y, state = model.step(x[:, step], state)
            pieces.append(y)
        assert {name: value.dtype for name, value in state.items()} == before
        assert torch.allclose(torch.stack(pieces, 1).float(), whole.float(), rtol=2**-7, atol=1e-4), cell


@pytest.mark.parametrize("norm", ["layer", "rms", "batch"])
@pytest.mark.parametrize("position", ["before", "after"])
@torch.no_grad()
def test_norms_are_compiled_and_exported_as_they_run(norm: str, position: str) -> None:
    torch._dynamo.reset()
    model, x = built("br", norm={"kind": norm, "position": position}, layers=2, residual=True), signal(4)
    expected = model(x)[0]
    assert torch.equal(torch.compile(model, backend="eager", fullgraph=True)(x)[0], expected)
    assert torch.equal(torch.export.export(model, (x,)).module()(x)[0], expected)


def test_a_layer_by_itself_rounds_at_its_end() -> None:
    """As an architecture of somebody else's runs it."""
    layer = built("br", **BEFORE).layers[0]
    assert isinstance(layer, RecurrentLayer)
    state = layer.init_state(2, device=torch.device("cpu"), dtype=torch.bfloat16)
    y = layer(signal(5), state, zoo.Run(final=True))
    assert (y.output.dtype, y.final.dtype) == (torch.bfloat16, torch.bfloat16)
    assert torch.equal(y.output, built("br", **BEFORE)(signal(5))[0])


def test_shapes_are_found_where_there_is_no_autocast() -> None:
    for cell in ("br", "qrnn"):
        for norm in ("layer", "rms", "batch"):
            for keys in ({"norm": norm}, {"norm": {"kind": norm, "position": "before"}, "layers": 2}):
                spec = {"schema": 1, "name": "a", "input": 6, "cell": cell, "hidden_size": 6, **keys}
                model = zoo.build(spec, device="meta", dtype=torch.bfloat16)
                y, _ = model(torch.empty(2, 5, 6, device="meta", dtype=torch.bfloat16))
                assert (y.dtype, tuple(y.shape)) == (torch.bfloat16, (2, 5, 6))
