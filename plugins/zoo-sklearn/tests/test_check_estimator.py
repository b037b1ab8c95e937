"""scikit-learn's own checks, with no failure expected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.utils.estimator_checks import parametrize_with_checks

from zoo_sklearn import SpecClassifier, SpecRegressor

ATTENTIVE = {
    "schema": 1,
    "name": "attentive",
    "input": 3,
    "cell": "mingru",
    "hidden_size": 16,
    "bidirectional": True,
    "head": {"kind": "mlp", "hidden": [16], "size": 3, "pool": "attention"},
}


@parametrize_with_checks(
    [
        SpecClassifier(max_epochs=20),
        SpecRegressor(max_epochs=20),
        SpecClassifier(ATTENTIVE, max_epochs=10, batch_size=20, learning_rate=0.03, weight_decay=0.01, clip_norm=None),
    ]
)
def test_of_scikit_learn(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)
