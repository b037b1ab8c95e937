"""What architectures of several stacks draw: numbers of a decoder, and what a transducer writes at a temperature."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import torch
from torch import Tensor

from zoo.architectures.encoder_decoder.model import EncoderDecoder
from zoo.architectures.transducer.model import Transducer
from zoo.checks.chances import chances, unlike
from zoo.checks.subject import Subject, close
from zoo.checks.transducing import given_to, model_of, ragged, texts_of
from zoo.errors import CheckFailure
from zoo.heads.base import Head

STEPS, SEED, MANY = 5, 4, 1500
DRAWN: Final[tuple[dict[str, Any], ...]] = (
    {"temperature": 0.7},
    {"temperature": 2.0, "top_k": 3},
    {"temperature": 1.3, "top_p": 0.7},
)


def decoder_numbers(model: EncoderDecoder, source: Tensor, lengths: Tensor) -> None:
    """Each step is what the head gives from a whole target, and a batch is its rows one by one."""
    head = model.decoder.head
    assert isinstance(head, Head)
    start = torch.zeros(model.decoder.input_shape, device=source.device, dtype=model.decoder._place()[1])
    for temperature in (0.0, 0.5, 1.7):
        seed: dict[str, Any] = {"seed": SEED} if temperature else {}
        found = model.generate(source, STEPS, start=start, lengths=lengths, temperature=temperature, **seed)
        for row, length in enumerate(lengths.tolist()):
            own, label = source[row : row + 1, :length], f"at temperature {temperature}: a source of {length} steps"
            draw = torch.Generator().manual_seed(SEED + row)
            choose = partial(head.sample, generator=draw, temperature=temperature) if temperature else head.decode
            target = start.expand(1, 1, -1)
            for _ in range(STEPS):
                last = choose(model(own, target)[:, -1])
                target = torch.cat([target, last.unsqueeze(1).to(target.dtype)], 1)
            close(found[row], target[0, 1:], f"{label}, against whole targets")
            seed = {"seed": SEED + row} if temperature else {}
            alone = model.generate(own, STEPS, start=start, temperature=temperature, **seed)
            close(alone[0], found[row], f"{label} alone")


def transducer(subject: Subject) -> None:
    """What a transducer draws: a batch is its rows one by one; and the first of all comes as often as it should."""
    for seed in range(3):
        model = model_of(subject, seed=seed)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(1.5)
            model.joiner.output.bias[model.blank] += 3.0  # rows write some symbols, and end some steps
            given = ragged(model)
            for how in DRAWN:
                found = model.generate(given.x, lengths=given.lengths, most=2, seed=SEED, **how)
                texts = texts_of(found)
                for row, steps in enumerate(given.lengths.tolist()):
                    own = given.x[row : row + 1, :steps]
                    (alone,) = texts_of(model.generate(own, most=2, seed=SEED + row, **how))
                    if alone != texts[row]:
                        raise CheckFailure(
                            f"drawn with {how}: a row of {steps} steps alone writes {alone}, in a batch {texts[row]}"
                        )
                _first(model, how)


def _first(model: Transducer, how: dict[str, Any]) -> None:
    """One step of the encoder, and one symbol or none, of many rows that have read the same."""
    x = given_to(model, (1,), (1,)).x
    none = torch.zeros((1, 0), dtype=torch.int64, device=x.device)
    scores = model(x, none)[0, 0, 0].double().tolist()
    found = model.generate(x.expand(MANY, *x.shape[1:]), most=1, seed=SEED, **how)
    counts = [0] * len(scores)
    for text in texts_of(found):
        counts[int(model._symbols.indices(torch.tensor(text[0]))) if text else model.blank] += 1
    why = unlike(counts, chances(scores, **how))
    if why is not None:
        raise CheckFailure(f"the first of all, drawn with {how}: {why}")
