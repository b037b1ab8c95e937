"""The real-gated linear recurrent unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.cells.linear.options import RGLRUOptions, check_rglru
from zoo.components import Shape
from zoo.engine.cell import Cell, Context, StateSpec
from zoo.engine.sequence import where_steps

C: Final = 8.0
STEEPEST: Final = 1000.0
"""Largest gradient of the root, as in the official code: at a = 1 it would be infinite."""
FLAT: Final = 1 / (4 * STEEPEST**2)
"""Where the root is as steep as that."""


class RGLRU(Cell):
    """Real-gated linear recurrent unit, the recurrence of Griffin and RecurrentGemma.

    r = σ(W_a x + b_a), i = σ(W_x x + b_x), a = exp(−8 r ⊙ softplus(Λ)), h = a ⊙ h + √(1 − a²) ⊙ i ⊙ x.

    At the first step of a sequence the root is 1; the official code forgets a state that stands before it too, which
    only shows where one is given or learned. W_a and W_x are block diagonal, a block for each head. The output is h.
    The input is as wide as the state.

    Source: arXiv:2402.19427, section 2.4; google-deepmind/recurrentgemma. Parameters: weight_a and weight_x
    (heads, H / heads, H / heads), bias_a, bias_x and Lambda (H,), which is Λ. States: h (hidden_size,).
    """

    uses = frozenset({"fresh"})

    def __init__(self, options: RGLRUOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__()
        check_rglru(options, input_shape, hidden_size)
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        self.states = {"h": StateSpec((hidden_size,), zoneout=True)}
        size = hidden_size // options.heads
        self.weight_a = nn.Parameter(torch.empty(options.heads, size, size))
        self.weight_x = nn.Parameter(torch.empty(options.heads, size, size))
        self.bias_a = nn.Parameter(torch.empty(hidden_size))
        self.bias_x = nn.Parameter(torch.empty(hidden_size))
        self.Lambda = nn.Parameter(torch.empty(hidden_size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise the parameters.

        As the official code: a^(1 / 8r) uniform in area between the radii 0.9 and 0.999, W_a and W_x normal with
        variance 1 / (H / heads), biases zero.
        """
        for weight, bias in ((self.weight_a, self.bias_a), (self.weight_x, self.bias_x)):
            nn.init.normal_(weight, std=weight.shape[1] ** -0.5)
            nn.init.zeros_(bias)
        with torch.no_grad():
            self.Lambda.uniform_(0.9**2, 0.999**2).log_().mul_(-0.5).expm1_().log_()

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, ...]:
        r = torch.sigmoid(_blocks(x, self.weight_a).to(ctx.dtype) + self.bias_a)
        i = torch.sigmoid(_blocks(x, self.weight_x).to(ctx.dtype) + self.bias_x)
        log_a = -C * r * F.softplus(self.Lambda.to(ctx.dtype))  # close to 0, which half precision would lose
        root = _root(-torch.expm1(2 * log_a))
        assert ctx.fresh is not None
        root = where_steps(ctx.fresh, torch.ones_like(root), root)
        return torch.exp(log_a), root * (i * x)

    def linear_recurrence(self, u: Any, const: Any) -> Mapping[str, tuple[Tensor, Tensor]]:
        return {"h": u}


def _blocks(x: Tensor, weight: Tensor) -> Tensor:
    """A block-diagonal product: x (B, T, H), weight (heads, from H / heads, to H / heads)."""
    heads, size, _ = weight.shape
    return torch.einsum("bthi,hij->bthj", x.view(*x.shape[:2], heads, size), weight).flatten(2)


def _root(x: Tensor) -> Tensor:
    """√x with a gradient of at most `STEEPEST`, of parts that every transform of torch knows."""
    flat = STEEPEST * x + (x.detach().sqrt() - STEEPEST * x.detach())  # the value of the root, that slope
    return torch.where(x > FLAT, x.clamp(min=FLAT).sqrt(), flat)
