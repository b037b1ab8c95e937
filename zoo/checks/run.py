"""Run the contract on a model: every check that is installed, each on its own, none stopping the others."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from zoo.builder import engine_named
from zoo.checks.report import Outcome, Report
from zoo.checks.subject import Skip, Subject, as_device, default_device
from zoo.components import CheckType, resolve
from zoo.errors import CheckFailure, ZooError
from zoo.plugin.manager import catalogue
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
    """Hold one model to the contract. Arguments and result as `zoo.check`."""
    chosen = select(checks, slow=slow)
    engine_named(engine)  # a name that no model knows is the caller's mistake, not a model's
    where = default_device() if device is None else as_device(device)
    try:
        subject = Subject(spec, where, engine)
        subject.model()  # one that cannot be built is one finding, not one for every check
    except ZooError as error:
        return Report(spec.id, (Outcome("build", "failed", str(error)),))
    return Report(spec.id, tuple(run(subject, one) for one in chosen))


def select(names: Sequence[str] | None = None, *, slow: bool = False) -> tuple[CheckType, ...]:
    """The checks to run: those named, or all, the slow ones only if asked for. Raises ZooError for an unknown name."""
    known = {provided.record.name: provided.record for provided in catalogue().checks}
    if not names:
        return tuple(record for record in known.values() if slow or not record.slow)
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"checks: {', '.join(known)}"
            raise ZooError(f"unknown check {name!r}; {hint}")
    return tuple(known[name] for name in dict.fromkeys(names))


def run(subject: Subject, record: CheckType) -> Outcome:
    """One check on one model, with the deviations that its components declare taken into account."""
    outcome = _outcome(subject, record)
    expected = [
        why for _, part in parts(subject.spec) if (why := part.record.deviations_of(part.options).get(record.name))
    ]
    if not expected or outcome.status == "skipped":
        return outcome
    if outcome.status == "failed":
        return Outcome(record.name, "expected failure", expected[0])
    return Outcome(record.name, "failed", f"passes, though a deviation is declared: {expected[0]}")


@contextmanager
def _one_thread() -> Iterator[None]:
    """Tiny models lose more by sharing work between threads than they gain: measured, two take three times as long."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _outcome(subject: Subject, record: CheckType) -> Outcome:
    try:
        devices = [subject.device] if subject.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices), warnings.catch_warnings(), _one_thread():
            warnings.simplefilter("ignore")  # of kernels that torch chose: what comes of them is checked
            torch.manual_seed(0)
            resolve(record.run)(subject)
    except Skip as skip:
        return Outcome(record.name, "skipped", str(skip))
    except CheckFailure as failure:
        return Outcome(record.name, "failed", str(failure))
    except Exception as error:  # a model that raises is a finding, whatever it raises
        text = str(error).strip().splitlines()
        return Outcome(record.name, "failed", f"raised {type(error).__name__}: {text[0] if text else ''}")
    return Outcome(record.name, "passed")
