"""Cells that are linear and elementwise in their state: h_t = a_t * h_{t-1} + b_t, real or complex.

The forward is the loop without autograd; the backward is the same recurrence, run the other way over the gradients, so
it is as fast, and differentiable again by the same rule.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from zoo.engine.cell import Cell, Inputs, States
from zoo.engine.sequence import where_steps


def is_linear(cell: Cell) -> bool:
    return type(cell).linear_recurrence is not Cell.linear_recurrence


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
    steps = (u[0] if isinstance(u, tuple) else u).shape[1]
    for name, (a, b) in cell.linear_recurrence(u, const).items():
        before = state[name]
        shape = (before.shape[0], steps, *before.shape[1:])
        a, b = a.to(before.dtype).expand(shape), b.to(before.dtype).expand(shape)
        if reset is not None:
            b = where_steps(reset, b + a * start[name].unsqueeze(1), b)
            a = where_steps(reset, torch.zeros_like(a), a)
        if valid is not None:
            b = where_steps(valid, b, torch.zeros_like(b))
            a = where_steps(valid, a, torch.ones_like(a))
        states[name] = recurrence(a, b, before)
        after[name] = states[name][:, -1]  # held through the padding
    return cell.output(u, states, const), after, states if all_states else None


def recurrence(a: Tensor, b: Tensor, h: Tensor) -> Tensor:
    """h_t = a_t h_{t-1} + b_t at every step: a, b (B, T, ...), h (B, ...) -> (B, T, ...). Differentiable twice."""
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
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        a, h, states = ctx.saved_tensors
        if a.is_complex():
            a = a.conj().resolve_conj()
        none, first = torch.zeros_like(a[:, :1]), h.unsqueeze(1)
        # g_t = grad_t + conj(a_{t+1}) g_{t+1}: the recurrence itself, the other way round.
        if ctx.backwards:
            shifted, before = torch.cat([none, a[:, :-1]], 1), torch.cat([states[:, 1:], first], 1)
        else:
            shifted, before = torch.cat([a[:, 1:], none], 1), torch.cat([first, states[:, :-1]], 1)
        g: Tensor = _Recurrence.apply(shifted, grad, torch.zeros_like(h), not ctx.backwards)  # type: ignore[no-untyped-call]
        end = -1 if ctx.backwards else 0
        return g * before.conj(), g, a[:, end] * g[:, end], None
