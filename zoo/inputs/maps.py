"""Maps, as images and fields of measurements are: they come in as they are."""

from __future__ import annotations

from torch import Tensor

from zoo.inputs.base import Input
from zoo.inputs.options import MapsOptions


class Maps(Input):
    """x (B, T, channels, height, width) -> the same."""

    def __init__(self, options: MapsOptions) -> None:
        super().__init__()
        self.input_shape = self.output_shape = (options.channels, options.height, options.width)

    def forward(self, x: Tensor) -> Tensor:
        return x
