"""One operator for all steps, so that a model can be exported with a free number of steps.

Everything known of torch's scan operator, a prototype, is in this file: it takes flat trees of tensors only, what it
carries must keep its layout, and nothing that a step gives may share memory with what it was given or with another
result. It runs and has first derivatives outside `torch.export` too, but cannot run under `torch.vmap`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch._higher_order_ops import scan as operator

from zoo.engine.backends import pieces
from zoo.engine.backends.pieces import Fixed
from zoo.engine.cell import Cell, Inputs, States
from zoo.errors import BuildError

Leaves = dict[str, Tensor]


def run(
    cell: Cell,
    u: Inputs,
    state: States,
    const: Any,
    *,
    valid: Tensor | None,
    reset: Tensor | None,
    start: States,
    zoneout: float,
    all_states: bool,
) -> tuple[Tensor, States, States | None]:
    """The output (B, T, ...), the state after each row's last valid step, and the states at all steps if asked for."""
    if zoneout and cell.training and torch.compiler.is_compiling():
        raise BuildError(
            "engine 'scan' cannot be exported or compiled in training mode with dropout.zoneout, which draws at each "
            "step: use model.eval(), or engine 'loop' with a fixed number of steps"
        )
    fixed = Fixed(const=const, start=start, zoneout=zoneout, all_states=all_states)
    several = isinstance(u, tuple)
    given: Leaves = {f"u.{i}": leaf for i, leaf in enumerate(u)} if isinstance(u, tuple) else {"u.0": u}
    steps = given["u.0"].shape[1]
    kept = pieces.kept_by_zoneout(cell, state, steps, zoneout)
    given |= {f"kept.{name}": mask for name, mask in kept.items()}
    if valid is not None:
        given["valid"] = valid
    if reset is not None:
        given["reset"] = reset

    def one(carried: Leaves, at: Leaves) -> tuple[Leaves, Leaves]:
        # A piece of one step: the loop itself, with the time axis put back.
        x = {name: leaf.unsqueeze(1) for name, leaf in at.items()}
        inputs = tuple(leaf for name, leaf in x.items() if name.startswith("u."))
        masks = {name.removeprefix("kept."): leaf for name, leaf in x.items() if name.startswith("kept.")}
        y, new, states = pieces.run(
            cell, inputs if several else inputs[0], dict(carried), x.get("valid"), x.get("reset"), masks, fixed
        )
        out = {"output": y.squeeze(1).clone()}
        for name, value in (states or {}).items():
            out[f"states.{name}"] = value.squeeze(1).clone()
        return {name: new[name].clone(memory_format=torch.contiguous_format) for name in carried}, out

    before = {name: value.clone(memory_format=torch.contiguous_format) for name, value in state.items()}
    after, out = operator(one, before, given, dim=1)
    states = {name: out[f"states.{name}"].clone() for name in state} if all_states else None
    return out["output"].clone(), {name: value.clone() for name, value in after.items()}, states
