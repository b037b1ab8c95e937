"""Targets symbol by symbol: the likeliest, drawn ones, or the best of a beam."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from zoo.architectures.encoder_decoder.attention import Source
from zoo.errors import InputError
from zoo.model import sampling as ways
from zoo.model.generation import Stop, stops_of
from zoo.model.sampling import Sampling

State = Mapping[str, Tensor]


class Chosen(NamedTuple):
    """How to write, as `EncoderDecoder.generate` takes it."""

    steps: int
    start: int
    stops: Tensor | None
    beam: int
    length_penalty: float
    sampling: Sampling


class Scorer(Protocol):
    """What scores the next symbol."""

    def scores(self, symbols: Tensor, state: State, source: Source | None) -> tuple[Tensor, dict[str, Tensor]]: ...


def chosen(
    steps: int, start: Any, stop: Stop, beam: int, length_penalty: float, sampling: Sampling, vocabulary: int
) -> Chosen:
    """How to write symbols. Raises InputError for what cannot be written."""
    check(steps, sampling, beam, length_penalty)
    ways.whole("beam", beam, 1, vocabulary)
    ways.whole("start", start, 0, vocabulary - 1)
    return Chosen(steps, start, stops_of(stop, vocabulary), beam, length_penalty, sampling)


def check(steps: object, sampling: Sampling, beam: object, length_penalty: float) -> None:
    """Raise InputError for ways of writing that there are not, or that do not go together."""
    ways.whole("steps", steps, 1, None)
    ways.whole("beam", beam, 1, None)
    ways.number("temperature", sampling.temperature)
    ways.number("length_penalty", length_penalty)
    if beam != 1 and sampling.temperature:
        raise InputError("a beam follows the likeliest targets: leave out temperature, or beam")
    if length_penalty and beam == 1:
        raise InputError("length_penalty compares the targets of a beam: give beam=, or leave it out")
    ways.check(sampling)


Written = tuple[Tensor, Tensor]
"""Symbols (B, steps), and the log-probability of each target, (B,), up to its end."""


def written(model: Scorer, chosen: Chosen, state: State, source: Source | None, vocabulary: int) -> Written:
    """What is written from the decoder's first state."""
    way = _beam if chosen.beam > 1 else _single
    return way(model, chosen, state, source, vocabulary)


def _single(model: Scorer, chosen: Chosen, state: State, source: Source | None, vocabulary: int) -> Written:
    """The likeliest symbol at each step, or a drawn one."""
    like = next(iter(state.values()))
    last = torch.full((len(like),), chosen.start, dtype=torch.int64, device=like.device)
    draws = ways.streams(chosen.sampling, len(like))
    ended = torch.zeros_like(last, dtype=torch.bool)
    sums = torch.zeros(len(like), dtype=torch.float64, device=like.device)
    found = []
    for _ in range(chosen.steps):
        scores, state = model.scores(last, state, source)
        scores = _of_symbols(scores, vocabulary)
        last = torch.where(ended, last, ways.chosen(scores, chosen.sampling, draws))
        more = scores.double().log_softmax(-1).gather(1, last.unsqueeze(1)).squeeze(1)
        sums = sums + torch.where(ended, 0.0, more)
        ended = ended | _stops(last, chosen)
        found.append(last)
        if bool(ended.all()):
            break
    return _filled(torch.stack(found, 1), chosen.steps), sums


def _stops(symbols: Tensor, chosen: Chosen) -> Tensor:
    """Where a symbol ends its row."""
    if chosen.stops is None:
        return torch.zeros_like(symbols, dtype=torch.bool)
    return torch.isin(symbols, chosen.stops.to(symbols.device))


def _beam(model: Scorer, chosen: Chosen, state: State, source: Source | None, vocabulary: int) -> Written:
    """The best target of those that are followed."""
    like = next(iter(state.values()))
    rows, width, device = len(like), chosen.beam, like.device
    each = torch.arange(rows, device=device).repeat_interleave(width)
    state = {name: tensor[each] for name, tensor in state.items()}
    source = None if source is None else source.rows(each)
    last = torch.full((rows * width,), chosen.start, dtype=torch.int64, device=device)
    sums = torch.full((rows, width), -torch.inf, device=device, dtype=torch.float64)
    sums[:, 0] = 0.0  # all begin as one and the same
    lengths = torch.zeros((rows, width), device=device, dtype=torch.int64)
    ended = torch.zeros((rows, width), device=device, dtype=torch.bool)
    found = torch.empty((rows, width, 0), dtype=torch.int64, device=device)
    for _ in range(chosen.steps):
        scores, state = model.scores(last, state, source)
        more = _of_symbols(scores, vocabulary).double().log_softmax(-1).view(rows, width, vocabulary)
        if chosen.stops is not None:  # behind the end stands the end alone, and costs nothing
            silent = torch.full_like(more, -torch.inf).scatter(2, last.view(rows, width, 1), 0.0)
            more = torch.where(ended.unsqueeze(-1), silent, more)
        longer = (lengths + (~ended).long()).unsqueeze(-1).expand(-1, -1, vocabulary)
        total = sums.unsqueeze(-1) + more
        best = (total / _penalty(longer, chosen.length_penalty)).flatten(1).topk(width, -1).indices
        parents, symbols = best // vocabulary, best % vocabulary
        sums, lengths = total.flatten(1).gather(1, best), longer.flatten(1).gather(1, best)
        ended = ended.gather(1, parents)
        found = found.gather(1, parents.unsqueeze(-1).expand(-1, -1, found.shape[2]))
        found = torch.cat([found, symbols.unsqueeze(-1)], -1)
        moved = (torch.arange(rows, device=device).unsqueeze(1) * width + parents).flatten()
        state = {name: tensor[moved] for name, tensor in state.items()}
        last = symbols.flatten()
        ended = ended | _stops(symbols, chosen)
        if bool(ended.all()):
            break
    first = (sums / _penalty(lengths, chosen.length_penalty)).argmax(-1)
    one, best_sums = found[torch.arange(rows, device=device), first], sums.gather(1, first.unsqueeze(1)).squeeze(1)
    return _filled(one, chosen.steps), best_sums


def _penalty(lengths: Tensor, alpha: float) -> Tensor:
    """((5 + length) / 6)^α: Wu et al. 2016, arXiv:1609.08144, equation 14."""
    return ((5.0 + lengths.double()) / 6.0) ** alpha


def _of_symbols(scores: Tensor, vocabulary: int) -> Tensor:
    if scores.dim() != 2 or scores.shape[1] != vocabulary:
        raise InputError(
            f"the head gives {tuple(scores.shape[1:])} numbers at each step, and the decoder reads {vocabulary} "
            "symbols: what is written cannot be read"
        )
    return scores


def _filled(found: Tensor, steps: int) -> Tensor:
    """All that was asked for: behind where every row has ended stands what each ended with."""
    return torch.cat([found, found[:, -1:].expand(-1, steps - found.shape[1])], 1)
