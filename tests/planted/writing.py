"""Bugs of generation: what is fed back, what is drawn, and whose stream it is drawn from."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

import zoo.model.feedback
import zoo.model.generation
import zoo.model.sampling
from zoo.architectures.encoder_decoder import generation, numbers
from zoo.architectures.transducer import decoding
from zoo.model.feedback import Feedback

from .patching import Patch, around, edit
from .suite import mutant

LOOP = zoo.model.generation
WAYS = zoo.model.sampling


@mutant("written", "generate")
def the_state_is_not_carried(patch: Patch) -> None:
    edit(patch, LOOP, "generated", "carried = [state]", "carried = [None]")


@mutant("written", "generate")
def what_is_written_goes_on_from_the_padding(patch: Patch) -> None:
    edit(patch, LOOP, "generated", "first = at_last(outputs, ends)", "first = at_last(outputs, None)")


@mutant("written", "generate")
def lengths_of_prompts_are_forgotten(patch: Patch) -> None:
    edit(patch, LOOP, "generated", "model(prompt, lengths=asked.lengths, return", "model(prompt, lengths=None, return")


@mutant("written", "generate")
def temperature_is_ignored(patch: Patch) -> None:
    edit(patch, WAYS, "distribution", "keepdim=True)) / sampling.temperature", "keepdim=True))")


@mutant("written", "generate")
def scores_are_multiplied_by_the_temperature(patch: Patch) -> None:
    edit(patch, WAYS, "distribution", "keepdim=True)) / sampling.temperature", "keepdim=True)) * sampling.temperature")


@mutant("written", "generate")
def top_k_keeps_one_more(patch: Patch) -> None:
    edit(patch, WAYS, "distribution", "topk(sampling.top_k, -1)", "topk(sampling.top_k + 1, -1)")


@mutant("written", "generate")
def top_p_drops_the_symbol_that_reaches_it(patch: Patch) -> None:
    edit(patch, WAYS, "distribution", "likelier < sampling.top_p", "likeliest.cumsum(-1) < sampling.top_p")


@mutant("written", "generate")
def top_p_keeps_one_more(patch: Patch) -> None:
    edit(patch, WAYS, "distribution", "likelier < sampling.top_p", "likelier - likeliest.roll(1, -1) < sampling.top_p")


@mutant("written", "generate")
def top_p_is_by_position_and_not_by_symbol(patch: Patch) -> None:
    edit(
        patch,
        WAYS,
        "distribution",
        "scatter(-1, order, likelier < sampling.top_p)",
        "logical_or(likelier < sampling.top_p)",
    )


@mutant("written", "generate")
def top_p_sees_what_top_k_took_away(patch: Patch) -> None:
    def wrong(distribution: Any, scores: Tensor, sampling: Any) -> Tensor:
        found: Tensor = distribution(scores, sampling)
        if sampling.top_k is None or sampling.top_p is None:
            return found
        by_p = distribution(scores, zoo.model.sampling.Sampling(sampling.temperature, None, sampling.top_p))
        by_k = distribution(scores, zoo.model.sampling.Sampling(sampling.temperature, sampling.top_k))
        both: Tensor = by_k * (by_p > 0)
        return both

    around(patch, WAYS, "distribution", wrong)


@mutant("written", "generate")
def the_last_symbol_is_never_drawn(patch: Patch) -> None:
    edit(patch, WAYS, "picked", "ends[:, -1:]", "ends[:, -2:-1]")


@mutant("written", "generate")
def rows_share_one_stream(patch: Patch) -> None:
    def wrong(streams: Any, sampling: Any, rows: int) -> Any:
        return streams(sampling, rows)[:1] * rows

    around(patch, WAYS, "streams", wrong)


@mutant("written", "generate")
def rows_have_the_same_seed(patch: Patch) -> None:
    edit(patch, WAYS, "streams", "(first + row) % 2**63", "first")


@mutant("written", "generate")
def a_seed_is_torch_s_own(patch: Patch) -> None:
    def wrong(streams: Any, sampling: Any, rows: int) -> Any:
        torch.manual_seed(sampling.seed or 0)
        return streams(sampling, rows)

    around(patch, WAYS, "streams", wrong)


@mutant("written", "generate")
def a_seed_is_forgotten(patch: Patch) -> None:
    edit(patch, WAYS, "streams", "if sampling.seed is None", "if True")


@mutant("written", "generate")
def a_stop_stops_every_row(patch: Patch) -> None:
    edit(
        patch,
        LOOP,
        "written",
        "ended = ended | _are(last, stops)",
        "ended = (ended | _are(last, stops)).any().expand_as(ended)",
    )


@mutant("written", "generate")
def a_row_goes_on_behind_its_stop(patch: Patch) -> None:
    edit(patch, LOOP, "written", "torch.where(ended, found[-1], last)", "last")


@mutant("written", "generate")
def behind_a_stop_stands_zero(patch: Patch) -> None:
    edit(patch, LOOP, "written", "torch.where(ended, found[-1], last)", "torch.where(ended, 0, last)")


@mutant("written", "generate")
def the_first_symbol_is_no_stop(patch: Patch) -> None:
    edit(patch, LOOP, "written", "ended = _are(found[0], stops)", "ended = _are(found[0], None)")


@mutant("written", "generate")
def dropout_acts_on_what_is_written(patch: Patch) -> None:
    edit(patch, LOOP, "evaluating", "module.training = False", "module.training = True")


@mutant("written", "generate")
def training_ends(patch: Patch) -> None:
    edit(patch, LOOP, "evaluating", "module.training = True", "module.training = False")


@mutant("pen", "generate")
def numbers_are_drawn_at_temperature_1(patch: Patch) -> None:
    edit(patch, LOOP, "chooser", "draw, sampling.temperature)", "draw, 1.0)")


@mutant("pen", "generate")
def numbers_of_all_rows_by_one_stream(patch: Patch) -> None:
    edit(patch, LOOP, "chooser", "draw, sampling.temperature)", "draws[0], sampling.temperature)")


@mutant("pen", "generate")
def features_beside_come_a_step_late(patch: Patch) -> None:
    edit(patch, Feedback, "__call__", "[own, beside[ONLY][:, t]]", "[own, beside[ONLY][:, max(t - 1, 0)]]")


@mutant("pen", "generate")
def features_beside_come_first(patch: Patch) -> None:
    edit(patch, Feedback, "__call__", "[own, beside[ONLY][:, t]]", "[beside[ONLY][:, t], own]")


@mutant("pen", "generate")
def the_prompt_s_last_step_is_fed_again(patch: Patch) -> None:
    edit(patch, Feedback, "__call__", "else last.to(self.dtype)", "else prompt[:, -1, : last.shape[-1]]")


@mutant("words", "generate")
def others_of_several_inputs_stand_still(patch: Patch) -> None:
    edit(
        patch,
        Feedback,
        "__call__",
        'beside[name][:, t] if read.per == "step"',
        'beside[name][:, 0] if read.per == "step"',
    )


@mutant("words", "generate")
def what_comes_in_once_is_another_row_s(patch: Patch) -> None:
    edit(patch, Feedback, "__call__", "else prompt[name]", "else prompt[name].roll(1, 0)")


@mutant("translated", "generate")
def a_decoder_s_stop_stops_every_row(patch: Patch) -> None:
    edit(
        patch,
        generation,
        "_single",
        "ended = ended | _stops(last, chosen)",
        "ended = (ended | _stops(last, chosen)).any() | ended",
    )


@mutant("translated", "generate")
def a_decoder_s_top_k_is_forgotten(patch: Patch) -> None:
    def wrong(chosen: Any, scores: Tensor, sampling: Any, draws: Any) -> Tensor:
        found: Tensor = chosen(scores, zoo.model.sampling.Sampling(sampling.temperature), draws)
        return found

    around(patch, WAYS, "chosen", wrong)


@mutant("handwriting", "generate")
def a_decoder_of_numbers_carries_no_state(patch: Patch) -> None:
    edit(patch, numbers, "written", "output, carried[0] = model", "output, _ = model")


@mutant("handwriting", "generate")
def a_decoder_of_numbers_starts_twice(patch: Patch) -> None:
    edit(patch, numbers, "written", "model.answer(last.to(dtype)", "model.answer(first.to(dtype)")


@mutant("spoken", "generate")
def a_row_that_waits_draws_too(patch: Patch) -> None:
    edit(patch, decoding, "_next", "rows = going.nonzero().squeeze(1)", "rows = torch.arange(len(scores))")


@mutant("spoken", "generate")
def a_transducer_s_blank_is_never_drawn(patch: Patch) -> None:
    def wrong(next_: Any, scores: Tensor, *given: Any) -> Tensor:
        found: Tensor = next_(torch.cat([scores[:, :-1], 0 * scores[:, -1:] - torch.inf], 1), *given)
        return found

    around(patch, decoding, "_next", wrong)
