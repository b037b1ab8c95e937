"""Complex matrices as parameters: pairs of real numbers, which every dtype can hold, and products with them."""

from __future__ import annotations

import torch
from torch import Tensor


def into_pairs(B: Tensor) -> Tensor:
    """What takes real features to complex ones by one real product: B (N, I, 2) -> (2 N, I), real beside imaginary."""
    return B.transpose(1, 2).flatten(0, 1)


def real_part(C: Tensor) -> Tensor:
    """What takes complex features to the real part of their product: C (O, N, 2) -> (O, 2 N)."""
    real, imaginary = C.unbind(2)
    return torch.stack([real, -imaginary], 2).flatten(1)
