"""Promises that are not kept: options that do nothing, outputs without a bound, tensors on a device of their own."""

from __future__ import annotations

from zoo.cells.gated.mgu import MGU
from zoo.cells.gated.update import MiRU1
from zoo.cells.linear.s5 import S5
from zoo.cells.weights import GatedCell
from zoo.heads.linear import Linear
from zoo.heads.pools import Attention

from .patching import Patch, edit
from .suite import mutant


# At one half, where it starts and where a value and its rest are the same.
@mutant("miru1", "options")
def share_between_zero_and_one_ignored(patch: Patch) -> None:
    edit(patch, MiRU1, "__init__", "self.lam = options.lam", "self.lam = 0.5")


@mutant("miru1", "reference")
def share_in_place_of_its_rest(patch: Patch) -> None:
    edit(patch, MiRU1, "mixed", "alpha=1 - self.lam", "alpha=self.lam")


@mutant("s5", "options")
def smallest_step_ignored(patch: Patch) -> None:
    edit(patch, S5, "reset_parameters", "self.options.dt_min", "0.001")


# Its description heeds it, so the declared figure alone would change.
@mutant("attention", "options")
def size_of_the_attention_ignored(patch: Patch) -> None:
    right = 'additive = options.score == "additive"'
    edit(patch, Attention, "__init__", right, f'options = options.model_copy(update={{"size": None}}); {right}')


@mutant("mgu", "bounded")
def state_that_adds_up(patch: Patch) -> None:
    edit(patch, MGU, "step", "n - old", "n")


@mutant("mgu", "bounded")
def candidate_that_is_not_squashed(patch: Patch) -> None:
    edit(patch, MGU, "step", "n = torch.tanh(torch.addmm(u_h, f * h, U_h))", "n = torch.addmm(u_h, f * h, U_h)")


@mutant("mgu", "meta")
def tensor_of_the_cpu_in_a_step(patch: Patch) -> None:
    edit(patch, MGU, "step", "f * h, U_h", "f * h + torch.zeros(*h.shape), U_h")


@mutant("janet", "meta")
def bias_made_on_the_cpu(patch: Patch) -> None:
    edit(
        patch,
        GatedCell,
        "bias_sum",
        "first, second = self.biases()",
        "first, second = self.biases()[0], torch.zeros(1)",
    )


@mutant("gru", "meta")
def number_read_from_a_tensor(patch: Patch) -> None:
    edit(patch, Linear, "forward", "return activate", "return y if float(y.sum()) else activate")
