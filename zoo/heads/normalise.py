"""The head that gives vectors of length 1, as embeddings of speakers and of sentences are compared."""

from __future__ import annotations

import math

from torch import Tensor, nn
from torch.nn import functional as F

from zoo.components import Shape, chosen
from zoo.heads.base import Head
from zoo.heads.options import NormaliseOptions
from zoo.layers.activations import activate


class Normalise(Head):
    """(..., F) -> y / |y|, where y is the activation of W x + b, or of x without `size`; 0 stays 0.

    Source: Wan et al. 2018, arXiv:1710.10467, equation 4; linear, relu and the norm as in Resemblyzer's
    voice_encoder.py.
    """

    gives = "features"

    def __init__(self, options: NormaliseOptions, input_shape: Shape, source: nn.Module) -> None:
        super().__init__()
        self.axes, self.activation = len(input_shape), options.activation
        width = math.prod(input_shape)
        self.linear = None if options.size is None else nn.Linear(width, options.size, bias=options.bias)
        self._chosen = chosen(options, "size", "bias")

    def extra_repr(self) -> str:
        return self._chosen

    def forward(self, x: Tensor) -> Tensor:
        y = x.flatten(-self.axes)
        y = y if self.linear is None else self.linear(y)
        return F.normalize(activate(self.activation, y), dim=-1)
