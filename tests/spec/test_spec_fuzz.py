"""Thousands of random specs: each is read, described, built and run, or refused in a line, in time, without a traceback."""

from __future__ import annotations

import warnings
from collections import Counter

import pytest
import torch
from fuzzing import fuzzed
from sweeping import MOST_SECONDS, attempt, plain, warm

from zoo.errors import ZooError
from zoo.model.build import build
from zoo.plugin.manager import isolated
from zoo.spec import library

KNOWN = isolated()
QUICK, LONG = 100, 5000


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    warm(KNOWN)


def fate(seed: int) -> str:
    """What became of one: `refused` as it was read, `unbuildable`, or `runs`."""
    keys = fuzzed(seed)
    for action in ("validate", "figures", "build", "tiny"):
        try:
            outcome = attempt(action, keys, KNOWN)
        except Exception as error:
            raise AssertionError(f"spec {seed}, {action}: {type(error).__name__}: {error}\n{keys}") from error
        assert outcome.seconds < MOST_SECONDS, (seed, action, outcome, keys)
        assert not outcome.said or all(map(plain, outcome.said.split("; "))), (seed, action, outcome, keys)
        if outcome.said:
            return "refused" if action == "validate" else "unbuildable"
    return _run(seed)


def _run(seed: int) -> str:
    said = None
    try:
        model = build(library.load(fuzzed(seed), KNOWN).spec, seed=0).eval()
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model(**model.example_arguments(2, max(7, model.minimum_steps)))
    except ZooError as error:
        said = str(error)
    except Exception as error:
        raise AssertionError(f"spec {seed}, run: {type(error).__name__}: {error}\n{fuzzed(seed)}") from error
    assert said is None or plain(said), (seed, said)
    return "runs" if said is None else "unbuildable"


def test_random_specs() -> None:
    found = Counter(fate(seed) for seed in range(QUICK))
    assert found["refused"] >= QUICK // 4
    assert found["runs"] >= QUICK // 20


@pytest.mark.long
@pytest.mark.parametrize("start", range(0, LONG, 250))
def test_many_random_specs(start: int) -> None:
    assert Counter(fate(seed) for seed in range(start, start + 250))["runs"] >= 10
