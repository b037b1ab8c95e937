"""Layers that make each step of the step itself: a norm, an activation, dropout, highway layers, flattening."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from zoo.components import NoOptions, Shape, chosen
from zoo.engine.dropout import drop
from zoo.engine.inside import build_part
from zoo.engine.layer import Layer, LayerOutput, Run, normed
from zoo.engine.sequence import zero_where
from zoo.layers.activations import activate
from zoo.layers.steps.options import (
    ActivationLayerOptions,
    DropoutLayerOptions,
    HighwayOptions,
    NormLayerOptions,
)


class NormLayer(Layer):
    """(B, T, ...) -> norm, the same shape; of maps over all numbers of a step at once."""

    def __init__(self, options: NormLayerOptions, input_shape: Shape) -> None:
        super().__init__()
        self.output_shape = input_shape
        self.whole = options.whole
        self.norm = build_part(options.norm, (math.prod(input_shape),) if self.whole else input_shape)

    def forward(self, x: Tensor, state: Mapping[str, Tensor], run: Run) -> LayerOutput:
        y = normed(self.norm, x.flatten(2) if self.whole else x, run.valid).to(x.dtype)
        return LayerOutput(zero_where(y.view(x.shape), run.valid), {})


class ActivationLayer(Layer):
    """(B, T, ...) -> f(x), element by element, bounded and then multiplied by a factor."""

    def __init__(self, options: ActivationLayerOptions, input_shape: Shape) -> None:
        super().__init__()
        self.output_shape = input_shape
        self.function = options.function
        self.max_value, self.factor = options.max_value, options.factor
        self._chosen = chosen(options)

    def extra_repr(self) -> str:
        return ", ".join(filter(None, (repr(self.function), self._chosen)))

    def forward(self, x: Tensor, state: Mapping[str, Tensor], run: Run) -> LayerOutput:
        y = activate(self.function, x)
        if self.max_value is not None:
            y = y.clamp(max=self.max_value)
        if self.factor != 1:
            y = y * self.factor
        return LayerOutput(zero_where(y, run.valid), {})


class DropoutLayer(Layer):
    """(B, T, ...) -> the same, some of it dropped while training."""

    def __init__(self, options: DropoutLayerOptions, input_shape: Shape) -> None:
        super().__init__()
        self.output_shape = input_shape
        self.dropout, self.variational, self.channels = options.dropout, options.variational, options.channels
        self._chosen = chosen(options, "dropout")

    def extra_repr(self) -> str:
        return ", ".join(filter(None, (str(self.dropout), self._chosen)))

    def forward(self, x: Tensor, state: Mapping[str, Tensor], run: Run) -> LayerOutput:
        if self.channels and self.training:
            every = torch.ones(x.shape[:3], dtype=x.dtype, device=x.device)
            kept = drop(every, self.dropout, training=True, variational=self.variational)
            return LayerOutput(x * kept.view(*kept.shape, *(1,) * (x.dim() - 3)), {})
        return LayerOutput(drop(x, self.dropout, training=self.training, variational=self.variational), {})


class Highway(Layer):
    """y = t · f(W x + b) + (1 − t) · x with t = σ(V x + c), layer on layer (Srivastava et al. 2015, arXiv:1505.00387).

    The bias c begins at the option `bias`, so that at first most of x goes through.
    """

    def __init__(self, options: HighwayOptions, input_shape: Shape) -> None:
        super().__init__()
        self.output_shape = input_shape
        (width,) = input_shape
        self.activation, self.bias = options.activation, options.bias
        self.transforms = nn.ModuleList(nn.Linear(width, width) for _ in range(options.layers))
        self.gates = nn.ModuleList(nn.Linear(width, width) for _ in range(options.layers))
        self._chosen = chosen(options)

    def extra_repr(self) -> str:
        return self._chosen

    def set_fixed_parameters(self) -> None:
        """The gates' biases, under every initialisation scheme."""
        with torch.no_grad():
            for gate in self.gates:
                gate.bias.fill_(self.bias)  # type: ignore[operator]

    def forward(self, x: Tensor, state: Mapping[str, Tensor], run: Run) -> LayerOutput:
        for transform, gate in zip(self.transforms, self.gates, strict=True):
            t = torch.sigmoid(gate(x))
            x = t * activate(self.activation, transform(x)) + (1 - t) * x
        return LayerOutput(zero_where(x, run.valid), {})


class Flatten(Layer):
    """(B, T, C, ...) -> (B, T, C · ...): channel by channel."""

    def __init__(self, options: NoOptions, input_shape: Shape) -> None:
        super().__init__()
        self.output_shape = (math.prod(input_shape),)

    def forward(self, x: Tensor, state: Mapping[str, Tensor], run: Run) -> LayerOutput:
        return LayerOutput(x.flatten(2), {})
