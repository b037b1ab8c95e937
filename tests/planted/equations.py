"""Equations written down wrong, as published code has them: every engine agrees, and only a reference knows."""

from __future__ import annotations

from zoo.cells.gated.janet import JANET
from zoo.cells.gated.ligru import LiGRU
from zoo.cells.gated.mgu import MGU
from zoo.cells.linear.lru import LRU
from zoo.cells.linear.minimal import MinGRU
from zoo.cells.lstm import LSTMVariant

from .patching import Patch, edit
from .suite import mutant


@mutant("peephole", "reference")
def output_gate_that_sees_the_old_cell_state(patch: Patch) -> None:
    edit(patch, LSTMVariant, "step", "torch.addcmul(o, peep_o, c)", "torch.addcmul(o, peep_o, old)")


@mutant("mgu", "reference")
def forget_gate_left_out_of_the_candidate(patch: Patch) -> None:
    edit(patch, MGU, "step", "f * h, U_h", "h, U_h")


@mutant("janet", "reference")
def beta_left_out(patch: Patch) -> None:
    edit(patch, JANET, "step", "self.beta - s", "-s")


@mutant("ligru", "reference")
def update_gate_that_keeps_the_candidate(patch: Patch) -> None:
    edit(
        patch,
        LiGRU,
        "step",
        "torch.addcmul(n, torch.sigmoid(z), old - n)",
        "torch.addcmul(old, torch.sigmoid(z), n - old)",
    )


@mutant("mingru", "reference")
def kept_and_written_in_the_same_proportion(patch: Patch) -> None:
    edit(patch, MinGRU, "project", "return 1 - z, z * n", "return z, z * n")


@mutant("lru", "reference")
def input_that_skips_its_way_past_the_state(patch: Patch) -> None:
    edit(patch, LRU, "project", "self.D * x", "0 * self.D * x")
