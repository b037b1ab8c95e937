"""Specs of zoo as estimators of scikit-learn. Light: torch and scikit-learn come with the first use of an estimator."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import zoo

if TYPE_CHECKING:
    from zoo_sklearn.classifier import SpecClassifier
    from zoo_sklearn.regressor import SpecRegressor

_HOME = {"SpecClassifier": "zoo_sklearn.classifier", "SpecRegressor": "zoo_sklearn.regressor"}

__all__ = ["SpecClassifier", "SpecRegressor"]


@zoo.hookimpl
def zoo_specs() -> list[Path]:
    return [Path(__file__).parent / "specs"]


# There is no `__dir__`: who looks for hooks asks for every name that it lists, and would import scikit-learn.
def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'zoo_sklearn' has no attribute {name!r}")
    found = getattr(import_module(_HOME[name]), name)
    globals()[name] = found
    return found
