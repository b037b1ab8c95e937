"""The contract as pytest tests: one for each check on each spec and each of its variants."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

from zoo.checks.choice import Chosen
from zoo.errors import ZooError, clean
from zoo.spec import library
from zoo.spec.canonical import Spec
from zoo.testing import asked
from zoo.testing.sizes import SpecLike

if TYPE_CHECKING:
    from zoo.checks.report import Outcome
    from zoo.checks.subject import Subject


def parametrize_with_checks(
    specs: Iterable[SpecLike],
    *,
    checks: Sequence[str] | None = None,
    slow: bool = False,
    device: str | None = None,
) -> Callable[[Callable[..., Any]], Any]:
    """Decorate a test that takes `check` and calls it: it then runs once for each check on each model.

    pytest's options come first: `--zoo-check` replaces `checks` and `slow`, `--zoo-device` replaces `device`.
    A check that does not apply is a skip with the declaration that says so; one that fails, a failure whose text is
    the spec, the check, the figure and the bound. A model that no check applies to fails `NAME-applies`, unless
    `--zoo-check` chose the checks.

    Args:
        specs: Names, paths, mappings or loaded specs. A name or a path stands for its variants too; `name@variant`,
            for that one alone.
        checks: Names of the checks. Defaults to all that are installed.
        slow: Whether to run the slow checks too.
        device: Where to run. Defaults to `ZOO_DEVICE`, else to the device available.

    Returns:
        The decorator.

    Raises:
        SpecError: If a spec is wrong, while tests are collected.
        ZooError: If a spec or a check cannot be used, while tests are collected.

    Example:
        >>> @zoo.testing.parametrize_with_checks(["lstm", "gru"], checks=["causality"])
        ... def test_models(check):
        ...     check()
    """
    from zoo.checks.choice import about, select

    if isinstance(specs, str | Mapping):
        raise ZooError(f"specs are given as a list, not as one: write [{specs!r:.60}]")
    named = asked.current.checks
    chosen = select(named or checks, slow=slow)
    models = [_Model(spec, device, slow) for reference in specs for spec in _models(reference)]
    parameters = []
    for model in models:
        own = [check for check in chosen if named or checks or about(check, model.spec)]
        for check in own:
            parameters.append(pytest.param(Check(model, check), id=f"{model.spec.id}-{check.name}"))
        if not named:
            parameters.append(pytest.param(Applies(model, tuple(own)), id=f"{model.spec.id}-applies"))
    return pytest.mark.parametrize("check", parameters)


@dataclass(frozen=True)
class _Model:
    """One model, made ready for its checks when the first of them runs."""

    spec: Spec
    device: str | None
    slow: bool = False

    told: list[None] = field(default_factory=list, compare=False, repr=False)

    @cached_property
    def subject(self) -> Subject | Outcome:
        """The model under test, or why there is none."""
        from zoo.checks.run import subject_of
        from zoo.testing.place import place

        return subject_of(self.spec, place(self.device), slow=self.slow)

    def outcome(self, check: Chosen) -> Outcome:
        """What came of a check. Where there is no model, the first check says so, and the others are not run."""
        from zoo.checks.report import Outcome
        from zoo.checks.run import not_run, run

        subject = self.subject
        if not isinstance(subject, Outcome):
            return run(subject, check)
        self.told.append(None)
        return subject if len(self.told) == 1 else not_run(check)


@dataclass(frozen=True)
class Check:
    """One check on one model. Called, it passes, skips, or fails the test that called it.

    Attributes:
        model: The model.
        check: The check.
        calls: What came of it, for each time that it was called.
    """

    model: _Model
    check: Chosen
    calls: list[Outcome] = field(default_factory=list, compare=False, repr=False)

    @property
    def name(self) -> str:
        """The model and the check."""
        return f"{self.model.spec.id} {self.check.name}"

    def __call__(self) -> None:
        __tracebackhide__ = True
        outcome = self.model.outcome(self.check)
        self.calls.append(outcome)
        # pytest prints it as it is, and what code raised may hold anything.
        text = clean(f"{self.model.spec.id}: {outcome.check}: {outcome.reason}")
        if outcome.status == "failed":
            # A figure says it all; where code raised, its author wants to see where.
            crash = outcome.reason.startswith("raised ") or outcome.check != self.check.name
            trace = clean(outcome.traceback) if crash else ""
            pytest.fail(f"{text}\n\n{trace}" if trace else text, pytrace=False)
        if outcome.status in ("skipped", "not run"):
            pytest.skip(text)
        if outcome.status == "expected failure":
            pytest.xfail(text)


@dataclass(frozen=True)
class Applies:
    """That at least one of the checks applies to a model: one that nothing was tried on has not been tested."""

    model: _Model
    checks: tuple[Chosen, ...]
    calls: list[None] = field(default_factory=list, compare=False, repr=False)

    @property
    def name(self) -> str:
        return f"{self.model.spec.id} applies"

    def __call__(self) -> None:
        __tracebackhide__ = True
        self.calls.append(None)
        # The first of them nearly always does, so this costs one check.
        found = (self.model.outcome(check) for check in self.checks)
        first = next((outcome for outcome in found if outcome.status != "skipped"), None)
        if first is not None and first.status == "not run":
            pytest.skip(clean(f"{self.model.spec.id}: not run: {first.reason}"))
        if first is None:
            names = ", ".join(check.name for check in self.checks)
            pytest.fail(f"{self.model.spec.id}: no check applies to it (of {names})", pytrace=False)


def _models(reference: SpecLike) -> list[Spec]:
    if isinstance(reference, Spec):
        return [reference]
    return [resolved.spec for resolved in library.models(reference)]
