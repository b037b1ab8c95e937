"""What estimators are given, as padded tensors: an array of series or sequences, or a list of any lengths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import validate_data  # type: ignore[import-untyped]
from torch import Tensor

import zoo

Layout = Literal["series", "sequences"]


@dataclass(frozen=True, slots=True)
class Sequences:
    """x (n, T, F), or (n, T) for symbols, zero in padding; lengths (n,), or None where every sequence has T steps.

    Attributes:
        layout: "series", n sequences of one number per step; "sequences", sequences of any number of steps.
    """

    x: Tensor
    lengths: Tensor | None
    layout: Layout

    def __len__(self) -> int:
        return self.x.shape[0]

    def sequences(self, index: Any) -> Sequences:
        """Some of the sequences, as long as the longest of them."""
        chosen = torch.as_tensor(index)
        if self.lengths is None:
            return Sequences(self.x[chosen], None, self.layout)
        lengths = self.lengths[chosen]
        return Sequences(self.x[chosen, : int(lengths.max())], lengths, self.layout)

    def output(self, model: zoo.Model, device: torch.device) -> Tensor:
        """What the model gives for all sequences in one pass, (n, outputs), on the device."""
        found: Tensor = model(self.x.to(device), lengths=self.lengths)
        return found


def read(estimator: Any, X: Any, *, vocabulary: int | None, fitted: Layout | None) -> Sequences:
    """Check X as scikit-learn does and bring it into one form.

    Args:
        estimator: whose `n_features_in_` and `feature_names_in_` are set, or compared with.
        X: (n, T), series of T steps, whose columns are the features that scikit-learn counts; (n, T, F); or a list of
            sequences (T_i, F), or (T_i,) for F = 1. Symbols: (n, T), or a list of sequences (T_i,).
        vocabulary: how many symbols there are; None for real numbers, read as float32.
        fitted: the layout to compare with; None while fitting, when it is X's own.

    Raises:
        ValueError: what does not fit, in scikit-learn's words where it has some.
    """
    sequences = _sequences(X, listed=fitted == "sequences")
    layout: Layout = "series" if sequences is None else "sequences"
    if fitted is not None and layout != fitted:
        forms = {"series": "series, an array (n, T)", "sequences": "sequences, (n, T, F) or a list of arrays"}
        raise zoo.InputError(f"X must be {forms[fitted]}, as the estimator was fitted on, not {forms[layout]}")
    dtype: Any = np.float32 if vocabulary is None else "numeric"
    if sequences is None:
        checked = validate_data(estimator, X, reset=fitted is None, dtype=dtype)
        values = checked[:, :, None]
        lengths = np.full(len(checked), checked.shape[1])
    else:
        lengths = np.array([len(sequence) for sequence in sequences])
        if not lengths.all():
            raise zoo.InputError(f"sequence {int(lengths.argmin())} of X has no steps")
        # Every step of every sequence is a sample of F features, for which scikit-learn has all the checks.
        steps = validate_data(estimator, _joined(sequences), reset=fitted is None, dtype=dtype)
        values = np.zeros((len(sequences), int(lengths.max()), steps.shape[1]), steps.dtype)
        values[np.arange(values.shape[1]) < lengths[:, None]] = steps
    x = _numbers(values) if vocabulary is None else _symbols(values, vocabulary)
    ragged = bool((lengths != lengths.max()).any())
    return Sequences(x, torch.from_numpy(lengths) if ragged else None, layout)


def _sequences(X: Any, *, listed: bool) -> list[NDArray[Any]] | None:
    """Sequences of shape (T_i, F) each, or None where X is one table (n, T).

    If `listed`, a list of sequences (T_i,) is one of sequences even if all are equally long, when it could be a table.
    """
    if getattr(X, "ndim", None) == 3:
        return list(np.asarray(X))
    table = isinstance(X, np.ndarray) and not (X.dtype == object and X.ndim == 1)
    if table or not isinstance(X, np.ndarray | list | tuple) or len(X) == 0:
        return None
    try:
        sequences = [np.asarray(sequence) for sequence in X]
    except ValueError:
        raise zoo.InputError("X holds a sequence whose steps differ in their number of features") from None
    axes = {sequence.ndim for sequence in sequences}
    if axes == {2}:
        return sequences
    if axes == {1} and (listed or len({len(sequence) for sequence in sequences}) > 1):
        return [sequence[:, None] for sequence in sequences]
    if 2 not in axes:
        return None
    raise zoo.InputError(f"the sequences of X must all have the shape (T, F); they have {_listed(axes)} axes")


def _joined(sequences: Sequence[NDArray[Any]]) -> NDArray[Any]:
    widths = {sequence.shape[1] for sequence in sequences}
    if len(widths) > 1:
        raise zoo.InputError(f"the sequences of X must have the same number of features, not {_listed(widths)}")
    return np.concatenate(sequences)


def _listed(numbers: set[int]) -> str:
    return " and ".join(str(number) for number in sorted(numbers))


def _numbers(values: NDArray[Any]) -> Tensor:
    # A copy: what was given may be read-only or change later.
    return torch.tensor(values)


def _symbols(values: NDArray[Any], vocabulary: int) -> Tensor:
    if values.shape[2] != 1:
        raise zoo.InputError(f"the spec's input takes symbols, one per step: X has {values.shape[2]} features per step")
    if values.dtype.kind not in "iub" and (values != np.floor(values)).any():
        raise zoo.InputError("the spec's input takes symbols: X must be whole numbers")
    if values.min() < 0 or values.max() >= vocabulary:
        raise zoo.InputError(
            f"X must be symbols from 0 to {vocabulary - 1}, the spec's vocabulary, not from {values.min():g} to "
            f"{values.max():g}"
        )
    return torch.tensor(values[:, :, 0].astype(np.int64))


def batches(order: NDArray[Any], size: int) -> Iterator[NDArray[Any]]:
    """Cut into parts of at most `size`, as equal as they can be: a last sequence alone could not be normalised."""
    yield from np.array_split(order, -(-len(order) // size))
