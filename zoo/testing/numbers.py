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
    device: str | None = None,
    bound: float | None = None,
) -> None:
    """Assert that a cell computes what its equations say: random parameters and inputs, float64, every step.

    Args:
        cell: As a spec writes it: `"acme"`, or `{"kind": "acme", "gain": 2.0}`.
        reference: `(x, parameters, options) -> y`, as `zoo.CellType.reference` has it. Defaults to the declared one.
        input_size: Features of the input.
        hidden_size: Units of the cell.
        steps: Number of time steps.
        batch: Number of sequences.
        seed: Of parameters and input.
        engine: How the recurrence runs.
        device: Where to run. pytest's `--zoo-device` comes first. Defaults to `ZOO_DEVICE`, else to the device
            available.
        bound: Of the largest difference, relative to max(1, largest output). Defaults to 1e-10 in float64, and to 1e-5
            on a device that has no float64.

    Raises:
        AssertionError: If they differ. It says by how much.
        ZooError: If the cell declares no reference, or an argument cannot be used.

    Example:
        >>> zoo.testing.assert_matches_reference("gru", device="cpu")
    """
    __tracebackhide__ = True
    # The checks import torch, which collecting tests must not pay for.
    from zoo.checks.reference import compare
    from zoo.checks.subject import Subject
    from zoo.testing.place import place

    for name, size in {"input_size": input_size, "hidden_size": hidden_size, "steps": steps, "batch": batch}.items():
        if type(size) is not int or size < 1:
            raise ZooError(f"{name} must be a whole number from 1, not {size!r:.60}")
    if not (reference is None or callable(reference)):
        raise ZooError(f"a reference is a function of x, parameters and options, not {reference!r:.60}")
    spec = tiny_spec(cell, input=input_size, hidden_size=hidden_size)
    subject = Subject(spec, place(device), engine, shrunk=False)
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
            size=batch,
            steps=steps,
            seed=seed,
            bound=bound,
        )
    except CheckFailure as failure:
        raise AssertionError(str(failure)) from None
