"""What every check that a model learns does alike: tiny copies that can learn, a few attempts, one loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import torch
from torch import Tensor

from zoo.checks.drops import without_dropout
from zoo.checks.options import with_value
from zoo.checks.subject import Subject
from zoo.components import Part
from zoo.errors import CheckFailure
from zoo.model.base import Model
from zoo.model.build import build
from zoo.spec.canonical import Spec
from zoo.spec.tree import Path, map_parts

SHARE: Final = 0.1
"""What may be left of the first loss."""
ATTEMPTS: Final = ((0, 0.02), (2, 0.005), (3, 0.02))
"""Seeds and learning rates, one after the other: a rectified unit that is dead at first learns nothing in any model,
and deep stacks of them die in the first large steps."""
RANGE: Final = 0.5
"""Of uniform first values at least: a paper's range for 1,000 units leaves no signal behind layers of ten."""


def learner(spec: Spec) -> Spec:
    """A tiny copy that can learn: without dropout, and with ranges of first values that leave a signal in few units."""

    def wide(path: Path, part: Part) -> Part:
        if path[-1] != "init" or getattr(part.options, "range", RANGE) >= RANGE:
            return part
        options = with_value(part.options, ("range",), RANGE)
        return part if options is None else part.with_options(options)

    return map_parts(without_dropout(spec), wide)


def attempts(subject: Subject) -> Iterator[tuple[Model, float]]:
    """Models to train, each with its learning rate."""
    spec = learner(subject.tiny)
    for seed, rate in ATTEMPTS:
        yield build(spec, seed=seed, device=subject.device, dtype=torch.float32), rate


def overfits(subject: Subject, loss_of: Callable[[Model], Callable[[], Tensor]], iterations: int) -> None:
    """An attempt gets below `SHARE` of its first loss.

    Raises:
        CheckFailure: None does.
    """
    left = []
    for model, rate in attempts(subject):
        left.append(share_left(model, loss_of(model), rate, iterations))
        if left[-1] < SHARE:
            return
    raise CheckFailure(
        f"after {iterations} iterations the loss is {min(left):.3g} of its initial value, the best of "
        f"{len(ATTEMPTS)} attempts, bound {SHARE}"
    )


def share_left(model: Model, loss: Callable[[], Tensor], rate: float, iterations: int, share: float = SHARE) -> float:
    """The share of its first loss that a model has left, as soon as that is below `share`."""
    optimizer = torch.optim.Adam([one for one in model.parameters() if one.requires_grad], lr=rate)
    first = left = 1.0
    for iteration in range(iterations):
        now = loss()
        optimizer.zero_grad()
        now.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        first = now.item() if iteration == 0 else first
        left = now.item() / first
        if left < share:
            break
    return left
