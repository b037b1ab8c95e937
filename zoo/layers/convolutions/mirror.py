"""Steps and places beyond the ends of a sequence and of its maps, mirrored at the last ones instead of zero."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from zoo.components import Window


def mirrored(x: Tensor, around: Mapping[int, Window], lengths: Tensor | None) -> Tensor:
    """x (B, T, C, ...) with what its windows see beyond its ends; along time, beyond each sequence's own end.

    The end itself is not repeated: behind a, b, c stands b. A sequence with too few steps to mirror repeats its first.

    Args:
        x: What is convolved.
        around: The window along each axis of x, by its number.
        lengths: Number of valid steps of each sequence, shape (B,), or None.

    Returns:
        The same, longer along these axes.
    """
    for axis, window in around.items():
        if not (window.left or window.right):
            continue
        places = torch.arange(-window.left, x.shape[axis] + window.right, device=x.device).abs()
        if axis != 1 or lengths is None:
            x = x.index_select(axis, _back(places, torch.full_like(places, x.shape[axis] - 1)))
            continue
        last = (lengths.to(x.device) - 1).clamp(min=0).unsqueeze(1)
        places = _back(places, last).view(x.shape[0], -1, *(1,) * (x.dim() - 2))
        x = torch.take_along_dim(x, places, 1)
    return x


def _back(places: Tensor, last: Tensor) -> Tensor:
    """Places beyond the last one as far in front of it."""
    return torch.where(places > last, 2 * last - places, places).clamp(min=0)
