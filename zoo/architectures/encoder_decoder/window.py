"""A window that moves along the source by itself: where it stands hangs on what asks, and not on what stands there."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.architectures.encoder_decoder.options import AttentionOptions


class Window(nn.Module):
    """q (B, Q), positions p (B, K) -> weights (B, S), and the positions that they come from.

    Graves 2013, arXiv:1308.0850, equations 46 to 51, with u from 0 and the width b in place of 1 / b:

        a, b, d = f(W q + bias), each (B, K)
        p = p' + pace d
        weight of step u = sum over k of a_k exp(-(p_k - u)^2 / max(b_k, narrowest))

    f is exp, as in the paper, or softplus. The weights do not sum to one, and a window never goes back.
    """

    def __init__(self, options: AttentionOptions, query: int) -> None:
        super().__init__()
        self.linear = nn.Linear(query, 3 * options.components)
        self.function, self.pace, self.narrowest = options.function, options.pace, options.narrowest

    def forward(self, query: Tensor, position: Tensor, steps: int) -> tuple[Tensor, Tensor]:
        made = self.linear(query).to(position.dtype)
        height, width, advance = (made.exp() if self.function == "exp" else F.softplus(made)).chunk(3, -1)
        position = position + self.pace * advance
        places = torch.arange(steps, device=query.device, dtype=position.dtype)
        distance = position.unsqueeze(-1) - places
        width = width.clamp(min=self.narrowest) if self.narrowest else width
        bells = height.unsqueeze(-1) * torch.exp(-distance.square() / width.unsqueeze(-1))
        return bells.sum(1), position
