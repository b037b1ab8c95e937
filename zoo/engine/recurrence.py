"""One cell over one sequence in one direction: the order of a run, the same for every cell and every engine."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import torch
from torch import Tensor

from zoo.components import Window, count_steps, moving
from zoo.engine import returned, sequence
from zoo.engine.around import Dropout
from zoo.engine.backends import fused, table
from zoo.engine.cell import Cell, Context, States, StateSpec
from zoo.engine.constants import constants
from zoo.engine.names import Engine
from zoo.engine.precision import dtype_inside, in_full, in_half, is_half, widened
from zoo.engine.steps import Found, Steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What every layer is given beside its input, in the order of time; None where nothing was given.

    Attributes:
        lengths: Number of valid steps of each sequence, shape (B,).
        valid: Which steps are not padding, shape (B, T).
        dt: Time since the last step, shape (B, T).
        observed: Which features were observed, shape (B, T, F), for the first layer only.
        reset: Before which steps the state starts anew, shape (B, T).
        engine: How to run recurrences.
        all_states: Whether to return the states of all steps.
        final: Whether to return the final output of each direction.
        named: Outputs (B, T, ...) of earlier layers that have a name, each with what belongs to the layers behind it.
        joined: Features (B, T, F) that are joined to the input of a recurrent layer's cell, behind dropout and norm.
    """

    lengths: Tensor | None = None
    valid: Tensor | None = None
    dt: Tensor | None = None
    observed: Tensor | None = None
    reset: Tensor | None = None
    engine: Engine = "auto"
    all_states: bool = False
    final: bool = False
    named: Mapping[str, tuple[Tensor, Run]] = field(default_factory=dict)
    joined: Tensor | None = None

    def behind(self, windows: tuple[Window, ...], steps: int) -> Run:
        """What belongs to the layers behind windows.

        Args:
            windows: Through which a layer looks at the steps.
            steps: Number of steps before them.

        Returns:
            The same where they keep the number of steps, else with other lengths, and without what belongs to steps but
            resets, which stand between windows.
        """
        if not moving(windows):
            return self
        lengths = None if self.lengths is None else count_steps(windows, self.lengths)
        valid = None if lengths is None else sequence.valid_steps(lengths, count_steps(windows, steps))
        reset = self.reset
        if reset is not None:
            for window in moving(windows):
                reset = reset[:, :: window.stride][:, : window.count(reset.shape[1])]
        return replace(self, lengths=lengths, valid=valid, dt=None, observed=None, reset=reset)


class Pass(NamedTuple):
    """What one direction gives, in the order of time: output (B, T, ...), state (B, ...), states (B, T, ...).

    The output of a half precision input is in float32 (`dtype_inside`): the layer rounds it, once.
    """

    output: Tensor
    state: States
    states: States | None


def carries(cell: Cell) -> bool:
    """Whether the engine must carry past inputs and ages for this cell."""
    return cell.window > 0 or "fresh" in cell.uses


