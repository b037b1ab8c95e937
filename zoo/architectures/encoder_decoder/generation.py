"""Targets symbol by symbol: the likeliest, drawn ones, or the best of a beam."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from zoo.architectures.encoder_decoder.attention import Source
from zoo.errors import InputError

State = Mapping[str, Tensor]


class Chosen(NamedTuple):
    """How to write, as `EncoderDecoder.generate` takes it."""

    steps: int
    start: int
    stop: int | None
    beam: int
    length_penalty: float
    temperature: float
    seed: int | None


class Scorer(Protocol):
    """What scores the next symbol."""

    def scores(self, symbols: Tensor, state: State, source: Source | None) -> tuple[Tensor, dict[str, Tensor]]: ...


def check(chosen: Chosen, vocabulary: int) -> None:
    """Raise InputError for what cannot be written."""
    for name, low, high in (("steps", 1, None), ("beam", 1, vocabulary), ("start", 0, vocabulary - 1)):
        _whole(name, getattr(chosen, name), low, high)
    if chosen.stop is not None:
        _whole("stop", chosen.stop, 0, vocabulary - 1)
    if chosen.seed is not None:
        _whole("seed", chosen.seed, 0, None)
    for name in ("temperature", "length_penalty"):
        value = getattr(chosen, name)
        number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else -1.0
        if not 0 <= number < float("inf"):
            raise InputError(f"{name} must be a number from 0, not {value!r:.60}")
    if chosen.beam > 1 and chosen.temperature:
        raise InputError("a beam follows the likeliest targets: leave out temperature, or beam")
    if chosen.length_penalty and chosen.beam == 1:
        raise InputError("length_penalty compares the targets of a beam: give beam=, or leave it out")
    if chosen.seed is not None and not chosen.temperature:
        raise InputError(
            "seed is of what is drawn, and nothing is at temperature 0: give temperature=, or leave it out"
        )


def _whole(name: str, value: object, low: int, high: int | None) -> None:
    number = int(value) if isinstance(value, Integral) and not isinstance(value, bool) else None
    if number is None or number < low or (high is not None and number > high):
        bounds = f"from {low}" if high is None else f"from {low} to {high}"
        raise InputError(f"{name} must be a whole number {bounds}, not {value!r:.60}")


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
    draws = _generators(chosen, len(like))
    ended = torch.zeros_like(last, dtype=torch.bool)
    sums = torch.zeros(len(like), dtype=torch.float64, device=like.device)
    found = []
    for _ in range(chosen.steps):
        scores, state = model.scores(last, state, source)
        scores = _of_symbols(scores, vocabulary)
        last = _drawn(scores / chosen.temperature, draws) if chosen.temperature else scores.argmax(-1)
        if chosen.stop is not None:
            last = torch.where(ended, chosen.stop, last)
        more = scores.double().log_softmax(-1).gather(1, last.unsqueeze(1)).squeeze(1)
        sums = sums + torch.where(ended, 0.0, more)
        if chosen.stop is not None:
            ended = ended | (last == chosen.stop)
        found.append(last)
        if chosen.stop is not None and bool(ended.all()):
            break
    together = torch.stack(found, 1)
    return (together if chosen.stop is None else _filled(together, chosen.steps, chosen.stop)), sums


def _generators(chosen: Chosen, rows: int) -> list[torch.Generator]:
    """One for each row, so that no row depends on those beside it."""
    if not chosen.temperature:
        return []
    first = int(torch.randint(2**62, ())) if chosen.seed is None else int(chosen.seed)
    return [torch.Generator().manual_seed((first + row) % 2**63) for row in range(rows)]


def _drawn(scores: Tensor, draws: list[torch.Generator]) -> Tensor:
    """One symbol of each row, (B,): on the CPU, so that every device draws the same."""
    chances = scores.detach().double().cpu().softmax(-1)
    rows = [torch.multinomial(row, 1, generator=draw) for row, draw in zip(chances, draws, strict=True)]
    return torch.cat(rows).to(scores.device)


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
        if chosen.stop is not None:  # behind the end stands the end alone, and costs nothing
            silent = torch.full((vocabulary,), -torch.inf, dtype=more.dtype, device=device)
            silent[chosen.stop] = 0.0
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
        if chosen.stop is not None:
            ended = ended | (symbols == chosen.stop)
            if bool(ended.all()):
                break
    first = (sums / _penalty(lengths, chosen.length_penalty)).argmax(-1)
    one, best_sums = found[torch.arange(rows, device=device), first], sums.gather(1, first.unsqueeze(1)).squeeze(1)
    return (one if chosen.stop is None else _filled(one, chosen.steps, chosen.stop)), best_sums


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


def _filled(found: Tensor, steps: int, stop: int) -> Tensor:
    """All that was asked for, where every row has ended earlier."""
    rest = found.new_full((len(found), steps - found.shape[1]), stop)
    return torch.cat([found, rest], 1)
