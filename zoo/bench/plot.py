"""The figures of a measurement as a picture, drawn by matplotlib."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from zoo.bench.contests import Result
from zoo.bench.engine import Measurement
from zoo.errors import ZooError

FORMATS: Final = (".svg", ".pdf", ".png")
MET, MISSED, OPEN = "#2a7f62", "#c0392b", "#777777"
"""Colours of figures that reach their goal, of those that do not, and of those without one."""


def check(path: Path) -> None:
    """That a picture can be drawn into this file.

    Raises:
        ZooError: matplotlib is not installed, the ending is of no known format, or the file cannot be written.
    """
    if path.suffix.lower() not in FORMATS:
        raise ZooError(f"--plot must end in {', '.join(FORMATS[:-1])} or {FORMATS[-1]}: {path}")
    if find_spec("matplotlib") is None:
        raise ZooError("--plot needs matplotlib, which is not installed: pip install 'recurrent-zoo[bench]'")
    if path.is_dir():
        raise ZooError(f"--plot must be a file, not a folder: {path}")
    if not path.parent.is_dir():
        raise ZooError(f"--plot cannot write {path}: there is no folder {path.parent}")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise ZooError(f"--plot cannot write {path}: permission denied")


def draw(measurement: Measurement, path: Path) -> None:
    """Every figure with its quartiles and its goal, a panel for each suite, the time of what it is held against as 1.

    Raises:
        ZooError: the file cannot be written.
    """
    suites: dict[str, list[Result]] = {}
    for result in measurement.results:
        suites.setdefault(result.contest.suite, []).append(result)
    matplotlib: Any = importlib.import_module("matplotlib")
    with matplotlib.rc_context({"svg.hashsalt": "zoo", "svg.fonttype": "none", "font.size": 8}):
        heights = [len(results) + 2 for results in suites.values()]
        # No pyplot: it keeps its figures, and chooses a window system.
        figure: Any = importlib.import_module("matplotlib.figure").Figure(
            figsize=(9, 0.17 * sum(heights) + 1), layout="constrained"
        )
        panels = figure.subplots(len(suites), 1, squeeze=False, height_ratios=heights)[:, 0]
        for panel, (suite, results) in zip(panels, suites.items(), strict=True):
            _panel(panel, suite, results)
        panels[-1].set_xlabel(
            "time relative to the implementation named after “/”: median and quartiles; | is the goal"
        )
        conditions = f"torch {measurement.torch}, threads: {measurement.threads}, denormals: {measurement.denormals}"
        figure.suptitle(f"zoo bench engine ({conditions})")
        try:
            figure.savefig(path, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)
        except OSError as error:
            raise ZooError(f"--plot cannot write {path}: {error.strerror}") from None


def _panel(panel: Any, suite: str, results: Sequence[Result]) -> None:
    rows = range(len(results))
    for row, result in zip(rows, results, strict=True):
        low, median, high = as_long(result)
        colour = {True: MET, False: MISSED, None: OPEN}[result.met]
        panel.plot([low, high], [row, row], color=colour, linewidth=3, alpha=0.4)
        panel.plot([median], [row], "o", color=colour, markersize=4)
        goal = result.contest.goal
        if goal is not None:
            panel.plot(
                [goal if result.contest.sign == "as long" else 1 / goal], [row], "|", color="black", markersize=8
            )
    panel.axvline(1, color="black", linewidth=0.6)
    panel.set_xscale("log")
    ticks = importlib.import_module("matplotlib.ticker")
    left, right = panel.get_xlim()
    narrow = right < 8 * left  # less than a decade needs more than its round numbers
    panel.xaxis.set_major_locator(ticks.LogLocator(subs=(1, 1.2, 1.5, 2, 3, 4, 5, 6, 7, 8, 9) if narrow else (1, 2, 5)))
    panel.xaxis.set_major_formatter(ticks.FormatStrFormatter("%g"))
    panel.xaxis.set_minor_formatter(ticks.NullFormatter())
    panel.set_yticks(rows, [f"{_name(result)} / {result.contest.beside}" for result in results])
    panel.set_ylim(len(results) - 0.5, -0.5)
    panel.set_title(suite, loc="left", fontweight="bold")
    panel.grid(axis="x", linewidth=0.3)


def as_long(result: Result) -> tuple[float, float, float]:
    """Low quartile, median and high quartile of the figure, as a multiple of the other's time."""
    spread = result.figure
    if result.contest.sign == "as long":
        return spread.low, spread.median, spread.high
    return 1 / spread.high, 1 / spread.median, 1 / spread.low


def _name(result: Result) -> str:
    return result.contest.name.partition("/")[2]
