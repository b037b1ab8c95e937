"""The list of planted bugs, and the contract run on a spec with and without each."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pytest
import torch

from zoo.checks.choice import select
from zoo.checks.run import run
from zoo.checks.subject import Subject
from zoo.plugin.manager import using
from zoo.spec import library

from .patching import Patch
from .specs import SPECS, known

Plant = Callable[[Patch], None]

DEAR: Final = frozenset({"engines", "gradcheck", "options", "round_trip", "summary"})
"""Checks that take most of the contract's time: they run only where a bug is for them to catch."""


@dataclass(frozen=True)
class Mutant:
    """A planted bug. spec: which of SPECS shows it. by: a check that must catch it. slow: in its long form, and alone."""

    name: str
    spec: str
    by: str
    plant: Plant
    slow: bool = False


MUTANTS: Final[list[Mutant]] = []


def mutant(spec: str, by: str, *, slow: bool = False) -> Callable[[Plant], Plant]:
    """Add a function that plants a bug to the list."""

    def add(plant: Plant) -> Plant:
        MUTANTS.append(Mutant(plant.__name__.replace("_", " "), spec, by, plant, slow))
        return plant

    return add


def mutants() -> list[Mutant]:
    """All of them, in the order of the modules that plant them."""
    for kind in (
        "cells",
        "equations",
        "promises",
        "states",
        "rows",
        "drops",
        "keeping",
        "runs",
        "windows",
        "paths",
        "heads",
        "inputs",
        "folded",
        "steps",
        "named",
        "hops",
        "translation",
        "transduced",
        "sides",
        "shared",
        "writing",
    ):
        importlib.import_module(f".{kind}", __package__)
    return MUTANTS


def sound(spec: str, *, everything: bool = False) -> dict[str, str]:
    """The checks that fail for a spec without any bug: none, if all is well.

    Those that are there for its bugs, or with `everything` all of the contract's.
    """
    bugs = [bug for bug in mutants() if bug.spec == spec]
    long = frozenset(bug.by for bug in bugs if bug.slow)
    quick = frozenset(record.name for record in select()) if everything else frozenset(bug.by for bug in bugs)
    found = _failures(spec, quick - long)
    return found | _failures(spec, long, slow=True) if long else found


def caught(bug: Mutant) -> str | None:
    """What the check that is there for a bug says of it; None where it lets it through."""
    return _planted(bug, frozenset({bug.by})).get(bug.by)


def also(bug: Mutant) -> dict[str, str]:
    """All checks that fail with a bug planted, and why; of the dear ones only the one that is there for it is run."""
    every = frozenset({bug.by}) if bug.slow else frozenset(record.name for record in select()) - DEAR | {bug.by}
    return _planted(bug, every)


def _planted(bug: Mutant, chosen: frozenset[str]) -> dict[str, str]:
    with pytest.MonkeyPatch.context() as patch:
        bug.plant(patch)
        return _failures(bug.spec, chosen, slow=bug.slow)


def _failures(spec: str, chosen: frozenset[str], *, slow: bool = False) -> dict[str, str]:
    with warnings.catch_warnings(), using(known()):
        warnings.simplefilter("ignore")
        subject = Subject(library.load(SPECS[spec]).spec, torch.device("cpu"), slow=slow)
        outcomes = [run(subject, record) for record in select(slow=slow) if record.name in chosen]
    return {outcome.check: outcome.reason for outcome in outcomes if outcome.status == "failed"}


def table() -> str:
    """Mutant -> checks that caught it."""
    bugs = mutants()
    width = max(len(bug.name) for bug in bugs)
    lines = [f"{bug.name:<{width}}  {bug.spec:<12}  {', '.join(also(bug)) or 'NOT CAUGHT'}" for bug in bugs]
    missed = sum(line.endswith("NOT CAUGHT") for line in lines)
    return "\n".join([*lines, f"{len(bugs) - missed} of {len(bugs)} planted bugs caught"])
