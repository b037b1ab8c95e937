"""Time whole processes, one at a time."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from zoo.bench.rounds import Run
from zoo.errors import ZooError


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
