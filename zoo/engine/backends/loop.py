"""The plain loop: any cell, one step after the other. Every other way to run must give its numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from zoo.engine import dropout, returned
from zoo.engine.cell import Cell, Inputs, States
from zoo.engine.sequence import where_sequences
from zoo.engine.steps import Found, Steps

HOISTED_UP_TO = 4
"""States of all steps are kept for one `output` over time where they are at most so many times the output's size."""


Zoneout = Callable[[str, Tensor, Tensor], Tensor]
"""From a state's name, old and new value to what it is."""


def reason(cell: Cell) -> None:
    """Why a cell cannot run so: every one can."""


def possible(steps: Steps) -> bool:
    """Whether this run can be done so: every one can."""
    return True


def run(steps: Steps) -> Found:
    """The steps, one after the other."""
    cell = steps.cell

    def zone(name: str, old: Tensor, new: Tensor) -> Tensor:
        if not cell.states[name].zoneout:
            return new
        return dropout.zoneout(old, new, steps.zoneout, training=cell.training)

    return over(
        cell,
        steps.u,
        steps.state,
        steps.const,
        valid=steps.valid,
        reset=steps.reset,
        initial=steps.initial,
        zoneout=zone if steps.zoneout else None,
        all_states=steps.all_states,
        look=steps.look,
    )


def over(
    cell: Cell,
    u: Inputs,
    state: States,
    const: Any,
    *,
    valid: Tensor | None,
    reset: Tensor | None,
    initial: States,
    zoneout: Zoneout | None,
    all_states: bool,
    look: bool = False,
) -> Found:
    """The loop over what `Steps` holds, spelled out: torch's compiler cannot look into a value that it makes itself."""
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
            state = {name: where_sequences(resets[t], initial[name], old) for name, old in state.items()}
        new = step(u_t, state, const)
        step = later
        for name in cell.states:
            old, value = state[name], new[name]
            if value.dtype != old.dtype:  # autocast lowers products; what is carried stays as it was
                value = value.to(old.dtype)
            if zoneout is not None:
                value = zoneout(name, old, value)
            if held is not None:
                value = where_sequences(held[t], value, old)
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
