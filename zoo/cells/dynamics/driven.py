"""What the cells of this family share: an input that enters once, and the time between two steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo.components import Shape, features
from zoo.engine.cell import Cell, Context, Role


class Driven(Cell):
    """A cell that its input drives by W x + b alone.

    Parameters: weight_ih (blocks * H, I) and bias (blocks * H,), in the order of `blocks`.
    """

    blocks: tuple[str, ...] = ("",)
    uses = frozenset({"weight_dropout", "recurrent_dropout"})

    def __init__(self, input_shape: Shape, hidden_size: int, blocks: tuple[str, ...] = ("",)) -> None:
        super().__init__()
        self.blocks = blocks
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        rows = len(blocks) * hidden_size
        self.weight_ih = nn.Parameter(torch.empty(rows, features(input_shape)))
        self.bias = nn.Parameter(torch.empty(rows))

    def roles(self) -> Mapping[str, Role]:
        return {"weight_ih": Role("input", self.blocks), "bias": Role("bias", self.blocks)}

    def project(self, x: Tensor, const: Any, ctx: Context) -> Any:
        return ctx.linear(x, self.weight_ih, self.bias)  # (B, T, blocks * H)


def gaps(x: Tensor, ctx: Context) -> Tensor:
    """The time since the step before, (B, T, 1), in the states' precision: 1 everywhere where none was given."""
    return torch.ones_like(x[..., :1], dtype=ctx.dtype) if ctx.dt is None else ctx.dt.to(ctx.dtype).unsqueeze(2)
