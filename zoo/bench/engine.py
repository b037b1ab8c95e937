"""The engine against torch's own modules and against peers: works side by side in one process, round by round.

In a round every work of a heat has its turn, for a slice of time long enough to be measured; every other round goes
the other way, so that no work always stands behind the same one. A figure is the median over rounds of the ratio in
each. A round in which another process took the core is thrown away and counted.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from zoo.bench.contests import Contest, Heat, Result, Work
from zoo.bench.rounds import PATIENCE, Counted, Run, Spread, count, machine

LEAST: Final = 3
"""Rounds of each heat in any case, however little time there is."""
SLICE: Final = 0.05
"""Seconds that a work is called for at least, again and again, in each round."""
ALLOWED: Final = 0.05
"""The part of a slice that may be spent without a core: the works wait for nothing."""

Clock = Callable[[], tuple[float, float]]
"""Two readings in seconds: the wall clock's, and how long the measuring thread has had a core."""
Progress = Callable[[Sequence[Heat]], Iterable[Heat]]


@dataclass(frozen=True, slots=True)
class Measurement:
    """All results, and under what conditions they were found."""

    results: tuple[Result, ...]
    torch: str
    threads: int
    denormals: str
    seconds: float
    thrown_away: int
    kept_disturbed: int
    skipped: tuple[str, ...]

    def remarks(self) -> list[str]:
        """What a reader of the figures must know, one line each."""
        lines = [
            f"medians of interleaved rounds, times in milliseconds; {machine()}, torch {self.torch}, "
            f"threads: {self.threads}, denormals: {self.denormals}; {self.seconds:.0f} s in all"
        ]
        if self.thrown_away:
            lines.append(f"discarded, since another process took the core: {self.thrown_away} rounds")
        if self.kept_disturbed:
            lines.append(
                f"the machine was not quiet for long enough: {self.kept_disturbed} rounds shown were disturbed"
            )
        goals = [result.met for result in self.results if result.met is not None]
        lines.append(f"goals met: {sum(goals)} of {len(goals)}")
        return [*lines, *self.skipped]

    def to_json(self) -> dict[str, Any]:
        return {
            "machine": machine(),
            "torch": self.torch,
            "threads": self.threads,
            "denormals": self.denormals,
            "total_seconds": self.seconds,
            "thrown_away": self.thrown_away,
            "kept_disturbed": self.kept_disturbed,
            "skipped": list(self.skipped),
            "results": [result.to_json() for result in self.results],
        }


def clock() -> tuple[float, float]:
    # The thread's time, not the process's: helpers of torch would hide that this thread waited.
    return time.perf_counter(), time.thread_time()


def measure(
    heats: Sequence[Heat],
    *,
    rounds: int,
    seconds: float,
    threads: int,
    skipped: tuple[str, ...] = (),
    progress: Progress = iter,
) -> Measurement:
    """Verify every heat, then run them one after the other.

    Args:
        heats: as `zoo.bench.contests.installed` gives them.
        rounds: rounds to count, at least 1; fewer where the time is up, but no fewer than `LEAST` or `rounds`.
        seconds: for all of them, in equal shares; what one heat leaves, the others have.
        threads: that torch may use.
        skipped: lines on what is left out, for the reader.
        progress: shows how far it is while its items are taken.

    Raises:
        CheckFailure: two works that should be the same computation are not. Nothing is measured then.
    """
    import torch

    begin, _ = clock()
    results: list[Result] = []
    thrown_away = kept_disturbed = 0
    with _settings(threads) as denormals:
        for heat in heats:
            if heat.verify is not None:
                heat.verify()
        for index, heat in enumerate(progress(heats)):
            left = seconds - (clock()[0] - begin)
            found = run(heat, rounds=rounds, share=left / (len(heats) - index))
            results += found
            thrown_away += found[0].thrown_away
            kept_disturbed += found[0].kept_disturbed
    return Measurement(
        results=tuple(results),
        torch=str(torch.__version__),
        threads=threads,
        denormals=denormals,
        seconds=clock()[0] - begin,
        thrown_away=thrown_away,
        kept_disturbed=kept_disturbed,
        skipped=skipped,
    )


def run(heat: Heat, *, rounds: int, share: float, clock: Clock = clock) -> list[Result]:
    """One heat, for about `share` seconds."""
    begin, _ = clock()
    made = heat.make()
    works = {name: made[name] for name in heat.names}
    calls = {name: _calls(work, clock) for name, work in works.items()}
    least = min(LEAST, rounds)

    def attempts() -> Iterator[dict[str, Run]]:
        for index in range((1 + PATIENCE) * rounds):
            if index >= least and clock()[0] - begin > share:
                return
            yield one_round(works, calls, clock, turned=index % 2 == 1)

    gc.collect()
    gc.disable()
    try:
        counted = count(attempts(), wanted=rounds, least=least)
    finally:
        gc.enable()
    return [result(contest, counted) for contest in heat.contests]


def one_round(works: Mapping[str, Work], calls: Mapping[str, int], clock: Clock, *, turned: bool) -> dict[str, Run]:
    """Every work in turn, last to first if turned: the time of one call of each."""
    runs = {}
    for name in reversed(list(works)) if turned else works:
        work, times = works[name], range(calls[name])
        wall, core = clock()
        for _ in times:
            work()
        wall_after, core_after = clock()
        runs[name] = Run((wall_after - wall) / len(times), (core_after - core) / len(times), ALLOWED)
    return runs


def _calls(work: Work, clock: Clock) -> int:
    """How often to call a work in one slice. What it is called for here warms it up."""
    times = 1
    while True:
        begin, _ = clock()
        for _ in range(times):
            work()
        took = clock()[0] - begin
        # The first call has more to do than the others, so a short one is no measure of them.
        if took >= SLICE or (times > 1 and took >= SLICE / 5) or times >= 4096:
            return max(1, round(SLICE * times / max(took, 1e-9)))
        times *= 4


def result(contest: Contest, counted: Counted[str]) -> Result:
    pairs = [(runs[contest.ours], runs[contest.beside]) for runs in counted.rounds]
    return Result(
        contest=contest,
        seconds=Spread.of(ours.seconds for ours, _ in pairs),
        beside_seconds=Spread.of(beside.seconds for _, beside in pairs),
        figure=Spread.of(contest.figure(*pair) for pair in pairs),
        rounds=len(counted.rounds),
        thrown_away=counted.thrown_away,
        kept_disturbed=counted.kept_disturbed,
    )


@contextmanager
def _settings(threads: int) -> Iterator[str]:
    """torch's settings while it is measured, put back afterwards; gives what becomes of denormal numbers."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.random.fork_rng(devices=[]):
            yield (
                "flushed to zero"
                if torch.set_flush_denormal(True)
                else "not flushed (this processor cannot flush them)"
            )
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(before)
