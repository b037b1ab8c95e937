"""What can be chosen for the architecture, and its figures. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

import zoo


class Seq2SeqOptions(zoo.Options):
    """Options of the architecture."""

    reverse: bool = Field(True, description="Reverse the source, as in the paper.")


def describe(options: Seq2SeqOptions, stacks: Mapping[str, zoo.StackDescription]) -> zoo.Description:
    """It adds nothing to its stacks, and asks that the decoder has the encoder's states."""
    encoder, decoder = (
        [layer.state for layer in stacks[name].layers if layer.state] for name in ("encoder", "decoder")
    )
    if encoder != decoder:
        raise zoo.ZooError(
            "the encoder's final state is the decoder's initial state, so both need as many layers, of the same "
            "cells and "
            f"sizes: the encoder has {_said(encoder)}, the decoder {_said(decoder)}"
        )
    return zoo.Description(output_shape=stacks["decoder"].output_shape, parameters=0)


def _said(states: list[Mapping[str, tuple[int, ...]]]) -> str:
    return "; ".join(", ".join(f"{name} {shape}" for name, shape in one.items()) for one in states) or "no state"
