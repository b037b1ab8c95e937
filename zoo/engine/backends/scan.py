"""One operator for all steps, so that a model can be exported with a free number of steps.

Everything known of torch's scan operator, a prototype, is in this file: it takes flat trees of tensors only, what it
carries must keep its layout, nothing that a step gives may share memory with what it was given or with another result,
and it has no derivative for complex numbers. It runs outside `torch.export` too.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch._higher_order_ops import scan as operator
from torch.utils import _pytree as pytree

from zoo.engine import returned
from zoo.engine.backends import loop, pieces
from zoo.engine.backends.pieces import Fixed
from zoo.engine.cell import Cell
from zoo.engine.steps import Found, Steps
from zoo.engine.tracing import is_tracing
from zoo.errors import BuildError

Leaves = dict[str, Tensor]


def reason(cell: Cell) -> str | None:
    """Why a cell cannot run so, or None."""
    return None if cell.states else "has no state to carry from step to step"


def possible(steps: Steps) -> bool:
    """Whether this run can be done so: `torch.vmap` and its like have no rule for the operator."""
    return torch.compiler.is_compiling() or not is_tracing()


def run(steps: Steps) -> Found:
    """The steps as one operator.

    Raises BuildError where it is exported or compiled for what it cannot do; elsewhere the loop runs that.
    """
    cell, u, state, const, initial = steps.cell, steps.u, steps.state, steps.const, steps.initial
    valid, reset, zoneout, all_states = steps.valid, steps.reset, steps.zoneout, steps.all_states
    if steps.look:
        returned.before_tracing(cell, u, state, const)
    traced = torch.compiler.is_compiling()
    undifferentiable = torch.is_grad_enabled() and any(value.is_complex() for value in state.values())
    if traced and undifferentiable:
        raise BuildError(
            f"engine 'scan' has no derivative for complex states, as {type(cell).__name__} has: "
            "export the model under torch.no_grad()"
        )
    if traced and zoneout and cell.training:
        raise BuildError(
            "engine 'scan' cannot be exported in training mode with dropout.zoneout, which draws at each step: "
            "use model.eval()"
        )
    leaves = u if isinstance(u, tuple) else (u,)
    zoneout_masks = pieces.draw_zoneout_masks(cell, state, leaves[0].shape[1], zoneout)
    if undifferentiable:
        fixed = Fixed(const=const, initial=initial, zoneout=zoneout, all_states=all_states)
        return pieces.run(cell, u, state, valid, reset, zoneout_masks, fixed)
    if traced and torch.onnx.is_in_onnx_export():
        # ONNX has no gradients, and torch would keep sizes beside tensors for the backward pass, which fails.
        u, state, const, initial = (pytree.tree_map(_without_gradient, given) for given in (u, state, const, initial))
        leaves = u if isinstance(u, tuple) else (u,)
    hoisted = all_states or loop.hoists(cell)
    # Parts of one projection, and a matrix beside its own blocks, are views of the same memory.
    fixed = Fixed(const=_apart(const), initial=initial, zoneout=zoneout, all_states=hoisted)
    given: Leaves = {f"u.{index}": _own(leaf) for index, leaf in enumerate(leaves)}
    given |= {f"zoneout.{name}": mask for name, mask in zoneout_masks.items()}
    given |= {name: mask for name, mask in (("valid", valid), ("reset", reset)) if mask is not None}

    def one(carried: Leaves, at: Leaves) -> tuple[Leaves, Leaves]:
        # A piece of one step: the loop itself, with the time axis put back.
        x = {name: leaf.unsqueeze(1) for name, leaf in at.items()}
        inputs = tuple(x[f"u.{index}"] for index in range(len(leaves)))
        masks = {name: x[f"zoneout.{name}"] for name in zoneout_masks}
        y, new, states = pieces.run(
            cell,
            inputs if isinstance(u, tuple) else inputs[0],
            dict(carried),
            x.get("valid"),
            x.get("reset"),
            masks,
            fixed,
        )
        found = {"output": y} if states is None else states
        return {name: _own(new[name]) for name in carried}, {name: _own(t.squeeze(1)) for name, t in found.items()}

    after, found = operator(one, {name: _own(value) for name, value in state.items()}, given, dim=1)
    found = {name: value.clone() for name, value in found.items()}
    y = cell.output(u, found, const) if hoisted else found["output"]
    return y, {name: value.clone() for name, value in after.items()}, found if all_states else None


def _without_gradient(value: Any) -> Any:
    return value.detach() if isinstance(value, Tensor) else value


def _own(value: Tensor) -> Tensor:
    return value.clone(memory_format=torch.contiguous_format)


def _apart(const: Any) -> Any:
    if isinstance(const, tuple):
        return tuple(_apart(item) for item in const)
    return _own(const) if isinstance(const, Tensor) else const
