"""With the tools of scikit-learn: clone, search, pipelines, pickles; and random states."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn_data import digits, pulses, ragged

import zoo
from zoo_sklearn import SpecClassifier, SpecRegressor

X, Y = pulses(60, seed=2)
SMALL = {
    "schema": 1,
    "name": "small",
    "input": 1,
    "cell": "gru",
    "hidden_size": 4,
    "dropout": {"output": 0.3},
    "head": {"kind": "linear", "size": 1, "pool": "last"},
}


def test_clone_and_parameters() -> None:
    estimator = SpecClassifier(SMALL, max_epochs=3, random_state=5)
    copy = clone(estimator)
    assert copy.get_params() == estimator.get_params()
    assert copy.get_params()["spec"] == SMALL
    assert clone(SpecRegressor(zoo.load(SMALL))).spec == zoo.load(SMALL)
    assert copy.set_params(max_epochs=7).max_epochs == 7
    assert repr(SpecClassifier(max_epochs=3)) == "SpecClassifier(max_epochs=3)"


def test_a_random_state_decides_everything_and_touches_nothing() -> None:
    torch.manual_seed(11)
    np.random.seed(11)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    first = SpecClassifier(SMALL, max_epochs=3, random_state=0).fit(X, Y).predict_proba(X)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])
    torch.manual_seed(99)
    np.testing.assert_array_equal(SpecClassifier(SMALL, max_epochs=3, random_state=0).fit(X, Y).predict_proba(X), first)
    other = SpecClassifier(SMALL, max_epochs=3, random_state=1).fit(X, Y).predict_proba(X)
    assert abs(other - first).max() > 0.01


def test_the_spec_is_as_it_was_but_for_its_two_sizes() -> None:
    spec = zoo.load(SMALL)
    found = SpecClassifier(spec, max_epochs=1).fit(np.tile(X, (1, 1, 5)), np.arange(60) % 4).model_.spec
    assert (found.input.options.size, found.head.part.options.size) == (5, 4)
    assert (found.layers, found.head.pool, found.init, found.name) == (
        spec.layers,
        spec.head.pool,
        spec.init,
        spec.name,
    )
    assert spec == zoo.load(SMALL)
    published = SpecClassifier("gru-classifier", max_epochs=1).fit(X, Y).model_.spec
    assert published.expect is None  # figures of other sizes
    assert published.name == "gru-classifier"


@pytest.mark.parametrize("engine", ["fused", "loop"])
def test_engines_agree(engine: str) -> None:
    train, test, y, _ = digits()
    found = SpecClassifier(max_epochs=1, random_state=0, engine=engine).fit(train[:100], y[:100])
    assert found.model_.engine == engine
    auto = SpecClassifier(max_epochs=1, random_state=0, device="cpu").fit(train[:100], y[:100])
    np.testing.assert_allclose(found.predict_proba(test), auto.predict_proba(test), atol=1e-5)


def test_pickle_and_joblib(tmp_path: Path) -> None:
    rows = ragged(20)
    classifier = SpecClassifier(max_epochs=2, random_state=0).fit(rows, np.arange(20) % 2)
    regressor = SpecRegressor(max_epochs=2, random_state=0).fit(rows, np.arange(20.0))
    back = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(back.predict_proba(rows), classifier.predict_proba(rows))
    assert back.model_.spec == classifier.model_.spec
    joblib.dump(regressor, tmp_path / "model.joblib")
    np.testing.assert_array_equal(joblib.load(tmp_path / "model.joblib").predict(rows), regressor.predict(rows))
    weights = io.BytesIO()
    torch.save(classifier.model_.state_dict(), weights)
    weights.seek(0)
    model = zoo.build(classifier.model_.spec)
    model.load_state_dict(torch.load(weights))
    one = torch.tensor(rows[0][None])
    assert torch.equal(model.eval()(one), classifier.model_(one))


def test_a_search_over_specs_and_rates() -> None:
    bag = SMALL | {"cell": None, "layers": [{"kind": "linear", "size": 8}]}
    bag = {key: value for key, value in bag.items() if key not in ("cell", "hidden_size", "dropout")}
    bag["head"] = {"kind": "linear", "size": 1, "pool": "mean"}
    grid: dict[str, list[Any]] = {"spec": [bag, "gru-classifier"], "learning_rate": [0.01, 0.02]}
    x, y = pulses(120, seed=3)
    search = GridSearchCV(SpecClassifier(max_epochs=18, random_state=0), grid, cv=2).fit(x, y)
    assert search.best_params_["spec"] == "gru-classifier"
    assert search.best_score_ > 0.9


def test_lists_of_rows_go_through_cross_validation() -> None:
    rows = ragged(60)
    y = np.array(["late" if len(row) > 4 else "early" for row in rows])
    scores = cross_val_score(SpecClassifier(max_epochs=15, random_state=0), rows, y, cv=3)
    assert scores.mean() > 0.8


def test_in_a_pipeline_on_series() -> None:
    series = X[:, :, 0] * 1e6 + 3e5
    pipeline = make_pipeline(StandardScaler(), SpecClassifier(max_epochs=25, random_state=0)).fit(series, Y)
    assert pipeline.score(series, Y) > 0.95
    assert list(pipeline.classes_) == ["down", "up"]