def recur(cell: Cell, x: Tensor, state: States, initial: States, run: Run, rates: Dropout, *, backwards: bool) -> Pass:
    """Run a cell over x (B, T, ...), from the first step to the last or, backwards, each sequence from its own end.

    The incoming `state` has the engine's own `past` and `age` where `carries(cell)`. A reset puts it to `initial`.
    """
    batch, steps = x.shape[:2]
    lengths, valid, dt, observed, reset = run.lengths, run.valid, run.dt, run.observed, run.reset
    x = sequence.zero_where(x, valid)
    if reset is not None and valid is not None:
        reset = reset & valid
    if dt is not None and valid is not None:
        dt = torch.where(valid, dt, torch.ones_like(dt))  # cells divide by it
    order = sequence.reversal(lengths, steps, x.device) if backwards else None
    if order is not None:
        x = sequence.take(x, order)
        observed = None if observed is None else sequence.take(observed, order)
        dt = None if dt is None else sequence.dt_backward(dt, reset, lengths)
        reset = None if reset is None else sequence.gaps_backward(reset, lengths)
    age = sequence.ages(state["age"], reset, steps) if carries(cell) else None
    ctx = Context(
        batch=batch,
        device=x.device,
        dtype=StateSpec(()).dtype(x.dtype),
        training=cell.training,
        states=cell.states,
        window=cell.window,
        weight_dropout=rates.weight,
        recurrent_dropout=rates.recurrent,
        valid=valid,
        lengths=lengths,
        dt=dt,
        observed=observed,
        reset=reset,
        age=age,
        fresh=None if age is None else age == 0,
        half=is_half(x),
    )
    own = {name: state[name] for name in cell.states}
    extended = torch.cat([state["past"].to(x.dtype), x], 1) if cell.window else x
    look = returned.due(cell, ctx, steps)
    if look is None:
        output, after, states = _steps(cell, extended, own, initial, ctx, run, rates, look=False)
    else:
        with returned.named(cell):
            output, after, states = _steps(cell, extended, own, initial, ctx, run, rates, look=True)
        returned.looked(cell, output, ctx, steps, look)
    wanted = dtype_inside(x)  # not rounded yet: what stands behind the cell has the digits too
    output = sequence.zero_where(output.to(wanted) if output.dtype != wanted else output, valid)
    if age is not None:
        after |= _carried(extended, state, age, lengths, cell.window, steps)
    if order is not None:
        output = sequence.take(output, order)
        states = None if states is None else {name: sequence.take(s, order) for name, s in states.items()}
    return Pass(output, after, states)


def _steps(
    cell: Cell, x: Tensor, state: States, initial: States, ctx: Context, run: Run, rates: Dropout, *, look: bool
) -> Found:
    const = constants(cell, ctx)
    if run.engine in ("auto", "fused"):
        found = fused.run(cell, x, state, const, ctx, zoneout=rates.zoneout, all_states=run.all_states, look=look)
        if found is not None:
            return *found, None
    with in_half(x) if ctx.half else nullcontext():
        u = returned.project(cell, x, const, ctx) if look else cell.project(x, const, ctx)
    steps = Steps(
        cell=cell,
        u=widened(u) if ctx.half else u,
        state=state,
        const=const,
        valid=ctx.valid,
        reset=ctx.reset,
        initial=initial,
        zoneout=rates.zoneout,
        all_states=run.all_states,
        look=look,
    )
    # States are at least float32, so what they meet in a step is too.
    with in_full(x.device.type) if ctx.half else nullcontext():
        return table.run(run.engine, steps)


def _carried(extended: Tensor, state: States, age: Tensor, lengths: Tensor | None, window: int, steps: int) -> States:
    """The engine's own part of the state: each sequence's last inputs, and how old it is now."""
    before = state["age"]
    if lengths is None:
        lengths = torch.full_like(before, steps)
    now = torch.where(lengths > 0, sequence.at_last(age, lengths) + 1, before)
    carried = {"age": now}
    if window:
        slots = torch.arange(window, device=before.device)
        past = sequence.take(extended, lengths.unsqueeze(1) + slots)
        # Slot i holds the input of window - i steps ago: nothing from before the sequence began may stay in it.
        past = sequence.zero_where(past, window - slots <= now.unsqueeze(1))
        carried["past"] = past.to(state["past"].dtype)  # a layer in front may give less, under autocast
    return carried


def initial_state(
    cell: Cell, batch: int, *, device: torch.device, dtype: torch.dtype, learned: Mapping[str, Tensor] | None = None
) -> States:
    """The cell's own states before the first step, (B, ...): initial values, or learned ones where there are."""
    found: States = {}
    for name, spec in cell.states.items():
        shape = (batch, *spec.shape)
        if learned is not None and name in learned:
            value = learned[name].to(_real(spec.dtype(dtype, device)))
            found[name] = (torch.view_as_complex(value) if spec.complex else value).expand(shape)
        else:
            found[name] = torch.full(shape, spec.initial_value, dtype=spec.dtype(dtype, device), device=device)
    return found


def _real(dtype: torch.dtype) -> torch.dtype:
    # Not dtype.to_real(): torch's compiler does not know it.
    return {torch.complex64: torch.float32, torch.complex128: torch.float64}.get(dtype, dtype)
