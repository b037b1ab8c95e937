"""Half precision over a thousand steps, for what stands around a cell and for every option: what is promised holds."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import torch
import yaml
from each import each

import zoo
from zoo.checks import variations
from zoo.checks.precision import BOUND, drift
from zoo.plugin.manager import catalogue
from zoo.spec.canonical import Spec
from zoo.spec.describe import describe
from zoo.spec.traits import traits

CELLS: Final = sorted((Path(__file__).parents[2] / "specs" / "cells").glob("*.yaml"))
WIDTH: Final = 16
"""Features in and units of what is run, where the cell has both as it likes."""
LARGEST: Final = 400_000, 40
"""Multiply-adds and dependent products of a step: beyond them a value is tried by the contract's checks alone."""
STANDS: Final = ("cell", "hidden_size", "norm", "output_projection", "residual", "bidirectional")
"""What a spec says of one layer."""


def layouts() -> Iterator[tuple[str, dict[str, Any]]]:
    """What can stand around a cell, by itself and, where errors add up, together."""
    for kind in catalogue().names("norm"):
        for position in ("before", "after"):
            yield f"{kind} {position}", {"norm": {"kind": kind, "position": position}}
    before, after = ({"norm": {"kind": "layer", "position": position}} for position in ("before", "after"))
    yield "two layers", {"layers": 2}
    yield "two layers, norm before", {"layers": 2, **before}
    yield "two layers, residual", {"layers": 2, "residual": True}
    yield "two layers, residual, norm before", {"layers": 2, "residual": True, **before}
    yield "two layers, residual, norm after", {"layers": 2, "residual": True, **after}
    yield "projection", {"output_projection": 8}
    yield "projection, norm after", {"output_projection": 8, **after}
    yield "both directions", {"bidirectional": True}
    yield "both directions, norm after", {"bidirectional": True, **after}


def small(path: Path) -> dict[str, Any]:
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    raw.pop("expect", None)
    return {**raw, "input": WIDTH, "hidden_size": WIDTH} if isinstance(raw["input"], int) else raw


def around(raw: dict[str, Any], *, layers: int = 1, **keys: Any) -> Spec | None:
    """The spec with more around its cell, or None where it cannot have that, as maps no norm."""
    both = {**raw, **keys}
    layer = {name: both.pop(name) for name in STANDS if name in both}
    try:
        return zoo.load({**both, "layers": [layer] * layers})
    except zoo.SpecError:
        return None


def tried(raw: dict[str, Any]) -> Iterator[tuple[str, Spec]]:
    """The options of the cell at the values that the contract's checks try."""
    for option in variations.options(zoo.load(raw), lambda place: False):
        if option.place.startswith("layers.0.cell."):
            for one in option.tries():
                if variations.fits(one.changed):
                    yield f"{option.place.removeprefix('layers.0.cell.')} = {one.value!r}", one.changed


def broken(label: str, spec: Spec) -> Iterator[str]:
    """Which form of half precision breaks the promise, if the spec gives it."""
    size = describe(spec)
    if not traits(spec).low_precision or (size.macs_per_step or 0) > LARGEST[0]:
        return
    if (size.sequential_depth or 0) > LARGEST[1]:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error", zoo.PrecisionWarning)
        for form, error in drift(spec, torch.device("cpu")).items():
            if not error <= BOUND:
                yield f"{label}: {form} {error:.2%}"


@pytest.mark.long
@pytest.mark.parametrize("path", CELLS, ids=lambda path: path.stem)
def test_whatever_stands_around_a_cell(path: Path) -> None:
    raw = small(path)
    specs = [(label, around(raw, **keys)) for label, keys in layouts()]
    known = [(label, spec) for label, spec in specs if spec is not None]
    assert len(known) >= 3, "what is refused is not measured"
    assert [line for label, spec in known for line in broken(label, spec)] == []


@pytest.mark.long
@pytest.mark.parametrize("path", CELLS, ids=lambda path: path.stem)
def test_every_option_at_other_values(path: Path) -> None:
    assert [line for label, spec in tried(small(path)) for line in broken(label, spec)] == []


@each(
    ("cell", "keys"),
    [
        ("dsgu", {"norm": {"kind": "layer", "position": "after"}}),
        ("fastrnn", {"norm": {"kind": "layer", "position": "after"}}),
        ("br", {"layers": 2}),
        ("nbr", {"layers": 2}),
        ("br", {"layers": 2, "norm": {"kind": "layer", "position": "before"}}),
        ("gated-deltanet", {"layers": 2, "norm": {"kind": "layer", "position": "before"}}),
        ("gla", {"layers": 2}),
        ("rwkv7", {"norm": {"kind": "rms", "position": "after"}}),
    ],
    ids=str,
)
def test_what_was_off(cell: str, keys: dict[str, Any]) -> None:
    """By 15, 3.4, 4.5, 6.7, 7.9, 32, 13 and 9 per cent, where numbers between cell, norm and layer were rounded, or
    products that a norm makes much of."""
    path = next(path for path in CELLS if path.stem == cell)
    spec = around(small(path), **keys)
    assert spec is not None
    assert list(broken(cell, spec)) == []
