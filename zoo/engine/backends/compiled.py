"""The loop in pieces of eight steps, each run by the same compiled code, whatever the number of steps.

Compiled for the first run of a kind of cell, and again only where a run differs in kind: with or without gradients,
lengths, resets or a batch of one. What is left over after the last whole piece is run by the plain loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Final

import torch
from torch import Tensor

from zoo.engine import returned
from zoo.engine.backends import pieces
from zoo.engine.backends.pieces import Fixed
from zoo.engine.cell import Cell, Inputs, States
from zoo.engine.steps import Found, Steps
from zoo.engine.tracing import is_tracing
from zoo.errors import BuildError

STEPS: Final = 8
"""Steps of one compiled piece: with more of them compiling takes longer and the run is hardly faster."""
KINDS: Final = 256
"""How many kinds of runs are compiled before torch refuses: one function serves all cells of a process."""


def unavailable(device: torch.device) -> str | None:
    """Why nothing can be compiled for this device, or None."""
    if device.type == "cpu":
        from torch._inductor.cpp_builder import get_cpp_compiler
        from torch._inductor.exc import InvalidCxxCompiler

        try:
            get_cpp_compiler()
        except InvalidCxxCompiler:
            return "needs a C++ compiler on the CPU, and none is installed"
    elif device.type == "cuda":
        from torch.utils._triton import has_triton

        if not has_triton():
            return "needs Triton on CUDA, and it is not installed"
    return None


def reason(cell: Cell) -> None:
    """Why a cell cannot run so: torch's compiler alone knows, and says so in the first run."""


def possible(steps: Steps) -> bool:
    """Whether this run can be compiled: what compiles the whole model compiles its loop, and meta runs nothing."""
    return steps.leaves[0].device.type != "meta" and not is_tracing()


def run(steps: Steps) -> Found:
    """The steps in pieces, and what is left over by the plain loop."""
    cell, u, count, valid, reset = steps.cell, steps.u, steps.count, steps.valid, steps.reset
    if steps.look:
        returned.before_tracing(cell, u, steps.state, steps.const)
    all_states = steps.all_states
    fixed = Fixed(const=steps.const, initial=steps.initial, zoneout=steps.zoneout, all_states=all_states)
    zoneout_masks = pieces.draw_zoneout_masks(cell, steps.state, count, steps.zoneout)
    state = _differentiable(steps.state, u)
    inputs: Iterable[Inputs] = zip(*map(_split, u), strict=True) if isinstance(u, tuple) else _split(u)
    none = [None] * -(-count // STEPS)
    valids = none if valid is None else _split(valid)
    resets = none if reset is None else _split(reset)
    masks = {name: _split(mask) for name, mask in zoneout_masks.items()}
    outputs: list[Tensor] = []
    history: list[States] = []
    for index, u_piece in enumerate(inputs):
        whole = (index + 1) * STEPS <= count
        call = _compiled_piece if whole else pieces.run
        masks_here = {name: mask[index] for name, mask in masks.items()}
        y, state, states = call(cell, u_piece, state, valids[index], resets[index], masks_here, fixed)
        outputs.append(y)
        if states is not None:
            history.append(states)
    together = {name: torch.cat([at[name] for at in history], 1) for name in state} if all_states else None
    return torch.cat(outputs, 1), state, together


def _differentiable(state: States, u: Inputs) -> States:
    """The state as every later piece gives it: a first piece with a constant state would be compiled by itself."""
    leaves = u if isinstance(u, tuple) else (u,)
    if not torch.is_grad_enabled() or not any(leaf.requires_grad for leaf in leaves):
        return state
    return {name: old if old.requires_grad else old.clone().requires_grad_() for name, old in state.items()}


def _split(x: Tensor) -> list[Tensor]:
    """x (B, T, ...) in pieces of one layout, whatever T is: another layout would be compiled again.

    Split, not sliced: the backward of a slice fills a tensor of all steps for each piece.
    """
    # A complex piece that is a view of real numbers cannot be traced, so it is copied even where its layout is right.
    return [
        piece.clone(memory_format=torch.contiguous_format) if piece.is_complex() else piece.contiguous()
        for piece in torch.split(x, STEPS, 1)
    ]


def _compiled_piece(
    cell: Cell,
    u: Inputs,
    state: States,
    valid: Tensor | None,
    reset: Tensor | None,
    zoneout_masks: States,
    fixed: Fixed,
) -> Found:
    from torch._dynamo.exc import TorchDynamoException

    try:
        # Numbers are compiled in: torch 2.13 takes the first one that it saw of a float that is an `alpha`.
        with torch._dynamo.config.patch(recompile_limit=KINDS, specialize_float=True), _own_sizes():
            return _compiler()(cell, u, state, valid, reset, zoneout_masks, fixed)
    except TorchDynamoException as error:
        why = str(error).strip().splitlines()
        raise BuildError(
            f"engine 'compile' cannot run {type(cell).__name__}: {why[0] if why else type(error).__name__}; "
            "use engine 'auto' or 'loop'"
        ) from error


def _own_sizes() -> Any:
    """Sizes that happen to be equal, as of the batch and of a state, are not taken to be one."""
    from torch.fx.experimental import _config

    config: Any = _config  # torch gives it its `patch` at run time
    return config.patch(use_duck_shape=False)


@cache
def _compiler() -> Callable[..., Found]:
    return torch.compile(pieces.run, dynamic=True, fullgraph=True)
