"""A linear map of every step."""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional as F

from zoo.components import Shape, chosen
from zoo.engine.inside import build_part
from zoo.engine.layer import Layer, LayerOutput, Run, normed
from zoo.engine.sequence import zero_where
from zoo.layers.activations import activate
from zoo.layers.options import LinearLayerOptions


class LinearLayer(Layer):
    """x (B, T, F), or maps (B, T, C, H, W) with all their numbers in a row -> f(norm(W x + b)), (B, T, size)."""

    def __init__(self, options: LinearLayerOptions, input_shape: Shape) -> None:
        super().__init__()
        self.output_shape = (options.size,)
        self.activation = options.activation
        self.max_value = options.max_value
        self.dropout = options.dropout
        self.linear = nn.Linear(math.prod(input_shape), options.size, bias=options.bias)
        self.norm = None if options.norm is None else build_part(options.norm, self.output_shape)
        self._chosen = chosen(options, "bias", "norm")

    def extra_repr(self) -> str:
        return self._chosen

    def forward(self, x: Tensor, state: Mapping[str, Tensor], run: Run) -> LayerOutput:
        y = self.linear(x.flatten(2))
        if self.norm is not None:
            y = normed(self.norm, zero_where(y, run.valid), run.valid).to(y.dtype)
        y = activate(self.activation, y)
        if self.max_value is not None:
            y = y.clamp(max=self.max_value)
        return LayerOutput(zero_where(F.dropout(y, self.dropout, self.training), run.valid), {})
