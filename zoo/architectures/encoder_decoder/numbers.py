"""Targets of real numbers, drawn from a density step by step, such as the handwriting of a given text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from zoo.errors import InputError
from zoo.heads.base import Head
from zoo.model.feedback import misfit
from zoo.model.generation import chooser, evaluating, refuse_of_symbols, width
from zoo.model.generation import written as loop
from zoo.model.sampling import Sampling

if TYPE_CHECKING:
    from zoo.architectures.encoder_decoder.model import EncoderDecoder


def written(
    model: EncoderDecoder,
    source: Tensor,
    lengths: Tensor | Sequence[int] | None,
    start: Any,
    steps: int,
    sampling: Sampling,
) -> Tensor:
    """Numbers (B, steps, D). Arguments as for `EncoderDecoder.generate`."""
    head, reads = model.decoder.head, model.decoder.input
    assert isinstance(head, Head)
    why = misfit(reads, "numbers")
    if why is not None:
        raise InputError(f"{model._called} cannot generate: {why}")
    refuse_of_symbols(sampling)
    with torch.no_grad(), evaluating(model), model.streaming():
        encoded = model._encode(source, lengths)
        asked = model._source(encoded)
        dtype = model.decoder._place()[1]
        first = _start(start, len(encoded.memory), reads.input_shape, encoded.memory)
        carried = [encoded.state]

        def onward(last: Tensor, t: int) -> Tensor:
            output, carried[0] = model.answer(last.to(dtype), carried[0], asked)
            return output

        output = onward(first, 0)
        size = width(head, output)
        if (size,) != reads.input_shape:
            raise InputError(
                f"the head writes {size} numbers at each step, and the decoder reads {reads.input_shape[0]}"
            )
        return loop(output, onward, chooser(head, sampling, len(first)), steps, None)


def _start(start: Any, rows: int, shape: tuple[int, ...], like: Tensor) -> Tensor:
    """What the decoder is given first, (B, D)."""
    if not isinstance(start, Tensor) or tuple(start.shape) not in (shape, (rows, *shape)):
        found = f"of shape {tuple(start.shape)}" if isinstance(start, Tensor) else f"{start!r:.60}"
        raise InputError(
            f"start must be a tensor of shape {shape} or {(rows, *shape)}, as the decoder reads, not {found}"
        )
    return start.to(like.device).expand(rows, *shape)
