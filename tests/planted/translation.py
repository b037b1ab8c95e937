"""Bugs of an encoder and a decoder: what attention reads, where the decoder starts, what a beam carries along."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

import zoo.model.sampling
from zoo.architectures.encoder_decoder import bridge, decoding, generation, plan, shared, sources
from zoo.architectures.encoder_decoder.attention import Attention
from zoo.architectures.encoder_decoder.bridge import Bridge
from zoo.architectures.encoder_decoder.decoding import Decoder
from zoo.architectures.encoder_decoder.model import EncoderDecoder
from zoo.architectures.encoder_decoder.shared import Shared

from .patching import Patch, around, edit
from .suite import mutant

# Attention.


@mutant("fed", "attention_mask")
def attention_reads_padding(patch: Patch) -> None:
    patch.setattr(Attention, "_weights", staticmethod(lambda scores, valid: scores.softmax(-1)))


@mutant("asked", "padding_invariance")
def attention_masks_one_step_too_few(patch: Patch) -> None:
    edit(patch, sources, "source_of", "valid_steps(lengths,", "valid_steps(lengths + 1,")


@mutant("asked", "attention_mask")
def the_weights_are_normalised_over_the_target(patch: Patch) -> None:
    edit(patch, Attention, "_weights", "scores.softmax(-1)", "scores.softmax(-2)")


@mutant("asked", "stepwise")
def every_step_is_answered_what_the_first_is(patch: Patch) -> None:
    def wrong(forward: Any, self: Any, query: Tensor, *rest: Any) -> Any:
        return forward(self, query[:, :1].expand_as(query), *rest)

    around(patch, Attention, "forward", wrong)


@mutant("asked", "causality")
def attention_is_asked_by_the_last_step(patch: Patch) -> None:
    def wrong(forward: Any, self: Any, query: Tensor, *rest: Any) -> Any:
        return forward(self, query[:, -1:].expand_as(query), *rest)

    around(patch, Attention, "forward", wrong)


@mutant("asked", "parameters")
def the_score_has_a_bias_that_nobody_counts(patch: Patch) -> None:
    def wrong(init: Any, self: Any, *args: Any) -> None:
        init(self, *args)
        self.score = nn.Linear(self.score.in_features, 1)

    around(patch, Attention, "__init__", wrong)


@mutant("before", "gradient_flow")
def location_never_sees_the_weights(patch: Patch) -> None:
    edit(patch, Decoder, "_piece", "_held(new,", "_held(0 * new,")


@mutant("before", "padding_invariance")
def the_weights_of_an_ended_target_go_on(patch: Patch) -> None:
    patch.setattr(decoding, "_held", lambda new, old, run: new.to(old.dtype))


# What is fed.


@mutant("fed", "stepwise")
def a_target_shifted_by_one(patch: Patch) -> None:
    edit(patch, Decoder, "step_by_step", "torch.split(x, 1, 1)", "torch.split(x.roll(-1, 1), 1, 1)")


@mutant("translated", "causality")
def a_target_shifted_the_other_way(patch: Patch) -> None:
    edit(patch, Decoder, "at_once", "self._piece(x,", "self._piece(x.roll(1, 1),")


@mutant("fed", "decoder_start")
def nothing_is_fed_to_the_next_step(patch: Patch) -> None:
    edit(patch, Decoder, "_beside", 'state["feed"]', '0 * state["feed"]')


@mutant("fed", "chunked")
def input_feeding_two_steps_late(patch: Patch) -> None:
    """What was fed is held back by one step inside a call, and given at once between calls."""
    late: list[Tensor] = []

    def wrong(piece: Any, self: Any, x: Tensor, state: Any, *rest: Any) -> Any:
        before = late[-1] if late else torch.zeros_like(state["feed"])
        ran = piece(self, x, {**state, "feed": before}, *rest)
        late.append(state["feed"])
        return ran

    def whole(steps: Any, *args: Any) -> Any:
        late.clear()
        return steps(*args)

    around(patch, Decoder, "_piece", wrong)
    around(patch, Decoder, "step_by_step", whole)


@mutant("asked", "options")
def the_residual_is_left_out_where_a_context_is_joined(patch: Patch) -> None:
    from zoo.engine.recurrent_layer import RecurrentLayer

    edit(patch, RecurrentLayer, "_after", "if self.residual", "if self.residual and not self.joined")


# Where the decoder starts.


@mutant("translated", "decoder_start")
def a_bridge_that_drops_layer_2(patch: Patch) -> None:
    def wrong(forward: Any, self: Any, initial: Any, *rest: Any) -> Any:
        found = forward(self, initial, *rest)
        return {name: initial[name] if name.startswith("layers.1.") else one for name, one in found.items()}

    around(patch, Bridge, "forward", wrong)


@mutant("translated", "decoder_start")
def a_bridge_that_swaps_two_layers(patch: Patch) -> None:
    edit(patch, plan, "_start", "list(theirs.items())[index]", "list(theirs.items())[count - 1 - index]")


@mutant("before", "decoder_start")
def a_mean_over_padding_too(patch: Patch) -> None:
    patch.setattr(bridge, "_mean", lambda output, lengths: output.mean(1))


@mutant("translated", "decoder_start")
def the_encoder_does_not_know_the_lengths(patch: Patch) -> None:
    edit(patch, EncoderDecoder, "_encode", "lengths=lengths, return_state=True", "return_state=True")


@mutant("translated", "gradient_flow")
def a_bridge_without_gradient(patch: Patch) -> None:
    edit(patch, Bridge, "forward", "state[source] for", "state[source].detach() for")


# Generation.


@mutant("translated", "generate")
def a_beam_that_reorders_h_but_not_c(patch: Patch) -> None:
    edit(
        patch,
        generation,
        "_beam",
        "{name: tensor[moved] for name, tensor",
        "{name: tensor if name.endswith('.c') else tensor[moved] for name, tensor",
    )


@mutant("fed", "generate")
def a_beam_that_does_not_reorder_what_was_fed(patch: Patch) -> None:
    edit(
        patch,
        generation,
        "_beam",
        "{name: tensor[moved] for name, tensor",
        "{name: tensor if name == 'feed' else tensor[moved] for name, tensor",
    )


@mutant("fed", "generate")
def a_beam_that_mixes_the_rows(patch: Patch) -> None:
    edit(patch, generation, "_beam", ".repeat_interleave(width)", ".repeat(width)")


@mutant("fed", "generate")
def a_beam_that_goes_on_behind_the_end(patch: Patch) -> None:
    edit(
        patch,
        generation,
        "_beam",
        "more = torch.where(ended.unsqueeze(-1), silent, more)",
        "more = more + 0 * silent[0]",
    )


@mutant("translated", "generate")
def a_beam_that_counts_silence_as_length(patch: Patch) -> None:
    edit(patch, generation, "_beam", "(~ended).long()", "torch.ones_like(lengths)")


@mutant("translated", "generate")
def all_rows_draw_from_one_generator(patch: Patch) -> None:
    edit(
        patch,
        zoo.model.sampling,
        "streams",
        "[torch.Generator().manual_seed((first + row) % 2**63) for row in range(rows)]",
        "[torch.Generator().manual_seed(first)] * rows",
    )


@mutant("asked", "generate")
def generation_does_not_know_the_lengths(patch: Patch) -> None:
    edit(patch, EncoderDecoder, "generate", "self._encode(source, lengths)", "self._encode(source, None)")


# Shared tables.


@mutant("asked", "parameters")
def a_shared_table_that_is_cloned(patch: Patch) -> None:
    def wrong(init: Any, self: Any, options: Any, owner: Any) -> None:
        init(self, options, owner)
        self.embedding = nn.Embedding(owner.table.num_embeddings, owner.table.embedding_dim)
        with torch.no_grad():
            self.embedding.weight.copy_(owner.table.weight)

    around(patch, Shared, "__init__", wrong)
    patch.setattr(Shared, "table", property(lambda self: self.embedding))


@mutant("asked", "sharing")
def a_shared_table_that_only_its_owner_trains(patch: Patch) -> None:
    patch.setattr(shared, "embedded", lambda x, table, dropout: nn.functional.embedding(x, table.weight.detach()))


@mutant("asked", "sharing")
def a_shared_table_under_two_keys(patch: Patch) -> None:
    def wrong(init: Any, self: Any, options: Any, owner: Any) -> None:
        init(self, options, owner)
        self.embedding = owner.table

    around(patch, Shared, "__init__", wrong)
