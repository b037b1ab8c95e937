"""The records of the architecture and of the input that shares a table. Imports no torch."""

from __future__ import annotations

from typing import Any, Final

from zoo.architectures.encoder_decoder.options import (
    AttentionOptions,
    EncoderDecoderOptions,
    SharedOptions,
    asks_with_a_state,
    uses_output,
    uses_states,
)
from zoo.components import ArchitectureType, InputType, StackType, Traits

HERE: Final = "zoo.architectures.encoder_decoder"
CHECKS: Final = "zoo.checks"


def deviations(options: Any) -> dict[str, str]:
    """The last bias of a score is the same for every step of the source, and softmax takes it away."""
    attention = options.attention
    if isinstance(attention, AttentionOptions) and attention.bias and attention.score in ("additive", "location"):
        return {
            "gradient_flow": "a bias that is added to every score of a softmax changes nothing, and has no gradient"
        }
    return {}


ENCODER_DECODER: Final = ArchitectureType(
    name="encoder-decoder",
    options=EncoderDecoderOptions,
    build=f"{HERE}.model:EncoderDecoder",
    describe=f"{HERE}.figures:describe",
    beside=f"{HERE}.plan:beside",
    summary="An encoder reads a source; a decoder, which starts from it and may attend to it, scores a target",
    paper="Sutskever, Vinyals and Le 2014, Sequence to sequence learning with neural networks, Advances in Neural "
    "Information Processing Systems 27, arXiv:1409.3215; "
    "Bahdanau, Cho and Bengio 2015, Neural machine translation by jointly learning to align and translate, ICLR, "
    "arXiv:1409.0473; Luong, Pham and Manning 2015, Effective approaches to attention-based neural machine "
    "translation, EMNLP, arXiv:1508.04025",
    stacks=(
        StackType(
            name="encoder",
            summary="The encoder, which reads the source.",
            head="none",
            output=uses_output,
            states=uses_states,
            empty=True,
        ),
        StackType(
            name="decoder",
            summary="The decoder, which scores the target, one symbol after the other.",
            head="required",
            pool=False,
            streamable=True,
            states=asks_with_a_state,
        ),
    ),
    traits=Traits(causal=False, streamable=False),
    deviations=deviations,
    skips={
        "reset": "nothing starts anew inside a target: what it answers is read whole, by encode",
        "every_head_matters": "the decoder gives one output",
    },
    checks={
        "dropout": f"{CHECKS}.drops:dropout",
        "state_default": f"{CHECKS}.pairs:state_default",
        "gradcheck": f"{CHECKS}.pair_numbers:gradcheck",
        "precision": f"{CHECKS}.pair_numbers:precision",
        "learns": f"{CHECKS}.copying:learns",
        "generate": f"{CHECKS}.translating:generate",
        "export": f"{CHECKS}.exporting_parts:encoder_decoder",
    },
)

SHARED: Final = InputType(
    name="shared",
    options=SharedOptions,
    build=f"{HERE}.shared:Shared",
    describe=f"{HERE}.figures:describe_shared",
    shares=True,
    summary="Symbols, embedded by the table of an input of an earlier stack",
    traits=Traits(bounded=True),
)
