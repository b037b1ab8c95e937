"""The slow check that an encoder and a decoder learn from what they have read: to write a source again."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from zoo.architectures.encoder_decoder.model import EncoderDecoder
from zoo.checks import learning
from zoo.checks.overfitting import overfits
from zoo.checks.pairs import model_of
from zoo.checks.subject import Subject
from zoo.model.base import Model

ROWS, STEPS, SYMBOLS = 5, 4, 3
ITERATIONS = 500


def learns(subject: Subject) -> None:
    """Overfits one batch in which the source alone tells what is written: the decoder is given nothing but starts."""
    first = model_of(subject)
    vocabulary = first.decoder.input.vocabulary
    if vocabulary is None or not _classifies(first):
        learning.learns(subject)
        return
    overfits(subject, _writing, ITERATIONS)


def _classifies(model: EncoderDecoder) -> bool:
    """Whether its scores are those of symbols, before or after a softmax."""
    return getattr(model.decoder.head, "gives", "logits") in ("logits", "log_probs")


def _writing(model: Model) -> Callable[[], Tensor]:
    """The loss of writing what was read."""
    assert isinstance(model, EncoderDecoder)
    steps = max(STEPS * model.encoder.hop, model.encoder.minimum_steps)
    source = model.encoder.example_input(ROWS, steps, seed=1)
    starts = torch.zeros((ROWS, STEPS), dtype=torch.int64, device=source.device)
    outputs = min(SYMBOLS, model(source, starts).shape[2])
    wanted = torch.randint(0, outputs, (ROWS, STEPS), generator=torch.Generator().manual_seed(1)).to(source.device)
    return lambda: F.cross_entropy(model(source, starts).flatten(0, 1), wanted.flatten())
