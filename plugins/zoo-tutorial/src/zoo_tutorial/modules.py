"""The moving average and the range, as modules."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import zoo
from zoo_tutorial.options import EMAOptions


class EMA(zoo.Cell):
    """h = alpha u + (1 - alpha delta) h for u = W x; the output is h. Without damping, delta is 1.

    Source: Ma et al. 2022, arXiv:2209.10655, section 3.1; the map W stands for the paper's expansion of the input.
    Parameters: weight_ih (H, I); rate (H) and damping (H), the logits of alpha and delta. States: h (H,).
    """

    damping: nn.Parameter | None

    def __init__(self, options: EMAOptions, input_shape: tuple[int, ...], hidden_size: int) -> None:
        super().__init__()
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        self.states = {"h": zoo.StateSpec((hidden_size,), zoneout=True)}
        self.weight_ih = nn.Parameter(torch.empty(hidden_size, input_shape[0]))
        self.rate = nn.Parameter(torch.empty(hidden_size))
        self.register_parameter("damping", nn.Parameter(torch.empty(hidden_size)) if options.damped else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weights as `torch.nn.Linear` starts them; rates and dampings of Gaussian logits."""
        nn.init.kaiming_uniform_(self.weight_ih, a=math.sqrt(5))
        for logits in (self.rate, self.damping):
            if logits is not None:
                nn.init.normal_(logits)

    def constants(self, ctx: zoo.Context) -> tuple[Tensor, Tensor]:
        """Once for a run: alpha, and the share that stays at each step."""
        alpha = torch.sigmoid(self.rate)
        return alpha, 1 - (alpha if self.damping is None else alpha * torch.sigmoid(self.damping))

    def project(self, x: Tensor, const: Any, ctx: zoo.Context) -> Tensor:
        """What does not depend on the state, for all steps at once: (B, T, I) -> (B, T, H)."""
        u: Tensor = const[0] * F.linear(x, self.weight_ih)
        return u

    def linear_recurrence(self, u: Tensor, const: Any) -> Mapping[str, tuple[Tensor, Tensor]]:
        return {"h": (const[1], u)}

    def roles(self) -> Mapping[str, zoo.Role]:
        return {"weight_ih": zoo.Role("input")}


class Range(nn.Module):
    """The largest value of each feature over a sequence's valid steps, less the smallest: (B, T, F) -> (B, F)."""

    def __init__(self, options: zoo.NoOptions, input_shape: tuple[int, ...]) -> None:
        super().__init__()

    def forward(self, y: Tensor, valid: Tensor | None, final: Tensor) -> Tensor:
        if valid is None:
            return y.amax(1) - y.amin(1)
        padding = ~valid.unsqueeze(2)
        return y.masked_fill(padding, -torch.inf).amax(1) - y.masked_fill(padding, torch.inf).amin(1)
