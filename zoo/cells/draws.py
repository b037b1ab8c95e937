"""Distributions that torch does not draw from by itself."""

from __future__ import annotations

from typing import Final

from torch import Tensor, nn

CUT: Final = 0.87962566103423978
"""Standard deviation of a standard normal distribution that is cut off at two."""


def truncated_normal_(tensor: Tensor, deviation: float) -> Tensor:
    """Fill a tensor with normal numbers that are cut off at two deviations, as flax and Keras draw them.

    Args:
        tensor: What is filled.
        deviation: Standard deviation of what is drawn, after numbers beyond two deviations were cut off.
    """
    wide = deviation / CUT
    return nn.init.trunc_normal_(tensor, 0, wide, -2 * wide, 2 * wide)
