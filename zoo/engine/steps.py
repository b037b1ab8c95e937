"""The steps of one run, as every backend takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from zoo.engine.cell import Cell, Inputs, States

Found = tuple[Tensor, States, States | None]
"""The output (B, T, ...), the state after each sequence's last valid step, and the states at all steps if asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """One cell over one sequence in one direction, with everything that is done for all steps at once done already.

    Attributes:
        cell: Whose steps they are.
        u: What `project` gave, (B, T, ...).
        state: Before the first step.
        const: Of the run.
        valid: (B, T), or None.
        reset: (B, T), or None.
        initial: Where a reset puts the state.
        zoneout: Its rate.
        all_states: Whether the states of all steps are asked for.
        look: Whether to hold what the first step gives to what the cell declares.
    """

    cell: Cell
    u: Inputs
    state: States
    const: Any
    valid: Tensor | None
    reset: Tensor | None
    initial: States
    zoneout: float
    all_states: bool
    look: bool = False

    @property
    def leaves(self) -> tuple[Tensor, ...]:
        """The tensors of u."""
        return self.u if isinstance(self.u, tuple) else (self.u,)

    @property
    def count(self) -> int:
        """How many steps there are."""
        return self.leaves[0].shape[1]
