"""Bugs of an encoder and a decoder that checks of a single stack find too: dropout, gradients, precision, exports."""

from __future__ import annotations

from typing import Any

import torch

from zoo.architectures.encoder_decoder import states
from zoo.architectures.encoder_decoder.attention import Attention
from zoo.architectures.encoder_decoder.decoding import Decoder
from zoo.architectures.encoder_decoder.model import EncoderDecoder
from zoo.engine import dropout, sequence

from .patching import Patch, around, edit
from .suite import mutant


@mutant("dropped", "dropout")
def the_decoder_drops_nothing(patch: Patch) -> None:
    def wrong(decode: Any, self: Any, *given: Any) -> Any:
        self.decoder.eval()
        return decode(self, *given)

    around(patch, EncoderDecoder, "_decode", wrong)


@mutant("dropped", "dropout")
def a_decoder_that_runs_step_by_step_has_one_mask(patch: Patch) -> None:
    def wrong(step_by_step: Any, self: Any, *given: Any) -> Any:
        found = []

        def once(x: Any, *more: Any, **keys: Any) -> Any:
            found.append(torch.get_rng_state() if not found else found[0])
            torch.set_rng_state(found[0])
            return piece(x, *more, **keys)

        piece = self._piece
        self._piece = once
        try:
            return step_by_step(self, *given)
        finally:
            del self._piece

    around(patch, Decoder, "step_by_step", wrong)


@mutant("dropped", "dropout")
def zoneout_of_a_decoder_keeps_the_new_value(patch: Patch) -> None:
    edit(patch, dropout, "zoneout", "rate, old, new)", "rate, new, old)")


@mutant("small", "gradcheck")
def the_weights_of_attention_have_no_gradient(patch: Patch) -> None:
    weights = Attention._weights
    patch.setattr(Attention, "_weights", staticmethod(lambda scores, valid: weights(scores, valid).detach()))


@mutant("fed", "precision")
def what_is_fed_on_is_half_precise(patch: Patch) -> None:
    edit(
        patch,
        states,
        "initial",
        "torch.float32 if dtype in (torch.float16, torch.bfloat16) else dtype",
        "dtype",
    )


@mutant("asked", "state_default")
def init_state_is_not_where_a_call_begins(patch: Patch) -> None:
    def wrong(init_state: Any, self: Any, batch: int) -> Any:
        return type(init_state(self, batch))({name: one + 1 for name, one in init_state(self, batch).items()})

    around(patch, EncoderDecoder, "init_state", wrong)


@mutant("asked", "direction")
def the_encoder_reads_backwards_from_the_padding(patch: Patch) -> None:
    around(patch, sequence, "reversal", lambda reversal, lengths, steps, device: reversal(None, steps, device))


@mutant("asked", "learns", slow=True)
def attention_answers_nothing(patch: Patch) -> None:
    def wrong(forward: Any, self: Any, *given: Any) -> Any:
        answer = forward(self, *given)
        return answer._replace(fed=0 * answer.fed)

    around(patch, Attention, "forward", wrong)


@mutant("translated", "export", slow=True)
def an_export_that_is_for_as_many_sources_as_were_traced(patch: Patch) -> None:
    edit(patch, EncoderDecoder, "_encode", "batch = memory.shape[0]", "batch = len(memory)")
