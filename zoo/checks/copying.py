"""The slow check that an encoder and a decoder learn from what they have read: to write a source again."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from zoo.architectures.encoder_decoder.model import EncoderDecoder
from zoo.checks import learning
from zoo.checks.pairs import model_of
from zoo.checks.subject import Subject
from zoo.errors import CheckFailure
from zoo.model.build import build

ROWS, STEPS, SYMBOLS = 5, 4, 3
ITERATIONS, SHARE = 1000, 0.1


def learns(subject: Subject) -> None:
    """Overfits one batch in which the source alone tells what is written: the decoder is given nothing but starts."""
    first = model_of(subject)
    vocabulary = first.decoder.input.vocabulary
    if vocabulary is None or not _classifies(first):
        learning.learns(subject)
        return
    spec = learning.learner(subject.tiny)
    left = []
    for seed, rate in learning.ATTEMPTS:
        model = build(spec, seed=seed, device=subject.device, dtype=torch.float32)
        assert isinstance(model, EncoderDecoder)
        left.append(_left(model, rate))
        if left[-1] < SHARE:
            return
    raise CheckFailure(
        f"after {ITERATIONS} iterations {min(left):.3g} of the loss of writing what was read is left, bound {SHARE}"
    )


def _classifies(model: EncoderDecoder) -> bool:
    """Whether its scores are those of symbols, before or after a softmax."""
    return getattr(model.decoder.head, "gives", "logits") in ("logits", "log_probs")


def _left(model: EncoderDecoder, rate: float) -> float:
    """The share of its first loss that a model has left, as soon as that is small enough."""
    steps = max(STEPS * model.encoder.hop, model.encoder.minimum_steps)
    source = model.encoder.example_input(ROWS, steps, seed=1)
    starts = torch.zeros((ROWS, STEPS), dtype=torch.int64, device=source.device)
    outputs = min(SYMBOLS, model(source, starts).shape[2])
    wanted = torch.randint(0, outputs, (ROWS, STEPS), generator=torch.Generator().manual_seed(1)).to(source.device)
    optimizer = torch.optim.Adam([one for one in model.parameters() if one.requires_grad], lr=rate)
    first = share = 1.0
    for iteration in range(ITERATIONS):
        loss = _loss(model(source, starts), wanted)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        first = loss.item() if iteration == 0 else first
        share = loss.item() / first
        if share < SHARE:
            break
    return share


def _loss(scores: Tensor, wanted: Tensor) -> Tensor:
    return F.cross_entropy(scores.flatten(0, 1), wanted.flatten())
