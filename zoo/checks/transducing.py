"""Batches for the checks of a transducer: sequences and targets, which have lengths of their own."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import torch
from torch import Tensor

from zoo.architectures.transducer.model import Transducer
from zoo.checks.batch import lengths_of
from zoo.checks.subject import Skip, Subject

ENDS: Final = (13, 2, 7, 1, 9)
"""Steps of the encoder's output, of each sequence."""
TARGETS: Final = (3, 7, 0, 5, 2)


class Given(NamedTuple):
    """A batch of sequences and targets."""

    x: Tensor
    target: Tensor
    lengths: Tensor
    target_lengths: Tensor

    @property
    def arguments(self) -> dict[str, Tensor]:
        return self._asdict()

    def rows(self, index: Any) -> Given:
        return Given(*(one[index] for one in self))


def model_of(subject: Subject, *, dtype: torch.dtype | None = None, train: bool = False, seed: int = 0) -> Transducer:
    """The tiny model. Raises Skip for any other architecture."""
    model = subject.model(dtype=dtype, train=train, seed=seed)
    if not isinstance(model, Transducer):
        raise Skip(f"the check is for transducers, and the architecture is {subject.spec.architecture.record.name!r}")
    return model


def given_to(
    model: Transducer, ends: tuple[int, ...], targets: tuple[int, ...], *, seed: int = 1, whole: bool = False
) -> Given:
    """A random batch: `ends` are numbers of steps behind the encoder; of whole hops, or as few as give them."""
    device = model._place()[0]
    steps = [end * model.hop if whole else _steps(model, end) for end in ends]
    lengths = lengths_of(steps, device)
    x = model.encoder.example_input(len(ends), max(steps), seed=seed)
    generator = torch.Generator().manual_seed(seed)
    target = torch.randint(0, model.outputs - 1, (len(ends), max(targets)), generator=generator).to(device)
    if model.starts_with_blank:
        target = target + (target >= model.blank)
    return Given(x, target, lengths, lengths_of(targets, device))


def _steps(model: Transducer, outputs: int) -> int:
    """The smallest number of steps of the input that gives so many of the encoder's output."""
    steps = 1
    while int(model.output_lengths(torch.tensor(steps))) < outputs:
        steps += 1
    return steps


def ragged(model: Transducer) -> Given:
    """Sequences and targets of many lengths, no row's two the same; one target is empty."""
    return given_to(model, ENDS, TARGETS)


def losses_of(model: Transducer, output: Tensor, given: Given) -> Tensor:
    return model.loss(output, given.target, given.lengths, given.target_lengths, reduction="none")


def texts_of(wrote: Any) -> list[list[int]]:
    return [row[:end].tolist() for row, end in zip(wrote.symbols, wrote.lengths.tolist(), strict=True)]


def gradients_of(model: Transducer, loss: Tensor, *, keep: bool = True) -> dict[str, Tensor]:
    parameters = {name: one for name, one in model.named_parameters() if one.requires_grad}
    found = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True, retain_graph=keep)
    return {name: one for name, one in zip(parameters, found, strict=True) if one is not None}
