"""What was read: an encoder's memory, and how the decoder's attention is to see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from zoo.architectures.encoder_decoder.attention import Attention, Source
from zoo.engine.sequence import valid_steps
from zoo.errors import InputError
from zoo.model import inputs
from zoo.model.tensors import speaking_of

Lengths = Tensor | Sequence[int]


class Read(NamedTuple):
    """What an encoder has made of sources, before anything leaves the model.

    Attributes:
        memory: Its output, shape (B, S, M), zero in padding.
        lengths: Number of valid steps of that, shape (B,), or None for all.
        state: What the decoder starts from, by names without a prefix.
    """

    memory: Tensor
    lengths: Tensor | None
    state: dict[str, Tensor]


def source_of(attention: Attention | None, memory: Tensor, lengths: Tensor | None) -> Source | None:
    """What attention asks, or None without attention."""
    if attention is None:
        return None
    valid = None if lengths is None else valid_steps(lengths, memory.shape[1])
    return attention.source(memory, valid)


def given_source(
    attention: Attention | None, memory: Tensor | None, lengths: Lengths | None, batch: int, width: int
) -> Source | None:
    """What was given to ask, checked.

    Args:
        attention: That asks, or None.
        memory: As given.
        lengths: As given.
        batch: Number of sequences of the target.
        width: Of the encoder's output.

    Raises:
        InputError: If something is missing or does not fit.
    """
    if attention is None:
        return None
    if memory is None:
        raise InputError("memory is missing: the decoder asks it, give memory=encoded.memory of model.encode(source)")
    if memory.dim() != 3 or memory.shape[0] != batch or memory.shape[2] != width:
        raise InputError(f"memory must have shape ({batch}, S, {width}), not {tuple(memory.shape)}")
    with speaking_of("memory"):
        known, _ = inputs.sequence_lengths(lengths, memory)
    return source_of(attention, memory, known)
