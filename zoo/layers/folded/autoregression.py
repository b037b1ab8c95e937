"""A linear map of the last steps of every feature, the same one for all features."""

from __future__ import annotations

from torch import Tensor

from zoo.components import Shape
from zoo.layers.convolutions.conv1d import Conv1d
from zoo.layers.convolutions.options import Conv1dOptions
from zoo.layers.convolutions.past import Past
from zoo.layers.folded.options import AutoregressionOptions


class Autoregression(Conv1d):
    """y_t = b + Σ_j w_j x_{t - steps + 1 + j} for each feature by itself, (B, T, F) -> (B, T, F)."""

    def __init__(self, options: AutoregressionOptions, input_shape: Shape) -> None:
        one = {"channels": 1, "kernel_size": options.steps, "padding": "causal", "bias": options.bias}
        super().__init__(Conv1dOptions.model_validate(one), (1,))
        (self.width,) = self.output_shape = input_shape
        self.past = Past(self.window, input_shape)

    def extra_repr(self) -> str:
        return ""

    @property
    def _kernel(self) -> tuple[Tensor, Tensor | None, int]:
        weight, bias, _ = super()._kernel
        return weight.expand(self.width, -1, -1), None if bias is None else bias.expand(self.width), self.width
