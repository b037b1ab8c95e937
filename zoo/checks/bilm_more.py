"""What a bidirectional language model has of its own: resets of its forward direction, and its loss."""

from __future__ import annotations

from itertools import pairwise

import torch

from zoo.checks.batch import Batch, batch_of, run
from zoo.checks.bilm import LENGTHS, ROWS, STEPS, directions, model_of
from zoo.checks.measuring import weighted
from zoo.checks.subject import Skip, Subject, all_close, close
from zoo.errors import CheckFailure
from zoo.references.heads import log_softmax

MARKS = ((1,), (3, 4), (STEPS - 1,), (), (2, 5))
"""Before which steps each row starts anew."""


def reset(subject: Subject) -> None:
    """A reset inside a sequence, given to `model.forwards`, equals separate runs of what lies between."""
    model = model_of(subject)
    batch = batch_of(subject, ROWS, STEPS)
    where = torch.zeros((ROWS, STEPS), dtype=torch.bool, device=subject.device)
    for row, marks in enumerate(MARKS):
        where[row, list(marks)] = True
    output, state = run(model.forwards, batch, reset=where)
    last = model.forwards.named_state(state, ROWS)
    for row, marks in enumerate(MARKS):
        own = batch.sequences(slice(row, row + 1))
        for start, stop in pairwise((0, *marks, STEPS)):
            found, after = run(model.forwards, own.steps(start, stop))
            close(output[row : row + 1, start:stop], found, f"forwards, reset before steps {marks}")
        label = f"forwards, reset before steps {marks}: the state"
        all_close({name: one[row : row + 1] for name, one in last.items()}, model.forwards.named_state(after, 1), label)


def loss_reference(subject: Subject) -> None:
    """The loss is the mean of -log P of each neighbour by its own direction, written out, and no padding counts."""
    model = model_of(subject)
    if model.forwards.head is None:
        raise Skip("it has no head, and so no loss")
    x = batch_of(subject, ROWS, STEPS).x
    lengths = torch.tensor(LENGTHS, device=subject.device)
    scores, _ = run(model, Batch({"x": x}), lengths=lengths)
    outputs = scores.shape[-1]
    generator = torch.Generator().manual_seed(2)
    words = torch.randint(0, outputs, x.shape[:2], generator=generator).to(subject.device)
    ahead, back = (log_softmax(one.detach().double().cpu().numpy()) for one in directions(model, scores))
    told = [(row, t) for row, length in enumerate(LENGTHS) for t in range(length - 1)]
    following = sum(-float(ahead[row, t, words[row, t + 1]]) for row, t in told)
    preceding = sum(-float(back[row, t + 1, words[row, t]]) for row, t in told)
    expected = torch.tensor((following + preceding) / (2 * len(told)), dtype=torch.float64)
    found = model.loss(scores, words, lengths)
    close(found, expected.to(found), "the loss against its definition")
    padding = torch.arange(STEPS, device=subject.device) >= lengths.unsqueeze(1)
    spoilt = scores.detach().masked_fill(padding[:, :, None, None], torch.nan).requires_grad_()
    loss = model.loss(spoilt, words.masked_fill(padding, -7), lengths)
    close(loss, expected.to(loss), "the loss with other numbers in padding")
    (gradient,) = torch.autograd.grad(weighted(loss), spoilt)
    if gradient[padding].any():
        raise CheckFailure("the loss has a gradient in padding")
