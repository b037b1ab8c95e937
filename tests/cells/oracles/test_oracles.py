"""Every pair of the table: one cell of the zoo, and the same from somewhere else."""

from __future__ import annotations

import json
from importlib.metadata import version

import pytest
import torch
from borrowed import needed
from each import each

from oracles.copied import Oracle, copied, run
from oracles.table import OPTIONAL, ORACLES, REGISTRY, VERSIONS, WITHOUT, registered
from zoo.components import CellType
from zoo.plugin.manager import isolated

PACKAGES = list(dict.fromkeys(oracle.package for oracle in ORACLES))


@pytest.mark.parametrize("package", PACKAGES)
def test_a_cell_gives_what_its_oracle_gives(package: str) -> None:
    """A skip where a package is not one that the development extra brings; in the long run none may be missing."""
    if package in OPTIONAL:
        needed(package, VERSIONS[package])
    assert version(package).split("+")[0] == VERSIONS[package]
    each("oracle", [one for one in ORACLES if one.package == package], ids=lambda one: one.kind)(gives_the_same)()


def gives_the_same(oracle: Oracle) -> None:
    cell, given = copied(oracle)
    y, ours = run(cell, given, oracle)
    with torch.no_grad():
        z, theirs = oracle.theirs(given)
    assert y.shape == z.shape
    assert (y - z).abs().max() <= oracle.tolerance
    assert y.abs().max() > 0.05, "an output near zero tells nothing"
    assert set(theirs) == set(ours) - oracle.hides
    for name, state in theirs.items():
        assert state.shape == ours[name].shape, name
        assert (state - ours[name]).abs().max() <= oracle.tolerance, name

    """No weight was copied in vain: each moves ours away from theirs."""
    for name, value in cell.state_dict().items():
        if not value.is_floating_point() or name in oracle.unused:
            continue
        kept = value.clone()
        with torch.no_grad():
            value.add_(0.05 * torch.rand(value.shape, generator=torch.Generator().manual_seed(1), dtype=value.dtype))
        moved = run(cell, given, oracle)[0]
        assert (moved - z).abs().max() > 100 * oracle.tolerance, name
        with torch.no_grad():
            value.copy_(kept)


def test_the_registry_says_what_these_tests_run() -> None:
    assert json.loads(REGISTRY.read_text(encoding="utf-8")) == registered()


def test_every_built_in_cell_has_an_oracle_or_a_reason_for_having_none() -> None:
    names = {p.record.name for p in isolated().all("cell") if isinstance(p.record, CellType)}
    having = {oracle.kind for oracle in ORACLES}
    assert having | set(WITHOUT) == names
    assert not having & set(WITHOUT)


@each("package", [name for name in VERSIONS if name not in OPTIONAL])
def test_oracles_are_of_the_versions_that_the_registry_names(package: str) -> None:
    assert version(package).split("+")[0] == VERSIONS[package]
