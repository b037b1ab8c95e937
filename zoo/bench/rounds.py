"""Rounds in which everything runs in turn; those in which another process took the cores are thrown away."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

Key = TypeVar("Key")

WAITED: Final = 0.15
"""A process that does not have a core for more than this part of its time has been disturbed."""
PATIENCE = 3
"""Rounds that may be thrown away, for each that is asked for."""


@dataclass(frozen=True, slots=True)
class Run:
    """One finished run: `seconds` on the clock, `busy` seconds on a core (all of them where that is unknown)."""

    seconds: float
    busy: float
    allowed: float = WAITED
    """The part of its time that it may have been without a core."""

    @property
    def waited(self) -> float:
        return self.seconds - self.busy

    @property
    def disturbed(self) -> bool:
        return self.waited > self.allowed * self.seconds


@dataclass(frozen=True, slots=True)
class Spread:
    """A median, and the quartiles around it."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, figures: Iterable[float]) -> Spread:
        """Of at least one figure."""
        found = sorted(figures)
        if len(found) == 1:
            return cls(found[0], found[0], found[0])
        low, median, high = statistics.quantiles(found, n=4, method="inclusive")
        return cls(low, median, high)


@dataclass(frozen=True, slots=True)
class Counted(Generic[Key]):
    """The rounds that count.

    Attributes:
        thrown_away: Disturbed ones that do not.
        kept_disturbed: Such that had to be used.
    """

    rounds: tuple[Mapping[Key, Run], ...]
    thrown_away: int
    kept_disturbed: int


def count(attempts: Iterable[Mapping[Key, Run]], *, wanted: int, least: int) -> Counted[Key]:
    """Take rounds until so many are quiet.

    Args:
        attempts: rounds, run as they are taken; they may end before `wanted` are quiet.
        wanted: quiet rounds after which no more are taken.
        least: rounds to count in any case; the least disturbed stand in for those that are missing.
    """
    quiet: list[Mapping[Key, Run]] = []
    disturbed: list[Mapping[Key, Run]] = []
    for runs in attempts:
        (disturbed if any(run.disturbed for run in runs.values()) else quiet).append(runs)
        if len(quiet) == wanted:
            break
    disturbed.sort(key=lambda runs: sum(run.waited for run in runs.values()))
    kept = disturbed[: max(0, least - len(quiet))]
    return Counted((*quiet, *kept), len(disturbed) - len(kept), len(kept))


def machine() -> str:
    return f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores"
