"""One clear message for what cannot be used."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn_data import ragged

import zoo
from zoo_sklearn import SpecClassifier, SpecRegressor

X = np.random.default_rng(0).normal(size=(12, 5, 3)).astype(np.float32)
Y = np.arange(12) % 2
HEAD = {"kind": "linear", "size": 1, "pool": "last"}
BASE: dict[str, Any] = {"schema": 1, "name": "mine", "input": 3, "cell": "gru", "hidden_size": 4, "head": HEAD}
TOKENS = BASE | {"input": {"kind": "tokens", "vocabulary": 6, "size": 4}}


def told(estimator: Any, x: Any = X, y: Any = Y) -> str:
    with pytest.raises((ValueError, TypeError, zoo.ZooError)) as caught:
        estimator.fit(x, y)
    return str(caught.value)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("lstm", "lstm has no head; one output per sequence needs a pooled head, as in head: {kind: linear, size: 1, "),
        (
            "char-gru",
            "char-gru has a head without a pool, which gives an output at every step; one output per sequence",
        ),
        ("gru-classifer", "unknown spec 'gru-classifer'; did you mean 'gru-classifier'?"),
        ("no/such.yaml", "no/such.yaml"),
        (BASE | {"cell": "gruu"}, "<mapping>:4:7: unknown cell 'gruu'; did you mean 'gru'?"),
        (BASE | {"layers": [{"kind": "linear", "size": 4}, {"residual": True}]}, None),
        (BASE | {"input": 4, "residual": True}, "the input is 3 wide and the output 4 wide"),
        (BASE | {"head": {"kind": "tied", "pool": "last"}, "input": TOKENS["input"]}, "takes symbols, one per step"),
    ],
)
def test_a_spec_that_does_not_fit(spec: Any, message: str | None) -> None:
    if message is None:  # 4 and 4 wide, whatever the data are
        SpecClassifier(spec, max_epochs=1).fit(X, Y)
    else:
        assert message in told(SpecClassifier(spec))


def test_a_head_without_a_size_has_to_fit_by_itself() -> None:
    tied = TOKENS | {"head": {"kind": "tied", "pool": "last"}}
    symbols = np.arange(60).reshape(12, 5) % 6
    message = told(SpecClassifier(tied), symbols)
    assert message == (
        "mine: head 'tied' gives outputs of shape (6,), and has no option `size` to make them the 2 that the data need"
    )
    assert SpecClassifier(tied, max_epochs=1).fit(symbols, np.arange(12) % 6).predict_proba(symbols).shape == (12, 6)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.full((12, 5), 6), "X must be symbols from 0 to 5, the spec's vocabulary, not from 6 to 6"),
        (np.full((12, 5), -1.0), "X must be symbols from 0 to 5, the spec's vocabulary, not from -1 to -1"),
        (np.full((12, 5), 0.5), "the spec's input takes symbols: X must be whole numbers"),
        (X, "the spec's input takes symbols, one per step: X has 3 features per step"),
    ],
)
def test_what_is_no_symbol(x: Any, message: str) -> None:
    assert told(SpecClassifier(TOKENS), x) == message


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([X[0], X[0][:, :2]] * 6, "the sequences of X must have the same number of features, not 2 and 3"),
        ([X[0], X[0][0]] * 6, "the sequences of X must all have the shape (T, F); they have 1 and 2 axes"),
        ([X[0], X[0][:0]] * 6, "sequence 1 of X has no steps"),
        ([[[1.0, 2.0], [1.0]]] * 12, "X holds a sequence whose steps differ in their number of features"),
        (X[:, :0], "sequence 0 of X has no steps"),
        (X[:, :, :0], "0 feature(s)"),
        (X[None], "dim 4"),
        (X[:, 0, 0], "Expected 2D array, got 1D array instead"),
        (np.where(X > 2, np.nan, X), "Input X contains NaN"),
        (X.astype(float) * 1e300, "Input X contains infinity or a value too large for dtype('float32')"),
        (X[:11], "inconsistent numbers of samples: [11, 12]"),
        ([], "Expected 2D array"),
        (X + 1j, "Complex data not supported"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # numpy's own, of what becomes infinite in float32
def test_rows_that_do_not_fit(x: Any, message: str) -> None:
    assert message in told(SpecClassifier(), x)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.zeros(12), "SpecClassifier needs two classes at least; y has one class, "),
        (np.linspace(0, 1, 12), "Unknown label type: continuous"),
        (None, "requires y to be passed, but the target y is None"),
        (np.full(12, np.nan), "Input y contains NaN"),
    ],
)
def test_targets_that_do_not_fit(y: Any, message: str) -> None:
    assert message in told(SpecClassifier(), X, y)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"max_epochs": 0}, "max_epochs == 0, must be >= 1."),
        ({"batch_size": 2.5}, "batch_size must be an instance of int"),
        ({"learning_rate": 0}, "learning_rate == 0, must be > 0."),
        ({"weight_decay": -1}, "weight_decay == -1, must be >= 0."),
        ({"clip_norm": 0.0}, "clip_norm == 0.0, must be > 0."),
        ({"patience": 0}, "patience == 0, must be >= 1."),
        ({"early_stopping": "yes"}, "early_stopping must be an instance of"),
        ({"validation_fraction": 1.5}, "validation_fraction == 1.5, must be < 1."),
        ({"random_state": "x"}, "'x' cannot be used to seed"),
        ({"engine": "warp"}, "unknown engine 'warp'; engines: "),
        ({"device": "abacus"}, "device 'abacus' cannot be used here"),
        ({"learning_rate": 1e30, "clip_norm": None}, "lower learning_rate or clip_norm, or scale X"),
    ],
)
def test_parameters_that_do_not_fit(parameters: dict[str, Any], message: str) -> None:
    assert message in told(SpecRegressor(max_epochs=5).set_params(**parameters))


def test_held_out_rows_are_balanced_by_class_so_that_one_row_of_a_class_cannot_be() -> None:
    assert "The least populated class" in told(SpecClassifier(early_stopping=True), X, np.arange(12) == 0)


def test_predicting_from_another_kind_of_rows() -> None:
    sequences, series = SpecClassifier(max_epochs=1).fit(X, Y), SpecClassifier(max_epochs=1).fit(X[:, :, 0], Y)
    with pytest.raises(
        ValueError, match=r"^X must be sequences, \(n, T, F\) or a list of arrays, as the estimator was"
    ):
        sequences.predict(X[:, :, 0])
    with pytest.raises(ValueError, match=r"^X must be series, an array \(n, T\), as the estimator was fitted on, not"):
        series.predict(X)
    with pytest.raises(ValueError, match="X has 2 features, but SpecClassifier is expecting 3 features"):
        sequences.predict(ragged(4, features=2))
    with pytest.raises(NotFittedError):
        SpecRegressor().predict(X)
