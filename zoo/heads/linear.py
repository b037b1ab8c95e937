"""The linear head."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.components import Shape, chosen
from zoo.errors import InputError
from zoo.heads.base import Classifier, soft_capped
from zoo.heads.options import LinearOptions
from zoo.layers.activations import activate


class Linear(Classifier):
    """(..., F), or maps (..., C, H, W) with all their numbers in a row -> W x + b, (..., size).

    These are logits, with a soft cap c bounded as c tanh(y / c). With an activation they are features: what a sigmoid
    or a tanh of scores means, and which loss fits, only its user knows.
    """

    def __init__(self, options: LinearOptions, input_shape: Shape, source: nn.Module) -> None:
        super().__init__()
        self.dropout, self.axes, self.activation = options.dropout, len(input_shape), options.activation
        self.gives = "logits" if options.activation == "none" else "features"
        self.soft_cap = options.soft_cap
        self.linear = nn.Linear(math.prod(input_shape), options.size, bias=options.bias)
        self._chosen = chosen(options, "bias")

    def extra_repr(self) -> str:
        return self._chosen

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.linear(F.dropout(x.flatten(-self.axes), self.dropout, self.training))
        return activate(self.activation, soft_capped(y, self.soft_cap))

    def fit(self, features: Tensor, targets: Tensor, *, ridge: float) -> None:
        """Ridge regression: W and b where the sum of |W x + b − y|² and ridge |W|² is least, b without a penalty.

        There must be no activation and no soft cap.

        Computed in float64 on the CPU; where features repeat one another and ridge is 0, the smallest of all best W.
        Source: Jaeger 2001, GMD report 148, has the least squares.

        Args:
            features: Shape (N, F), or (N, C, H, W).
            targets: Shape (N, size).
            ridge: Penalty on squared weights, at least 0.
        """
        if self.activation != "none":
            raise InputError(f"a linear head with activation {self.activation} cannot be fitted in closed form")
        if self.soft_cap is not None:
            raise InputError("a linear head with a soft_cap cannot be fitted in closed form")
        X, Y = features.detach().flatten(1).double().cpu(), targets.detach().double().cpu()
        middle = (X.mean(0), Y.mean(0)) if self.linear.bias is not None else (X.new_zeros(()), Y.new_zeros(()))
        X, Y = X - middle[0], Y - middle[1]
        sizes, directions = torch.linalg.eigh(X.T @ X)
        sizes = sizes.clamp(min=0) + ridge
        smallest = sizes.max() * len(sizes) * torch.finfo(torch.float64).eps
        inverse = torch.where(sizes > smallest, 1 / sizes, torch.zeros_like(sizes))
        weight = (directions * inverse) @ (directions.T @ (X.T @ Y))  # (F, size)
        with torch.no_grad():
            self.linear.weight.copy_(weight.T)
            if self.linear.bias is not None:
                self.linear.bias.copy_(middle[1] - middle[0] @ weight)
