"""Run the contract on a model: every check that is installed, each on its own, none stopping the others."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import torch

from zoo.builder import engine_named
from zoo.checks.choice import Chosen, select
from zoo.checks.report import Outcome, Report
from zoo.checks.subject import Skip, Subject, as_device, default_device
from zoo.components import Part, resolve
from zoo.errors import CheckFailure, ZooError
from zoo.spec.canonical import Spec
from zoo.spec.traits import parts


def check(
    spec: Spec,
    *,
    device: str | torch.device | None = None,
    engine: str = "auto",
    checks: Sequence[str] | None = None,
    slow: bool = False,
) -> Report:
    """Hold one model to the contract. Arguments and result as `zoo.check`.

    Not for several threads of one process: it seeds torch, sets its number of threads and silences warnings meanwhile.
    """
    chosen = select(checks, slow=slow)
    engine_named(engine)  # a name that no model knows is the caller's mistake, not a model's
    where = default_device() if device is None else as_device(device)
    try:
        subject = Subject(spec, where, engine, slow=slow)
        subject.model()  # one that cannot be built is one finding, not one for every check
    except ZooError as error:
        return Report(spec.id, (Outcome("build", "failed", str(error)),))
    return Report(spec.id, tuple(run(subject, one) for one in chosen))


def run(subject: Subject, check: Chosen) -> Outcome:
    """One check on one model, with the deviations that its components declare taken into account."""
    status, reason, failing = _tried(subject, check)
    expected = [
        why
        for _, part in parts(subject.spec)
        if (failing is None or part == failing) and (why := part.record.deviations_of(part.options).get(check.name))
    ]
    if status == "crashed":  # which any mistake would do: no failure that somebody knows and has described
        return Outcome(check.name, "failed", reason)
    if not expected or status == "skipped":
        return Outcome(check.name, status, reason)
    why = "; ".join(dict.fromkeys(expected))
    if status == "failed":
        return Outcome(check.name, "expected failure", f"{why} ({reason})")
    return Outcome(check.name, "failed", f"passes, though a deviation is declared: {why}")


@contextmanager
def _one_thread() -> Iterator[None]:
    """Tiny models lose more by sharing work between threads than they gain: measured, two take three times as long."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _tried(
    subject: Subject, check: Chosen
) -> tuple[Literal["passed", "skipped", "failed", "crashed"], str, Part | None]:
    """What came of it and why; and which part alone is to blame for a failure, where that is known."""
    try:
        devices = [subject.device] if subject.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices), warnings.catch_warnings(), _one_thread():
            warnings.simplefilter("ignore")  # of kernels that torch chose: what comes of them is checked
            torch.manual_seed(0)
            resolve(check.record.run)(subject)
    except Skip as skip:
        return "skipped", str(skip), None
    except CheckFailure as failure:
        return "failed", str(failure), failure.part
    except Exception as error:  # a model that raises is a finding, whatever it raises
        text = str(error).strip().splitlines()
        known = isinstance(error, ZooError)  # it refuses, and says so
        return "failed" if known else "crashed", f"raised {type(error).__name__}: {text[0] if text else ''}", None
    return "passed", "", None
