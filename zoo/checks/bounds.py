"""The trait `bounded`: outputs stay within a bound, however large the inputs and however long the sequence."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from zoo.checks import features
from zoo.checks.batch import beside, run, uses_of
from zoo.checks.subject import Skip, Subject
from zoo.engine.layer import Run
from zoo.engine.recurrent_layer import RecurrentLayer
from zoo.errors import CheckFailure
from zoo.model.engines import engine_named
from zoo.spec.tree import Recurrent

LARGER: Final = (1.0, 1e4, 1e8)
"""How much larger than usual the inputs are. Growth is told by the last two: what is bounded is saturated by both."""
BY_INPUT: Final = 1.5
STEPS: Final = 256
LONGEST: Final = 65_536
BY_LENGTH: Final = 1.05
"""How much larger the largest output over twice as many steps may be; a slow memory gets longer to come to rest."""

Largest = Callable[[Tensor], Tensor]
"""From inputs x (B, T, ...) to the largest |output| of each sequence and step, (B, T); (B, 1) behind a pool."""


def bounded(subject: Subject) -> None:
    """Each cell that declares it by itself, and the model where what is around its cells keeps it so."""
    declared = [layer for layer in features.cells(subject.tiny) if layer.cell.traits.bounded]
    if not declared:
        raise Skip("no cell declares bounded: true")
    for layer in declared:
        label = f"cell {layer.cell.record.name} declares bounded: true, but its output"
        try:
            measure(*of_cell(subject, layer), label)
        except CheckFailure as failure:
            raise CheckFailure(str(failure), layer.cell) from None
    if subject.several:
        return  # what its stacks are put together to is told apart by no trait
    more = len(subject.tiny.layers) > 1 or bool(subject.tiny.only.all_heads)
    if more and subject.traits.bounded and _real(subject):
        measure(*_model(subject), "the model's cells declare bounded: true, but its output")


@dataclass(frozen=True, slots=True)
class Growth:
    """The largest outputs.

    Attributes:
        by_input: For inputs of each size of `LARGER`.
        half: Over half the steps.
        whole: Over all steps.
    """

    by_input: tuple[float, ...]
    half: float
    whole: float
    steps: int


def measure(largest: Largest, shape: tuple[int, ...], label: str, *, longest: int = LONGEST) -> None:
    """Raise CheckFailure where the output grows with the input, of which one step is `shape`, or with the length."""
    steps = STEPS
    while True:
        found = growth(largest, shape, steps)
        usual, large, larger = found.by_input
        if not all(map(math.isfinite, found.by_input)) or larger > BY_INPUT * large:
            raise CheckFailure(
                f"{label} grows with the input: {usual:.3g} for usual inputs, {large:.3g} for inputs {LARGER[1]:,.0f} "
                f"times larger, {larger:.3g} for {LARGER[2]:,.0f}, bound {BY_INPUT:g} times the one before"
            )
        if found.whole <= BY_LENGTH * found.half:
            return
        if steps >= longest:
            raise CheckFailure(
                f"{label} grows with the length: {found.half:.3g} over {steps // 2:,} steps, {found.whole:.3g} over "
                f"{steps:,}, bound {BY_LENGTH:g} times that"
            )
        steps = min(4 * steps, longest)


def _real(subject: Subject) -> bool:
    """Whether one tensor of numbers comes in, which can be made as large as one likes."""
    x = subject.input(1, 1)
    return isinstance(x, Tensor) and x.is_floating_point()


def growth(largest: Largest, shape: tuple[int, ...], steps: int) -> Growth:
    """What comes out for random, constant and alternating inputs of each size, all in one run."""
    x = _inputs(shape, steps)
    inputs = torch.cat([factor * x for factor in LARGER])
    with torch.no_grad():
        found = largest(inputs)
    by_input = tuple(float(part.max()) for part in found.chunk(len(LARGER)))
    return Growth(by_input, float(found[:, : (found.shape[1] + 1) // 2].max()), float(found.max()), steps)


def _inputs(shape: tuple[int, ...], steps: int) -> Tensor:
    """(B, T, *shape): sequences of noise, of one value all along, and of one that turns over at each step."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(2, steps, *shape, generator=generator, dtype=torch.float64)
    level = torch.randn(4, 1, *shape, generator=generator, dtype=torch.float64).expand(4, steps, *shape)
    turns = (1 - 2 * (torch.arange(steps, dtype=torch.float64) % 2)).view(1, steps, *(1,) * len(shape))
    return torch.cat([noise, level, turns * level[:2]])


def of_cell(subject: Subject, layer: Recurrent) -> tuple[Largest, tuple[int, ...]]:
    """The cell of one layer by itself, in eval mode."""
    built = features.built(subject.model(), subject.tiny, layer)
    alone = RecurrentLayer(built.cell).eval()

    def largest(x: Tensor) -> Tensor:
        batch = beside(x.to(subject.device, subject.exact), uses_of(layer), dtype=subject.exact)
        initial = alone.init_state(len(x), device=subject.device, dtype=subject.exact)
        around = Run(
            engine=engine_named(subject.engine), dt=batch.extras.get("dt"), observed=batch.extras.get("observed")
        )
        output: Tensor = alone(batch.x, initial, around).output
        return output.abs().flatten(2).amax(2)

    return largest, built.cell.input_shape


def _model(subject: Subject) -> tuple[Largest, tuple[int, ...]]:
    model = subject.model()
    uses = frozenset[str]().union(*(uses_of(layer) for layer in subject.tiny.recurrent))
    read = {name for name in uses if name == "dt" or name in uses_of(subject.tiny.recurrent[0])}

    def largest(x: Tensor) -> Tensor:
        batch = beside(x.to(subject.device, subject.exact), read, dtype=subject.exact)
        output, _ = run(model, batch)
        found = output.abs()
        return found.flatten(1).amax(1, keepdim=True) if subject.pooled else found.flatten(2).amax(2)

    return largest, subject.features
