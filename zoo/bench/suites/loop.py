"""The loop that runs any cell, against torch's kernel for the same one: what a cell without a kernel pays."""

from __future__ import annotations

from typing import Final

from zoo.bench.contests import Heat
from zoo.bench.suites.kernels import torch_twin
from zoo.bench.suites.pairs import paired
from zoo.bench.works import SIZES, Contestant, Size, built, of_module, of_zoo

GOAL: Final = {("gru", "small"): 1.2, ("gru", "medium"): None, ("lstm", "small"): None, ("lstm", "medium"): 1.35}
"""At most so many times as long as the kernel, for training."""


def heats() -> tuple[Heat, ...]:
    return tuple(_heat(cell, size, goal) for (cell, size), goal in GOAL.items())


def _heat(cell: str, size: str, goal: float | None) -> Heat:
    def make(of: Size) -> tuple[Contestant, Contestant]:
        model = built(cell, of, engine="loop")
        return of_zoo(model), of_module(torch_twin(model, cell, of))

    return paired(f"loop/{cell}/{size}/x1", SIZES[size], f"torch.nn.{cell.upper()}", make, goal=goal)
