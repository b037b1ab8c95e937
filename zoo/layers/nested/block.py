"""Layers in a block, with a residual around them; and the join of several layers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import add, mul
from typing import Any

import torch
from torch import Tensor, nn

from zoo.components import Shape, chosen
from zoo.engine.cell import States
from zoo.engine.dropout import drop
from zoo.engine.inside import build_layers, build_part
from zoo.engine.layer import Layer, LayerOutput, Run, normed
from zoo.engine.sequence import zero_where
from zoo.layers.nested.options import BlockOptions, JoinOptions, describe_join


class Block(Layer):
    """x + f(norm(x)), x + norm(f(x)) or norm(x + f(x)), where f is the layers inside."""

    def __init__(self, options: BlockOptions, input_shape: Shape) -> None:
        super().__init__()
        self.residual, self.dropout = options.residual, options.dropout
        self.position = options.norm.position if options.norm is not None else None
        self.layers = build_layers(options.layers, input_shape)
        self.output_shape = self.layers.output_shape
        self.windows = self.layers.windows
        self.cuttable = self.layers.cuttable
        self.norm: nn.Module | None = None
        if options.norm is not None:
            shape = input_shape if self.position == "before" else self.output_shape
            self.norm = build_part(options.norm.part, shape)
        self._chosen = chosen(options, "norm")

    def extra_repr(self) -> str:
        position = "" if self.position is None else f"norm={self.position!r}"
        return ", ".join(filter(None, (position, self._chosen)))

    def init_state(self, batch: int, *, device: torch.device, dtype: torch.dtype) -> States:
        return self.layers.init_state(batch, device=device, dtype=dtype)

    def forward(self, x: Tensor, state: Mapping[str, Tensor], run: Run) -> LayerOutput:
        inner = x
        if self.norm is not None and self.position == "before":
            inner = normed(self.norm, x, run.valid).to(x.dtype)
        found = self.layers.run(zero_where(inner, run.valid), state, run)
        behind = run.behind(self.windows, x.shape[1])
        y = found.output
        if self.norm is not None and self.position == "after":
            y = normed(self.norm, y, behind.valid).to(x.dtype)
        y = drop(y, self.dropout, training=self.training, variational=False)
        if self.residual:
            y = x + y.to(x.dtype)
        if self.norm is not None and self.position == "sum":
            y = normed(self.norm, y, behind.valid).to(x.dtype)
        final = found.final if self._plain else None
        return LayerOutput(zero_where(y, behind.valid), found.state, final, found.states)

    @property
    def _plain(self) -> bool:
        """Whether nothing is done to what the layers inside give."""
        return not (self.residual or self.dropout or (self.norm is not None and self.position != "before"))


class Join(Layer):
    """Several (B, T, ...) -> one: side by side, summed or multiplied."""

    def __init__(self, options: JoinOptions, input_shape: tuple[Shape, ...]) -> None:
        super().__init__()
        self.merge = options.merge
        self.output_shape = describe_join(options, input_shape).output_shape

    def extra_repr(self) -> str:
        return repr(self.merge)

    def forward(self, x: Any, state: Mapping[str, Tensor], run: Run) -> LayerOutput:
        if self.merge == "concat":
            return LayerOutput(torch.cat(x, 2), {})
        return LayerOutput(reduce(add if self.merge == "sum" else mul, x), {})
