"""The classifier."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin  # type: ignore[import-untyped]
from sklearn.utils.multiclass import check_classification_targets  # type: ignore[import-untyped]
from sklearn.utils.validation import validate_data  # type: ignore[import-untyped]
from torch.nn import functional as F

import zoo
from zoo_sklearn.base import SpecEstimator, SpecLike


class SpecClassifier(ClassifierMixin, SpecEstimator):  # type: ignore[misc]
    """A classifier of sequences whose model is any spec with a pooled head.

    The data decide the width of the input and the outputs of the head, one per class; everything else is the spec's.
    It is trained in float32 with AdamW on the mean cross-entropy of the classes.

    X: (n, T), series of one number per step; (n, T, F); or a list of sequences (T_i, F), which may differ in length.
    Where the spec's input takes symbols, whole numbers (n, T) or a list of sequences (T_i,). As everywhere in
    scikit-learn, the columns of (n, T) are its features, so that T stays what it was fitted on; with (n, T, F) it is
    free.

    Args:
        spec: A name of the library, a path, a mapping with a spec's keys, or a loaded spec.
        max_epochs: How often all sequences are seen.
        batch_size: Sequences per step of training, at most; and of each pass in predictions.
        learning_rate: Of AdamW.
        weight_decay: Of AdamW.
        clip_norm: Bound on the norm of the gradient of each step, or None.
        early_stopping: Hold sequences out, and keep the weights that do best on them.
        validation_fraction: The share of sequences held out, of each class alike.
        patience: Epochs without a lower loss on those sequences after which training ends.
        random_state: Decides the first weights, the order of sequences, the sequences held out and what is dropped.
        device: Where to run; torch's default if None.
        engine: How recurrences run, as for `zoo.build`; all give the same numbers.

    Attributes:
        model_: The `zoo.Model`, trained and in eval mode, which gives scores (n, classes) before the softmax.
        classes_: The classes, in the order of the model's outputs.
        n_features_in_: T for X (n, T), else F.
        feature_names_in_: Names of the columns, where X was a data frame.
        n_iter_: Epochs done.
        loss_curve_: The mean loss of each epoch.
        validation_loss_curve_: The same on held-out sequences, or None.
        layout_: "series" for X (n, T), else "sequences".
    """

    classes_: NDArray[Any]

    def __init__(
        self,
        spec: SpecLike = "gru-classifier",
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

    def fit(self, X: Any, y: ArrayLike) -> Self:
        """Build the model for these data and train it.

        Args:
            X: Sequences, as above.
            y: (n,), a class per sequence: numbers, strings or booleans; two classes at least.

        Raises:
            ValueError: The data or a parameter do not fit.
            TypeError: A parameter is of another type.
            zoo.ZooError: The spec is wrong, or has no pooled head.
        """
        spec = zoo.load(self.spec)
        labels = validate_data(self, y=y)
        check_classification_targets(labels)
        data = self._read(X, spec)
        self.classes_, targets = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"{type(self).__name__} needs two classes at least; y has one class, {self.classes_[0]!r}")
        return self._train(spec, data, torch.from_numpy(targets), len(self.classes_), F.cross_entropy, targets)

    def predict_proba(self, X: Any) -> NDArray[np.float32]:
        """The probability of each class, (n, classes) in the order of `classes_`."""
        return torch.softmax(self._outputs(X), 1).numpy()

    def predict(self, X: Any) -> NDArray[Any]:
        """The likeliest class of each sequence, (n,)."""
        best = self._outputs(X).argmax(1).numpy()
        found: NDArray[Any] = self.classes_[best]
        return found
