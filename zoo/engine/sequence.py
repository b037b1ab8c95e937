"""Sequences of different lengths: masks, the last valid step, reading backward. Batch first throughout."""

from __future__ import annotations

import torch
from torch import Tensor


def valid_steps(lengths: Tensor, steps: int) -> Tensor:
    """Which steps are not padding: (B,) -> (B, T)."""
    return torch.arange(steps, device=lengths.device) < lengths.unsqueeze(1)


def zero_where(x: Tensor, mask: Tensor | None) -> Tensor:
    """x (B, T, ...) with exact zeros where mask (B, T) is false, whatever stood there, NaN included."""
    if mask is None:
        return x
    return torch.where(_beside(mask, x), x, torch.zeros((), dtype=x.dtype, device=x.device))


def where_sequences(chosen: Tensor, yes: Tensor, no: Tensor) -> Tensor:
    """Sequence by sequence: chosen (B,) chooses between two tensors (B, ...)."""
    return torch.where(_beside(chosen, no), yes, no)


def where_steps(steps: Tensor, yes: Tensor, no: Tensor) -> Tensor:
    """Step by step: steps (B, T) chooses between two tensors (B, T, ...)."""
    return torch.where(_beside(steps, no), yes, no)


def reversal(lengths: Tensor | None, steps: int, device: torch.device) -> Tensor:
    """The index (B or 1, T) that reads each sequence from its last valid step; padding stays where it is."""
    step = torch.arange(steps, device=device).unsqueeze(0)
    if lengths is None:
        return step.flip(1)
    ends = lengths.unsqueeze(1)
    return torch.where(step < ends, ends - 1 - step, step)


def take(x: Tensor, index: Tensor) -> Tensor:
    """The steps of x (B, T, ...) in the order of an index (B or 1, T)."""
    if index.shape[0] == 1:
        return x.index_select(1, index[0])
    return x.gather(1, _beside(index, x).expand(-1, -1, *x.shape[2:]))  # take_along_dim would fix sizes in an export


def at_step(x: Tensor, step: Tensor) -> Tensor:
    """One step of each sequence: x (B, T, ...), step (B,) -> (B, ...)."""
    return take(x, step.unsqueeze(1)).squeeze(1)


def at_last(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Each sequence's last valid step; the first step of one without any."""
    return x[:, -1] if lengths is None else at_step(x, (lengths - 1).clamp(min=0))


def gaps_backward(gaps: Tensor, lengths: Tensor | None) -> Tensor:
    """What stands between two steps, (B, T), for the backward direction.

    Position t speaks of what lies between t - 1 and t, so the step that is read after t needs it; the first step that
    is read takes the sequence's own first value.
    """
    steps = gaps.shape[1]
    step = torch.arange(steps, device=gaps.device).unsqueeze(0)
    ends = torch.full_like(step[:, :1], steps) if lengths is None else lengths.unsqueeze(1)
    index = torch.where((step > 0) & (step < ends), ends - step, step)
    return take(gaps, index)


def dt_backward(dt: Tensor, reset: Tensor | None, lengths: Tensor | None) -> Tensor:
    """Time gaps (B, T) for the backward direction; the first step read of each sequence takes its first gap."""
    backward = gaps_backward(dt, lengths)
    if reset is None:
        return backward
    step = torch.arange(dt.shape[1], device=dt.device).expand_as(dt)
    began = torch.where(reset, step, torch.zeros_like(step)).cummax(1).values
    own_first = take(dt.gather(1, began), reversal(lengths, dt.shape[1], dt.device))
    first = gaps_backward(reset, lengths) | (step == 0)
    return torch.where(first, own_first, backward)


def ages(before: Tensor, reset: Tensor | None, steps: int) -> Tensor:
    """Steps since each sequence, or its last reset, began: before (B,), its age so far -> (B, T)."""
    step = torch.arange(steps, device=before.device).unsqueeze(0)
    running = before.unsqueeze(1) + step
    if reset is None:
        return running
    last = torch.where(reset, step, torch.full_like(step, -1)).cummax(1).values
    return torch.where(last >= 0, step - last, running)


def _beside(mask: Tensor, x: Tensor) -> Tensor:
    """A mask or index with axes of size 1 added, so that it stands beside the leading axes of x."""
    return mask.view(*mask.shape, *(1,) * (x.dim() - mask.dim()))
