"""The numbers of an encoder and a decoder: gradients against finite differences, and lower precision."""

from __future__ import annotations

import copy
from typing import Any, Final

import torch
from torch import Tensor

from zoo.architectures.encoder_decoder.model import EncoderDecoder
from zoo.checks.batch import lengths_of, map_state
from zoo.checks.pairs import Pair, model_of, pair
from zoo.checks.subject import TOLERANCE, Skip, Subject, all_close
from zoo.errors import CheckFailure
from zoo.model.build import with_engine

SOURCE, TARGET = 3, 2
SCALE: Final = 3.0
"""Of a fresh model's parameters: else attention is nearly a mean, and its own gradients are lost beside the others."""
SOURCES: Final = (7, 2, 5)
TARGETS: Final = (2, 4, 1)


def gradcheck(subject: Subject) -> None:
    """Gradients of scores and of the decoder's state equal finite differences, by parameters, source and target."""
    if subject.exact != torch.float64:
        raise Skip(f"{subject.device.type} has no float64")
    model = with_engine(model_of(subject), "loop")
    assert isinstance(model, EncoderDecoder)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(SCALE)
    given = _without_padding(subject, pair(model, 2, SOURCE, TARGET))
    names = [name for name, one in model.named_parameters() if one.requires_grad]
    steps = given.source.shape[1]
    ends = {"source_lengths": lengths_of((steps, max(steps - 1, model.encoder.minimum_steps)), subject.device)}
    ends["lengths"] = lengths_of((TARGET, TARGET - 1), subject.device)
    read = [one for one in given if one.is_floating_point()]

    def function(*values: Tensor) -> tuple[Tensor, ...]:
        left = iter(values)
        source, target = (next(left) if one.is_floating_point() else one for one in given)
        named = dict(zip(names, left, strict=True))
        arguments = {**ends, "return_state": True}
        output, state = torch.func.functional_call(model, named, (source, target), arguments)
        return (output, *(one for one in state.values() if one.requires_grad))

    leaves = [one.detach().clone().requires_grad_() for one in (*read, *(model.get_parameter(name) for name in names))]
    try:
        torch.autograd.gradcheck(function, leaves, atol=1e-6, rtol=1e-4, fast_mode=True)
    except RuntimeError as error:
        said = " ".join(str(error).split())[:160]
        raise CheckFailure(f"gradients differ from finite differences, bound 1e-6: {said}") from None


def precision(subject: Subject) -> None:
    """bfloat16 and autocast stay close to float32 of the same numbers; states are float32 at least."""
    if not subject.traits.low_precision:
        raise Skip("a component declares low_precision: false")
    low = model_of(subject, dtype=torch.bfloat16)
    full = copy.deepcopy(low).float()
    given = pair(low, len(SOURCES), max(SOURCES), max(TARGETS))
    wide = Pair(*(one.float() if one.is_floating_point() else one for one in given))
    least = low.encoder.minimum_steps
    ends: dict[str, Any] = {
        "source_lengths": lengths_of([max(one, least) for one in SOURCES], subject.device),
        "lengths": lengths_of(TARGETS, subject.device),
        "return_state": True,
    }
    expected = full(*wide, **ends)
    found = {"bfloat16": low(*given, **ends)}
    with torch.autocast(subject.device.type, torch.bfloat16):
        found["autocast"] = full(*wide, **ends)
    for label, (output, state) in found.items():
        for name, tensor in state.items():
            if tensor.dtype in (torch.bfloat16, torch.float16):
                raise CheckFailure(f"{label}: state {name} has dtype {tensor.dtype}, expected torch.float32")
        all_close((output.float(), map_state(state, Tensor.float)), expected, label, bound=TOLERANCE[torch.bfloat16])


def _without_padding(subject: Subject, given: Pair) -> Pair:
    """No padding symbols: their vectors have no gradient by design, which finite differences would not find."""
    encoder, decoder = (stack.input.options for stack in subject.tiny.stacks)
    symbols = [getattr(options, "padding", None) for options in (encoder, decoder)]
    owner = getattr(decoder, "of", None)
    symbols[1] = symbols[0] if owner == "encoder.input" else symbols[1]  # whose table it shares
    sizes = [getattr(options, "vocabulary", None) or 1 for options in (encoder, decoder)]
    sizes[1] = sizes[0] if owner == "encoder.input" else sizes[1]
    kept = (
        one if padding is None else torch.where(one == padding, (padding + 1) % size, one)
        for one, padding, size in zip(given, symbols, sizes, strict=True)
    )
    return Pair(*kept)
