"""Layers that treat each number of a step by itself or with its partner: a scale and a shift, a magnitude."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from zoo.components import NoOptions, Shape, chosen
from zoo.engine.layer import Layer, LayerOutput, Run
from zoo.engine.sequence import zero_where
from zoo.layers.steps.options import AffineOptions, ChunkOptions, describe_chunk


class Affine(Layer):
    """(B, T, F) -> scale · x + shift, each of F / groups numbers, which every group of features shares; or no shift."""

    def __init__(self, options: AffineOptions, input_shape: Shape) -> None:
        super().__init__()
        self.output_shape = input_shape
        self.groups = options.groups
        self.scale = nn.Parameter(torch.ones(input_shape[0] // options.groups))
        self.shift = nn.Parameter(torch.zeros(input_shape[0] // options.groups)) if options.bias else None
        self._chosen = chosen(options)

    def extra_repr(self) -> str:
        return self._chosen

    def set_fixed_parameters(self) -> None:
        """x itself at first, under every initialisation scheme."""
        with torch.no_grad():
            self.scale.fill_(1.0)
            if self.shift is not None:
                self.shift.zero_()

    def forward(self, x: Tensor, state: Mapping[str, Tensor], run: Run) -> LayerOutput:
        y = x * self.scale.repeat(self.groups)
        y = y if self.shift is None else y + self.shift.repeat(self.groups)
        return LayerOutput(zero_where(y.to(x.dtype), run.valid), {})


class Chunk(Layer):
    """(B, T, parts · F, ...) -> one of these parts, (B, T, F, ...)."""

    def __init__(self, options: ChunkOptions, input_shape: Shape) -> None:
        super().__init__()
        self.parts, self.index = options.parts, options.index
        self.output_shape = describe_chunk(options, input_shape).output_shape

    def extra_repr(self) -> str:
        return f"{self.index} of {self.parts}"

    def forward(self, x: Tensor, state: Mapping[str, Tensor], run: Run) -> LayerOutput:
        return LayerOutput(x.chunk(self.parts, 2)[self.index], {})


class Magnitude(Layer):
    """(B, T, 2 C, ...) -> √(a² + b²), (B, T, C, ...), with a the first C, real parts, and b the others, imaginary."""

    def __init__(self, options: NoOptions, input_shape: Shape) -> None:
        super().__init__()
        self.output_shape = (input_shape[0] // 2, *input_shape[1:])

    def forward(self, x: Tensor, state: Mapping[str, Tensor], run: Run) -> LayerOutput:
        # A norm, whose gradient where both are zero is zero; that of a root would not be finite.
        return LayerOutput(torch.linalg.vector_norm(torch.stack(x.chunk(2, 2)), dim=0), {})
