"""How long commands take to start, beside the bare imports that they cannot do without.

Each command and what it is held against run in turn, in processes of their own. The library is the one that is
installed, or has 300 specs, or those and 50 plugins beside. `zoo list` is measured with the index that an earlier
round wrote. A round in which another process took the cores is thrown away and counted.
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
from zoo.bench.specimens import full_specimen, install_plugins, install_specs, write_specimens
from zoo.spec.index import VARIABLE

LIBRARY = 300
"""Specs in the library where it is a large one."""
PLUGINS = 50
"""Plugins that are installed where there are many, of which some are broken."""
VALIDATED = 1000
"""Specs in the folders that `zoo validate` reads."""

LIGHT: Final = """\
import yaml, pluggy, typer, rich.table; from pydantic import BaseModel
class M(BaseModel): x: int"""
HEAVY: Final = "import torch, torchinfo"

Progress = Callable[[Sequence[int]], Iterable[int]]
Site = Literal["installed", "large", "crowded"]
"""What a command finds: what is installed here; that and a library of 300 specs; and 50 plugins beside."""
Process = tuple[tuple[str, ...], Site]
"""The arguments of Python, and what they find installed."""


@dataclass(frozen=True, slots=True)
class Contest:
    """A command, what it is held against, and the goal: how many times as long, or how many seconds longer.

    Attributes:
        site: What the command finds installed.
        beside_site: What the one that it is held against finds.
    """

    command: tuple[str, ...]
    beside: tuple[str, ...]
    label: str
    unit: Literal["times", "seconds more"]
    goal: float
    site: Site = "installed"
    beside_site: Site = "installed"

    @property
    def runs(self) -> tuple[Process, Process]:
        """The command's process and the one that it is held against."""
        return (self.command, self.site), (self.beside, self.beside_site)

    @property
    def name(self) -> str:
        said = " ".join(("zoo", *self.command[2:]))
        return said + {"installed": "", "large": f", {LIBRARY} specs", "crowded": f", {PLUGINS} plugins"}[self.site]

    def figure(self, command: Run, beside: Run) -> float:
        if self.unit == "times":
            return command.seconds / beside.seconds
        return command.seconds - beside.seconds


@dataclass(frozen=True, slots=True)
class Result:
    """What one contest came to.

    Attributes:
        seconds: Over the rounds that count.
        beside_seconds: Over the rounds that count.
        figure: Over the rounds that count.
    """

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
    """All results.

    Attributes:
        thrown_away: Disturbed rounds that do not count.
        kept_disturbed: Such that had to be used.
    """

    results: tuple[Result, ...]
    rounds: int
    thrown_away: int
    kept_disturbed: int

    def remarks(self) -> list[str]:
        """What a reader of the figures must know, one line each."""
        lines = [f"medians of {self.rounds} interleaved rounds; {machine()}"]
        if self.thrown_away:
            lines.append(f"discarded, since another process took the cores: {self.thrown_away} rounds")
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
        contests, environments = _prepare(Path(folder))

        def one_round() -> dict[Process, Run]:
            # What several contests share is run once a round.
            processes = dict.fromkeys(each for contest in contests for each in contest.runs)
            return {
                each: time_process(each[0], folder=Path(folder), environment=environments[each[1]])
                for each in processes
            }

        def attempts() -> Iterator[dict[Process, Run]]:
            for _ in progress(range((1 + PATIENCE) * rounds)):
                yield one_round()

        one_round()  # writes the bytecode and fills the caches
        one_round()  # writes the index, which the code must be a second older than
        counted = count(attempts(), wanted=rounds, least=rounds)
        results = tuple(_result(contest, counted.rounds) for contest in contests)
    return Measurement(results, len(counted.rounds), counted.thrown_away, counted.kept_disturbed)


def _result(contest: Contest, rounds: Sequence[Mapping[Process, Run]]) -> Result:
    command, beside = contest.runs
    pairs = [(runs[command], runs[beside]) for runs in rounds]
    return Result(
        command=contest.name,
        beside=contest.label,
        unit=contest.unit,
        goal=contest.goal,
        seconds=Spread.of(command.seconds for command, _ in pairs),
        beside_seconds=Spread.of(beside.seconds for _, beside in pairs),
        figure=Spread.of(contest.figure(*pair) for pair in pairs),
    )


def _prepare(folder: Path) -> tuple[tuple[Contest, ...], dict[Site, dict[str, str]]]:
    """The contests, with the files that they need, and the environment of each site."""
    import zoo
    from zoo.spec import bundled, library

    write_specimens(folder / "thousand", VALIDATED)
    write_specimens(folder / "full", VALIDATED, full_specimen)
    write_specimens(folder / "one", 1)
    (folder / "specs").mkdir()
    (folder / "specs" / "lstm.yaml").write_bytes((bundled.folder() / "lstm.yaml").read_bytes())
    install_specs(folder / "site", max(0, LIBRARY - len(library.entries())))
    install_plugins(folder / "crowd", PLUGINS)
    light, heavy = ("-c", LIGHT), ("-c", HEAVY)
    listed, one = ("-m", "zoo", "list"), ("-m", "zoo", "validate", "one")
    contests = (
        Contest(listed, light, "its imports", "times", 1.5),
        Contest(listed, light, "its imports", "times", 1.5, "large"),
        Contest(listed, listed, "without them", "times", 1.5, "crowded", "large"),
        Contest(("-m", "zoo", "--help"), light, "its imports", "times", 1.5),
        Contest(("-m", "zoo", "plugins"), light, "its imports", "times", 1.5),
        Contest(("-m", "zoo", "summary", "specs/lstm.yaml"), heavy, "torch, torchinfo", "times", 1.25),
        Contest(("-m", "zoo", "validate", "thousand"), one, "one spec", "seconds more", 0.5),
        Contest(("-m", "zoo", "validate", "full"), one, "one spec", "seconds more", 0.75),
    )
    package = str(Path(str(zoo.__file__)).resolve().parent.parent)
    sites: dict[Site, list[Path]] = {
        "installed": [],
        "large": [folder / "site"],
        "crowded": [folder / "crowd", folder / "site"],
    }
    # An index of its own, and the bytecode that an installed package has.
    inherited = {key: value for key, value in os.environ.items() if key not in ("PYTHONDONTWRITEBYTECODE", VARIABLE)}
    inherited["XDG_CACHE_HOME"] = str(folder / "cache")
    environments = {}
    for site, found in sites.items():
        paths = [*map(str, found), package, *filter(None, [os.environ.get("PYTHONPATH")])]
        environments[site] = {**inherited, "PYTHONPATH": os.pathsep.join(paths)}
    return contests, environments
