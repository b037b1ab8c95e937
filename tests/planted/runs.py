"""Bugs in the order of a run: holding, resetting, reading backwards, and what stands beside the input."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

import zoo.engine.cell
import zoo.engine.constants
import zoo.engine.recurrence
import zoo.engine.recurrent_layer
import zoo.engine.stacked
import zoo.model.embedding
from zoo.cells.dynamics.phased import PhasedLSTM
from zoo.cells.lstm import LSTM
from zoo.engine import sequence
from zoo.engine.backends import loop
from zoo.engine.recurrence import Pass, Run
from zoo.engine.recurrent_layer import RecurrentLayer
from zoo.model.stack import StackModel

from .patching import Patch, around, edit
from .suite import mutant


def recur(patch: Patch, change: Any) -> None:
    """Every layer's cell runs with another Run."""

    def wrong(right: Any, *args: Any, run: Run, **kwargs: Any) -> Pass:
        found: Pass = right(*args, run=change(run), **kwargs)
        return found

    around(patch, zoo.engine.recurrent_layer, "recur", wrong)


# Rows that have ended.


@mutant("zoned", "padding_invariance")
def padded_rows_step_on(patch: Patch) -> None:
    around(patch, loop, "run", lambda run, steps: run(replace(steps, valid=None)))


@mutant("zoned", "padding_invariance")
def rows_held_one_step_too_late(patch: Patch) -> None:
    def wrong(run: Any, steps: Any) -> Any:
        valid = steps.valid
        late = valid if valid is None else torch.cat([torch.ones_like(valid[:, :1]), valid[:, :-1]], 1)
        return run(replace(steps, valid=late))

    around(patch, loop, "run", wrong)


# Resets.


@mutant("lstm", "reset")
def one_state_not_reset(patch: Patch) -> None:
    edit(patch, loop, "over", "initial[name], old)", 'old if name == "c" else initial[name], old)')


@mutant("timed", "reset")
def reset_to_zeros_instead_of_the_start(patch: Patch) -> None:
    def wrong(run: Any, steps: Any) -> Any:
        return run(replace(steps, initial={name: torch.zeros_like(t) for name, t in steps.initial.items()}))

    around(patch, loop, "run", wrong)


@mutant("gru", "reset")
def reset_acts_in_padding(patch: Patch) -> None:
    edit(patch, zoo.engine.recurrence, "recur", "reset = reset & valid", "pass")


@mutant("gru", "reset")
def reset_one_step_late(patch: Patch) -> None:
    def wrong(run: Any, steps: Any) -> Any:
        return run(replace(steps, reset=steps.reset if steps.reset is None else steps.reset.roll(1, 1)))

    around(patch, loop, "run", wrong)


@mutant("both", "reset")
def first_reset_forgotten_on_the_way_back(patch: Patch) -> None:
    def wrong(gaps: Any, values: Tensor, lengths: Tensor | None) -> Tensor:
        found: Tensor = gaps(values, lengths)
        if found.dtype == torch.bool:
            found[:, 0] = False
        return found

    around(patch, sequence, "gaps_backward", wrong)


@mutant("both-learned", "reset")
def reset_to_the_learned_state_of_the_other_direction(patch: Patch) -> None:
    edit(patch, RecurrentLayer, "_run", "self.reverse_cell, self.reverse_initial", "self.reverse_cell, self.initial")


@mutant("gru", "reset")
def step_ignores_its_reset(patch: Patch) -> None:
    around(
        patch, StackModel, "step", lambda step, self, x, state=None, *, reset=None, **rest: step(self, x, state, **rest)
    )


# What a run goes on from, and what it tells of itself.


@mutant("zoned", "chunked")
def chunk_border_starts_anew(patch: Patch) -> None:
    right = "own = {name: state[name] for name in cell.states}"
    edit(patch, zoo.engine.recurrence, "recur", right, right.replace("state[name]", "torch.zeros_like(state[name])"))


@mutant("both", "direction")
def states_of_all_steps_in_the_order_of_reading(patch: Patch) -> None:
    right = "{name: sequence.take(s, order) for name, s in states.items()}"
    edit(patch, zoo.engine.recurrence, "recur", right, "states")


@mutant("both", "direction")
def output_in_the_order_of_reading(patch: Patch) -> None:
    edit(patch, zoo.engine.recurrence, "recur", "output = sequence.take(output, order)", "pass")


