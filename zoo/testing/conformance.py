"""The contract as pytest tests: one for each check on each spec and each of its variants."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

from zoo.checks.choice import Chosen
from zoo.errors import ZooError
from zoo.spec import library
from zoo.spec.canonical import Spec
from zoo.testing import asked
from zoo.testing.sizes import SpecLike

if TYPE_CHECKING:
    from zoo.checks.subject import Subject


def parametrize_with_checks(
    specs: Iterable[SpecLike],
    *,
    checks: Sequence[str] | None = None,
    slow: bool = False,
    device: str | None = None,
) -> Callable[[Callable[..., Any]], Any]:
    """Decorate a test that takes `check` and calls it: it then runs once for each check on each model.

    Args:
        specs: names, paths, mappings or loaded specs. A name or a path stands for its variants too; `name@variant`,
            for that one alone.
        checks: names of the checks; all that are installed if not given.
        slow: the slow checks too.
        device: where to run; `ZOO_DEVICE`, or the one available, if not given.

    pytest's options come first: `--zoo-check` replaces `checks` and `slow`, `--zoo-device` replaces `device`.
    A check that does not apply is a skip with the declaration that says so; one that fails, a failure whose text is
    the spec, the check, the figure and the bound. A model that no check applies to fails `NAME-applies`, unless
    `--zoo-check` chose the checks.

    Raises:
        SpecError, ZooError: while tests are collected, for a spec or a check that cannot be used.
    """
    from zoo.checks.choice import select

    if isinstance(specs, str | Mapping):
        raise ZooError(f"specs are given as a list, not as one: write [{specs!r:.60}]")
    named = asked.current.checks
    chosen = select(named or checks, slow=slow)
    models = [_Model(spec, device, slow) for reference in specs for spec in _models(reference)]
    parameters = []
    for model in models:
        for check in chosen:
            parameters.append(pytest.param(Check(model, check), id=f"{model.spec.id}-{check.name}"))
        if not named:
            parameters.append(pytest.param(Applies(model, chosen), id=f"{model.spec.id}-applies"))
    return pytest.mark.parametrize("check", parameters)


@dataclass(frozen=True)
class _Model:
    """One model, made ready for its checks when the first of them runs."""

    spec: Spec
    device: str | None
    slow: bool = False

    @cached_property
    def subject(self) -> Subject:
        from zoo.checks.subject import Subject
        from zoo.testing.place import place

        return Subject(self.spec, place(self.device), slow=self.slow)


@dataclass(frozen=True)
class Check:
    """One check on one model. Called, it passes, skips, or fails the test that called it."""

    model: _Model
    check: Chosen
    calls: list[None] = field(default_factory=list, compare=False, repr=False)

    @property
    def name(self) -> str:
        return f"{self.model.spec.id} {self.check.name}"

    def __call__(self) -> None:
        __tracebackhide__ = True
        from zoo.checks.run import run

        self.calls.append(None)
        outcome = run(self.model.subject, self.check)
        text = f"{self.model.spec.id}: {outcome.check}: {outcome.reason}"
        if outcome.status == "failed":
            pytest.fail(text, pytrace=False)
        if outcome.status == "skipped":
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
        from zoo.checks.run import run

        self.calls.append(None)
        # The first of them nearly always does, so this costs one check.
        if all(run(self.model.subject, check).status == "skipped" for check in self.checks):
            names = ", ".join(check.name for check in self.checks)
            pytest.fail(f"{self.model.spec.id}: no check applies to it (of {names})", pytrace=False)


def _models(reference: SpecLike) -> list[Spec]:
    if isinstance(reference, Spec):
        return [reference]
    return [resolved.spec for resolved in library.models(reference)]
