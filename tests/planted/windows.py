"""Bugs in what the engine carries beside the states, past inputs and ages, and in what it keeps between runs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

import zoo.engine.recurrence
import zoo.model.layout
from zoo.cells.gru import GRU
from zoo.engine import sequence
from zoo.engine.cell import Context

from .patching import Patch, around, edit
from .suite import mutant


@mutant("rglru", "chunked")
def age_not_carried(patch: Patch) -> None:
    around(patch, sequence, "ages", lambda f, before, reset, steps: f(torch.zeros_like(before), reset, steps))


@mutant("rglru", "reset")
def age_goes_on_through_a_reset(patch: Patch) -> None:
    around(patch, sequence, "ages", lambda f, before, reset, steps: f(before, None, steps))


@mutant("rglru", "stepwise")
def fresh_is_the_first_step_of_a_call(patch: Patch) -> None:
    right = "None if age is None else age == 0"
    edit(
        patch, zoo.engine.recurrence, "recur", right, "None if age is None else torch.arange(steps).expand_as(age) == 0"
    )


@mutant("rglru", "state_default")
def fresh_is_that_no_state_was_given(patch: Patch) -> None:
    def wrong(inward: Any, self: Any, state: Any, initial: Any) -> Any:
        found = inward(self, state, initial)
        return {n: t + 1 if n.endswith("age") else t for n, t in found.items()}

    around(patch, zoo.model.layout.NamedLayout, "inward", wrong)


@mutant("windowed", "chunked")
def past_inputs_in_the_wrong_order(patch: Patch) -> None:
    _carried(patch, lambda found: {**found, "past": found["past"].flip(1)})


@mutant("windowed", "chunked")
def past_inputs_not_carried(patch: Patch) -> None:
    _carried(patch, lambda found: {**found, "past": torch.zeros_like(found["past"])})


def _carried(patch: Patch, change: Any) -> None:
    around(patch, zoo.engine.recurrence, "_carried", lambda carried, *args: change(carried(*args)))


@mutant("windowed", "chunked")
def past_inputs_taken_at_the_padded_last_step(patch: Patch) -> None:
    def wrong(
        carried: Any, extended: Tensor, before: Tensor, age: Tensor, lengths: Any, window: int, steps: int
    ) -> Any:
        return carried(extended, before, age, None, window, steps)

    around(patch, zoo.engine.recurrence, "_carried", wrong)


@mutant("windowed", "reset")
def past_inputs_kept_after_a_reset(patch: Patch) -> None:
    right = "sequence.zero_where(past, window - slots <= now.unsqueeze(1))"
    edit(patch, zoo.engine.recurrence, "_carried", right, "past")


@mutant("windowed", "reset")
def window_reaches_beyond_a_reset(patch: Patch) -> None:
    def wrong(self: Context, y: Tensor, k: int) -> Tensor:
        return y[:, self.window - k : y.shape[1] - k]

    patch.setattr(Context, "past", wrong)


@mutant("windowed", "causality")
def window_reaches_into_the_future(patch: Patch) -> None:
    around(patch, Context, "past", lambda past, self, y, k: past(self, y, k).roll(-1, 1))


@mutant("zoned", "stepwise")
def constants_never_made_anew(patch: Patch) -> None:
    def wrong(constants: Any, self: GRU, ctx: Context) -> Any:
        if self.training or torch.is_grad_enabled():
            return constants(self, ctx)
        if not hasattr(self, "_stale"):
            self._stale = tuple(t if t is None else t.clone() for t in constants(self, ctx))
        return self._stale

    around(patch, GRU, "constants", wrong)
