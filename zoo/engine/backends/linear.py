"""Cells that are linear and elementwise in their state: h_t = a_t ⊙ h_{t-1} + b_t, real or complex.

The forward is the loop without autograd; the backward is the same recurrence run back over the gradients, so it is as
fast, and differentiable again by the same rule.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from zoo.engine.cell import Cell, Inputs, States


def run(
    cell: Cell,
    u: Inputs,
    state: States,
    const: Any,
    *,
    valid: Tensor | None,
    reset: Tensor | None,
    start: States,
    all_states: bool,
) -> tuple[Tensor, States, States | None]:
    """The output (B, T, ...), the state after each row's last valid step, and the states at all steps if asked for."""
    states: States = {}
    after: States = {}
    for name, (a, b) in cell.linear_recurrence(u, const).items():
        before = state[name]
        a, b = a.to(before.dtype), b.to(before.dtype)
        if reset is not None:
            cut = _beside(reset, b)
            b = torch.where(cut, b + a * start[name].unsqueeze(1), b)
            a = torch.where(cut, torch.zeros_like(a), a)
        if valid is not None:
            held = _beside(valid, b)
            b = torch.where(held, b, torch.zeros_like(b))
            a = torch.where(held, a, torch.ones_like(a))
        states[name] = recurrence(a, b, before)
        after[name] = states[name][:, -1]  # held through the padding
    return cell.output(u, states, const), after, states if all_states else None


def recurrence(a: Tensor, b: Tensor, h: Tensor) -> Tensor:
    """h_t = a_t h_{t-1} + b_t at every step: a, b (B, T, ...), h (B, ...) -> (B, T, ...). Differentiable twice."""
    a, b = torch.broadcast_tensors(a, b)
    steps: Tensor = _Recurrence.apply(a, b, h, False)  # type: ignore[no-untyped-call]
    return steps


class _Recurrence(torch.autograd.Function):
    """From the first step to the last or, backwards, h_t = a_t h_{t+1} + b_t from the last to the first."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, h: Tensor, backwards: bool) -> Tensor:
        # Time first in memory, so that each step writes one block.
        states = torch.empty((b.shape[1], b.shape[0], *b.shape[2:]), dtype=b.dtype, device=b.device)
        steps = list(zip(a.unbind(1), b.unbind(1), states.unbind(0), strict=True))
        old = h
        for a_t, b_t, out in reversed(steps) if backwards else steps:
            old = torch.addcmul(b_t, a_t, old, out=out)
        found = states.movedim(0, 1)
        ctx.save_for_backward(a, h, found)
        ctx.backwards = backwards
        return found

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:  # type: ignore[override]
        a, h, states = ctx.saved_tensors
        a = a.conj().resolve_conj() if a.is_complex() else a
        none, first = torch.zeros_like(a[:, :1]), h.unsqueeze(1)
        # g_t = grad_t + conj(a_{t+1}) g_{t+1}: the recurrence itself, the other way round.
        if ctx.backwards:
            shifted, before = torch.cat([none, a[:, :-1]], 1), torch.cat([states[:, 1:], first], 1)
        else:
            shifted, before = torch.cat([a[:, 1:], none], 1), torch.cat([first, states[:, :-1]], 1)
        g: Tensor = _Recurrence.apply(shifted, grad, torch.zeros_like(h), not ctx.backwards)  # type: ignore[no-untyped-call]
        end = -1 if ctx.backwards else 0
        return g * (before.conj() if before.is_complex() else before), g, a[:, end] * g[:, end], None


def _beside(mask: Tensor, x: Tensor) -> Tensor:
    return mask.view(*mask.shape, *(1,) * (x.dim() - mask.dim()))