@mutant("both-mean", "direction")
def mean_of_two_directions_not_halved(patch: Patch) -> None:
    around(patch, zoo.engine.recurrent_layer, "_merged", lambda f, *args: 2 * f(*args))


@mutant("both", "direction")
def halves_of_two_directions_swapped(patch: Patch) -> None:
    def wrong(merged: Any, ahead: Tensor, back: Tensor | None, *rest: Any) -> Tensor:
        found: Tensor = merged(ahead, back, *rest) if back is None else merged(back, ahead, *rest)
        return found

    around(patch, zoo.engine.recurrent_layer, "_merged", wrong)
    patch.setattr(zoo.engine.stacked, "possible", lambda layers, run: False)


# Time, and what was observed.


@mutant("timed", "causality")
def dt_ignored(patch: Patch) -> None:
    recur(patch, lambda run: run if run.dt is None else replace(run, dt=torch.ones_like(run.dt)))


@mutant("timed", "causality")
def dt_of_the_step_that_follows(patch: Patch) -> None:
    recur(patch, lambda run: run if run.dt is None else replace(run, dt=run.dt.roll(-1, 1)))


@mutant("timed-both", "direction")
def dt_flipped_as_values_are(patch: Patch) -> None:
    def wrong(dt: Tensor, reset: Tensor | None, lengths: Tensor | None) -> Tensor:
        return sequence.take(dt, sequence.reversal(lengths, dt.shape[1], dt.device))

    patch.setattr(sequence, "dt_backward", wrong)


@mutant("timed-both", "reset")
def dt_across_a_reset_on_the_way_back(patch: Patch) -> None:
    around(patch, sequence, "dt_backward", lambda f, dt, reset, lengths: f(dt, None, lengths))


@mutant("timed", "padding_invariance")
def dt_left_as_it_stands_in_padding(patch: Patch) -> None:
    edit(patch, zoo.engine.recurrence, "recur", "torch.where(valid, dt, torch.ones_like(dt))", "dt")


@mutant("timed", "causality")
def observed_ignored(patch: Patch) -> None:
    recur(patch, lambda run: replace(run, observed=None))


@mutant("timed-both", "direction")
def observed_not_turned_round(patch: Patch) -> None:
    edit(patch, zoo.engine.recurrence, "recur", "sequence.take(observed, order)", "observed")


@mutant("timed", "padding_invariance")
def unobserved_inputs_left_as_they_stand(patch: Patch) -> None:
    edit(patch, zoo.model.embedding, "embedded", "x = torch.where(observed,", "_ = torch.where(observed,")


@mutant("timed", "batch_independence")
def dt_of_the_first_row_for_all(patch: Patch) -> None:
    recur(patch, lambda run: run if run.dt is None else replace(run, dt=run.dt[:1].expand_as(run.dt)))


# Precision.


@mutant("memory", "precision", slow=True)
def buffers_cast_to_half_precision(patch: Patch) -> None:
    def wrong(module: Any, apply: Any) -> None:
        apply()

    patch.setattr(zoo.engine.cell, "apply_held", wrong)


@mutant("orthogonal", "precision", slow=True)
def steps_under_autocast(patch: Patch) -> None:
    patch.setattr(zoo.engine.recurrence, "in_full", lambda kind: nullcontext())


@mutant("clocked", "precision", slow=True)
def a_running_sum_in_half_precision(patch: Patch) -> None:
    def wrong(step: Any, self: Any, u: Any, state: Any, const: Any) -> Any:
        found = step(self, u, state, const)
        # not in the float64 model that it is held to, which would be wrong in the same way
        return {**found, "time": found["time"].bfloat16()} if found["h"].dtype == torch.float32 else found

    around(patch, PhasedLSTM, "step", wrong)


@mutant("oscillating", "precision", slow=True)
def constants_derived_in_half_precision(patch: Patch) -> None:
    patch.setattr(zoo.engine.constants, "with_wide_weights", lambda cell, call: call(cell))


@mutant("chrono", "precision", slow=True)
def kernel_in_half_precision(patch: Patch) -> None:
    def wrong(kernel: Any, self: LSTM, x: Tensor, state: Any, weights: Any, **options: Any) -> Any:
        if x.dtype == torch.float32:
            x, weights = x.bfloat16(), [weight.bfloat16() for weight in weights]
            state = {name: value.bfloat16() for name, value in state.items()}
        return kernel(self, x, state, weights, **options)

    around(patch, LSTM, "kernel", wrong)
