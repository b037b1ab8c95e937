"""The two layers that kraken's networks need beside those of zoo."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

import zoo
from zoo_vgsl.options import ChannelDropoutOptions


class Rows(zoo.Layer):
    """(B, T, C, H) -> (B, T, H, C): flattened behind it, a column is read row by row, as kraken's S does."""

    def __init__(self, options: object, input_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.output_shape = input_shape[::-1]

    def forward(self, x: Tensor, state: Mapping[str, Tensor], run: zoo.Run) -> zoo.LayerOutput:
        return zoo.LayerOutput(x.transpose(2, 3).contiguous(), {})


class ChannelDropout(zoo.Layer):
    """(B, T, C, ...) -> the same, with whole channels of a sequence dropped, and the others scaled up."""

    def __init__(self, options: ChannelDropoutOptions, input_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.output_shape, self.rate = input_shape, options.dropout

    def extra_repr(self) -> str:
        return f"dropout={self.rate}"

    def forward(self, x: Tensor, state: Mapping[str, Tensor], run: zoo.Run) -> zoo.LayerOutput:
        if not self.training or not self.rate:
            return zoo.LayerOutput(x, {})
        keep = 1.0 - self.rate
        shape = (x.shape[0], 1, x.shape[2], *(1,) * (x.dim() - 3))
        mask = torch.bernoulli(torch.full(shape, keep, dtype=x.dtype, device=x.device)).div(keep)
        return zoo.LayerOutput(x * mask, {})
