"""The regressor."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin  # type: ignore[import-untyped]
from sklearn.utils.validation import validate_data  # type: ignore[import-untyped]
from torch.nn import functional as F

import zoo
from zoo_sklearn.base import SpecEstimator, SpecLike


class SpecRegressor(RegressorMixin, SpecEstimator):  # type: ignore[misc]
    """A regressor on sequences whose model is any spec with a pooled head.

    The data decide the width of the input and the outputs of the head, one per target; everything else is the spec's.
    It is trained in float32 with AdamW on the mean squared error of targets that are standardised inside, so that
    their units do not matter.

    X and the parameters are those of `SpecClassifier`.

    Attributes:
        model_: The `zoo.Model`, trained and in eval mode, which gives standardised targets (n, targets).
        target_mean_: (targets,), with which predictions are `model_(x) * target_scale_ + target_mean_`.
        target_scale_: (targets,), of the same.
        n_features_in_: T for X (n, T), else F.
        feature_names_in_: Names of the columns, where X was a data frame.
        n_iter_: Epochs done.
        loss_curve_: The mean loss of each epoch.
        validation_loss_curve_: The same on held-out sequences, or None.
        layout_: "series" for X (n, T), else "sequences".
    """

    target_mean_: NDArray[np.float64]
    target_scale_: NDArray[np.float64]

    def __init__(
        self,
        spec: SpecLike = "gru-regressor",
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
        super().__init__(
            spec,
            max_epochs=max_epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            clip_norm=clip_norm,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            patience=patience,
            random_state=random_state,
            device=device,
            engine=engine,
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: ArrayLike) -> Self:
        """Build the model for these data and train it.

        Args:
            X: Sequences, as of `SpecClassifier`.
            y: (n,) or (n, targets), real numbers.

        Raises:
            ValueError: The data or a parameter do not fit.
            TypeError: A parameter is of another type.
            zoo.ZooError: The spec is wrong, or has no pooled head.
        """
        spec = zoo.load(self.spec)
        values = np.asarray(validate_data(self, y=y, multi_output=True, y_numeric=True), np.float64)
        data = self._read(X, spec)
        table = values.reshape(len(values), -1)
        self._flat = values.ndim == 1
        self.target_mean_ = table.mean(0)
        spread = table.std(0)
        self.target_scale_ = np.where(spread > 0, spread, 1.0)
        targets = torch.tensor((table - self.target_mean_) / self.target_scale_, dtype=torch.float32)
        return self._train(spec, data, targets, table.shape[1], F.mse_loss, None)

    def predict(self, X: Any) -> NDArray[np.float64]:
        """The targets of each sequence, (n,) or (n, targets) as y was; computed in float32."""
        found = self._outputs(X).numpy().astype(np.float64) * self.target_scale_ + self.target_mean_
        return found[:, 0] if self._flat else found
