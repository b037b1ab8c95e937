"""From scores to a symbol: greedy, or drawn at a temperature from the likeliest ones. Pure functions of tensors.

Every row of a batch has a stream of random numbers of its own, so that what is drawn for it does not depend on the rows
beside it; and one number of that stream makes one symbol, so that the same seed at another temperature is comparable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real

import torch
from torch import Tensor

from zoo.errors import InputError


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a symbol is chosen from scores.

    Attributes:
        temperature: What scores are divided by. 0 takes the likeliest symbol.
        top_k: How many of the likeliest symbols may be drawn. None for all.
        top_p: The probability that the likeliest symbols which may be drawn have together at least. None for all.
        seed: Of the first row's stream; row i has that of seed + i. None draws one from torch's own stream.
    """

    temperature: float = 0.0
    top_k: int | None = None
    top_p: float | None = None
    seed: int | None = None

    @property
    def greedy(self) -> bool:
        """Whether nothing is drawn."""
        return self.temperature == 0


def check(sampling: Sampling) -> None:
    """Raise InputError for what says no way of choosing."""
    number("temperature", sampling.temperature)
    if sampling.top_k is not None:
        whole("top_k", sampling.top_k, 1, None)
    if sampling.top_p is not None and not 0 < _real(sampling.top_p) <= 1:
        raise InputError(f"top_p must be a number above 0, and at most 1, not {sampling.top_p!r:.60}")
    if sampling.seed is not None:
        whole("seed", sampling.seed, 0, None)
    if sampling.greedy:
        for name in ("top_k", "top_p", "seed"):
            if getattr(sampling, name) is not None:
                raise InputError(
                    f"{name} is of what is drawn, and nothing is at temperature 0: give temperature=, or leave it out"
                )


def whole(name: str, value: object, low: int, high: int | None) -> None:
    """Raise InputError for what is no whole number within bounds."""
    found = int(value) if isinstance(value, Integral) and not isinstance(value, bool) else None
    if found is None or found < low or (high is not None and found > high):
        bounds = f"from {low}" if high is None else f"from {low} to {high}"
        raise InputError(f"{name} must be a whole number {bounds}, not {value!r:.60}")


def number(name: str, value: object) -> None:
    """Raise InputError for what is no finite number from 0."""
    if not 0 <= _real(value) < float("inf"):
        raise InputError(f"{name} must be a number from 0, not {value!r:.60}")


def _real(value: object) -> float:
    return float(value) if isinstance(value, Real) and not isinstance(value, bool) else -1.0


def streams(sampling: Sampling, rows: int) -> list[torch.Generator]:
    """One for each row; none where nothing is drawn. On the CPU, so that every device draws the same."""
    if sampling.greedy:
        return []
    first = int(torch.randint(2**62, ())) if sampling.seed is None else int(sampling.seed)
    return [torch.Generator().manual_seed((first + row) % 2**63) for row in range(rows)]


def chosen(scores: Tensor, sampling: Sampling, draws: Sequence[torch.Generator]) -> Tensor:
    """One symbol of each row.

    Args:
        scores: Whose softmax is the distribution of the symbol, (B, V).
        sampling: How to choose.
        draws: As `streams` gave them; each is moved on by one number.

    Returns:
        Symbols (B,) on the device of the scores.

    Raises:
        InputError: If scores are not numbers.
    """
    if bool(scores.isnan().any()):
        raise InputError("the scores of the next symbol are not numbers (NaN): look at the weights")
    if sampling.greedy:
        return scores.argmax(-1)
    uniform = torch.stack([torch.rand((), generator=draw, dtype=torch.float64) for draw in draws])
    return picked(distribution(scores, sampling), uniform).to(scores.device)


def distribution(scores: Tensor, sampling: Sampling) -> Tensor:
    """From what a symbol is drawn: scores divided by the temperature, then top_k, then top_p of what is left.

    With `top_k` symbols that score as much as the last of them stay too. With `top_p` (arXiv:1904.09751, section 3.1)
    those stay that are needed, from the likeliest on, to reach it; of equal ones the first.

    Args:
        scores: Shape (B, V).
        sampling: How to choose.

    Returns:
        Probabilities (B, V) of float64, 0 for what cannot be drawn.
    """
    wide = scores.detach().to("cpu" if scores.device.type == "mps" else scores.device, torch.float64)
    scaled = (wide - wide.amax(-1, keepdim=True)) / sampling.temperature  # so that no temperature is too low
    if sampling.top_k is not None and sampling.top_k < scaled.shape[-1]:
        last = scaled.topk(sampling.top_k, -1).values[:, -1:]
        scaled = scaled.masked_fill(scaled < last, -torch.inf)
    probabilities = scaled.softmax(-1)
    if sampling.top_p is not None and sampling.top_p < 1:
        likeliest, order = probabilities.sort(dim=-1, descending=True, stable=True)
        likelier = torch.cat([torch.zeros_like(likeliest[:, :1]), likeliest[:, :-1].cumsum(-1)], -1)
        kept = torch.zeros_like(probabilities, dtype=torch.bool).scatter(-1, order, likelier < sampling.top_p)
        probabilities = probabilities.masked_fill(~kept, 0.0)
        probabilities = probabilities / probabilities.sum(-1, keepdim=True)
    return probabilities


def picked(probabilities: Tensor, uniform: Tensor) -> Tensor:
    """The symbol in whose part of the line from 0 to 1 a number falls.

    Args:
        probabilities: Shape (B, V); they need not add up to 1.
        uniform: From 0 to 1, without 1, shape (B,).

    Returns:
        Symbols (B,), none of them of probability 0.
    """
    ends = probabilities.cumsum(-1)
    total = ends[:, -1:]
    # Below the last end, whatever rounding does: behind it there is no symbol.
    place = torch.minimum(uniform.to(ends.device).unsqueeze(1) * total, torch.nextafter(total, torch.zeros_like(total)))
    return torch.searchsorted(ends, place, right=True).squeeze(1)
