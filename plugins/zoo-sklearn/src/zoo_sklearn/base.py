"""What the classifier and the regressor share: the parameters, the way from a spec to a trained model, and back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator  # type: ignore[import-untyped]
from sklearn.model_selection import train_test_split  # type: ignore[import-untyped]
from sklearn.utils import check_random_state, check_scalar  # type: ignore[import-untyped]
from sklearn.utils.validation import check_consistent_length, check_is_fitted  # type: ignore[import-untyped]
from torch import Tensor

import zoo
from zoo_sklearn import sequences
from zoo_sklearn.sequences import Layout, Sequences
from zoo_sklearn.sizes import pooled_head, sized, vocabulary_of
from zoo_sklearn.training import Loss, Settings, own_randomness, predict, train

SpecLike = str | os.PathLike[str] | Mapping[str, Any] | zoo.Spec


class SpecEstimator(BaseEstimator):  # type: ignore[misc]
    """Base of both estimators, which say what a target is and what the loss."""

    # The fitted attributes that both set.
    model_: zoo.Model
    n_iter_: int
    loss_curve_: list[float]
    validation_loss_curve_: list[float] | None
    layout_: Layout

    def __init__(
        self,
        spec: SpecLike,
        *,
        max_epochs: int = 100,
        batch_size: int = 32,
        learning_rate: float = 0.01,
        weight_decay: float = 0.0,
        clip_norm: float | None = 1.0,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        patience: int = 10,
        random_state: int | np.random.RandomState | None = None,
        device: str | torch.device | None = None,
        engine: str = "auto",
    ) -> None:
        self.spec = spec
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.clip_norm = clip_norm
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.random_state = random_state
        self.device = device
        self.engine = engine

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def _read(self, X: Any, spec: zoo.Spec) -> Sequences:
        """X while fitting. Raises ValueError, or zoo.InputError for a spec that gives no output per sequence."""
        pooled_head(spec)
        return sequences.read(self, X, vocabulary=vocabulary_of(spec), fitted=None)

    def _train(
        self, spec: zoo.Spec, data: Sequences, targets: Tensor, outputs: int, loss: Loss, strata: NDArray[Any] | None
    ) -> Self:
        """Build the spec in the sizes of the data and train it.

        Args:
            spec: With a head behind a pool.
            data: The sequences.
            targets: Of shape (n,) or (n, outputs).
            outputs: Number of outputs of the head.
            loss: What to make small.
            strata: What held-out sequences are balanced by, or None.
        """
        check_consistent_length(data.x, targets)
        settings = self._settings()
        random = check_random_state(self.random_state)
        seed = int(random.randint(2**31 - 1))
        features = data.x.shape[2] if data.x.dim() == 3 else None
        fitting = sized(spec, features, outputs)
        model = zoo.build(fitting, seed=seed, device=self.device, dtype=torch.float32, engine=self.engine)
        _hold_against(model, data, outputs)
        samples: NDArray[Any] = np.arange(len(data))
        held_out: NDArray[Any] | None = None
        if self.early_stopping:
            samples, held_out = train_test_split(
                samples, test_size=self.validation_fraction, random_state=random, stratify=strata
            )
        with own_randomness(seed, next(model.parameters()).device):
            history = train(model, data, targets, loss, settings, random, (samples, held_out))
        self.model_ = model
        self.layout_ = data.layout
        self.loss_curve_ = history.training
        self.validation_loss_curve_ = history.validation if self.early_stopping else None
        self.n_iter_ = len(history.training)
        return self

    def _outputs(self, X: Any) -> Tensor:
        """What the fitted model gives, (n, outputs), for X of the layout that it was fitted on."""
        check_is_fitted(self)
        data = sequences.read(self, X, vocabulary=self.model_.input.vocabulary, fitted=self.layout_)
        return predict(self.model_, data, self.batch_size)

    def _settings(self) -> Settings:
        """The parameters, checked. Raises TypeError or ValueError, which name the one that does not fit."""
        check_scalar(self.max_epochs, "max_epochs", Integral, min_val=1)
        check_scalar(self.batch_size, "batch_size", Integral, min_val=1)
        check_scalar(self.learning_rate, "learning_rate", Real, min_val=0, include_boundaries="neither")
        check_scalar(self.weight_decay, "weight_decay", Real, min_val=0)
        if self.clip_norm is not None:
            check_scalar(self.clip_norm, "clip_norm", Real, min_val=0, include_boundaries="neither")
        check_scalar(self.early_stopping, "early_stopping", (bool, np.bool_))
        fraction = self.validation_fraction
        check_scalar(fraction, "validation_fraction", Real, min_val=0, max_val=1, include_boundaries="neither")
        check_scalar(self.patience, "patience", Integral, min_val=1)
        return Settings(
            max_epochs=self.max_epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            clip_norm=self.clip_norm,
            patience=self.patience if self.early_stopping else None,
        )


def _hold_against(model: zoo.Model, data: Sequences, outputs: int) -> None:
    """Raise zoo.InputError where the model, built, does not take such sequences or gives another number of outputs."""
    steps = tuple(data.x.shape[2:])
    if model.input_shape != steps:
        raise zoo.InputError(
            f"{model.spec.id}: input {model.spec.input.record.name!r} takes steps of shape {model.input_shape}, "
            f"and has no option `size` to fit it to the data's {steps}"
        )
    model.eval()
    with torch.no_grad():
        given = tuple(data.sequences([0]).output(model, next(model.parameters()).device).shape[1:])
    if given != (outputs,):
        assert model.spec.head is not None
        raise zoo.InputError(
            f"{model.spec.id}: head {model.spec.head.part.record.name!r} gives outputs of shape {given}, and has no "
            f"option `size` to make them the {outputs} that the data need"
        )
