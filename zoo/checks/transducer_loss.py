"""A transducer's loss against all ways of writing a target, its texts against all texts, and that it learns."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import combinations, product
from typing import Any, Final

import torch
from torch import Tensor

from zoo.architectures.transducer.model import Transducer
from zoo.checks.overfitting import SHARE, attempts, share_left
from zoo.checks.subject import Subject, close
from zoo.checks.transducing import Given, given_to, model_of, texts_of
from zoo.errors import CheckFailure
from zoo.model.base import Model

SEEDS: Final = (1, 3, 4)
"""Of parameters with which the likeliest texts have no symbol, one and two."""
ITERATIONS, ENOUGH = 300, 0.02
"""Of learning: how many at most, and the share of the loss at which it stops."""


def transducer_loss(subject: Subject) -> None:
    """The loss is minus the log of the sum over all ways of writing the target, each written out."""
    model = model_of(subject)
    for ends, targets in (((1, 1), (0, 2)), ((4, 3), (3, 2)), ((2, 4), (3, 1)), ((3, 3), (0, 0))):
        given = given_to(model, ends, targets)
        output = model(**given.arguments)
        found = model.loss(output, *given[1:], reduction="none")
        expected = torch.stack(
            [
                _summed(model, output[row], given.target[row], *sizes)
                for row, sizes in enumerate(zip(ends, targets, strict=True))
            ]
        )
        close(found, expected, f"the loss of {ends} steps with {targets} symbols")
        close(model.loss(output, *given[1:]), expected.mean(), "its mean")
        close(model.loss(output, *given[1:], reduction="sum"), expected.sum(), "its sum")


def _summed(model: Transducer, scores: Tensor, target: Tensor, steps: int, symbols: int) -> Tensor:
    """Over every order of `steps` blanks and the target's symbols whose last is a blank."""
    logs = scores.exp() / scores.exp().sum(-1, keepdim=True)
    total = torch.zeros((), dtype=scores.dtype, device=scores.device)
    for places in combinations(range(steps + symbols - 1), symbols):
        way, t, u = torch.ones_like(total), 0, 0
        for move in range(steps + symbols):
            if move in places:
                symbol = int(target[u])
                index = symbol if model.starts_with_blank or symbol < model.blank else symbol + 1
                way, u = way * logs[t, u, index], u + 1
            else:
                way, t = way * logs[t, u, model.blank], t + 1
        total = total + way
    return -total.log()


def transducer_decode(subject: Subject) -> None:
    """Greedy is the likeliest at each step; a wide beam gives the likeliest text; the state goes on from the text."""
    for seed in SEEDS:
        model = model_of(subject)
        _sharpened(model, seed)
        given = given_to(model, (4, 3, 2), (0, 0, 0))
        wrote = model.decode(given.x, lengths=given.lengths, most=2)
        encoded, ends, _ = model.encode(given.x, lengths=given.lengths)
        for row, text in enumerate(texts_of(wrote)):
            alone = _greedy(model, encoded[row, : int(ends[row])], 2)
            if text != alone:
                raise CheckFailure(f"row {row} of a batch is written as {text}, the likeliest at each step are {alone}")
            _told(model, wrote, row, text)
        given = given_to(model, (2, 2, 1), (0, 0, 0))
        best = model.decode(given.x, lengths=given.lengths, most=1, beam=2 * model.outputs**2)  # of all texts
        for row, text in enumerate(texts_of(best)):
            _told(model, best, row, text)
            length = int(model.output_lengths(given.lengths)[row])
            expected = _likeliest(model, given.x[row : row + 1, : int(given.lengths[row])], length)
            if text != expected:
                raise CheckFailure(f"row {row}: a beam of all texts gives {text}, the likeliest is {expected}")


def _told(model: Transducer, wrote: Any, row: int, text: list[int]) -> None:
    """The state behind a text is that of the predictor behind it."""
    told = model.predict(torch.tensor([text], dtype=torch.int64, device=wrote.symbols.device).reshape(1, -1)).state
    for name, tensor in told.items():
        close(wrote.state[name][row : row + 1], tensor, f"state {name} behind the text of row {row}")


def _greedy(model: Transducer, encoded: Tensor, most: int) -> list[int]:
    """Symbol by symbol, each time from the whole text before it."""
    text: list[int] = []
    for step in encoded:
        for _ in range(most):
            told = model.predict(torch.tensor([text], dtype=torch.int64, device=step.device).reshape(1, -1)).output
            index = int(model.joiner(step.view(1, 1, -1), told[:, -1:]).argmax())
            if index == model.blank:
                break
            text.append(index if model.starts_with_blank or index < model.blank else index - 1)
    return text


def _likeliest(model: Transducer, x: Tensor, steps: int) -> list[int]:
    """Of all texts, by the sum over the ways of writing one with at most a symbol for each step."""
    symbols = [s for s in range(model.vocabulary) if not (model.starts_with_blank and s == model.blank)]
    best: tuple[float, list[int]] = (-math.inf, [])
    for length in range(steps + 1):
        texts = [[*text] for text in product(symbols, repeat=length)]
        target = torch.tensor(texts, dtype=torch.int64, device=x.device).reshape(len(texts), length)
        logs = model(x.expand(len(texts), *x.shape[1:]), target).log_softmax(-1)
        index = target if model.starts_with_blank else target + (target >= model.blank)
        total = _one_a_step(logs, index, steps, model.blank)
        best = max(best, (float(total.max()), texts[int(total.argmax())]))
    return best[1]


def _one_a_step(logs: Tensor, index: Tensor, steps: int, blank: int) -> Tensor:
    """The log of the sum over all choices of steps at which the symbols are written, one at a step at most."""
    rows, ways = torch.arange(len(index), device=index.device), []
    for places in combinations(range(steps), index.shape[1]):
        log, u = logs.new_zeros(len(index)), 0
        for t in range(steps):
            if t in places:
                log, u = log + logs[rows, t, u, index[:, u]], u + 1
            log = log + logs[:, t, u, blank]
        ways.append(log)
    return torch.stack(ways).logsumexp(0)


def learns(subject: Subject) -> None:
    """The loss falls, and what is written is then the target."""
    for model, rate in attempts(subject):
        assert isinstance(model, Transducer)
        given = given_to(model, (4, 3), (2, 3))
        left = share_left(model, _loss(model, given), rate, ITERATIONS, share=ENOUGH)
        wrote = texts_of(model.eval().decode(given.x, lengths=given.lengths))
        wanted = [row[:end].tolist() for row, end in zip(given.target, given.target_lengths, strict=True)]
        if left < SHARE and wrote == wanted:
            return
    raise CheckFailure(f"the loss is {left:.3g} of its first, and the text {wrote}, expected {wanted}")


def _loss(model: Transducer, given: Given) -> Callable[[], Tensor]:
    return lambda: model.loss(model(**given.arguments), *given[1:])


def _sharpened(model: Transducer, seed: int) -> None:
    """Parameters so far from zero that texts differ, and that the likeliest have more than one symbol."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(
                (4.0 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64)).to(parameter)
            )


def trained_by(model: Model, given: Mapping[str, Tensor], output: Tensor) -> list[float]:
    """The loss of a transducer, in which alone the place of its blank shows; nothing for any other model."""
    return [float(model.loss(output, given["target"]))] if isinstance(model, Transducer) else []
