"""What a model returns has memory of its own, and no more of it than it needs."""

from __future__ import annotations

import io
from typing import Any

import pytest
import torch
from each import each
from model_support import build, features
from torch import Tensor

import zoo
from zoo.checks.memory import _alone, _by_name
from zoo.engine.memory import SMALL, apart
from zoo.model.base import Model

CELLS = ("mingru", "lru", "mamba", "gru", "lstm", "mgu", "mlstm", "qrnn")


def plain(cell: str, **keys: Any) -> Model:
    return build(cell=cell, hidden_size=6, **keys).eval()


@each("cell", CELLS)
@each("engine", ["auto", "loop"])
def test_what_is_returned_can_be_written_to(cell: str, engine: str) -> None:
    """Output and states are overwritten before the next call: it goes on from what they were."""
    model = plain(cell, engine=engine, layers=[{"initial_state": "learned"}] if cell == "mingru" else 1)
    x = features(2, 6)
    with torch.no_grad():
        whole, last = model(x)
        first, state = model(x[:, :3])
        kept = first.clone()
        first.mul_(0)
        second, after = model(x[:, 3:], state)
        torch.testing.assert_close(torch.cat([kept, second], 1), whole)
        for tensor in _by_name("state", state).values():
            tensor.zero_()
        torch.testing.assert_close(dict(_by_name("", after)), dict(_by_name("", last)))
        y, one = model.step(x[:, 0])
        for tensor in (y, *_by_name("", one).values(), *_by_name("", model.init_state(1)).values()):
            tensor.zero_()
        torch.testing.assert_close(model(x)[0], whole)


def test_a_saved_state_holds_its_own_numbers_alone() -> None:
    model = plain("mamba", input=4)
    with torch.no_grad():
        _, state = model(torch.randn(1, 2000, 4, dtype=torch.float64))
    file = io.BytesIO()
    torch.save(state, file)
    assert len(file.getvalue()) < 8000  # a thousand times as much with all steps


@pytest.mark.parametrize("cell", ["mingru", "lru", "gru", "lstm"])
def test_memory_in_inference_mode(cell: str) -> None:
    """Where torch does not note which tensors are views."""
    model = plain(cell)
    with torch.inference_mode():
        x, before = features(2, 1), model.init_state(2)
        for x, state in ((features(2, 5), None), (features(2, 1), None), (features(2, 1), before)):
            y, after, states = model(x, state, return_states=True)
            found = {"output": y, **_by_name("state", after), **_by_name("states", states)}
            _alone(found, {"x": x, **dict(model.named_parameters())}, cell)


@pytest.mark.parametrize("rows", [1, 3])
def test_an_initial_state_is_no_view_of_its_parameter(rows: int) -> None:
    for cell in ("mingru", "lru"):
        model = plain(cell, layers=[{"initial_state": "learned"}])
        for tensor in model.init_state(rows).values():
            tensor.sum().abs().backward(retain_graph=True)  # it is learned through all the same
            with torch.no_grad():
                tensor.add_(1)
        assert all(p.grad is not None for p in model.layers[0].initial.values())
        assert not any(p.any() for p in model.layers[0].initial.values())


def test_a_packed_output_shares_nothing_with_its_input() -> None:
    model = plain("gru")
    packed = torch.nn.utils.rnn.pack_padded_sequence(features(3, 5), [2, 5, 3], batch_first=True, enforce_sorted=False)
    y, state = model(packed)
    _alone(_by_name("y", y) | _by_name("state", state), _by_name("x", packed), "packed")


def _apart(found: list[Tensor], given: list[Tensor], module: torch.nn.Module) -> list[bool]:
    """Which ones are copied."""
    own = apart(found, given, module)
    assert all(torch.equal(a, b) for a, b in zip(own, found, strict=True))
    return [a is not b for a, b in zip(own, found, strict=True)]


@pytest.mark.parametrize("size", [5, 2 * SMALL])
@pytest.mark.parametrize("inference", [False, True])
def test_only_what_shares_memory_is_copied(size: int, inference: bool) -> None:
    module = torch.nn.Linear(size, 1)
    module.register_buffer("buffer", torch.ones(1, size))
    large = size > SMALL
    with torch.inference_mode(inference), torch.no_grad():
        x, steps, fresh = torch.ones(2, size), torch.ones(2, 3, size), torch.ones(2, size)
        copied = not large  # a small view, and a small tensor of inference mode, is copied without asking
        assert _apart([fresh], [x], module) == [copied and inference]
        assert _apart([fresh.view(1, 2, size)], [x], module) == [copied]
        assert _apart([steps[:, -1], steps[:1], x.detach(), x], [x], module) == [True] * 4
        assert _apart([fresh, fresh.detach()], [], module) == [copied and inference, True]
        assert _apart([module.weight.expand(1, size), module.buffer.view(1, size)], [], module) == [True] * 2
        assert _apart([module.weight.expand(3, size), torch.ones(1).expand(size)], [], module) == [True] * 2
        assert apart([], [], module) == []


def test_under_vmap_and_on_meta() -> None:
    model = plain("mingru")
    x = features(4, 3)
    y = torch.func.vmap(lambda row: model(row.unsqueeze(0))[0].squeeze(0))(x)
    torch.testing.assert_close(y, model(x)[0])
    meta = zoo.build(model.spec, device="meta")
    assert meta(torch.empty(2, 3, meta.input_shape[0], device="meta"))[0].is_meta


@pytest.mark.long
@pytest.mark.parametrize("engine", ["scan", "compile"])
@pytest.mark.parametrize("cell", ["mingru", "mgu"])
def test_memory_of_engines_that_trace(cell: str, engine: str) -> None:
    model = plain(cell, engine=engine)
    for steps in (1, 8, 11):
        for gradients in (False, True):
            x, before = features(2, steps), model.init_state(2)
            with torch.set_grad_enabled(gradients):
                y, after, states = model(x, before, return_states=True)
            found = {"output": y, **_by_name("state", after), **_by_name("states", states)}
            _alone(found, {"x": x, **_by_name("before", before), **dict(model.named_parameters())}, cell)
