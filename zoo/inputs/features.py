"""Real-valued features: they come in as they are."""

from __future__ import annotations

from torch import Tensor

from zoo.inputs.base import Input
from zoo.inputs.options import FeaturesOptions


class Features(Input):
    """x (B, T, size) -> (B, T, size)."""

    def __init__(self, options: FeaturesOptions) -> None:
        super().__init__()
        self.input_shape = self.output_shape = (options.size,)

    def forward(self, x: Tensor) -> Tensor:
        return x
