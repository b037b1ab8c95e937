"""How long commands take to start, beside the bare imports that they cannot do without.

Each command and what it is held against run in turn, in processes of their own, in a library of 150 specs. A round in
which another process took the cores is thrown away and counted.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from zoo.bench.processes import time_process
from zoo.bench.rounds import PATIENCE, Run, Spread, count, machine
from zoo.bench.specimens import write_specimens

LIBRARY = 150
"""Specs in the library while it is measured."""
VALIDATED = 1000
"""Specs in the folder that `zoo validate` reads."""

LIGHT: Final = """\
import yaml, pluggy, typer, rich.table; from pydantic import BaseModel
class M(BaseModel): x: int"""
HEAVY: Final = "import torch, torchinfo"

Progress = Callable[[Sequence[int]], Iterable[int]]


@dataclass(frozen=True, slots=True)
class Contest:
    """A command, what it is held against, and the goal: how many times as long, or how many seconds longer."""

    command: tuple[str, ...]
    beside: tuple[str, ...]
    label: str
    unit: Literal["times", "seconds more"]
    goal: float

    def figure(self, command: Run, beside: Run) -> float:
        if self.unit == "times":
            return command.seconds / beside.seconds
        return command.seconds - beside.seconds


@dataclass(frozen=True, slots=True)
class Result:
    """What one contest came to. seconds, beside_seconds, figure: over the rounds that count."""

    command: str
    beside: str
    unit: str
    goal: float
    seconds: Spread
    beside_seconds: Spread
    figure: Spread

    @property
    def met(self) -> bool:
        return self.figure.median <= self.goal

    def row(self) -> tuple[str, ...]:
        """As the table of `zoo bench startup` shows it."""
        sign = "×" if self.unit == "times" else " s"
        return (
            self.command,
            f"{self.seconds.median:.3f}",
            self.beside,
            f"{self.beside_seconds.median:.3f}",
            f"{self.figure.median:.2f}{sign}",
            f"{self.figure.low:.2f} to {self.figure.high:.2f}",
            f"{self.goal:g}{sign}",
            "yes" if self.met else "no",
        )


@dataclass(frozen=True, slots=True)
class Measurement:
    """All results. thrown_away: disturbed rounds that do not count; kept_disturbed: such that had to be used."""

    results: tuple[Result, ...]
    rounds: int
    thrown_away: int
    kept_disturbed: int

    def remarks(self) -> list[str]:
        """What a reader of the figures must know, one line each."""
        lines = [f"medians of {self.rounds} interleaved rounds, {LIBRARY} specs in the library; {machine()}"]
        if self.thrown_away:
            lines.append(f"thrown away, since another process took the cores: {self.thrown_away} rounds")
        if self.kept_disturbed:
            lines.append(f"the machine was never quiet: {self.kept_disturbed} of the rounds shown were disturbed")
        return lines

    def to_json(self) -> dict[str, Any]:
        rows = [{**asdict(result), "met": result.met} for result in self.results]
        counts = {"rounds": self.rounds, "thrown_away": self.thrown_away, "kept_disturbed": self.kept_disturbed}
        return {**counts, "machine": machine(), "results": rows}


def measure(rounds: int, progress: Progress = iter) -> Measurement:
    """Run every contest in turn, as many rounds as asked.

    Args:
        rounds: rounds to count, at least 1.
        progress: shows how far it is while its items are taken.

    Raises:
        ZooError: one of the commands fails.
    """
    with tempfile.TemporaryDirectory(prefix="zoo-bench-") as folder:
        contests, environment = _prepare(Path(folder))

        def one_round() -> dict[tuple[str, ...], Run]:
            # What several contests share is run once a round.
            arguments = dict.fromkeys(each for contest in contests for each in (contest.command, contest.beside))
            return {each: time_process(each, folder=Path(folder), environment=environment) for each in arguments}

        def attempts() -> Iterator[dict[tuple[str, ...], Run]]:
            for _ in progress(range((1 + PATIENCE) * rounds)):
                yield one_round()

        one_round()  # writes the bytecode and fills the caches
        counted = count(attempts(), wanted=rounds, least=rounds)
        results = tuple(_result(contest, counted.rounds) for contest in contests)
    return Measurement(results, len(counted.rounds), counted.thrown_away, counted.kept_disturbed)


def _result(contest: Contest, rounds: Sequence[Mapping[tuple[str, ...], Run]]) -> Result:
    pairs = [(runs[contest.command], runs[contest.beside]) for runs in rounds]
    return Result(
        command=" ".join(("zoo", *contest.command[2:])),
        beside=contest.label,
        unit=contest.unit,
        goal=contest.goal,
        seconds=Spread.of(command.seconds for command, _ in pairs),
        beside_seconds=Spread.of(beside.seconds for _, beside in pairs),
        figure=Spread.of(contest.figure(*pair) for pair in pairs),
    )


def _prepare(folder: Path) -> tuple[tuple[Contest, ...], dict[str, str]]:
    """The contests, with the files that they need, and the environment they run in."""
    import zoo
    from zoo.spec import bundled, library

    write_specimens(folder / "thousand", VALIDATED)
    write_specimens(folder / "one", 1)
    (folder / "specs").mkdir()
    (folder / "specs" / "lstm.yaml").write_bytes((bundled.folder() / "lstm.yaml").read_bytes())
    _install_specimens(folder / "site", max(0, LIBRARY - len(library.entries())))
    light, heavy = ("-c", LIGHT), ("-c", HEAVY)
    contests = (
        Contest(("-m", "zoo", "list"), light, "its imports", "times", 1.5),
        Contest(("-m", "zoo", "--help"), light, "its imports", "times", 1.5),
        Contest(("-m", "zoo", "plugins"), light, "its imports", "times", 1.5),
        Contest(("-m", "zoo", "summary", "specs/lstm.yaml"), heavy, "torch, torchinfo", "times", 1.25),
        Contest(
            ("-m", "zoo", "validate", "thousand"), ("-m", "zoo", "validate", "one"), "one spec", "seconds more", 0.5
        ),
    )
    package = Path(str(zoo.__file__)).resolve().parent.parent
    paths = [str(folder / "site"), str(package), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package has its bytecode
    return contests, environment


def _install_specimens(site: Path, count: int) -> None:
    """A plugin that offers that many specs, installed as pip would leave it."""
    write_specimens(site / "zoo_specimens" / "specs", count)
    (site / "zoo_specimens" / "__init__.py").write_text(
        "from pathlib import Path\n\nimport zoo\n\n\n"
        "@zoo.hookimpl\ndef zoo_specs():\n    return [Path(__file__).parent / 'specs']\n",
        encoding="utf-8",
    )
    info = site / "zoo_specimens-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: zoo-specimens\nVersion: 1\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[zoo.plugins]\nspecimens = zoo_specimens\n", encoding="utf-8")
