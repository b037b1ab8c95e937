"""Layers that see every so many-th step, as as many sequences side by side: of whole periods, and dilated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from zoo.components import Shape, Window
from zoo.engine.cell import States
from zoo.engine.inside import build_layers
from zoo.engine.layer import Layer, LayerOutput, Run
from zoo.engine.layers import LayerList
from zoo.engine.sequence import at_last, take, valid_steps, where_sequences, where_steps, zero_where
from zoo.errors import InputError
from zoo.layers.folded.options import DilatedOptions, PeriodicOptions


class Folded(Layer):
    """A layer whose layers run over every `count`-th step: (B, N · count, ...) is (B · count, N, ...) for them.

    A state of theirs, of shape (...), is one of shape (count, ...) for each sequence: one for each share of the steps.

    Attributes:
        count: Number of shares.
    """

    count: int
    layers: LayerList

    def extra_repr(self) -> str:
        return str(self.count)

    def init_state(self, batch: int, *, device: torch.device, dtype: torch.dtype) -> States:
        inner = self.layers.init_state(batch * self.count, device=device, dtype=dtype)
        return {name: _apart(value, self.count) for name, value in inner.items()}

    def _inside(self, x: Tensor, state: Mapping[str, Tensor], run: Run, lengths: Tensor | None, reset: Any) -> Any:
        """Run the layers over shares (B · count, N, ...), whose lengths and resets are theirs."""
        valid = None if lengths is None else valid_steps(lengths, x.shape[1])
        inner = replace(run, lengths=lengths, valid=valid, reset=reset, dt=None, observed=None, final=False, named={})
        before = {name: value.flatten(0, 1) for name, value in state.items()}
        return self.layers.run(zero_where(x, valid), before, inner)


def _shares(x: Tensor, count: int) -> Tensor:
    """(B, N · count, ...) -> (B · count, N, ...)."""
    return x.reshape(x.shape[0], -1, count, *x.shape[2:]).transpose(1, 2).flatten(0, 1)


def _apart(value: Tensor, count: int) -> Tensor:
    """(B · count, ...) -> (B, count, ...)."""
    return value.reshape(-1, count, *value.shape[1:])


def _in_time(value: Tensor, count: int) -> Tensor:
    """(B · count, N, ...) -> (B, N · count, ...)."""
    return _apart(value, count).transpose(1, 2).flatten(1, 2)


class Periodic(Folded):
    """(B, T, ...) -> (B, N, period · H): a step for each of the N whole periods, the outputs of its steps side by side.

    The last period ends with a sequence's last step, and what is left over before the first is not looked at. From a
    step the layers inside go to the one a period later, so that the last step of the output has their final outputs.
    """

    def __init__(self, options: PeriodicOptions, input_shape: Shape) -> None:
        super().__init__()
        self.count = options.period
        self.layers = build_layers(options.layers, input_shape)
        first, *others = self.layers.output_shape
        self.output_shape = (self.count * first, *others)
        self.windows = (Window(kernel=self.count, stride=self.count),)

    def forward(self, x: Tensor, state: Mapping[str, Tensor], run: Run) -> LayerOutput:
        if run.reset is not None:
            raise InputError("reset cannot be given: Periodic puts the steps of a period together")
        steps = x.shape[1] // self.count * self.count
        lengths = None
        if run.lengths is None:
            x = x[:, x.shape[1] - steps :]
        else:
            place = torch.arange(steps, device=x.device) + (run.lengths % self.count).unsqueeze(1)
            x = take(x, place.clamp(max=x.shape[1] - 1))
            lengths = (run.lengths // self.count).repeat_interleave(self.count)
        found = self._inside(_shares(x, self.count), state, run, lengths, None)
        y = _apart(found.output, self.count).transpose(1, 2).flatten(2, 3)  # (B, N, period · H, ...)
        states = None
        if found.states is not None:
            states = {name: _apart(value, self.count).transpose(1, 2) for name, value in found.states.items()}
        return LayerOutput(y, {name: _apart(value, self.count) for name, value in found.state.items()}, None, states)


class Dilated(Folded):
    """(B, T, ...) -> (B, T, H): the layers inside see each step behind the one `dilation` steps before it.

    Its state is that of the last `dilation` steps, the earliest first (Chang et al. 2017, arXiv:1710.02224).
    """

    def __init__(self, options: DilatedOptions, input_shape: Shape) -> None:
        super().__init__()
        self.count = self.together = options.dilation
        self.layers = build_layers(options.layers, input_shape)
        self.output_shape = self.layers.output_shape

    def forward(self, x: Tensor, state: Mapping[str, Tensor], run: Run) -> LayerOutput:
        batch, steps = x.shape[:2]
        shares = min(self.count, steps)  # of a short piece, as of one step, only these have a step
        over = -steps % shares
        ends = torch.full((batch,), steps, device=x.device) if run.lengths is None else run.lengths
        lengths = None
        if over or run.lengths is not None:
            place = torch.arange(shares, device=x.device)
            lengths = ((ends.unsqueeze(1) - place + shares - 1) // shares).flatten()
        began = None if run.reset is None else _last_reset(run.reset, run.valid)
        reset = None
        if began is not None:
            # A share goes on from the step `dilation` steps before: it starts anew where any step since then does.
            recent = torch.arange(steps, device=x.device) - began < self.count
            reset = _shares(_longer(recent, over), shares)
        found = self._inside(
            _shares(_longer(x, over), shares), {k: v[:, :shares] for k, v in state.items()}, run, lengths, reset
        )
        y = _in_time(found.output, shares)[:, :steps]
        after = {name: torch.cat([_apart(v, shares), state[name][:, shares:]], 1) for name, v in found.state.items()}
        initial = {} if began is None else self.init_state(batch, device=x.device, dtype=x.dtype)
        slots = _Slots(self.count, steps, ends, began)
        states = None
        if found.states is not None:
            every = {name: _in_time(value, shares) for name, value in found.states.items()}
            states = {name: slots.every(state[name], value, initial.get(name)) for name, value in every.items()}
        return LayerOutput(
            y, {name: slots.last(value, initial.get(name)) for name, value in after.items()}, None, states
        )


class _Slots:
    """The states of the last `count` steps of each sequence, the earliest first.

    Args:
        count: How many they are.
        steps: Number of steps of the run.
        ends: Number of steps of each sequence, (B,).
        began: The last step up to each at which the sequence started anew, (B, T), or None.
    """

    def __init__(self, count: int, steps: int, ends: Tensor, began: Tensor | None) -> None:
        self.count, self.steps, self.ends, self.began = count, steps, ends, began
        self.place = torch.arange(count, device=ends.device)

    def last(self, shares: Tensor, initial: Tensor | None) -> Tensor:
        """After the last step: from the state of each share, (B, count, ...)."""
        found = take(shares, (self.place + self.ends.unsqueeze(1)) % self.count)
        if self.began is None or initial is None:
            return found
        began = where_sequences(self.ends > 0, at_last(self.began, self.ends), torch.full_like(self.ends, NEVER))
        return where_steps(self.ends.unsqueeze(1) - self.count + self.place < began.unsqueeze(1), initial, found)

    def every(self, before: Tensor, in_time: Tensor, initial: Tensor | None) -> Tensor:
        """After every step: from those before the first, (B, count, ...), and those of the steps, (B, T', ...)."""
        step = torch.arange(1, self.steps + 1, device=self.ends.device)
        seen = torch.minimum(step, self.ends.unsqueeze(1))  # (B, T): steps so far, as many at the end in padding
        place = (seen.unsqueeze(2) + self.place).flatten(1)  # of the states before the first step and of all steps
        found = take(torch.cat([before.to(in_time.dtype), in_time], 1), place)
        if self.began is not None and initial is not None:
            began = take(self.began, (seen - 1).clamp(min=0)).repeat_interleave(self.count, 1)
            anew = initial.to(found.dtype).repeat(1, self.steps, *(1,) * (initial.dim() - 2))
            found = where_steps(place - self.count < began, anew, found)
        return found.reshape(found.shape[0], self.steps, self.count, *found.shape[2:])


NEVER = -(2**40)
"""The step of a reset that was not."""


def _last_reset(reset: Tensor, valid: Tensor | None) -> Tensor:
    """The last step up to each, of those that are no padding, before which a sequence started anew: (B, T)."""
    step = torch.arange(reset.shape[1], device=reset.device)
    at = reset if valid is None else reset & valid
    return torch.where(at, step, torch.full_like(step, NEVER)).cummax(1).values


def _longer(x: Tensor, over: int) -> Tensor:
    """x (B, T, ...) with so many steps more."""
    return torch.cat([x, x.new_zeros(x.shape[0], over, *x.shape[2:])], 1) if over else x
