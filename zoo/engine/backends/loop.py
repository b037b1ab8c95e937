"""The plain loop: any cell, one step after the other. Every other way to run must give its numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from zoo.engine import returned
from zoo.engine.cell import Cell, Inputs, States
from zoo.engine.sequence import where_rows

HOISTED_UP_TO = 4
"""States of all steps are kept for one `output` over time where they are at most so many times the output's size."""


def run(
    cell: Cell,
    u: Inputs,
    state: States,
    const: Any,
    *,
    valid: Tensor | None,
    reset: Tensor | None,
    start: States,
    zoneout: Callable[[str, Tensor, Tensor], Tensor] | None,
    all_states: bool,
    look: bool = False,
) -> tuple[Tensor, States, States | None]:
    """The output (B, T, ...), the state after each row's last valid step, and the states at all steps if asked for.

    valid, reset: (B, T). start: where a reset puts the state. zoneout: from a state's name, old and new value.
    look: whether to hold what the first step gives to what the cell declares.
    """
    # Unbound once: indexing by time inside the loop would make the backward quadratic in T.
    inputs = list(zip(*(leaf.unbind(1) for leaf in u), strict=True)) if isinstance(u, tuple) else u.unbind(1)
    held = None if valid is None else valid.unbind(1)
    resets = None if reset is None else reset.unbind(1)
    hoisted = all_states or hoists(cell)
    history: list[States] = []
    outputs: list[Tensor] = []
    later = cell.step
    step = partial(returned.first_step, cell) if look else later
    for t, u_t in enumerate(inputs):
        if resets is not None:
            state = {name: where_rows(resets[t], start[name], old) for name, old in state.items()}
        new = step(u_t, state, const)
        step = later
        for name in cell.states:
            old, value = state[name], new[name]
            if value.dtype != old.dtype:  # autocast lowers products; what is carried stays as it was
                value = value.to(old.dtype)
            if zoneout is not None:
                value = zoneout(name, old, value)
            if held is not None:
                value = where_rows(held[t], value, old)
            new[name] = value
        state = new
        if hoisted:
            history.append(state)
        else:
            y = returned.outputs(cell, u_t, state, const) if look and not outputs else cell.output(u_t, state, const)
            outputs.append(y)
    if not hoisted:
        if look:
            returned.output(cell, outputs[0], (len(state[next(iter(state))]),))
        return torch.stack(outputs, 1), state, None
    needed = cell.states if all_states or type(cell).output is not Cell.output else [next(iter(cell.states))]
    states = {name: torch.stack([at[name] for at in history], 1) for name in needed}
    y = returned.outputs(cell, u, states, const) if look else cell.output(u, states, const)
    return y, state, states if all_states else None


def hoists(cell: Cell) -> bool:
    """Whether `output` is asked once, over the states of all steps."""
    if type(cell).output is Cell.output:
        return True
    size = sum(math.prod(spec.shape) for spec in cell.states.values())
    return size <= HOISTED_UP_TO * math.prod(cell.output_shape)
