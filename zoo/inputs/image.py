"""An image column by column: its width is time."""

from __future__ import annotations

from torch import Tensor

from zoo.inputs.base import Input
from zoo.inputs.options import ImageOptions


class Image(Input):
    """x (B, width, channels, height) -> the same; of images (B, C, H, W) it is `x.permute(0, 3, 1, 2)`."""

    def __init__(self, options: ImageOptions) -> None:
        super().__init__()
        self.input_shape = self.output_shape = (options.channels, options.height)

    def forward(self, x: Tensor) -> Tensor:
        return x
