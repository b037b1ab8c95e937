"""The list of planted bugs, and the contract run on a spec with and without each."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
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
        "translation",
    ):
        importlib.import_module(f".{kind}", __package__)
    return MUTANTS


@cache
def sound(spec: str) -> dict[str, str]:
    """The checks that fail for a spec without any bug: none, if all is well."""
    long = {bug.by for bug in mutants() if bug.spec == spec and bug.slow}
    found = _failures(spec, frozenset(record.name for record in select()) - long)
    return found | _failures(spec, frozenset(long), slow=True) if long else found


@cache
def caught(bug: Mutant) -> dict[str, str]:
    """The checks that fail with a bug planted, and why; of the dear ones only the one that is there for it is run."""
    chosen = frozenset({bug.by}) if bug.slow else frozenset(record.name for record in select()) - DEAR | {bug.by}
    with pytest.MonkeyPatch.context() as patch:
        bug.plant(patch)
        return _failures(bug.spec, chosen, slow=bug.slow)


def _failures(spec: str, chosen: frozenset[str], *, slow: bool = False) -> dict[str, str]:
    with warnings.catch_warnings(), using(known()):
        warnings.simplefilter("ignore")
        subject = Subject(library.load(SPECS[spec]).spec, torch.device("cpu"), slow=slow)
        outcomes = [run(subject, record) for record in select() if record.name in chosen]
    return {outcome.check: outcome.reason for outcome in outcomes if outcome.status == "failed"}


def table() -> str:
    """Mutant -> checks that caught it."""
    bugs = mutants()
    width = max(len(bug.name) for bug in bugs)
    lines = [f"{bug.name:<{width}}  {bug.spec:<12}  {', '.join(caught(bug)) or 'NOT CAUGHT'}" for bug in bugs]
    found = sum(bool(caught(bug)) for bug in bugs)
    return "\n".join([*lines, f"{found} of {len(bugs)} planted bugs caught"])
