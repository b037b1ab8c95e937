"""Bugs of a transducer and of a bidirectional language model: its loss, its joiner, and which side reads what."""

from __future__ import annotations

from typing import Any

import zoo.architectures.bilm.model
import zoo.architectures.transducer.loss
from zoo.architectures.bilm.model import BiLM
from zoo.architectures.transducer import predicting
from zoo.architectures.transducer.joiner import Joiner
from zoo.architectures.transducer.model import Transducer
from zoo.architectures.transducer.symbols import Symbols

from .patching import Patch, around, edit
from .suite import mutant

LOSS = zoo.architectures.transducer.loss


@mutant("transduced", "transducer_loss")
def the_last_blank_left_out(patch: Patch) -> None:
    edit(patch, LOSS, "negative_logs", "torch.stack(lattice, 1) + blanks", "torch.stack(lattice, 1)")


@mutant("transduced", "transducer_loss")
def the_best_way_in_place_of_all(patch: Patch) -> None:
    edit(patch, LOSS, "negative_logs", "torch.logaddexp(waited[:, 1:], wrote)", "torch.maximum(waited[:, 1:], wrote)")


@mutant("transduced", "transducer_loss")
def symbols_scored_one_step_late(patch: Patch) -> None:
    edit(patch, LOSS, "negative_logs", "logs[:, :, :-1].gather", "logs[:, :, 1:].gather")


@mutant("transduced", "padding_invariance")
def the_loss_of_all_steps_of_the_batch(patch: Patch) -> None:
    def wrong(right: Any, scores: Any, target: Any, steps: Any, symbols: Any, blank: int) -> Any:
        return right(scores, target, 0 * steps + scores.shape[1], symbols, blank)

    around(patch, LOSS, "negative_logs", wrong)


@mutant("transduced", "transducer_loss")
def the_blank_is_a_symbol_too(patch: Patch) -> None:
    edit(patch, Symbols, "indices", "symbols + (symbols >= self.blank).long()", "symbols")


@mutant("transduced", "transducer_decode")
def what_was_written_is_not_read_again(patch: Patch) -> None:
    around(patch, Transducer, "written", lambda right, self, symbols, state: right(self, 0 * symbols, state))


@mutant("transduced", "gradient_flow")
def a_joiner_without_the_predictor(patch: Patch) -> None:
    edit(patch, Joiner, "forward", "ahead + told)", "ahead + 0 * told)")


@mutant("transduced", "parameters")
def a_joiner_with_one_bias(patch: Patch) -> None:
    edit(patch, Joiner, "__init__", "nn.Linear(told, width)", "nn.Linear(told, width, bias=False)")


@mutant("transduced", "causality")
def a_symbol_is_read_before_it_is_written(patch: Patch) -> None:
    edit(
        patch,
        predicting,
        "predicted",
        "torch.cat([_first(stack, symbols, target.shape[0], features), features], 1)",
        "torch.cat([features, features[:, -1:]], 1)",
    )


@mutant("transduced", "lengths_out")
def the_encoder_is_not_told_the_lengths(patch: Patch) -> None:
    edit(patch, Transducer, "_encode", "before, lengths=lengths,", "before, lengths=None,")


@mutant("both-ways", "direction")
def the_backward_direction_begins_in_the_padding(patch: Patch) -> None:
    edit(patch, BiLM, "_directions", "reversal(run.lengths,", "reversal(None,")


@mutant("both-ways", "direction")
def the_backward_direction_is_not_turned_back(patch: Patch) -> None:
    edit(patch, BiLM, "_directions", "[take(one, order) for one in backward]", "backward")


@mutant("both-ways", "causality")
def the_forward_direction_reads_the_other(patch: Patch) -> None:
    edit(patch, BiLM, "_directions", "return forward,", "return [a + b for a, b in zip(forward, backward)],")


@mutant("both-ways", "loss_reference")
def the_word_itself_is_predicted(patch: Patch) -> None:
    edit(patch, BiLM, "loss", "target[:, 1:][keep]", "target[:, :-1][keep]")
