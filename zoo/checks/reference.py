"""The cell's numbers are those of its equations, which another hand has written down in plain NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from zoo.checks import features
from zoo.checks.batch import beside, uses_of
from zoo.checks.subject import Skip, Subject, close
from zoo.components import CellType, resolve
from zoo.engine.layer import RecurrentLayer, Run
from zoo.spec.canonical import Recurrent

Array = NDArray[np.float64]
Reference = Callable[..., Array]
"""`(x, parameters, options) -> y`, as `zoo.CellType` has it."""

ROWS, STEPS = 3, 9


def reference(subject: Subject) -> None:
    """Each cell whose record declares a reference gives what that gives."""
    silent = []
    for layer in features.cells(subject.tiny):
        record = layer.cell.record
        declared = record.reference if isinstance(record, CellType) else None
        if declared is None:
            silent.append(record.name)
        else:
            compare(subject, layer, resolve(declared))
    if silent and len(silent) == len(list(features.cells(subject.tiny))):
        raise Skip(f"no reference is declared for {' and '.join(dict.fromkeys(f'cell {name}' for name in silent))}")
    if not subject.tiny.recurrent:
        raise Skip("the spec has no recurrent layer")


def compare(
    subject: Subject,
    layer: Recurrent,
    expected: Reference,
    *,
    rows: int = ROWS,
    steps: int = STEPS,
    seed: int = 0,
    bound: float | None = None,
) -> None:
    """Run the cell of one layer of the tiny spec by itself, forwards from its start state, beside a reference.

    Raises:
        CheckFailure: they differ by more than the bound, by default that of the dtype.
    """
    built = next(
        made
        for made, spec in zip(subject.model(seed=seed).layers, subject.tiny.layers, strict=True)
        if spec is layer and isinstance(made, RecurrentLayer)
    )
    alone = RecurrentLayer(built.cell).eval()
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, steps, *built.cell.input_shape, generator=generator, dtype=torch.float64)
    batch = beside(x.to(subject.device, subject.exact), uses_of(layer), seed=seed, dtype=subject.exact)
    run = Run(engine=subject.engine, **batch.extras)  # type: ignore[arg-type]  # the names are dt and observed
    start = alone.init_state(rows, device=subject.device, dtype=subject.exact)
    seen = batch.x if run.observed is None else torch.where(run.observed, batch.x, torch.zeros_like(batch.x))
    with torch.no_grad():
        output = alone(seen, start, run).output
    label = f"cell {layer.cell.record.name} against its reference"
    for row in range(rows):
        given = {name: numbers(tensor[row]) for name, tensor in batch.extras.items()}
        held = {name: numbers(tensor) for name, tensor in built.cell.state_dict().items() if torch.is_tensor(tensor)}
        y = np.asarray(expected(numbers(seen[row]), held, layer.cell.options, **given), dtype=np.float64)
        close(output[row], torch.from_numpy(y).to(output), label, bound=bound)


def numbers(tensor: torch.Tensor) -> NDArray[Any]:
    """A copy of a tensor as NumPy has it, real numbers in float64."""
    bare = tensor.detach().cpu()
    if bare.is_complex():
        return np.array(bare.to(torch.complex128).numpy())
    return np.array((bare.double() if bare.is_floating_point() else bare).numpy())
