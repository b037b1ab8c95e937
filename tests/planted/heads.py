"""Bugs in heads: their losses, their answers, and which of several gives which output."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

import zoo.engine.layers
import zoo.heads.base
import zoo.heads.mixture_density
import zoo.model.heads
import zoo.model.stack
from zoo.heads.adaptive_softmax import AdaptiveSoftmax
from zoo.heads.base import Classifier
from zoo.heads.crf import CRF
from zoo.heads.ctc import CTC
from zoo.heads.mixture_density import MixtureDensity
from zoo.heads.mixture_of_softmaxes import MixtureOfSoftmaxes
from zoo.heads.normalise import Normalise
from zoo.model.heads import Heads

from .patching import Patch, around, edit
from .suite import mutant


@mutant("crf", "decode")
def viterbi_without_the_stop(patch: Patch) -> None:
    edit(patch, CRF, "decode", "(best + stop).argmax(1)", "best.argmax(1)")


@mutant("crf", "decode")
def viterbi_without_the_start(patch: Patch) -> None:
    edit(patch, CRF, "decode", "start + scores[:, 0], torch.arange", "scores[:, 0], torch.arange")


@mutant("crf", "decode")
def viterbi_goes_on_in_padding(patch: Patch) -> None:
    edit(patch, CRF, "decode", "torch.where(valid[:, t, None], reached + scores[:, t], best)", "reached + scores[:, t]")


@mutant("crf", "loss_reference")
def transitions_read_the_other_way(patch: Patch) -> None:
    edit(patch, CRF, "log_partition", "total.unsqueeze(2) + chain.inner", "total.unsqueeze(2) + chain.inner.T")


@mutant("crf", "loss_reference")
def stop_at_the_padded_last_step(patch: Patch) -> None:
    edit(
        patch, CRF, "score", "(valid.sum(1, keepdim=True) - 1)", "(0 * valid.sum(1, keepdim=True) - 1 + valid.shape[1])"
    )


@mutant("crf", "gradient_flow")
def transitions_cut_off(patch: Patch) -> None:
    edit(patch, CRF, "chain", "wide(self.transitions)", "wide(self.transitions).detach()")


@mutant("ctc", "loss_reference")
def blank_is_the_first_in_the_loss(patch: Patch) -> None:
    edit(patch, CTC, "loss", "blank=self.blank", "blank=0")


@mutant("ctc", "decode")
def blank_is_the_first_in_the_answer(patch: Patch) -> None:
    edit(patch, CTC, "decode", "(best != self.blank)", "(best != 0)")


@mutant("ctc", "loss_reference")
def blank_is_the_first_everywhere(patch: Patch) -> None:
    edit(patch, CTC, "__init__", 'options.size - 1 if options.blank == "last" else options.blank', "0")


@mutant("ctc", "decode")
def equal_neighbours_stay_two(patch: Patch) -> None:
    edit(patch, CTC, "decode", " & (best != before)", "")


@mutant("ctc", "loss_reference")
def scores_without_a_softmax(patch: Patch) -> None:
    edit(patch, CTC, "loss", "F.log_softmax(scores, -1)", "scores")


@mutant("mos", "loss_reference")
def prior_without_a_softmax(patch: Patch) -> None:
    edit(patch, MixtureOfSoftmaxes, "forward", "F.log_softmax(wide(self.prior(x)), -1)", "wide(self.prior(x))")


@mutant("mos", "loss_reference")
def softmax_over_the_components(patch: Patch) -> None:
    edit(patch, MixtureOfSoftmaxes, "forward", "F.log_softmax(wide(logits), -1)", "F.log_softmax(wide(logits), -2)")


@mutant("density", "loss_reference")
def correlation_left_out_of_the_norm(patch: Patch) -> None:
    edit(patch, MixtureDensity, "_bivariate", " - 0.5 * torch.log(rest)", "")


@mutant("density", "loss_reference")
def end_of_a_stroke_forgotten(patch: Patch) -> None:
    edit(patch, MixtureDensity, "log_prob", "if found.end is not None:", "if False:")


@mutant("each", "loss_reference")
def scale_left_out_of_the_norm(patch: Patch) -> None:
    edit(patch, MixtureDensity, "log_prob", " - found.log_scales - HALF_LOG_TAU", " - HALF_LOG_TAU")


@mutant("each", "loss_reference")
def one_mixture_for_all_numbers(patch: Patch) -> None:
    def wrong(mixtures: Any, self: MixtureDensity, output: Tensor) -> Any:
        found = mixtures(self, output)
        if self.form != "independent":
            return found
        return found._replace(log_weights=found.log_weights[..., :1, :].expand_as(found.log_weights))

    around(patch, MixtureDensity, "mixtures", wrong)


@mutant("clusters", "loss_reference")
def cluster_without_its_own_probability(patch: Patch) -> None:
    edit(patch, AdaptiveSoftmax, "loss", "own = scores.gather", "own = 0 * scores.gather")


@mutant("clusters", "loss_reference")
def clusters_in_the_wrong_order(patch: Patch) -> None:
    edit(patch, AdaptiveSoftmax, "log_prob", "top[..., first + index, None]", "top[..., -1 - index, None]")
    edit(
        patch,
        AdaptiveSoftmax,
        "loss",
        "torch.where(inside, first + index, column)",
        "torch.where(inside, first, column)",
    )


@mutant("gru", "loss_reference")
def loss_counts_padding(patch: Patch) -> None:
    patch.setattr(zoo.heads.base, "mean_of", lambda each, valid: each.mean())


@mutant("density", "loss_reference")
def loss_divided_by_all_steps(patch: Patch) -> None:
    def wrong(each: Tensor, valid: Tensor | None) -> Tensor:
        return each.mean() if valid is None else torch.where(valid, each, torch.zeros_like(each)).mean()

    patch.setattr(zoo.heads.mixture_density, "mean_of", wrong)


@mutant("gru", "loss_reference")
def padding_s_scores_reach_the_gradient(patch: Patch) -> None:
    patch.setattr(zoo.heads.base, "cleared", lambda output, valid: output)


@mutant("gru", "decode")
def answers_go_on_in_padding(patch: Patch) -> None:
    patch.setattr(Classifier, "decode", lambda self, output, lengths=None: output.argmax(-1))


@mutant("unit", "options")
def activation_in_front_of_the_norm_forgotten(patch: Patch) -> None:
    edit(patch, Normalise, "forward", "activate(self.activation, y)", "y")


@mutant("sum", "every_head_matters")
def sum_of_one_head_with_itself(patch: Patch) -> None:
    def wrong(outputs: dict[str, Tensor]) -> Tensor:
        first = next(iter(outputs.values()))
        return first + first

    patch.setattr(zoo.model.heads, "summed", wrong)


@mutant("sum", "every_head_matters")
def mean_of_heads_for_their_sum(patch: Patch) -> None:
    around(patch, zoo.model.heads, "summed", lambda summed, outputs: summed(outputs) / len(outputs))


@mutant("several", "shapes")
def pools_of_heads_swapped(patch: Patch) -> None:
    edit(patch, Heads, "forward", "own.get(name)", "own.get({'one': 'two', 'two': 'one'}.get(name))")


@mutant("several", "every_head_matters")
def one_head_for_all(patch: Patch) -> None:
    around(patch, Heads, "head", lambda head, self, name: head(self, "one"))


@mutant("pooled", "padding_invariance")
def padding_in_the_pool_without_a_head(patch: Patch) -> None:
    def wrong(headed: Any, y: Any, run: Any, pool: Any, head: Any) -> Tensor:
        if pool is None or head is not None:
            found: Tensor = headed(y, run, pool, head)
            return found
        return F.pad(y.output, (0, 0)).mean(1)

    around(patch, zoo.model.stack, "headed", wrong)


@mutant("named", "every_head_matters")
def a_head_reads_the_last_layer_whatever_it_names(patch: Patch) -> None:
    def wrong(read: Any, self: Any, names: Any) -> Any:
        return read(self, tuple("high" for _ in names))

    around(patch, zoo.engine.layers.Asked, "read", wrong)


@mutant("named", "every_head_matters")
def layers_that_a_head_reads_the_other_way_round(patch: Patch) -> None:
    around(patch, zoo.engine.layers.Asked, "read", lambda read, self, names: read(self, names[::-1]))
