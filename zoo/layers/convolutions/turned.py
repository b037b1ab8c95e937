"""A kernel over time and features with its axes exchanged."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from zoo.engine.tracing import is_tracing


class _Turn(torch.autograd.Function):
    """A kernel (O, I, k, l) as (O, I, l, k) in memory of its own; its gradient too, as an optimiser wants it."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor) -> Tensor:
        return _turn(weight)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        found: Tensor = _Turn.apply(grad)  # type: ignore[no-untyped-call]
        return found

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor) -> Tensor:
        return _turn(tangent)


def _turn(weight: Tensor) -> Tensor:
    steps, features = weight.shape[2:]
    order = torch.arange(steps * features, device=weight.device).view(steps, features).t().flatten()
    return weight.flatten(2).flatten(0, 1).index_select(1, order).view(*weight.shape[:2], features, steps)


def turned(weight: Tensor) -> Tensor:
    """A kernel with its last two axes exchanged, in memory of its own.

    torch copies what is transposed in loops along the shorter axis, which takes several times as long on the CPU.
    """
    if weight.device.type != "cpu" or is_tracing():
        return weight.transpose(2, 3).contiguous()
    found: Tensor = _Turn.apply(weight)  # type: ignore[no-untyped-call]
    return found
