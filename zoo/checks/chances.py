"""Whether symbols come as often as they should: their chances in plain numbers, and Pearson's chi-square."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

UNLIKELY: Final = 4.75
"""Standard deviations: a sum as large comes once in a million."""
FEWEST: Final = 5.0
"""Expected draws of a symbol that is counted by itself."""


def chances(
    scores: Sequence[float], *, temperature: float, top_k: int | None = None, top_p: float | None = None
) -> list[float]:
    """The probability of each symbol, from its definition: one symbol after the other, from the likeliest on."""
    likeliest = sorted(range(len(scores)), key=lambda symbol: -scores[symbol])
    kept = likeliest[: top_k or len(scores)]
    weights = {symbol: math.exp((scores[symbol] - scores[likeliest[0]]) / temperature) for symbol in kept}
    total, found = math.fsum(weights.values()), {}
    for symbol in kept:
        found[symbol] = weights[symbol] / total
        if top_p is not None and math.fsum(found.values()) >= top_p:
            break
    together = math.fsum(found.values())
    return [found.get(symbol, 0.0) / together for symbol in range(len(scores))]


def unlike(counts: Sequence[int], expected: Sequence[float]) -> str | None:
    """Why counts are not those of draws with these chances; None where they may well be.

    Pearson's statistic, with rare symbols taken together, against a quantile of its distribution by Wilson and Hilferty
    1931.
    """
    pairs = [*zip(counts, expected, strict=True)]
    for symbol, (count, chance) in enumerate(pairs):
        if count and not chance:
            return f"symbol {symbol} comes {count} times, and cannot be drawn"
    draws = sum(counts)
    cells = [(float(count), draws * chance) for count, chance in pairs if draws * chance >= FEWEST]
    rare = [(count, draws * chance) for count, chance in pairs if draws * chance < FEWEST]
    together = (float(sum(count for count, _ in rare)), math.fsum(chance for _, chance in rare))
    cells += [together] if together[1] >= FEWEST else []
    freedom = len(cells) - 1
    if freedom < 1:
        return None
    statistic = math.fsum((count - chance) ** 2 / chance for count, chance in cells)
    spread = 2 / (9 * freedom)
    bound = freedom * (1 - spread + UNLIKELY * spread**0.5) ** 3
    return None if statistic <= bound else f"counts have chi-square {statistic:.4g}, bound {bound:.4g}"
