"""The steps in front of a piece that a window sees: a layer carries them in its state, as `past`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from zoo.components import Shape, Window
from zoo.engine import sequence
from zoo.engine.cell import States, StateSpec
from zoo.engine.recurrence import Run


class Past:
    """What a window over time, which streams, needs of the steps before a piece.

    Args:
        window: Which it is. At the begin of a sequence its zeros on the left stand for those steps.
        shape: Of one step.
    """

    def __init__(self, window: Window, shape: Shape) -> None:
        self.window, self.shape = window, shape
        self.size = window.left

    def init_state(self, batch: int, *, device: torch.device, dtype: torch.dtype) -> States:
        """As `Layer.init_state`; {} for a window that needs none."""
        if not self.size:
            return {}
        return {"past": torch.zeros((batch, self.size, *self.shape), device=device, dtype=StateSpec(()).dtype(dtype))}

    def around(self, x: Tensor, state: Mapping[str, Tensor]) -> Tensor:
        """x (B, T, ...) behind what was carried, and in front of the zeros on the right."""
        parts = [state["past"].to(x.dtype)] if self.size else []
        parts.append(x)
        if self.window.right:
            parts.append(x.new_zeros(x.shape[0], self.window.right, *x.shape[2:]))
        return torch.cat(parts, 1) if len(parts) > 1 else x

    def after(self, extended: Tensor, steps: int, state: Mapping[str, Tensor], run: Run) -> States:
        """The state after a piece of so many steps: each sequence's last ones, zero where a reset lies behind them."""
        if not self.size:
            return {}
        batch = extended.shape[0]
        place = torch.arange(self.size, device=extended.device)
        ends = torch.full((batch,), steps, device=extended.device) if run.lengths is None else run.lengths
        index = ends.unsqueeze(1) + place  # (B, size), of steps of `extended`
        past = sequence.take(extended, index)
        if run.reset is not None:
            reset = run.reset if run.valid is None else run.reset & run.valid
            last = torch.where(reset, torch.arange(steps, device=reset.device), -self.size - 1).amax(1)
            past = sequence.zero_where(past, index - self.size >= last.unsqueeze(1))
        return {"past": past.to(state["past"].dtype)}

    def every(self, extended: Tensor, steps: int, run: Run) -> States | None:
        """The state after each step of the output, (B, T', size, ...), if the run asks for it."""
        if not run.all_states or not self.size:
            return None
        batch, count = extended.shape[0], self.window.count(steps)
        ends = (torch.arange(1, count + 1, device=extended.device) * self.window.stride).unsqueeze(0)
        ends = ends.clamp(max=steps) if run.lengths is None else torch.minimum(ends, run.lengths.unsqueeze(1))
        index = ends.unsqueeze(2) + torch.arange(self.size, device=extended.device)  # (B or 1, T', size)
        past = sequence.take(extended, index.flatten(1)).reshape(batch, count, self.size, *self.shape)
        if run.reset is not None:
            step = torch.arange(steps, device=extended.device).expand(batch, steps)
            last = torch.where(run.reset, step, torch.full_like(step, -self.size - 1)).cummax(1).values
            last = sequence.take(last, (ends - 1).clamp(min=0))
            past = sequence.zero_where(past, index - self.size >= last.unsqueeze(2))
        return {"past": past}

    def taps(self, extended: Tensor, reset: Tensor) -> Iterator[Tensor]:
        """What each of the window's steps sees, (B, T', ...) one after the other; none reaches back over a reset."""
        steps, stride = reset.shape[1], self.window.stride
        count = self.window.count(steps)
        began = torch.full_like(reset[:, 0], self.size, dtype=torch.int64)
        age = sequence.ages(began, reset, steps)[:, ::stride][:, :count]  # (B, T')
        for tap in range(self.window.kernel):
            first = tap * self.window.dilation
            given = extended[:, first : first + (count - 1) * stride + 1 : stride]
            yield sequence.zero_where(given, age >= self.size - first)
