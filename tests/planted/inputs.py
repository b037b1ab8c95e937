"""Bugs in models of several inputs: which of them is read, where, and how often."""

from __future__ import annotations

import zoo.model.several
from zoo.inputs.named import NamedInputs
from zoo.inputs.several import Several

from .patching import Patch, edit
from .suite import mutant


@mutant("inputs", "every_input_matters")
def an_input_dropped(patch: Patch) -> None:
    wrong = "[y * (place > 0) for place, y in enumerate(self.features(x).values())]"
    edit(patch, Several, "forward", "[*self.features(x).values()]", wrong)


@mutant("inputs", "every_input_matters")
def two_inputs_swapped(patch: Patch) -> None:
    other = '{"left": "right", "right": "left"}'
    edit(patch, zoo.model.several, "embeddable", "one = x[name]", f"one = x[{other}.get(name, name)]")


@mutant("inputs", "every_input_matters")
def one_input_read_by_all_of_its_kind(patch: Patch) -> None:
    edit(patch, zoo.model.several, "embeddable", "one = x[name]", 'one = x["left" if name == "right" else name]')


@mutant("inputs", "every_input_matters")
def once_per_sequence_is_at_the_first_step_alone(patch: Patch) -> None:
    wrong = "y.expand(-1, steps, *y.shape[2:]) * (torch.arange(steps).view(1, -1, 1) == 0)"
    edit(patch, NamedInputs, "features", "y.expand(-1, steps, *y.shape[2:])", wrong)


@mutant("inputs", "every_input_matters")
def inputs_in_the_order_of_their_names(patch: Patch) -> None:
    wrong = "[y for _, y in sorted(self.features(x).items())]"
    edit(patch, Several, "forward", "[*self.features(x).values()]", wrong)


@mutant("inputs", "every_input_matters")
def an_input_reads_its_first_step_alone(patch: Patch) -> None:
    edit(patch, NamedInputs, "features", "one(x[name])", "one(x[name][:, :1]).expand(-1, steps, -1)")


@mutant("inputs-normed", "padding_invariance")
def padding_of_inputs_is_read(patch: Patch) -> None:
    edit(patch, zoo.model.several, "embeddable", "zero_where(one, valid)", "one")


@mutant("inputs", "dropout")
def no_dropout_behind_the_merge(patch: Patch) -> None:
    edit(patch, Several, "forward", "training=self.training", "training=False")


@mutant("inputs", "batch_independence")
def once_per_sequence_is_that_of_the_first_sequence(patch: Patch) -> None:
    wrong = "y[:1].expand(len(y), steps, *y.shape[2:])"
    edit(patch, NamedInputs, "features", "y.expand(-1, steps, *y.shape[2:])", wrong)


@mutant("inputs", "padding_invariance")
def several_inputs_are_packed_as_one(patch: Patch) -> None:
    edit(patch, zoo.model.several, "_names", ", and use lengths=", "")
