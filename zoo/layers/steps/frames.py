"""Layers that put neighbouring steps together: frame stacking, and the lookahead convolution."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.components import Shape
from zoo.engine.layer import Layer, LayerOutput, Run, refuse_reset
from zoo.engine.sequence import zero_where
from zoo.layers.steps.options import LookaheadOptions, StackFramesOptions


class StackFrames(Layer):
    """(B, T, F) -> (B, T // count, count · F): neighbouring steps one after the other, the earliest first."""

    def __init__(self, options: StackFramesOptions, input_shape: Shape) -> None:
        super().__init__()
        self.count = options.count
        self.output_shape = (options.count * input_shape[0],)
        self.windows = (options.window,)
        self.cuttable = True

    def extra_repr(self) -> str:
        return str(self.count) + (", tail='pad'" if self.windows[0].right else "")

    def forward(self, x: Tensor, state: Mapping[str, Tensor], run: Run) -> LayerOutput:
        (window,) = self.windows
        end = window.count(x.shape[1]) * self.count
        x = F.pad(x, (0, 0, 0, window.right))
        # Whole new memory: torch's export would tell numbers of steps with and without a tail apart by a view.
        return LayerOutput(torch.cat([x[:, place : end : self.count] for place in range(self.count)], 2), {})


class Lookahead(Layer):
    """y_t = Σ_j w_j · x_{t+j} for each feature by itself, j < context (row convolution, arXiv:1512.02595)."""

    def __init__(self, options: LookaheadOptions, input_shape: Shape) -> None:
        super().__init__()
        self.output_shape = input_shape
        self.windows = (options.window,)
        bound = options.context**-0.5  # as torch's convolutions start
        self.weight = nn.Parameter(torch.empty(input_shape[0], options.context).uniform_(-bound, bound))

    def extra_repr(self) -> str:
        return ", ".join(map(str, self.weight.shape))

    def forward(self, x: Tensor, state: Mapping[str, Tensor], run: Run) -> LayerOutput:
        refuse_reset(self, run)
        padded = F.pad(x.transpose(1, 2), (0, self.windows[0].right))  # (B, F, T + context - 1)
        y = F.conv1d(padded, self.weight.unsqueeze(1), groups=x.shape[2]).transpose(1, 2)
        return LayerOutput(zero_where(y, run.valid), {})
