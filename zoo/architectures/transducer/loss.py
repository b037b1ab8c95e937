"""The loss of a transducer: minus the log of what all ways of writing the target, a blank for each step, come to.

Graves 2012, arXiv:1211.3711, equations 16 to 18: α(t, u) = α(t-1, u) ∅(t-1, u) + α(t, u-1) y(t, u-1).
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

NEVER: Final = -1e30
"""The log of what cannot be, finite so that no gradient of it is undefined: far below any sum of logs."""


def negative_logs(scores: Tensor, target: Tensor, steps: Tensor, symbols: Tensor, blank: int) -> Tensor:
    """-log P(target) of each row, (B,), in float32 at least.

    All cells with one t + u are found together, from those with t + u - 1: they are the columns of `lattice`, which has
    t + u and u as its axes.

    Args:
        scores: Shape (B, T, U + 1, V).
        target: Indices among the scores, (B, U); never the blank.
        steps: Number of valid steps, (B,), at least 1.
        symbols: Number of valid symbols of each target, (B,).
        blank: Its index among the scores.
    """
    logs = _valid(scores, steps, symbols).log_softmax(-1)
    blanks = logs[..., blank]  # (B, T, U + 1)
    emitted = logs[:, :, :-1].gather(-1, target[:, None, :, None].expand(-1, logs.shape[1], -1, 1)).squeeze(-1)
    blanks, emitted = _skewed(blanks), _skewed(emitted)  # (B, T + U, U + 1), (B, T + U - 1, U)
    column = torch.full_like(blanks[:, 0], NEVER)
    column[:, 0] = 0.0
    lattice = [column]
    for d in range(1, blanks.shape[1]):
        waited = column + blanks[:, d - 1]
        if emitted.shape[2]:
            wrote = column[:, :-1] + emitted[:, d - 1]
            waited = torch.cat([waited[:, :1], torch.logaddexp(waited[:, 1:], wrote)], 1)
        column = waited
        lattice.append(column)
    whole = torch.stack(lattice, 1) + blanks  # the last blank ends it
    rows = torch.arange(len(scores), device=scores.device)
    return -whole[rows, steps - 1 + symbols, symbols]


def _valid(scores: Tensor, steps: Tensor, symbols: Tensor) -> Tensor:
    """Scores as float32 at least, zero in padding, whatever stands there."""
    precise = scores if scores.dtype == torch.float64 else scores.float()
    t = torch.arange(scores.shape[1], device=scores.device)
    u = torch.arange(scores.shape[2], device=scores.device)
    keep = (t < steps[:, None]).unsqueeze(2) & (u <= symbols[:, None]).unsqueeze(1)
    return torch.where(keep.unsqueeze(-1), precise, 0.0)


def _skewed(logs: Tensor) -> Tensor:
    """(B, T, U) by t and u -> (B, T + U - 1, U) by t + u and u.

    Where there is no such t stands the nearest one's: from there no way leads into the lattice.
    """
    steps, symbols = logs.shape[1:]
    if not symbols:
        return logs
    d = torch.arange(steps + symbols - 1, device=logs.device).unsqueeze(1)
    t = (d - torch.arange(symbols, device=logs.device)).clamp(0, steps - 1)
    return logs.gather(1, t.expand(len(logs), -1, -1))
