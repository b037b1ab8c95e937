"""The head of several linear maps."""

from __future__ import annotations

import math
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from zoo.components import Shape, chosen
from zoo.heads.base import Classifier
from zoo.heads.options import MLPOptions
from zoo.layers.activations import activate


class MLP(Classifier):
    """Linear maps with an activation after each but the last.

    It takes (..., F), or maps (..., C, H, W) with all their numbers in a row, and gives (..., size).
    """

    def __init__(self, options: MLPOptions, input_shape: Shape, source: nn.Module) -> None:
        super().__init__()
        self.activation = options.activation
        self.dropout, self.axes = options.dropout, len(input_shape)
        widths = (math.prod(input_shape), *options.hidden, options.size)
        self.linears = nn.ModuleList(nn.Linear(wide, size) for wide, size in pairwise(widths))
        self._chosen = chosen(options, "hidden")

    def extra_repr(self) -> str:
        return self._chosen

    def forward(self, x: Tensor) -> Tensor:
        *hidden, last = self.linears
        x = x.flatten(-self.axes)
        for linear in hidden:
            x = F.dropout(activate(self.activation, linear(x)), self.dropout, self.training)
        y: Tensor = last(x)
        return y
