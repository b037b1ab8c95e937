"""Pools over time: from (B, T, F) to (B, F), with padding left out of all of them. All but attention take maps too.

Each is called with the last layer's output, zero in padding; which steps are valid (B, T), or None for all;
and the final output of each direction (B, F).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zoo.components import NoOptions, Shape
from zoo.engine.precision import HALF
from zoo.heads.options import AttentionOptions


class Last(nn.Module):
    """The final output of each direction."""

    def __init__(self, options: NoOptions, input_shape: Shape) -> None:
        super().__init__()

    def forward(self, y: Tensor, valid: Tensor | None, final: Tensor) -> Tensor:
        return final


class Mean(nn.Module):
    """The mean over a sequence's valid steps."""

    def __init__(self, options: NoOptions, input_shape: Shape) -> None:
        super().__init__()

    def forward(self, y: Tensor, valid: Tensor | None, final: Tensor) -> Tensor:
        if valid is None:
            return y.mean(1)
        # counted in float32, and summed in it: half precision counts to 256
        steps = valid.sum(1).float() if y.dtype in HALF else valid.sum(1).to(y.dtype)
        total = y.sum(1, dtype=steps.dtype)
        return (total / steps.view(-1, *(1,) * (y.dim() - 2))).to(y.dtype)


class Max(nn.Module):
    """The largest value of each feature over a sequence's valid steps."""

    def __init__(self, options: NoOptions, input_shape: Shape) -> None:
        super().__init__()

    def forward(self, y: Tensor, valid: Tensor | None, final: Tensor) -> Tensor:
        if valid is not None:
            y = y.masked_fill(~valid.view(*valid.shape, *(1,) * (y.dim() - 2)), -torch.inf)
        return y.amax(1)


class Attention(nn.Module):
    """Σ α_t y_t with α = softmax over the valid steps of v · tanh(W y_t + b) (Yang et al. 2016, equations 5 to 7)."""

    def __init__(self, options: AttentionOptions, input_shape: Shape) -> None:
        super().__init__()
        size = options.size or input_shape[-1]
        self.hidden = nn.Linear(input_shape[-1], size)
        self.score = nn.Linear(size, 1, bias=False)

    def forward(self, y: Tensor, valid: Tensor | None, final: Tensor) -> Tensor:
        scores = self.score(torch.tanh(self.hidden(y)))  # (B, T, 1)
        if valid is not None:
            scores = scores.masked_fill(~valid.unsqueeze(2), -torch.inf)
        return (torch.softmax(scores, 1) * y).sum(1)
