"""The contract over many models, side by side in processes of their own. Imports torch in those alone.

Each process has one pipe, through which it says what it is at: so a model that ends its process, as a kernel that
crashes does, is known by name, and the others go on.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

from zoo.checks.report import Outcome, Report
from zoo.errors import ZooError

MOST: Final = 8
"""Processes that are started unasked: each holds a copy of torch."""


@dataclass(frozen=True, slots=True)
class Job:
    """One model: the reference that it was found by, and which of that reference's models it is."""

    name: str
    reference: str | Path
    index: int


@dataclass(frozen=True, slots=True)
class Choice:
    """What is asked of every model, as `zoo.check` takes it. changes: to each spec, as `--set` takes them."""

    device: str | None = None
    engine: str = "auto"
    checks: tuple[str, ...] | None = None
    slow: bool = False
    changes: tuple[str, ...] = ()


def count(models: int, wanted: str) -> int:
    """How many processes for so many models: "auto" is one for each CPU that this process may use.

    Raises:
        ZooError: what is wanted is neither "auto" nor a whole number from 1.
    """
    if wanted == "auto":
        usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return max(1, min(models, usable, MOST))
    if not wanted.isdecimal() or int(wanted) < 1:
        raise ZooError(f"--jobs must be 'auto' or a whole number from 1, not {wanted!r:.40}")
    return max(1, min(models, int(wanted)))


def run(jobs: Sequence[Job], processes: int, choice: Choice, at: Callable[[str, str], None]) -> Generator[Report]:
    """A report for each job, in their order. Before each check runs, `at` is told the model's name and the check's.

    Raises:
        ZooError: If what is asked cannot be done, as on a device that is not there.
    """
    waiting = deque(enumerate(jobs))
    found: dict[int, Report] = {}
    workers: dict[Any, _Worker] = {}
    following = 0
    try:
        while following < len(jobs):
            while waiting and len(workers) < processes:
                worker = _Worker(choice, *waiting.popleft())
                workers[worker.pipe] = worker
            for pipe in wait(list(workers)):
                worker = workers[pipe]
                report = worker.read(at)
                if report is None:
                    continue
                found[worker.place] = report
                if worker.alive and waiting:
                    worker.give(*waiting.popleft())
                else:
                    workers.pop(pipe).end()
            while following in found:
                yield found.pop(following)
                following += 1
    finally:
        for worker in workers.values():
            worker.process.kill()
            worker.end()


class _Worker:
    """A process, and what it is at."""

    process: BaseProcess

    def __init__(self, choice: Choice, place: int, job: Job) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would copy torch's threads in whatever state they are
        self.pipe, theirs = context.Pipe()
        self.alive = True
        self.process = context.Process(target=_serve, args=(theirs, choice), daemon=True)
        with _deaf():
            self.process.start()
        theirs.close()
        self.give(place, job)

    def give(self, place: int, job: Job) -> None:
        self.place, self.job, self.check = place, job, ""
        with contextlib.suppress(OSError):  # one that has died is noticed when it is read
            self.pipe.send(job)

    def read(self, at: Callable[[str, str], None]) -> Report | None:
        """The report of its model, once there is one."""
        try:
            kind, value = self.pipe.recv()
        except (EOFError, OSError):
            self.alive = False
            self.process.join()
            return Report(self.job.name, (Outcome("process", "failed", self._died()),))
        if kind == "refused":
            raise ZooError(value)
        if kind == "at":
            self.check = value
            at(self.job.name, value)
            return None
        report: Report = value
        return report

    def end(self) -> None:
        self.pipe.close()  # at which it ends by itself
        self.process.join()

    def _died(self) -> str:
        status = self.process.exitcode or 0
        how = f"ended with status {status}"
        if status < 0:
            with contextlib.suppress(ValueError):
                how = f"was ended by {signal.Signals(-status).name}"
        return f"the process that ran it {how} " + (f"in check {self.check}" if self.check else "before any check")


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """What is started inside ignores the interrupt from the keyboard, which goes to all: the parent ends the others."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _serve(pipe: Connection, choice: Choice) -> None:
    """The life of a process: a report for each job, until the pipe is closed."""
    os.dup2(2, 1)  # what somebody's code prints must not end up in results
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        import torch

        from zoo.checks.run import check
        from zoo.spec import library
        from zoo.spec.changes import of_texts

        torch.set_num_threads(1)
        while True:
            job = pipe.recv()
            spec = library.models(job.reference, changes=of_texts(choice.changes))[job.index].spec
            report = check(
                spec,
                device=choice.device,
                engine=choice.engine,
                checks=choice.checks,
                slow=choice.slow,
                at=lambda name: pipe.send(("at", name)),
            )
            pipe.send(("done", report))
    except (EOFError, BrokenPipeError):
        return
    except ZooError as error:
        with contextlib.suppress(OSError):
            pipe.send(("refused", str(error)))
