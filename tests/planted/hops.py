"""Bugs in layers that make one step of several: in what they carry, and where a sequence is cut."""

from __future__ import annotations

from typing import Any

import torch

import zoo.model.hops
from zoo.engine.recurrence import Run
from zoo.layers.convolutions.past import Past

from .patching import Patch, around, edit
from .suite import mutant


@mutant("hops", "chunked")
def window_not_carried(patch: Patch) -> None:
    around(patch, Past, "after", lambda f, *args: {name: torch.zeros_like(t) for name, t in f(*args).items()})


@mutant("hops", "state_default")
def window_not_read(patch: Patch) -> None:
    edit(patch, Past, "around", 'state["past"].to(x.dtype)', 'torch.zeros_like(state["past"]).to(x.dtype)')


@mutant("hops", "batch_independence")
def window_of_another_row(patch: Patch) -> None:
    around(patch, Past, "after", lambda f, *args: {name: t.roll(1, 0) for name, t in f(*args).items()})


@mutant("hops", "stepwise")
def window_one_step_early(patch: Patch) -> None:
    edit(patch, Past, "after", "ends.unsqueeze(1) + place", "(ends - 1).unsqueeze(1) + place")


@mutant("hops", "stepwise")
def window_of_every_step_one_step_early(patch: Patch) -> None:
    edit(patch, Past, "every", "* self.window.stride).unsqueeze(0)", "* self.window.stride - 1).unsqueeze(0)")


@mutant("hops", "padding_invariance")
def window_taken_at_the_padded_last_step(patch: Patch) -> None:
    edit(patch, Past, "after", "if run.lengths is None else run.lengths", "")


@mutant("hops", "chunked")
def steps_left_over_are_forgotten(patch: Patch) -> None:
    around(patch, zoo.model.hops, "left_over", lambda f, *args: torch.zeros_like(f(*args)))


@mutant("hops", "padding_invariance")
def steps_left_over_of_the_longest_row(patch: Patch) -> None:
    around(patch, zoo.model.hops, "left_over", lambda f, x, before, lengths, hop: f(x, before, None, hop))


@mutant("hops", "chunked")
def steps_left_over_are_forgotten_when_a_row_has_ended(patch: Patch) -> None:
    right = "lengths % hop if before is None else torch.where(lengths > 0, lengths % hop, before[LEFT_OVER])"
    edit(patch, zoo.model.hops, "left_over", right, "lengths % hop")


@mutant("hops", "reset")
def reset_not_seen_behind_a_stride(patch: Patch) -> None:
    edit(patch, Run, "behind", "observed=None, reset=reset", "observed=None, reset=None")


@mutant("hops", "reset")
def reset_a_step_late_behind_a_stride(patch: Patch) -> None:
    def wrong(behind: Any, self: Run, windows: Any, steps: int) -> Run:
        found: Run = behind(self, windows, steps)
        if found.reset is not None and found is not self:
            found.reset.copy_(found.reset.roll(1, 1))
        return found

    around(patch, Run, "behind", wrong)


@mutant("hops", "reset")
def window_reaches_back_over_a_reset(patch: Patch) -> None:
    edit(patch, Past, "taps", "age >= self.size - first", "age >= 0")


@mutant("hops", "reset")
def window_is_carried_over_a_reset(patch: Patch) -> None:
    edit(patch, Past, "after", "index - self.size >= last.unsqueeze(1)", "index >= 0")


@mutant("hops", "reset")
def reset_inside_a_hop_is_left_out(patch: Patch) -> None:
    around(patch, zoo.model.hops, "_between", lambda f, *args: None)


@mutant("hops", "causality")
def window_reaches_into_the_next_hop(patch: Patch) -> None:
    def wrong(around_: Any, self: Past, x: Any, state: Any) -> Any:
        return around_(self, x, state).roll(-2, 1)

    around(patch, Past, "around", wrong)
