"""A few steps of a sequence by the plain loop: what the engines that cut a sequence into pieces run on each piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from zoo.engine import dropout
from zoo.engine.backends import loop
from zoo.engine.cell import Cell, Inputs, States
from zoo.engine.steps import Found


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """What is the same for every piece of a run.

    Attributes:
        const: Of the cell.
        initial: Where a reset puts the state.
        zoneout: The rate.
        all_states: Give the states of all steps.
    """

    const: Any
    initial: States
    zoneout: float
    all_states: bool


def draw_zoneout_masks(cell: Cell, state: States, steps: int, rate: float) -> States:
    """Where zoneout keeps the old value, (B, T, ...) by name, drawn in the order of the loop: one seed gives one run.

    Empty outside training, where zoneout is a mean and draws nothing.
    """
    zoned = [name for name, spec in cell.states.items() if spec.zoneout] if rate and cell.training else []
    drawn: dict[str, list[Tensor]] = {name: [] for name in zoned}
    if zoned:
        for _ in range(steps):
            for name in zoned:
                drawn[name].append(torch.rand(state[name].shape, device=state[name].device) < rate)
    return {name: torch.stack(masks, 1) for name, masks in drawn.items()}


def run(
    cell: Cell,
    u: Inputs,
    state: States,
    valid: Tensor | None,
    reset: Tensor | None,
    zoneout_masks: States,
    fixed: Fixed,
) -> Found:
    """The loop over one piece, (B, steps, ...): its output, the state after it, and the states at all its steps."""
    return loop.over(
        cell,
        u,
        state,
        fixed.const,
        valid=valid,
        reset=reset,
        initial=fixed.initial,
        zoneout=_zoneout(cell, zoneout_masks, fixed.zoneout) if fixed.zoneout else None,
        all_states=fixed.all_states,
    )


def _zoneout(cell: Cell, zoneout_masks: States, rate: float) -> Callable[[str, Tensor, Tensor], Tensor]:
    masks: dict[str, Iterator[Tensor]] = {name: iter(mask.unbind(1)) for name, mask in zoneout_masks.items()}

    def zone(name: str, old: Tensor, new: Tensor) -> Tensor:
        if name in masks:
            return torch.where(next(masks[name]), old, new)
        if not cell.states[name].zoneout:
            return new
        return dropout.zoneout(old, new, rate, training=False)

    return zone
