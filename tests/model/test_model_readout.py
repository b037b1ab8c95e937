"""Heads that are fitted in one go: least squares by NumPy beside them, and a reservoir that learns to remember."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from each import each
from torch import Tensor

import zoo

LENGTHS = [12, 5, 9]


def model(**keys: Any) -> zoo.Model:
    spec = {
        "schema": 1,
        "name": "t",
        "input": 2,
        "cell": "esn",
        "hidden_size": 6,
        "head": {"kind": "linear", "size": 3},
    }
    chosen = {key: value for key, value in {**spec, **keys}.items() if value is not None}
    return zoo.build(chosen, seed=0, dtype=torch.float64)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def least_squares(X: Any, Y: Any, ridge: float) -> tuple[Any, Any]:
    """Of the equations with one more for each weight, √ridge w = 0, and a last column of ones without."""
    size = X.shape[1]
    penalty = np.hstack([np.sqrt(ridge) * np.eye(size), np.zeros((size, 1))])
    equations = np.vstack([np.hstack([X, np.ones((len(X), 1))]), penalty])
    found = np.linalg.lstsq(equations, np.vstack([Y, np.zeros((size, Y.shape[1]))]), rcond=None)[0]
    return found[:-1].T, found[-1]


@pytest.mark.parametrize("ridge", [0.0, 1e-3, 10.0])
def test_it_is_ridge_regression_on_the_steps_that_count(ridge: float) -> None:
    ours, x, y = model(), normal(3, 12, 2), normal(3, 12, 3, seed=1)
    inside = zoo.build({"schema": 1, "name": "t", "input": 2, "cell": "esn", "hidden_size": 6}, dtype=torch.float64)
    inside.load_state_dict({name: v for name, v in ours.state_dict().items() if not name.startswith("head")})
    seen = inside(x, lengths=LENGTHS)[0]
    steps = [(row, t) for row, length in enumerate(LENGTHS) for t in range(2, length)]
    X, Y = (np.array([part[row, t].detach().numpy() for row, t in steps]) for part in (seen, y))
    weight, bias = least_squares(X, Y, ridge)

    assert zoo.fit_readout(ours, x, y, ridge=ridge, washout=2, lengths=LENGTHS) is ours
    np.testing.assert_allclose(ours.head.linear.weight.detach(), weight, rtol=0, atol=1e-9)
    np.testing.assert_allclose(ours.head.linear.bias.detach(), bias, rtol=0, atol=1e-9)


def test_without_a_bias_and_behind_a_pool() -> None:
    ours, x, y = (
        model(head={"kind": "linear", "size": 3, "pool": "last", "bias": False}),
        normal(40, 7, 2),
        normal(40, 3),
    )
    seen: list[Any] = []
    ours.head.register_forward_pre_hook(lambda module, given: seen.append(given[0].detach().numpy()))
    zoo.fit_readout(ours, x, y, ridge=0.5)
    X = seen[0]
    expected = np.linalg.solve(X.T @ X + 0.5 * np.eye(6), X.T @ y.numpy()).T
    np.testing.assert_allclose(ours.head.linear.weight.detach(), expected, rtol=0, atol=1e-10)


def test_features_that_repeat_one_another_have_the_smallest_weights() -> None:
    head = model().head
    X, y = normal(20, 3), normal(20, 3, seed=1)
    head.fit(torch.cat([X, X], 1), y, ridge=0.0)
    weight, _ = least_squares(X.numpy(), y.numpy(), 0.0)
    np.testing.assert_allclose(head.linear.weight.detach(), np.hstack([weight, weight]) / 2, rtol=0, atol=1e-8)


def test_a_reservoir_learns_to_say_what_came_three_steps_ago() -> None:
    spec = {"schema": 1, "name": "t", "input": 1, "cell": {"kind": "esn", "input_scaling": 0.1}, "hidden_size": 60}
    memory = zoo.build({**spec, "head": {"kind": "linear", "size": 1}}, seed=0)
    memory.train()
    memory.layers.eval()
    before = {name: value.clone() for name, value in memory.state_dict().items()}

    def series(seed: int) -> tuple[Tensor, Tensor]:
        x = normal(2, 600, 1, seed=seed).float().clamp(-1, 1)
        return x, x.roll(3, 1)

    zoo.fit_readout(memory, *series(1), washout=20)
    x, y = series(2)
    error = (memory(x) - y)[:, 20:].square().mean() / y[:, 20:].var()
    assert error < 1e-3
    assert memory.training
    assert not memory.layers.training
    changed = {name for name, value in memory.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"head.linear.weight", "head.linear.bias"}


@each(
    ("keys", "given", "message"),
    [
        ({"head": None}, {}, r"a model without a head has no readout to fit: .* head: \{kind: linear, ...\}"),
        (
            {"head": {"kind": "mlp", "size": 3, "hidden": [4]}},
            {},
            "the head MLP cannot be fitted in closed form; 'linear' can",
        ),
        (
            {"head": {"kind": "linear", "size": 3, "soft_cap": 2.0}},
            {},
            "a linear head with a soft_cap cannot be fitted in closed form",
        ),
        ({}, {"ridge": -1.0}, "ridge must be at least 0, not -1.0"),
        ({}, {"ridge": float("nan")}, "ridge must be at least 0, not nan"),
        ({}, {"washout": -1}, "washout must be at least 0, and 0 after a pool, which gives no steps, not -1"),
        ({"head": {"kind": "linear", "size": 3, "pool": "mean"}}, {"washout": 1}, "and 0 after a pool"),
        ({}, {"washout": 12}, "no step is left: washout 12 is as long as the longest sequence"),
        ({}, {"targets": normal(3, 12, 2)}, r"targets must be \(3, 12, 3\), as the head's output, not \(3, 12, 2\)"),
        ({}, {"targets": normal(3, 12, 3) / 0}, "numbers that are not finite"),
        ({}, {"lengths": [12, 13, 1]}, "lengths"),
    ],
)
def test_a_mistake_is_one_line_and_changes_nothing(keys: dict[str, Any], given: dict[str, Any], message: str) -> None:
    made = model(**keys)
    before = {name: value.clone() for name, value in made.state_dict().items()}
    with pytest.raises(zoo.InputError, match=message) as caught:
        zoo.fit_readout(made, normal(3, 12, 2), **{"targets": normal(3, 12, 3), **given})
    assert "\n" not in str(caught.value)
    assert all(torch.equal(value, before[name]) for name, value in made.state_dict().items())


def test_the_head_of_a_plugin_may_be_fitted_too() -> None:
    made, given = model(), {}

    class Kept(torch.nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x[..., :3]

        def fit(self, features: Tensor, targets: Tensor, *, ridge: float) -> None:
            given.update(features=features, targets=targets, ridge=ridge)

    made.head = Kept()
    zoo.fit_readout(made, normal(3, 12, 2), normal(3, 12, 3), washout=10, ridge=0.25)
    assert given["features"].shape == (6, 6)
    assert given["ridge"] == 0.25
    assert torch.equal(given["targets"], normal(3, 12, 3)[:, 10:].flatten(0, 1))


def test_what_a_call_takes_is_taken_and_a_packed_sequence_is_not() -> None:
    x, y = normal(3, 12, 2), normal(3, 12, 3)
    plain, restarted = (zoo.fit_readout(model(), x, y, reset=reset) for reset in (None, torch.rand(3, 12) < 0.3))
    assert not torch.equal(plain.head.linear.weight, restarted.head.linear.weight)
    started = zoo.fit_readout(model(), x, y, state={"layers.0.x": normal(3, 6)})
    assert not torch.equal(plain.head.linear.weight, started.head.linear.weight)
    packed: Any = torch.nn.utils.rnn.pack_padded_sequence(
        x, torch.tensor(LENGTHS), batch_first=True, enforce_sorted=False
    )
    with pytest.raises(zoo.InputError, match="x must be a tensor, with lengths beside it, not PackedSequence"):
        zoo.fit_readout(model(), packed, y)
