"""Norms over the features of each step."""

from __future__ import annotations

from torch import nn

from zoo.components import Shape
from zoo.layers.options import NormOptions


class LayerNorm(nn.LayerNorm):
    """(B, T, F) -> (B, T, F): zero mean and unit variance at each step, then scale and shift (arXiv:1607.06450)."""

    def __init__(self, options: NormOptions, input_shape: Shape) -> None:
        super().__init__(input_shape[-1], eps=options.eps)


class RMSNorm(nn.RMSNorm):
    """(B, T, F) -> (B, T, F): unit mean square at each step, then scale (arXiv:1910.07467)."""

    def __init__(self, options: NormOptions, input_shape: Shape) -> None:
        super().__init__(input_shape[-1], eps=options.eps)
