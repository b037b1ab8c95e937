"""Time whole processes fairly: interleaved, one at a time, and thrown away when another process took the cores."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import ZooError

WAITED = 0.15
"""A process that does not have a core for more than this part of its time has been disturbed."""


@dataclass(frozen=True, slots=True)
class Run:
    """One finished process: `seconds` on the clock, `busy` seconds on a core (all of them where that is unknown)."""

    seconds: float
    busy: float

    @property
    def disturbed(self) -> bool:
        return self.seconds - self.busy > WAITED * self.seconds


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


def time_process(arguments: Sequence[str], *, folder: Path, environment: Mapping[str, str]) -> Run:
    """Run Python with these arguments to its end; what it prints is dropped.

    Raises:
        ZooError: it fails; a figure of a command that does not work is worth nothing.
    """
    with tempfile.TemporaryFile() as errors:
        begin = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        busy = _wait(process)
        seconds = time.perf_counter() - begin
        if process.returncode != 0:
            errors.seek(0)
            said = errors.read().decode(errors="replace").strip().splitlines() or ["nothing on standard error"]
            raise ZooError(f"python {' '.join(arguments)} ended with {process.returncode}: {said[-1]}")
    return Run(seconds, seconds if busy is None else busy)


def _wait(process: subprocess.Popen[bytes]) -> float | None:
    if sys.platform == "win32":
        process.wait()
        return None
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime
