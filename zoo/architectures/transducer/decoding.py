"""What a transducer writes: the likeliest at each step, or the best text of a beam."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Generator, Tensor

from zoo.engine.sequence import where_sequences
from zoo.engine.state import State
from zoo.errors import InputError
from zoo.model import sampling as ways
from zoo.model.sampling import Sampling

States = Mapping[str, Tensor]


class Decoded(NamedTuple):
    """What was written.

    Attributes:
        symbols: Shape (B, N), where N is that of the longest row; 0 behind the end of a row.
        lengths: Number of symbols of each row, (B,).
        state: To go on from, with the next piece of the sequences.
    """

    symbols: Tensor
    lengths: Tensor
    state: State


class Written(NamedTuple):
    """As `Decoded`, with the predictor's state alone."""

    symbols: Tensor
    lengths: Tensor
    state: States


class Scorer(Protocol):
    """What scores what may follow."""

    blank: int

    def scores(self, encoded: Tensor, state: States) -> Tensor: ...
    def written(self, symbols: Tensor, state: States) -> dict[str, Tensor]: ...
    def symbol(self, index: Tensor) -> Tensor: ...


def check(most: object, beam: object, sampling: Sampling) -> None:
    """Raise InputError for what are no numbers of symbols and texts, and ways of writing that do not go together."""
    ways.whole("most", most, 1, None)
    ways.whole("beam", beam, 1, None)
    ways.check(sampling)
    if beam != 1 and sampling.temperature:
        raise InputError("a beam follows the likeliest texts: leave out temperature, or beam")


def one_by_one(
    model: Scorer, encoded: Tensor, lengths: Tensor, state: States, most: int, sampling: Sampling
) -> Written:
    """At each step one symbol, again and again until that is the blank, or `most` symbols have been written.

    A row draws a number only where it writes, so that it does not depend on the rows beside it.
    """
    draws = ways.streams(sampling, len(encoded))
    found: list[Tensor] = []
    wrote: list[Tensor] = []
    for t in range(encoded.shape[1]):
        going = t < lengths
        for _ in range(most):
            index = _next(model.scores(encoded[:, t], state), going, sampling, draws)
            going = going & (index != model.blank)
            if not bool(going.any()):
                break
            symbols = model.symbol(torch.where(going, index, 0 if model.blank else 1))
            after = model.written(symbols, state)
            state = {name: where_sequences(going, after[name], before) for name, before in state.items()}
            found.append(symbols)
            wrote.append(going)
    return Written(*_together(found, wrote, len(encoded), encoded.device), state)


def _next(scores: Tensor, going: Tensor, sampling: Sampling, draws: list[Generator]) -> Tensor:
    """Indices (B,), those of rows that write."""
    if sampling.greedy:
        return scores.argmax(-1)
    rows = going.nonzero().squeeze(1)
    index = torch.zeros(len(scores), dtype=torch.int64, device=scores.device)
    if len(rows):
        index[rows] = ways.chosen(scores[rows], sampling, [draws[row] for row in rows.tolist()])
    return index


def _together(found: list[Tensor], wrote: list[Tensor], rows: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """The symbols of each row without gaps, and their number."""
    if not found:
        return torch.zeros((rows, 0), dtype=torch.int64, device=device), torch.zeros(rows, dtype=torch.int64).to(device)
    symbols, given = torch.stack(found, 1), torch.stack(wrote, 1)
    order = (~given).long().argsort(dim=1, stable=True)
    lengths = given.sum(1)
    together = torch.where(given, symbols, 0).gather(1, order)
    return together[:, : int(lengths.max())], lengths


@dataclass(frozen=True, slots=True)
class _Text:
    """A text that is followed: its symbols, the log of its probability, and the row of the state that wrote it."""

    symbols: tuple[int, ...]
    log: float
    row: int


def beam(model: Scorer, encoded: Tensor, lengths: Tensor, state: States, most: int, width: int) -> Written:
    """The likeliest text of each row, of those that are followed."""
    rows = [
        _beam(
            model, encoded[row, : int(lengths[row])], {name: s[row : row + 1] for name, s in state.items()}, most, width
        )
        for row in range(len(encoded))
    ]
    longest = max(len(text) for text, _ in rows)
    symbols = torch.zeros((len(rows), longest), dtype=torch.int64)
    for row, (text, _) in enumerate(rows):
        symbols[row, : len(text)] = torch.tensor(text, dtype=torch.int64)
    ends = torch.tensor([len(text) for text, _ in rows])
    after = {name: torch.cat([one[name] for _, one in rows]) for name in state}
    return Written(symbols.to(encoded.device), ends.to(encoded.device), after)


def _beam(model: Scorer, encoded: Tensor, state: States, most: int, width: int) -> tuple[tuple[int, ...], States]:
    """One row. At each step every text is written on, by up to `most` symbols, and then ended there by a blank.

    Two ways to one text add up. After a step the best texts are kept.
    """
    kept = [_Text((), 0.0, 0)]
    for step in encoded.unbind(0):
        ended: dict[tuple[int, ...], float] = {}
        places: dict[tuple[int, ...], int] = {}
        open_ = kept
        for written in range(most + 1):
            index = torch.tensor([text.row for text in open_], device=encoded.device)
            now = {name: tensor[index] for name, tensor in state.items()}
            logs = model.scores(step.expand(len(open_), -1), now).double().log_softmax(-1)
            for text, log in zip(open_, logs[:, model.blank].tolist(), strict=True):
                ended[text.symbols] = _plus(ended.get(text.symbols), text.log + log)
                places.setdefault(text.symbols, text.row)
            if written == most:
                break
            open_, state = _longer(model, open_, logs, now, state, width)
        kept = sorted((_Text(t, log, places[t]) for t, log in ended.items()), key=lambda one: -one.log)[:width]
        index = torch.tensor([text.row for text in kept], device=encoded.device)
        state = {name: tensor[index] for name, tensor in state.items()}
        kept = [_Text(text.symbols, text.log, row) for row, text in enumerate(kept)]
    best = kept[0]
    return best.symbols, {name: tensor[best.row : best.row + 1] for name, tensor in state.items()}


def _longer(
    model: Scorer, open_: list[_Text], logs: Tensor, now: States, state: States, width: int
) -> tuple[list[_Text], States]:
    """The best texts with one symbol more, and the states with theirs behind them."""
    bases = torch.tensor([text.log for text in open_], dtype=logs.dtype, device=logs.device)
    total = bases.unsqueeze(1) + logs
    total[:, model.blank] = -torch.inf
    best = total.flatten().topk(min(width, len(open_) * (logs.shape[1] - 1))).indices
    parents, indices = best // logs.shape[1], best % logs.shape[1]
    symbols = model.symbol(indices)
    after = model.written(symbols, {name: tensor[parents] for name, tensor in now.items()})
    first = len(next(iter(state.values())))
    values = total.flatten()[best].tolist()
    texts = [
        _Text((*open_[parent].symbols, symbol), value, first + row)
        for row, (parent, symbol, value) in enumerate(zip(parents.tolist(), symbols.tolist(), values, strict=True))
    ]
    return texts, {name: torch.cat([tensor, after[name]]) for name, tensor in state.items()}


def _plus(one: float | None, other: float) -> float:
    """The log of the sum of two probabilities by their logs."""
    if one is None:
        return other
    return float(torch.logaddexp(torch.tensor(one, dtype=torch.float64), torch.tensor(other, dtype=torch.float64)))
