"""That the estimators learn what there is to learn, and only from what the model can see."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.model_selection import train_test_split
from sklearn_data import digits, pulses, ragged
from torch.nn import functional as F

import zoo
from zoo_sklearn import SpecClassifier, SpecRegressor

# A map of each step, and their mean: the order of the steps is lost.
BAG = {
    "schema": 1,
    "name": "bag-of-steps",
    "input": 1,
    "layers": [{"kind": "linear", "size": 32, "activation": "relu"}],
    "head": {"kind": "mlp", "hidden": [32], "size": 2, "pool": "mean"},
}


@pytest.mark.parametrize(("spec", "bound"), [("gru-classifier", 0.95), ("lstm-classifier", 0.93)])
def test_digits_read_line_by_line(spec: str, bound: float) -> None:
    train, test, y, y_test = digits()
    found = SpecClassifier(spec, max_epochs=15, random_state=0).fit(train, y)
    assert found.score(test, y_test) > bound
    assert found.loss_curve_[-1] < 0.1 * found.loss_curve_[0]


@pytest.mark.parametrize(("spec", "low", "high"), [("gru-classifier", 0.97, 1.0), (BAG, 0.35, 0.65)])
def test_order_is_learnt_by_a_recurrent_model_alone(spec: object, low: float, high: float) -> None:
    x, y = pulses(300, seed=0)
    found = SpecClassifier(spec, max_epochs=20, random_state=0).fit(x, y)
    assert low <= found.score(*pulses(200, seed=1)) <= high


def test_a_regressor_learns_a_weighted_sum_in_any_unit() -> None:
    rows = ragged(300)
    sums = np.array([row[:, 0].sum() for row in rows])
    for unit, origin in ((1.0, 0.0), (1e6, 3e7)):
        found = SpecRegressor(max_epochs=30, random_state=0).fit(rows[:200], unit * sums[:200] + origin)
        assert found.score(rows[200:], unit * sums[200:] + origin) > 0.9


def test_several_targets_each_in_its_own_unit() -> None:
    x = np.random.default_rng(0).normal(size=(200, 6, 2)).astype(np.float32)
    y = np.stack([x[:, -1, 0], 1000 * x[:, -1, 1]], 1).astype(float)
    found = SpecRegressor(max_epochs=25, random_state=0).fit(x, y)
    assert found.predict(x).shape == (200, 2)
    assert found.score(x, y) > 0.9
    np.testing.assert_allclose(found.target_mean_, y.mean(0))
    np.testing.assert_allclose(found.target_scale_, y.std(0))


def test_a_target_that_never_changes_is_predicted_as_it_is() -> None:
    x, y = np.random.default_rng(0).normal(size=(20, 4, 1)), np.full(20, 7.0)
    found = SpecRegressor(max_epochs=40, random_state=0).fit(x, y)
    assert found.target_scale_ == [1.0]
    np.testing.assert_allclose(found.predict(x), 7.0, atol=0.1)


def test_symbols() -> None:
    spec = {
        "schema": 1,
        "name": "words",
        "input": {"kind": "tokens", "vocabulary": 9, "size": 8},
        "cell": "gru",
        "hidden_size": 16,
        "head": {"kind": "linear", "size": 1, "pool": "last"},
    }
    draw = np.random.default_rng(0)
    rows = [draw.integers(0, 8, int(steps)) for steps in draw.integers(3, 12, 200)]
    y = np.arange(200) % 2
    for row, place in zip(rows, y, strict=True):
        row[0], row[-1] = (8, 0) if place else (0, 8)
    found = SpecClassifier(spec, max_epochs=20, random_state=0).fit(rows[:150], y[:150])
    assert found.score(rows[150:], y[150:]) > 0.95
    assert found.model_.input.vocabulary == 9
    square = np.stack([row[:3] for row in rows])
    table = SpecClassifier(spec, max_epochs=1, random_state=0).fit(square, y)
    assert (table.n_features_in_, table.layout_, found.layout_) == (3, "series", "sequences")


def test_one_step_of_training_is_adam_on_the_bounded_gradient_of_the_mean_loss() -> None:
    train, _, y, _ = digits()
    x, y = train[:20], y[:20]
    found = SpecClassifier(
        max_epochs=1, batch_size=20, learning_rate=0.02, weight_decay=0.1, clip_norm=1e-7, random_state=3
    ).fit(x, y)
    seed = int(np.random.RandomState(3).randint(2**31 - 1))
    model = zoo.build(found.model_.spec, seed=seed)
    loss = F.cross_entropy(model(torch.tensor(x)), torch.tensor(np.unique(y, return_inverse=True)[1]))
    loss.backward()
    norm = torch.stack([p.grad.norm() for p in model.parameters()]).norm()
    for p in model.parameters():
        # The first step of Adam: the gradient over its own size and 1e-8, against which the bound makes it small.
        g = p.grad * 1e-7 / norm
        p.data = p.data * (1 - 0.02 * 0.1) - 0.02 * g / (g.abs() + 1e-8)
    assert found.loss_curve_ == [pytest.approx(loss.item(), rel=1e-5)]
    for mine, theirs in zip(model.parameters(), found.model_.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)


def test_early_stopping_keeps_the_best_weights() -> None:
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(60, 5, 2)).astype(np.float32), draw.integers(0, 2, 60)  # nothing to learn
    found = SpecClassifier(
        max_epochs=100, early_stopping=True, validation_fraction=0.25, patience=4, random_state=0
    ).fit(x, y)
    curve = found.validation_loss_curve_
    assert found.n_iter_ == len(curve) == len(found.loss_curve_) < 100
    assert int(np.argmin(curve)) == found.n_iter_ - 1 - 4
    # As many epochs as the best one needed, without going on, end in the same weights.
    same = SpecClassifier(
        max_epochs=int(np.argmin(curve)) + 1, early_stopping=True, validation_fraction=0.25, random_state=0
    ).fit(x, y)
    np.testing.assert_array_equal(found.predict_proba(x), same.predict_proba(x))
    assert SpecClassifier(max_epochs=1).fit(x, y).validation_loss_curve_ is None


def test_held_out_rows_are_scored_without_dropout() -> None:
    x, y = digits()[0][:40], digits()[2][:40] % 2
    spec = {
        "schema": 1,
        "name": "dropping",
        "input": 8,
        "cell": "gru",
        "hidden_size": 16,
        "head": {"kind": "linear", "size": 2, "pool": "last", "dropout": 0.9},
    }
    found = SpecClassifier(spec, max_epochs=1, early_stopping=True, validation_fraction=0.5, random_state=4).fit(x, y)
    random = np.random.RandomState(4)
    random.randint(2**31 - 1)  # the seed of the weights
    _, held_out = train_test_split(np.arange(40), test_size=0.5, random_state=random, stratify=y)
    with torch.no_grad():
        scores = found.model_(torch.tensor(x[held_out]))
    expected = F.cross_entropy(scores, torch.tensor(y[held_out])).item()
    assert found.validation_loss_curve_ == [pytest.approx(expected, rel=1e-5)]
