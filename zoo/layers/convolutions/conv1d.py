"""The convolution over time. A causal one with stride 1 carries its window from piece to piece."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.components import Shape
from zoo.engine import sequence
from zoo.engine.cell import States, StateSpec
from zoo.engine.inside import build_part
from zoo.engine.layer import Layer, LayerOutput, Run, normed, refuse_reset
from zoo.layers.activations import activate
from zoo.layers.convolutions.options import Conv1dOptions


class Conv1d(Layer):
    """(B, T, F) -> (B, T', channels): a product with every window of steps, then norm, activation, dropout."""

    def __init__(self, options: Conv1dOptions, input_shape: Shape) -> None:
        super().__init__()
        (self.width,) = input_shape
        self.output_shape = (options.channels,)
        self.window = options.window
        self.windows = (self.window,)
        self.carried = self.window.left if options.streams else 0
        self.conv = nn.Conv1d(
            self.width,
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
        if not self.carried:
            return {}
        wide = StateSpec(()).dtype(dtype)
        return {"past": torch.zeros((batch, self.carried, self.width), device=device, dtype=wide)}

    def forward(self, x: Tensor, state: Mapping[str, Tensor], run: Run) -> LayerOutput:
        after: States = {}
        if not self.carried:
            refuse_reset(self, run)
        if self.carried:
            extended = torch.cat([state["past"].to(x.dtype), x], 1)  # (B, carried + T, F)
            after = {"past": self._past(extended, state["past"], run)}
        else:
            extended = F.pad(x, (0, 0, self.window.left, self.window.right))
        y = self._products(extended, run)
        behind = run.behind(self.windows, x.shape[1])
        states = {"past": self._every_past(extended, run)} if run.all_states and self.carried else None
        if self.norm is not None:
            y = normed(self.norm, sequence.zero_where(y, behind.valid), behind.valid).to(y.dtype)
        y = F.dropout(activate(self.activation, y), self.dropout, self.training)
        return LayerOutput(sequence.zero_where(y, behind.valid), after, None, states)

    def _products(self, extended: Tensor, run: Run) -> Tensor:
        if run.reset is None or not self.carried:
            weight, bias, groups = self._kernel
            around: Any = (self.conv.stride, 0, self.conv.dilation, groups)
            return F.conv1d(extended.transpose(1, 2), weight, bias, *around).transpose(1, 2)
        return self._after_resets(extended, run.reset)

    @property
    def _kernel(self) -> tuple[Tensor, Tensor | None, int]:
        """Weight, bias and number of groups of the product."""
        return self.conv.weight, self.conv.bias, self.conv.groups

    def _after_resets(self, extended: Tensor, reset: Tensor) -> Tensor:
        """A window does not reach back over a reset: the products of each of its steps by themselves."""
        steps = reset.shape[1]
        age = sequence.ages(torch.full_like(reset[:, 0], self.carried, dtype=torch.int64), reset, steps)  # (B, T)
        y: Tensor | None = None
        kernel, bias, groups = self._kernel
        for tap in range(self.window.kernel):
            back = self.carried - tap * self.window.dilation
            given = extended[:, tap * self.window.dilation :][:, :steps]
            given = sequence.zero_where(given, age >= back)
            weight = kernel[:, :, tap : tap + 1]
            product = F.conv1d(given.transpose(1, 2), weight, groups=groups).transpose(1, 2)
            y = product if y is None else y + product
        assert y is not None
        return y if bias is None else y + bias

    def _every_past(self, extended: Tensor, run: Run) -> Tensor:
        """The carried steps after each step, (B, T, carried, F)."""
        batch, steps = extended.shape[0], extended.shape[1] - self.carried
        index = torch.arange(1, steps + 1, device=extended.device).unsqueeze(1) + torch.arange(
            self.carried, device=extended.device
        )
        every = extended[:, index]
        if run.reset is None:
            return every
        step = torch.arange(steps, device=extended.device).expand(batch, steps)
        last = torch.where(run.reset, step, torch.full_like(step, -self.carried - 1)).cummax(1).values
        keep = (index - self.carried).unsqueeze(0) >= last.unsqueeze(2)  # (B, T, carried)
        return every * keep.unsqueeze(3)

    def _past(self, extended: Tensor, like: Tensor, run: Run) -> Tensor:
        """The last steps of each sequence, zero where they lie before a reset."""
        batch, steps = extended.shape[0], extended.shape[1] - self.carried
        place = torch.arange(self.carried, device=extended.device)
        ends = torch.full((batch,), steps, device=extended.device) if run.lengths is None else run.lengths
        index = ends.unsqueeze(1) + place  # (B, carried), of steps of `extended`
        past = sequence.take(extended, index)
        if run.reset is not None:
            reset = run.reset if run.valid is None else run.reset & run.valid
            last = torch.where(reset, torch.arange(steps, device=reset.device), -self.carried - 1).amax(1)
            past = sequence.zero_where(past, index - self.carried >= last.unsqueeze(1))
        return past.to(like.dtype)
