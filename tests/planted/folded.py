"""Bugs in layers over every so many-th step."""

from __future__ import annotations

import zoo.layers.folded.layers
from zoo.layers.folded.layers import Dilated, Periodic, _Slots

from .patching import Patch, around, edit
from .suite import mutant


@mutant("dilated", "reference")
def shares_are_pieces_and_do_not_interleave(patch: Patch) -> None:
    _pieces(patch)


@mutant("periodic", "reference")
def periods_do_not_interleave(patch: Patch) -> None:
    _pieces(patch)


def _pieces(patch: Patch) -> None:
    wrong = ".reshape(x.shape[0] * count, -1, *x.shape[2:])"
    right = ".reshape(x.shape[0], -1, count, *x.shape[2:]).transpose(1, 2).flatten(0, 1)"
    edit(patch, zoo.layers.folded.layers, "_shares", right, wrong)


@mutant("periodic", "reference")
def steps_of_a_period_in_the_order_of_features(patch: Patch) -> None:
    right = "_apart(found.output, self.count).transpose(1, 2).flatten(2, 3)"
    wrong = "_apart(found.output, self.count).permute(0, 2, 3, 1).flatten(2, 3)"
    edit(patch, Periodic, "forward", right, wrong)


@mutant("periodic", "reference")
def periods_from_the_first_step(patch: Patch) -> None:
    edit(patch, Periodic, "forward", "x[:, x.shape[1] - steps :]", "x[:, :steps]")


@mutant("periodic", "padding_invariance")
def periods_of_a_padded_sequence_from_the_first_step(patch: Patch) -> None:
    edit(patch, Periodic, "forward", "(run.lengths % self.count)", "(0 * run.lengths)")


@mutant("dilated", "reference")
def dilation_off_by_one(patch: Patch) -> None:
    edit(patch, Dilated, "forward", "min(self.count, steps)", "min(self.count - 1, steps)")


@mutant("dilated", "chunked")
def states_of_shares_not_turned(patch: Patch) -> None:
    edit(patch, _Slots, "last", "(self.place + self.ends.unsqueeze(1))", "(self.place + 0 * self.ends.unsqueeze(1))")


@mutant("dilated", "padding_invariance")
def shares_end_with_the_batch(patch: Patch) -> None:
    edit(patch, Dilated, "forward", "steps, device=x.device) if run.lengths is None else run.lengths", "steps)")


@mutant("dilated", "reset")
def a_reset_is_seen_by_one_share(patch: Patch) -> None:
    edit(patch, Dilated, "forward", "- began < self.count", "- began < 1")


@mutant("dilated", "reset")
def states_from_before_a_reset_are_kept(patch: Patch) -> None:
    around(patch, _Slots, "last", lambda last, self, shares, initial: last(self, shares, None))


@mutant("dilated", "stepwise")
def states_of_all_steps_one_step_late(patch: Patch) -> None:
    edit(patch, _Slots, "every", "torch.arange(1, self.steps + 1,", "torch.arange(0, self.steps,")
