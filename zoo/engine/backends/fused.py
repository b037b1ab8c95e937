"""A cell's own kernel for the whole run, where it has one and nothing in the run needs to see single steps."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from zoo.engine import returned
from zoo.engine.cell import Cell, Context, States
from zoo.engine.precision import in_full, widened, with_wide_weights
from zoo.engine.tracing import is_tracing


def run(
    cell: Cell,
    x: Tensor,
    state: States,
    const: Any,
    ctx: Context,
    *,
    zoneout: float,
    all_states: bool,
    look: bool = False,
) -> tuple[Tensor, States] | None:
    """The output (B, T, ...) and the state after each sequence's last valid step, or None: run the loop."""
    if is_tracing():  # torch's compiler cannot run its recurrent kernels, and fuses the loop itself
        return None
    stepwise = ctx.reset is not None or zoneout or all_states or (ctx.recurrent_dropout and ctx.training)
    if stepwise or not cell.fusable:
        return None
    if ctx.half:  # in half precision a kernel would keep its states in it: a memory that is hardly written stands still
        with in_full(x.device.type):
            found = with_wide_weights(cell, lambda wide: wide.fused(widened(x), state, const, ctx))
    else:
        found = cell.fused(x, state, const, ctx)
    if look:
        returned.fused(cell, found, state)
    if found is None:
        return None
    y, after = found
    return y, {name: value.to(state[name].dtype) for name, value in after.items()}
