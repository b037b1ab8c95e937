"""Cells that are linear and elementwise in their state: h_t = a_t * h_{t-1} + b_t, real or complex.

The forward is the loop without autograd; the backward is the same recurrence, run the other way over the gradients, so
it is as fast, and differentiable again by the same rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import torch
from torch import Tensor

from zoo.engine import returned
from zoo.engine.cell import Cell, States
from zoo.engine.sequence import where_steps
from zoo.engine.steps import Found, Steps
from zoo.engine.tracing import is_tracing

BLOCK: Final = 2**19
"""Numbers in one block of the backward."""


def is_linear(cell: Cell) -> bool:
    return type(cell).linear_recurrence is not Cell.linear_recurrence


def reason(cell: Cell) -> str | None:
    """Why a cell cannot run so, or None."""
    return None if is_linear(cell) else "is not linear in its state"


def possible(steps: Steps) -> bool:
    """Whether this run can be done so."""
    return is_linear(steps.cell) and not steps.zoneout and not is_tracing()


def run(steps: Steps) -> Found:
    """The steps, of all states at once."""
    cell, u, state, const = steps.cell, steps.u, steps.state, steps.const
    states: States = {}
    after: States = {}
    count = steps.count
    look = partial(returned.linear_recurrence, cell, u, state, const, count)
    found = look() if steps.look else cell.linear_recurrence(u, const)
    for name, (a, b) in found.items():
        before = state[name]
        shape = (before.shape[0], count, *before.shape[1:])
        a, b = a.to(before.dtype), b.to(before.dtype).expand(shape)
        a = a.view(*(1,) * (b.dim() - a.dim()), *a.shape)
        if steps.reset is not None:
            b = where_steps(steps.reset, b + a * steps.initial[name].unsqueeze(1), b)
            a = where_steps(steps.reset, torch.zeros_like(a), a.expand(shape))
        if steps.valid is not None:
            b = where_steps(steps.valid, b, torch.zeros_like(b))
            a = where_steps(steps.valid, a.expand(shape), torch.ones_like(a))
        states[name] = recurrence(a, b, before)
        after[name] = states[name][:, -1]  # held through the padding
    y = returned.outputs(cell, u, states, const) if steps.look else cell.output(u, states, const)
    return y, after, states if steps.all_states else None


def recurrence(a: Tensor, b: Tensor, h: Tensor) -> Tensor:
    """h_t = a_t h_{t-1} + b_t at every step. Differentiable twice.

    Args:
        a: Shape (B, T, ...), with axes of size 1 where it is the same for all sequences, steps or features.
        b: Shape (B, T, ...).
        h: The state before the first step, shape (B, ...).

    Returns:
        The state at every step, shape (B, T, ...).
    """
    steps: Tensor = _Recurrence.apply(a, b, h, False)  # type: ignore[no-untyped-call]
    return steps


class _Recurrence(torch.autograd.Function):
    """From the first step to the last or, backwards, h_t = a_t h_{t+1} + b_t from the last to the first."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, h: Tensor, backwards: bool) -> Tensor:
        found = _run(_by_step(a, b.shape[1]), b, h, backwards=backwards)
        ctx.save_for_backward(a, h, found)
        ctx.backwards = backwards
        return found

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        # g_t = grad_t + conj(a_{t+1}) g_{t+1}: the recurrence itself, the other way round.
        a, h, states = ctx.saved_tensors
        if torch.is_grad_enabled():  # for second derivatives, in steps that are differentiable themselves
            return _differentiable(a, h, states, grad, backwards=ctx.backwards)
        conj = a.conj().resolve_conj()
        by_step = _by_step(conj, grad.shape[1])
        shifted = [*by_step[1:], torch.zeros_like(by_step[0])]
        if ctx.backwards:
            shifted = [torch.zeros_like(by_step[0]), *by_step[:-1]]
        g = _run(shifted, grad, torch.zeros_like(h), backwards=not ctx.backwards)
        first = -1 if ctx.backwards else 0
        return _by_a(a.shape, g, states, h, backwards=ctx.backwards), g, by_step[first] * g[:, first], None


def _by_a(shape: torch.Size, g: Tensor, states: Tensor, h: Tensor, *, backwards: bool) -> Tensor:
    """The gradient by a, of the given shape: the products of g with the state before each step, summed where a is one.

    In blocks of sequences that stay in the cache: over all at once, new memory costs several times the arithmetic.
    """
    size = max(1, BLOCK // max(1, g[0].numel()))
    later, earlier = (slice(None, -1), slice(1, None)) if backwards else (slice(1, None), slice(None, -1))
    first = -1 if backwards else 0
    whole = torch.empty_like(g) if shape == g.shape else None
    sums = []
    for start in range(0, len(g), size):
        block = slice(start, start + size)
        product = torch.empty_like(g[block]) if whole is None else whole[block]
        torch.mul(g[block, later], states[block, earlier].conj(), out=product[:, later])
        torch.mul(g[block, first], h[block].conj(), out=product[:, first])
        if whole is None:
            sums.append(product.sum_to_size(1 if shape[0] == 1 else len(product), *shape[1:]))
    return torch.cat(sums).sum_to_size(shape) if whole is None else whole


def _by_step(a: Tensor, steps: int) -> Sequence[Tensor]:
    return a.unbind(1) if a.shape[1] == steps else [a[:, 0]] * steps


def _run(a: Sequence[Tensor], b: Tensor, h: Tensor, *, backwards: bool) -> Tensor:
    states = torch.empty(b.shape, dtype=b.dtype, device=b.device)
    steps = list(zip(a, b.unbind(1), states.unbind(1), strict=True))
    for a_t, b_t, out in reversed(steps) if backwards else steps:
        h = torch.addcmul(b_t, a_t, h, out=out)
    return states


def _differentiable(
    a: Tensor, h: Tensor, states: Tensor, grad: Tensor, *, backwards: bool
) -> tuple[Tensor, Tensor, Tensor, None]:
    shape = a.shape
    a = a.conj().expand(states.shape)
    none, first = torch.zeros_like(a[:, :1]), h.unsqueeze(1)
    if backwards:
        shifted, before = torch.cat([none, a[:, :-1]], 1), torch.cat([states[:, 1:], first], 1)
    else:
        shifted, before = torch.cat([a[:, 1:], none], 1), torch.cat([first, states[:, :-1]], 1)
    g: Tensor = _Recurrence.apply(shifted, grad, torch.zeros_like(h), not backwards)  # type: ignore[no-untyped-call]
    end = -1 if backwards else 0
    return (g * before.conj()).sum_to_size(shape), g, a[:, end] * g[:, end], None
