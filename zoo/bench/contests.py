"""What the benchmark of the engine is made of: works that run side by side, and the contests between them.

Nothing here knows torch, so that contests can be chosen and listed before it is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from importlib.util import find_spec
from typing import Any, Final, Literal

from zoo.bench.rounds import Run, Spread
from zoo.errors import ZooError

PACKAGES: Final = {"torchrecurrent": "torchrecurrent", "minGRU_pytorch": "minGRU-pytorch"}
"""Peers that may be missing: the module, and the distribution it comes from."""

Work = Callable[[], object]
Sign = Literal["as long", "as fast"]


@dataclass(frozen=True, slots=True)
class Contest:
    """A work, what it is held against, and the goal.

    Attributes:
        name: `suite/what/size/...`.
        ours: Name of the first of two works of its heat.
        beside: Name of the work that it is held against.
        sign: Whether the figure is how many times as long ours takes, which has to be small, or how many times as fast
            it is.
        goal: None where there is none.
    """

    name: str
    ours: str
    beside: str
    sign: Sign = "as long"
    goal: float | None = None

    @property
    def suite(self) -> str:
        return self.name.partition("/")[0]

    def figure(self, ours: Run, beside: Run) -> float:
        return ours.seconds / beside.seconds if self.sign == "as long" else beside.seconds / ours.seconds

    @property
    def bound(self) -> str:
        """The goal, for people; nothing without one."""
        return "" if self.goal is None else f"{'≤' if self.sign == 'as long' else '≥'} {self.goal:g}"

    def to_json(self) -> dict[str, Any]:
        return {"suite": self.suite, **asdict(self)}


@dataclass(frozen=True, slots=True)
class Heat:
    """Works that run in turn, round by round.

    Attributes:
        make: Gives the works by name; called when their turn comes, so that only one heat is in memory.
        verify: Raises CheckFailure where two works that should be the same computation are not.
        needs: Modules that must be installed.
    """

    contests: tuple[Contest, ...]
    make: Callable[[], Mapping[str, Work]]
    verify: Callable[[], None] | None = None
    needs: tuple[str, ...] = ()

    def missing(self) -> str | None:
        """The distribution that this heat cannot run without."""
        return next((PACKAGES[module] for module in self.needs if find_spec(module) is None), None)

    @property
    def names(self) -> tuple[str, ...]:
        """The works that the contests are between, each once."""
        return tuple(dict.fromkeys(name for contest in self.contests for name in (contest.ours, contest.beside)))


@dataclass(frozen=True, slots=True)
class Result:
    """What one contest came to. seconds, beside_seconds (of one call) and figure: over the rounds that count."""

    contest: Contest
    seconds: Spread
    beside_seconds: Spread
    figure: Spread
    rounds: int
    thrown_away: int
    kept_disturbed: int

    @property
    def met(self) -> bool | None:
        """Whether the median reaches the goal; None without one."""
        goal = self.contest.goal
        if goal is None:
            return None
        return self.figure.median <= goal if self.contest.sign == "as long" else self.figure.median >= goal

    def row(self) -> tuple[str, ...]:
        """As the table of `zoo bench engine` shows it."""
        contest = self.contest
        return (
            contest.name,
            milliseconds(self.seconds.median),
            contest.beside,
            milliseconds(self.beside_seconds.median),
            f"{ratio(self.figure.median)} {contest.sign}",
            f"{ratio(self.figure.low)} to {ratio(self.figure.high)}",
            str(self.rounds),
            contest.bound,
            {True: "yes", False: "no", None: ""}[self.met],
        )

    def to_json(self) -> dict[str, Any]:
        return {
            **self.contest.to_json(),
            "met": self.met,
            "seconds": asdict(self.seconds),
            "beside_seconds": asdict(self.beside_seconds),
            "figure": asdict(self.figure),
            "rounds": self.rounds,
            "thrown_away": self.thrown_away,
            "kept_disturbed": self.kept_disturbed,
        }


def milliseconds(seconds: float) -> str:
    """In three figures, so that a toy's and a long run's can stand in one column."""
    found = 1000 * seconds
    return f"{found:.0f}" if found >= 100 else f"{found:.3g}"


def ratio(figure: float) -> str:
    return f"{figure:.2f}" if figure < 10 else f"{figure:.1f}"


def chosen(heats: Iterable[Heat], only: str | None) -> tuple[Heat, ...]:
    """The heats with the contests whose name matches, whole or in part.

    Raises:
        ZooError: none does.
    """
    found = []
    for heat in heats:
        contests = tuple(
            contest
            for contest in heat.contests
            if only is None or fnmatchcase(contest.name, only) or fnmatchcase(contest.name, f"*{only}*")
        )
        if contests:
            found.append(Heat(contests, heat.make, heat.verify, heat.needs))
    if not found:
        raise ZooError(f"no benchmark matches {only!r}; see zoo bench engine --list")
    return tuple(found)


def installed(heats: Sequence[Heat]) -> tuple[tuple[Heat, ...], tuple[str, ...]]:
    """The heats that can run here, and one line for each peer that is missing."""
    missing: dict[str, int] = {}
    able = []
    for heat in heats:
        package = heat.missing()
        if package is None:
            able.append(heat)
        else:
            missing[package] = missing.get(package, 0) + len(heat.contests)
    lines = tuple(
        f"{package} is not installed: {count} {'benchmark' if count == 1 else 'benchmarks'} skipped "
        f"(pip install 'recurrent-zoo[bench]')"
        for package, count in missing.items()
    )
    return tuple(able), lines
