"""Dropout on sequences, and zoneout."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def drop(x: Tensor, rate: float, *, training: bool, variational: bool) -> Tensor:
    """Dropout on x (B, T, ...): a mask per step or, variational, one for the whole sequence (arXiv:1512.05287)."""
    if not rate or not training:
        return x
    if not variational:
        return F.dropout(x, rate)
    keep = 1.0 - rate
    # not drawn in place, which torch.vmap has no rule for
    mask = torch.bernoulli(torch.full((x.shape[0], 1, *x.shape[2:]), keep, dtype=x.dtype, device=x.device)).div(keep)
    return x * mask


def zoneout(old: Tensor, new: Tensor, rate: float, *, training: bool) -> Tensor:
    """Keep each old value with this probability; outside training, the mean of that (arXiv:1606.01305)."""
    if training:
        return torch.where(torch.rand(old.shape, device=old.device) < rate, old, new)
    return rate * old + (1.0 - rate) * new
