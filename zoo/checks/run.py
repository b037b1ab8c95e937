"""Run the contract on a model: every check that is installed, each on its own, none stopping the others.

A model that cannot be built, or cannot run forward, is one finding: the checks would say the same once each.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Literal

import torch

from zoo.checks.choice import Chosen, about, select
from zoo.checks.findings import said, shown
from zoo.checks.report import Outcome, Report
from zoo.checks.subject import Skip, Subject, as_device, default_device
from zoo.components import ArchitectureType, Part, resolve
from zoo.errors import CheckFailure, DeclarationError, ZooError
from zoo.model.engines import engine_named
from zoo.spec.canonical import Spec
from zoo.spec.tree import parts


def check(
    spec: Spec,
    *,
    device: str | torch.device | None = None,
    engine: str = "auto",
    checks: Sequence[str] | None = None,
    slow: bool = False,
    at: Callable[[str], None] | None = None,
) -> Report:
    """Run the conformance checks on one model. Arguments and result are those of `zoo.check`.

    Not for several threads of one process: it seeds torch, sets its number of threads and silences warnings meanwhile.
    Before each check runs, `at` is told its name.
    """
    chosen = tuple(one for one in select(checks, slow=slow) if checks is not None or about(one, spec))
    engine_named(engine)  # a name that no model knows is the caller's mistake, not a model's
    where = default_device() if device is None else as_device(device)
    found = subject_of(spec, where, engine, slow=slow)
    if isinstance(found, Outcome):
        return Report(spec.id, (found, *(not_run(one) for one in chosen)))
    outcomes = []
    for one in chosen:
        if at is not None:
            at(one.name)
        outcomes.append(run(found, one))
    return Report(spec.id, tuple(outcomes))


def subject_of(spec: Spec, device: torch.device, engine: str = "auto", *, slow: bool = False) -> Subject | Outcome:
    """The model under test, or why there is none: what cannot be built or run forward fails every check alike."""
    step = "build"
    try:
        with _apart(device):
            subject = Subject(spec, device, engine, slow=slow)
            subject.probe()
            step = "forward"
            subject.probe_forward()
    except ZooError as error:
        return Outcome(step, "failed", str(error), traceback=shown(error))
    except (Exception, SystemExit) as error:
        return Outcome(step, "failed", said(error), traceback=shown(error))
    return subject


def not_run(check: Chosen) -> Outcome:
    """The outcome of a check on a model that there is none of."""
    return Outcome(check.name, "not run", "the model cannot be built or run")


def run(subject: Subject, check: Chosen) -> Outcome:
    """One check on one model, with the deviations that its components declare taken into account."""
    why = _skipped(subject, check)
    if why is not None:
        return Outcome(check.name, "skipped", why)
    start = time.perf_counter()
    found, crashed, failing = _tried(subject, check)
    found = replace(found, seconds=time.perf_counter() - start)
    if crashed:  # which any mistake would do: no failure that somebody knows and has described
        return found
    try:
        expected = [
            why
            for _, part in parts(subject.spec)
            if (failing is None or part == failing) and (why := part.record.deviations_of(part.options).get(check.name))
        ]
    except ZooError as error:
        return replace(found, status="failed", reason=str(error), traceback=shown(error))
    if not expected or found.status == "skipped":
        return found
    why = "; ".join(dict.fromkeys(expected))
    if found.status == "failed":
        return replace(found, status="expected failure", reason=f"{why} ({found.reason})")
    return replace(found, status="failed", reason=f"passes, though a deviation is declared: {why}")


def _skipped(subject: Subject, check: Chosen) -> str | None:
    """Why a check says nothing about the architecture of a model; None where it does."""
    architecture = subject.spec.architecture.record
    if not about(check, subject.spec):
        return f"the check is about {' and '.join(check.record.architectures)}"
    if not subject.several or not isinstance(architecture, ArchitectureType):
        return None
    if check.record.name in architecture.skips:
        return architecture.skips[check.record.name]
    if not check.record.several and check.record.name not in architecture.checks:
        return f"the check is for models of one stack, and architecture {architecture.name!r} has several"
    return None


def _runs(subject: Subject, check: Chosen) -> str:
    """What runs: the check's own function, or the one by which the architecture restates it."""
    architecture = subject.spec.architecture.record
    restated = architecture.checks if isinstance(architecture, ArchitectureType) else {}
    return restated.get(check.record.name, check.record.run)


@contextmanager
def _apart(device: torch.device) -> Iterator[None]:
    """Leave the global random state, the warnings and the threads of this process as they are."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), warnings.catch_warnings(), _one_thread():
        warnings.simplefilter("ignore")  # of kernels that torch chose: what comes of them is checked
        torch.manual_seed(0)
        yield


@contextmanager
def _one_thread() -> Iterator[None]:
    """Tiny models lose more by sharing work between threads than they gain: measured, two take three times as long."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _tried(subject: Subject, check: Chosen) -> tuple[Outcome, bool, Part | None]:
    """What came of it; whether it crashed; and which part alone is to blame for a failure, where that is known."""
    status: Literal["skipped", "failed"] = "failed"
    crashed, part = False, None
    try:
        with _apart(subject.device):
            detail = resolve(_runs(subject, check))(subject)
        return Outcome(check.name, "passed", detail=detail if isinstance(detail, str) else ""), False, None
    except Skip as skip:
        status, reason, trace = "skipped", str(skip), ""
    except CheckFailure as failure:
        reason, part, trace = str(failure), failure.part, shown(failure)
    except (Exception, SystemExit) as error:  # a model that raises is a finding, whatever it raises
        crashed = not isinstance(error, ZooError) or isinstance(error, DeclarationError)  # others refuse, and say so
        reason, trace = said(error), shown(error)
    return Outcome(check.name, status, reason, traceback=trace), crashed, part
