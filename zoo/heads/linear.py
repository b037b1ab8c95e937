"""The linear head."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from zoo.components import Shape
from zoo.heads.options import LinearOptions


class Linear(nn.Module):
    """(..., F) -> W x + b, (..., size)."""

    def __init__(self, options: LinearOptions, input_shape: Shape, source: nn.Module) -> None:
        super().__init__()
        self.dropout = options.dropout
        self.linear = nn.Linear(input_shape[-1], options.size, bias=options.bias)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.linear(F.dropout(x, self.dropout, self.training))
        return y
