"""How time grows with length: the same model at T and at 2 T, from 64 to 8192 steps.

Three layers, with the gradient of the input too: where anything is quadratic in T, it shows here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Final

from zoo.bench.contests import Contest, Heat, Work
from zoo.bench.works import Size, built, example, of_zoo

GOAL: Final = 2.3
"""At most so many times as long for twice the steps."""
STEPS: Final = (64, 128, 256, 512, 1024, 2048, 4096, 8192)
WIDTH: Final = Size(8, 0, 32, 32)
CELLS: Final[Mapping[str, Mapping[str, object]]] = {
    "mgu": {"kind": "mgu"},
    "indrnn": {"kind": "indrnn", "nonlinearity": "tanh"},
    "mingru": {"kind": "mingru"},
    "lru": {"kind": "lru"},
}
"""Two that loop, and two that are linear in their state."""


def heats() -> tuple[Heat, ...]:
    return tuple(_heat(name, cell) for name, cell in CELLS.items())


def _heat(name: str, cell: Mapping[str, object]) -> Heat:
    contests = tuple(
        Contest(f"growth/{name}/T={steps}/x3-input-gradient/training", f"T={steps}", f"T={before}", "as long", GOAL)
        for before, steps in pairwise(STEPS)
    )
    return Heat(contests, _maker(cell))


def _maker(cell: Mapping[str, object]) -> Callable[[], Mapping[str, Work]]:
    def make() -> Mapping[str, Work]:
        model = of_zoo(built(cell, WIDTH, layers=3))
        sizes = [WIDTH._replace(steps=steps) for steps in STEPS]
        return {f"T={size.steps}": model.training(example(size), input_gradient=True) for size in sizes}

    return make
