"""What a cell derives from its parameters, kept while they stay as they are: streaming asks for it at every step.

A matrix exponential takes hundreds of times as long as the step that uses it. Kept values serve only outside training
and without gradients; a change of a parameter, of its place or of the precision makes new ones, and so does a call of
`train()` or `eval()`. What is written past torch's version counters, through `.data`, is seen after such a call only.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import is_
from typing import Any

import torch
from torch import Tensor, nn

from zoo.engine.cell import Cell, Context
from zoo.engine.tracing import watched


@dataclass(frozen=True, slots=True)
class Kept:
    """Constants, with all that they were made from: the tensors themselves, so that none of them can be replaced
    unseen by another in the same place, and `stamp`, which changes when one is written to."""

    tensors: tuple[Tensor, ...]
    stamp: tuple[Any, ...]
    value: Any

    def serves(self, tensors: tuple[Tensor, ...], stamp: tuple[Any, ...]) -> bool:
        return self.stamp == stamp and all(map(is_, self.tensors, tensors))


def constants(cell: Cell, ctx: Context) -> Any:
    """The cell's constants for this run, those of an earlier run where nothing has changed since."""
    plain = type(cell).constants is Cell.constants
    if plain or cell.training or torch.is_grad_enabled() or watched():
        return cell.constants(ctx)
    tensors = tuple(_tensors(cell))
    if not all(type(t) in (nn.Parameter, Tensor) and not t.is_inference() for t in tensors):
        return cell.constants(ctx)  # tracers and wrappers stand for other values every time; others have no version
    kind = ctx.device.type
    casts = torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)
    autocast = torch.get_autocast_dtype(kind) if casts else None
    versions = tuple((t.data_ptr(), t._version) for t in tensors)
    stamp = (ctx.dtype, ctx.device, autocast, torch.is_inference_mode_enabled(), versions)
    kept: Kept | None = cell.kept
    if kept is None or not kept.serves(tensors, stamp):
        cell.kept = kept = Kept(tensors, stamp, cell.constants(ctx))
    return kept.value


def _tensors(cell: Cell) -> list[Tensor]:
    return [
        tensor
        for module in cell.modules()
        for tensor in (*module._parameters.values(), *module._buffers.values())
        if tensor is not None
    ]
