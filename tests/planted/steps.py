"""Bugs in layers that change the number of steps: how many each sequence has, and what stands behind them."""

from __future__ import annotations

import zoo.engine.layers
from zoo.components.windows import Window
from zoo.engine.recurrence import Run
from zoo.layers.convolutions.planes import WindowPool
from zoo.model.stack import StackModel

from .patching import Patch, edit
from .suite import mutant


@mutant("strided", "lengths_out")
def new_lengths_by_ceil_for_floor(patch: Patch) -> None:
    right = "(steps + (self.left + self.right - self.reach)) // self.stride + 1"
    edit(patch, Window, "count", right, "-(-(steps + (self.left + self.right - self.reach)) // self.stride) + 1")


@mutant("strided", "lengths_out")
def sequences_behind_a_stride_are_as_long_as_the_longest(patch: Patch) -> None:
    right = "count_steps(windows, self.lengths)"
    edit(patch, Run, "behind", right, f"{right}.amax().expand_as(self.lengths)")


@mutant("strided", "lengths_out")
def a_frame_that_a_sequence_ends_in_is_kept(patch: Patch) -> None:
    edit(patch, zoo.engine.layers.LayerList, "run", "zero_where(y.output, run.valid)", "y.output")


@mutant("strided", "lengths_out")
def output_lengths_are_those_of_the_first_window(patch: Patch) -> None:
    edit(
        patch,
        StackModel,
        "output_lengths",
        "count_steps(self._windows, lengths)",
        "count_steps(self._windows[:1], lengths)",
    )


@mutant("largest", "padding_invariance")
def padding_in_front_of_a_maximum_is_zero(patch: Patch) -> None:
    edit(patch, WindowPool, "_pooled", "-torch.inf", "0.0")


@mutant("averaged", "padding_invariance")
def padding_counts_in_a_mean(patch: Patch) -> None:
    right = "torch.ones_like(x) if run.valid is None else zero_where(torch.ones_like(x), run.valid)"
    edit(patch, WindowPool, "_pooled", right, "torch.ones_like(x)")
