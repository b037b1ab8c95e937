"""A row's prediction is the model's own for that row, whatever its neighbours, its padding and its place."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn_data import digits, ragged
from torch.nn import functional as F

import zoo
from zoo_sklearn import SpecClassifier, SpecRegressor

ROWS = ragged(30)
Y = np.arange(30) % 3
BOTH_WAYS = "gru-classifier@both-ways"


@pytest.mark.parametrize("spec", ["gru-classifier", BOTH_WAYS, "lstm-classifier"])
def test_predictions_are_the_models_own_row_by_row(spec: str) -> None:
    found = SpecClassifier(spec, max_epochs=3, batch_size=7, random_state=0).fit(ROWS, Y)
    assert not found.model_.training
    with torch.no_grad():
        by_hand = np.concatenate([torch.softmax(found.model_(torch.tensor(row[None])), 1).numpy() for row in ROWS])
    np.testing.assert_allclose(found.predict_proba(ROWS), by_hand, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(found.predict(ROWS), by_hand.argmax(1))
    np.testing.assert_allclose(found.predict_proba(ROWS).sum(1), 1, rtol=1e-6)


def test_a_regressors_predictions_are_the_models_own_in_the_units_of_y() -> None:
    y = 50 + 20 * Y.astype(float)
    found = SpecRegressor(max_epochs=3, random_state=0).fit(ROWS, y)
    with torch.no_grad():
        by_hand = np.array([found.model_(torch.tensor(row[None])).item() for row in ROWS])
    np.testing.assert_allclose(found.predict(ROWS), by_hand * y.std() + y.mean(), rtol=1e-5)


def test_neither_order_nor_neighbours_change_a_bit_of_a_prediction() -> None:
    train, test, y, _ = digits()
    found = SpecClassifier(max_epochs=2, random_state=0).fit(train, y)
    whole = found.predict_proba(test)
    order = np.random.default_rng(0).permutation(len(test))
    np.testing.assert_array_equal(found.predict_proba(test[order]), whole[order])
    np.testing.assert_array_equal(np.concatenate([found.predict_proba(test[i : i + 1]) for i in range(40)]), whole[:40])


@pytest.mark.parametrize("batch_size", [1, 8, 100])
def test_other_lengths_beside_a_row_and_other_batches_change_rounding_alone(batch_size: int) -> None:
    found = SpecClassifier(BOTH_WAYS, max_epochs=3, random_state=0).fit(ROWS, Y)
    whole = found.predict_proba(ROWS)
    found.set_params(batch_size=batch_size)
    order = np.random.default_rng(1).permutation(len(ROWS))
    np.testing.assert_allclose(found.predict_proba([ROWS[i] for i in order]), whole[order], rtol=1e-5, atol=1e-6)
    short = [i for i, row in enumerate(ROWS) if len(row) < 4]
    np.testing.assert_allclose(found.predict_proba([ROWS[i] for i in short]), whole[short], rtol=1e-5, atol=1e-6)


def test_every_way_to_write_the_same_rows_gives_the_same_model() -> None:
    train, _, y, _ = digits()
    x, y = train[:40], y[:40]
    first = SpecClassifier(max_epochs=2, random_state=0).fit(x, y)
    objects = np.empty(40, object)
    objects[:] = list(x)
    for same in (list(x), x.tolist(), tuple(x), objects, torch.tensor(x), x.astype(float)):
        np.testing.assert_array_equal(
            SpecClassifier(max_epochs=2, random_state=0).fit(same, y).predict_proba(x), first.predict_proba(x)
        )
    assert (first.n_features_in_, first.layout_, first.model_.input_shape) == (8, "sequences", (8,))


def test_a_series_is_a_sequence_of_one_feature_whose_columns_are_steps() -> None:
    series = digits()[0][:40].reshape(40, 64)
    y = digits()[2][:40]
    found = SpecClassifier(max_epochs=2, random_state=0).fit(series, y)
    assert (found.n_features_in_, found.layout_, found.model_.input_shape) == (64, "series", (1,))
    sequence = SpecClassifier(max_epochs=2, random_state=0).fit(series[:, :, None], y)
    np.testing.assert_array_equal(sequence.predict_proba(series[:, :, None]), found.predict_proba(series))
    assert sequence.predict(series[:, :10, None]).shape == (40,)  # any number of steps
    with pytest.raises(ValueError, match="X has 10 features, but SpecClassifier is expecting 64"):
        found.predict(series[:, :10])


def test_a_list_of_series_of_many_lengths_and_then_of_one() -> None:
    rows = [row[:, 0] for row in ROWS]
    found = SpecClassifier(max_epochs=2, random_state=0).fit(rows, Y)
    assert (found.n_features_in_, found.layout_) == (1, "sequences")
    whole = found.predict_proba(rows)
    alone = np.concatenate([found.predict_proba([row]) for row in rows])
    np.testing.assert_allclose(alone, whole, rtol=1e-5, atol=1e-6)


def test_padding_is_never_trained_on() -> None:
    """One long row pads all the others; the loss is still the mean of what each row alone gives."""
    rows, y = [*ROWS[:6], np.ones((40, 3), np.float32)], np.array([0, 1, 0, 1, 0, 1, 1])
    # So small a rate leaves the weights as they were built, through a batch of four rows and one of three.
    found = SpecClassifier(max_epochs=1, batch_size=4, learning_rate=1e-12, random_state=0).fit(rows, y)
    model = zoo.build(found.model_.spec, seed=int(np.random.RandomState(0).randint(2**31 - 1)))
    losses = [
        F.cross_entropy(model(torch.tensor(row[None])), torch.tensor([label])).item()
        for row, label in zip(rows, y, strict=True)
    ]
    assert found.loss_curve_ == [pytest.approx(np.mean(losses), rel=1e-5)]
