"""The loop: Adam on batches of sequences, with a bound on the gradient and, if asked for, an early end."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import zoo
from zoo_sklearn.sequences import Sequences, batches

Loss = Callable[[Tensor, Tensor], Tensor]
"""From outputs (B, D) and targets (B,) or (B, D) to the mean over the sequences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to train; the names are those of the estimators' parameters.

    Attributes:
        patience: None, or the epochs to wait.
    """

    max_epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    clip_norm: float | None
    patience: int | None


@dataclass(slots=True)
class History:
    """The mean loss of each epoch, over the sequences trained on and over those held out."""

    training: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)


def train(
    model: zoo.Model,
    data: Sequences,
    targets: Tensor,
    loss: Loss,
    settings: Settings,
    random: Any,
    split: tuple[NDArray[Any], NDArray[Any] | None],
) -> History:
    """Train a model in place, and leave it in eval mode.

    Args:
        model: What to train.
        data: All sequences, on the CPU.
        targets: Of all sequences, on the CPU.
        loss: What to make small.
        settings: How to train.
        random: A numpy RandomState for the order of sequences. Torch draws from its own global state.
        split: The indices of those to train on, and of those held out or None.

    Raises:
        zoo.InputError: If the loss stops being a number.
    """
    device = next(model.parameters()).device
    samples, held_out = split
    optimiser = torch.optim.AdamW(model.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)
    history, best, waited = History(), math.inf, 0
    best_weights: dict[str, Any] | None = None
    for _ in range(settings.max_epochs):
        model.train()
        total = torch.zeros((), device=device)
        for index in batches(random.permutation(samples), settings.batch_size):
            value = loss(data.sequences(index).output(model, device), targets[index].to(device))
            optimiser.zero_grad()
            value.backward()  # type: ignore[no-untyped-call]
            if settings.clip_norm is not None:
                torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip_norm)
            optimiser.step()
            total += value.detach() * len(index)
        history.training.append(_finite(float(total) / len(samples), len(history.training) + 1))
        if held_out is None:
            continue
        found = predict(model, data.sequences(held_out), settings.batch_size)
        history.validation.append(_finite(float(loss(found, targets[held_out])), len(history.training)))
        if history.validation[-1] < best:
            best, waited, best_weights = history.validation[-1], 0, copy.deepcopy(model.state_dict())
        else:
            waited += 1
        if settings.patience is not None and waited >= settings.patience:
            break
    if best_weights is not None:
        model.load_state_dict(best_weights)
    model.eval()
    return history


def predict(model: zoo.Model, data: Sequences, batch_size: int) -> Tensor:
    """What the model gives for each sequence in eval mode, (n, D) on the CPU.

    Each pass has exactly `batch_size` sequences, the last one filled up: kernels round differently for another number
    of sequences, and a sequence's numbers shall not depend on who stands beside it.
    """
    device = next(model.parameters()).device
    model.eval()
    found = []
    with torch.no_grad():
        for start in range(0, len(data), batch_size):
            index = np.arange(start, start + batch_size)
            part = data.sequences(np.minimum(index, len(data) - 1)).output(model, device)
            found.append(part[: len(data) - start].cpu())
    return torch.cat(found)


def _finite(value: float, epoch: int) -> float:
    if not math.isfinite(value):
        raise zoo.InputError(
            f"the loss is {value} after epoch {epoch}: lower learning_rate or clip_norm, or scale X (StandardScaler)"
        )
    return value


@contextmanager
def own_randomness(seed: int, device: torch.device) -> Iterator[None]:
    """Inside, torch draws from this seed, and gradients are on; its global random state is then as it was before."""
    kind = "cuda" if device.type == "cpu" else device.type
    devices = [] if device.type == "cpu" else [device.index or 0]
    with torch.random.fork_rng(devices, device_type=kind), torch.enable_grad():
        torch.manual_seed(seed)
        yield
