"""The convolution over time. Where no window looks beyond its own stride, it is carried from piece to piece."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import add
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.components import Shape
from zoo.engine import sequence
from zoo.engine.cell import States
from zoo.engine.inside import build_part
from zoo.engine.layer import Layer, LayerOutput, Run, normed, refuse_reset
from zoo.layers.activations import activate
from zoo.layers.convolutions.options import Conv1dOptions
from zoo.layers.convolutions.past import Past


class Conv1d(Layer):
    """(B, T, F) -> (B, T', channels): a product with every window of steps, then norm, activation, dropout."""

    def __init__(self, options: Conv1dOptions, input_shape: Shape) -> None:
        super().__init__()
        (width,) = input_shape
        self.output_shape = (options.channels,)
        self.window = options.window
        self.windows = (self.window,)
        self.cuttable = options.not_streamable_reason is None
        self.past = Past(self.window, input_shape)
        self.conv = nn.Conv1d(
            width,
            options.channels,
            options.kernel_size,
            stride=options.stride,
            dilation=options.dilation,
            groups=options.groups,
            bias=options.bias,
        )
        self.norm = None if options.norm is None else build_part(options.norm, self.output_shape)
        self.activation, self.dropout = options.activation, options.dropout
        self.padding = options.padding

    def extra_repr(self) -> str:
        shown = [f"padding={self.padding!r}"]
        shown += [f"activation={self.activation!r}"] * (self.activation != "none")
        return ", ".join(shown + [f"dropout={self.dropout}"] * bool(self.dropout))

    def init_state(self, batch: int, *, device: torch.device, dtype: torch.dtype) -> States:
        return self.past.init_state(batch, device=device, dtype=dtype) if self.cuttable else {}

    def forward(self, x: Tensor, state: Mapping[str, Tensor], run: Run) -> LayerOutput:
        steps = x.shape[1]
        after: States = {}
        states: States | None = None
        if self.cuttable:
            extended = self.past.around(x, state)
            after, states = self.past.after(extended, steps, state, run), self.past.every(extended, steps, run)
        else:
            refuse_reset(self, run)
            extended = F.pad(x, (0, 0, self.window.left, self.window.right))
        y = self._products(extended, run)
        behind = run.behind(self.windows, steps)
        if self.norm is not None:
            y = normed(self.norm, sequence.zero_where(y, behind.valid), behind.valid).to(y.dtype)
        y = F.dropout(activate(self.activation, y), self.dropout, self.training)
        return LayerOutput(sequence.zero_where(y, behind.valid), after, None, states)

    @property
    def _kernel(self) -> tuple[Tensor, Tensor | None, int]:
        """Weight, bias and number of groups of the product."""
        return self.conv.weight, self.conv.bias, self.conv.groups

    def _products(self, extended: Tensor, run: Run) -> Tensor:
        weight, bias, groups = self._kernel
        if run.reset is None or not (self.cuttable and self.past.size):
            around: Any = (self.conv.stride, 0, self.conv.dilation, groups)
            return F.conv1d(extended.transpose(1, 2), weight, bias, *around).transpose(1, 2)
        # A window does not reach back over a reset: the products of each of its steps by themselves.
        taps = enumerate(self.past.taps(extended, run.reset))
        each = [F.conv1d(given.transpose(1, 2), weight[:, :, i : i + 1], groups=groups) for i, given in taps]
        y = reduce(add, each).transpose(1, 2)
        return y if bias is None else y + bias
