"""Models in the hands of torch's own tools: function transforms, dtypes, averaged weights, streaming."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from each import each
from model_support import build, close, features
from torch.func import functional_call, jvp, stack_module_state, vmap

import zoo

CELLS: tuple[Any, ...] = (
    "rnn",
    "lstm",
    "gru",
    {"kind": "lstm", "peephole": True},
    "mgu",
    {"kind": "ligru", "norm": "layer"},
    "indrnn",
    "mingru",
    "lru",
    "mlstm",
)


@each("gradients", [True, False])
@each("cell", CELLS, ids=str)
def test_an_ensemble_by_vmap(cell: Any, gradients: bool) -> None:
    models = [build(cell=cell, seed=seed).eval() for seed in range(3)]
    given, buffers = stack_module_state(models)
    x = features(2, 5)
    with torch.set_grad_enabled(gradients):
        found = vmap(lambda *own: functional_call(models[0], own, (x,))[0])(given, buffers)
        close(found, torch.stack([model(x)[0] for model in models]))


@each("cell", [*CELLS, "rglru"], ids=str)
def test_a_derivative_along_a_direction(cell: Any) -> None:
    model = build(cell=cell, input=5).eval()
    x, direction = features(2, 5, 5), features(2, 5, 5, seed=9)
    _, found = jvp(lambda x: model(x)[0], (x,), (direction,))
    step = 1e-5
    around = [model(x + sign * step * direction)[0].detach() for sign in (1, -1)]
    close(found, (around[0] - around[1]) / (2 * step), 1e-7)


@pytest.mark.parametrize("dropout", [{"recurrent": 0.5}, {"input": 0.5, "variational": True}])
def test_dropout_differs_between_the_members_of_a_vmap(dropout: dict[str, Any]) -> None:
    model = build(cell="mgu", dropout=dropout).train()
    x = features(1, 4).expand(6, 1, 4, 3)
    found = vmap(lambda x: model(x)[0], randomness="different")(x)
    assert len({tuple(one.flatten().tolist()) for one in found}) > 1


@pytest.mark.parametrize("move", [lambda m: m.to(torch.float64), lambda m: m.double()])
def test_a_learned_complex_state_keeps_both_parts_in_another_dtype(move: Any) -> None:
    model = build(layers=[{"cell": "lru", "hidden_size": 5, "initial_state": "learned"}], dtype=torch.float32).eval()
    with torch.no_grad():
        model.layers[0].initial["h"].normal_()
    x = features(2, 4)
    before = model(x.float())[0]
    close(move(model)(x)[0].float(), before, 1e-6)


def test_averaged_weights_find_their_batch_statistics() -> None:
    model = build(cell="ligru", norm="batch")
    batches = [features(seed=seed) for seed in range(3)]
    torch.optim.swa_utils.update_bn(batches, model)
    cell = model.layers[0].cell
    means = [(x.flatten(0, 1) @ cell.weight_ih.T).mean(0) for x in batches]
    close(cell.norm.running_mean, torch.stack(means).mean(0))


def test_streaming_makes_constants_once_and_sees_new_parameters_afterwards(monkeypatch) -> None:
    model = build(cell="lru").eval()
    cell, made = model.layers[0].cell, []
    constants = cell.constants
    monkeypatch.setattr(cell, "constants", lambda ctx: (made.append(1), constants(ctx))[1])
    x = features(2, 6)
    with torch.no_grad(), model.streaming() as stream:
        assert stream is model
        outputs, state = [], None
        for t in range(6):
            y, state = model.step(x[:, t], state)
            outputs.append(y)
        close(torch.stack(outputs, 1), model(x)[0])
        assert len(made) == 1
    monkeypatch.undo()
    with torch.no_grad():
        model.layers[0].cell.nu_log.data += 1.0
        other = zoo.build(model.spec, dtype=torch.float64).eval()
        other.load_state_dict(model.state_dict())
        assert torch.equal(model(x)[0], other(x)[0])


def test_an_input_that_fills_padding_is_zeroed_there() -> None:
    model = build(residual=True, hidden_size=3)
    model.input.forward = lambda x: x + 1.0  # type: ignore[method-assign]
    y, _ = model(features(), lengths=[7, 2, 5, 1])
    assert not y[1, 2:].any()
