"""A cell against its equations in plain NumPy, at any size: the check `reference` as an assertion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.components import CellType, resolve
from zoo.errors import CheckFailure, ZooError
from zoo.testing.sizes import CellLike, tiny_spec

if TYPE_CHECKING:
    from zoo.checks.reference import Reference


def assert_matches_reference(
    cell: CellLike,
    reference: Reference | None = None,
    *,
    input_size: int = 5,
    hidden_size: int = 6,
    steps: int = 9,
    batch: int = 3,
    seed: int = 0,
    engine: str = "auto",
    bound: float = 1e-10,
) -> None:
    """Assert that a cell gives what its equations give: random parameters and inputs, float64, every step of each row.

    Args:
        cell: as a spec writes it: `"acme"`, or `{"kind": "acme", "gain": 2.0}`.
        reference: `(x, parameters, options) -> y`, as `zoo.CellType.reference` has it; the declared one if not given.
        input_size, hidden_size: of the cell. steps, batch: of the input. seed: of parameters and input.
        engine: how the recurrence runs.
        bound: of the largest difference, relative to max(1, largest output).

    Raises:
        AssertionError: they differ; says by how much. ZooError: the cell declares no reference, or cannot be used.
    """
    __tracebackhide__ = True
    # The checks import torch, which collecting tests must not pay for.
    from zoo.checks.reference import compare
    from zoo.checks.subject import Subject, default_device

    spec = tiny_spec(cell, input=input_size, hidden_size=hidden_size)
    subject = Subject(spec, default_device(), engine, shrunk=False)
    (layer,) = subject.tiny.recurrent
    record = layer.cell.record
    assert isinstance(record, CellType)
    if reference is None and record.reference is None:
        raise ZooError(f"cell {record.name!r} declares no reference: give one, or write it into its record")
    try:
        compare(
            subject,
            layer,
            reference or resolve(record.reference or ""),
            rows=batch,
            steps=steps,
            seed=seed,
            bound=bound,
        )
    except CheckFailure as failure:
        raise AssertionError(str(failure)) from None
