"""Which checks of the contract are run: all, or those named. Imports no torch, as collecting tests needs this alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zoo.components import ArchitectureType, CheckType
from zoo.errors import ZooError, did_you_mean
from zoo.plugin.manager import catalogue
from zoo.spec.canonical import Spec


@dataclass(frozen=True, slots=True)
class Chosen:
    """A check to run.

    Attributes:
        name: Bare where that has one meaning, else `zoo-acme/shapes`, as everywhere.
    """

    name: str
    record: CheckType


def select(names: Sequence[str] | None = None, *, slow: bool = False) -> tuple[Chosen, ...]:
    """The checks to run: those named, or all, the slow ones only if asked for.

    Raises:
        ZooError: an unknown name, one that two plugins offer, or none at all.
    """
    known = catalogue()
    if names is None:
        found = [check for check in known.checks if slow or not check.record.slow]
    elif isinstance(names, str):
        raise ZooError(f"checks are given as a list of names, not as one text, {names!r:.60}")
    elif not names:
        raise ZooError("no check is named: leave the names out for all of them")
    else:
        for name in names:
            _refuse_unknown(name)
        found = [known.find_check(name) for name in dict.fromkeys(names)]
    return tuple(Chosen(known.spelling(check), check.record) for check in found)


def about(check: Chosen, spec: Spec) -> bool:
    """Whether a check says anything about the architecture of a model, of those that name theirs."""
    architecture = spec.architecture.record
    restated = architecture.checks if isinstance(architecture, ArchitectureType) else {}
    named = check.record.architectures
    return not named or architecture.name in named or check.record.name in restated


def _refuse_unknown(name: str) -> None:
    """As the catalogue does, but with every check's name where none is close: there are few."""
    known = catalogue()
    spelt = [known.spelling(check) for check in known.checks]
    rivals = {check.record.name for check in known.checks} | {check.qualified for check in known.checks}
    if name not in rivals and "/" not in name:
        hint = did_you_mean(name, spelt) or f"; checks: {', '.join(spelt)}"
        raise ZooError(f"unknown check {name!r}{hint}")
