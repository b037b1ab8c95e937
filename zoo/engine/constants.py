"""What cells derive from their parameters, kept over many calls where the caller says that the parameters stay.

A matrix exponential takes hundreds of times as long as the step that uses it. But nothing tells for certain that a
parameter was not written to: `.data`, fused optimisers and other processes leave no trace. So nothing is kept unasked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from zoo.engine.cell import Cell, Context
from zoo.engine.precision import in_full, widened, with_wide_weights
from zoo.engine.tracing import watched


def constants(cell: Cell, ctx: Context) -> Any:
    """The cell's constants for this run; in `keeping`, outside training and without gradients, those of the first."""
    if cell.kept is None or cell.training or torch.is_grad_enabled() or watched():
        return _derived(cell, ctx)
    kind = ctx.device.type
    casts = torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)
    precision = torch.get_autocast_dtype(kind) if casts else ctx.dtype
    if precision not in cell.kept:
        cell.kept[precision] = _derived(cell, ctx)
    return cell.kept[precision]


def _derived(cell: Cell, ctx: Context) -> Any:
    """Asked of the cell, in at least float32: it meets the states."""
    if not ctx.half:
        return cell.constants(ctx)
    with in_full(ctx.device.type):
        return widened(with_wide_weights(cell, lambda wide: wide.constants(ctx)))


@contextmanager
def keeping(cells: Iterable[Cell]) -> Iterator[None]:
    """Inside, the parameters of these cells stay as they are: what was derived from them is kept until the end."""
    before = [(cell, cell.kept) for cell in cells]
    for cell, _ in before:
        cell.kept = {}
    try:
        yield
    finally:
        for cell, kept in before:
            cell.kept = kept
