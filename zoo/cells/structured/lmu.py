"""The Legendre memory unit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Self

import torch
from torch import Tensor, nn

from zoo.cells.draws import truncated_normal_
from zoo.cells.structured.options import LMUOptions
from zoo.components import Shape, features
from zoo.engine.cell import Cell, Context, Role, States, StateSpec


class LMU(Cell):
    """Legendre memory unit: a fixed linear memory of a sliding window beside a simple network.

    u = e_x · x + e_h · h + e_m · m, m = Ā m + B̄ u, h = tanh(W_x x + W_h h + W_m m) with the new m; the output is h.

    Ā and B̄ discretise dm/dt = (A m + B u) / θ for steps of length 1, so that m holds the Legendre coefficients of the
    last θ steps of u: zoh: Ā = exp(A / θ), B̄ = A⁻¹ (Ā − I) B; euler: Ā = I + A / θ, B̄ = B / θ. Counted from 0,
    A_ij = (2 i + 1) (−1)^(i − j + 1) where i ≥ j and −(2 i + 1) elsewhere, B_i = (2 i + 1) (−1)^i. I is the identity
    matrix, and exp that of matrices.

    Source: Voelker, Kajić and Eliasmith 2019, section 2, equations 1 to 7; nengo/keras-lmu. Parameters: e_x (I,), e_h
    (H,), e_m (order,), W_x (H, I), W_h (H, H), W_m (H, order). States: h (H,), m (order,).
    """

    A: Tensor
    B: Tensor
    uses = frozenset({"weight_dropout", "recurrent_dropout"})

    def __init__(self, options: LMUOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__()
        width, order = features(input_shape), options.order
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        # a memory of the past is a clock of its own: an old value kept would be a wrong one
        self.states = {"h": StateSpec((hidden_size,), zoneout=True), "m": StateSpec((order,))}
        self.options = options
        self.e_x = nn.Parameter(torch.empty(width))
        self.e_h = nn.Parameter(torch.empty(hidden_size))
        self.e_m = nn.Parameter(torch.empty(order))
        self.W_x = nn.Parameter(torch.empty(hidden_size, width))
        self.W_h = nn.Parameter(torch.empty(hidden_size, hidden_size))
        self.W_m = nn.Parameter(torch.empty(hidden_size, order))
        # they follow from the options, which a checkpoint must not overrule
        self.register_buffer("A", torch.empty(order, order), persistent=False)
        self.register_buffer("B", torch.empty(order), persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise the parameters.

        As the official code's first version: encoders LeCun uniform, the memory's zero, kernels Glorot normal, cut
        off at two deviations as Keras does.
        """
        for encoder in (self.e_x, self.e_h):
            bound = math.sqrt(3 / encoder.shape[0])
            nn.init.uniform_(encoder, -bound, bound)
        nn.init.zeros_(self.e_m)
        for weight in (self.W_x, self.W_h, self.W_m):
            truncated_normal_(weight, math.sqrt(2 / sum(weight.shape)))
        self._discretise()

    def _discretise(self) -> None:
        if self.A.is_meta:
            return  # nothing to write to: the exponential of a large matrix would be for nothing
        A, B = legendre(self.options.order, self.options.theta, exact=self.options.discretisation == "zoh")
        self.A.copy_(A)
        self.B.copy_(B)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """In another precision, A and B are computed anew: float64 ones have digits that float32 ones never had."""
        before = self.A.dtype
        super()._apply(fn, recurse)
        if self.A.dtype != before:
            self._discretise()
        return self

    def roles(self) -> Mapping[str, Role]:
        return {"W_x": Role("input"), "W_h": Role("recurrent"), "W_m": Role("recurrent")}

    def constants(self, ctx: Context) -> Any:
        of_h = torch.cat([ctx.drop_weight(self.W_h), ctx.drop_weight(self.e_h).unsqueeze(0)])  # (H + 1, H)
        of_m = torch.cat([self.A, ctx.drop_weight(self.e_m).unsqueeze(0)])  # (order + 1, order)
        return of_h.t(), of_m.t(), self.B, ctx.drop_weight(self.W_m).t(), ctx.drop_state("h")

    def project(self, x: Tensor, const: Any, ctx: Context) -> Tensor:
        # exact, as what is written is a signal that the memory differentiates, up to `order` times
        return ctx.linear(x, torch.cat([self.W_x, self.e_x.unsqueeze(0)]), exact=True)  # (B, T, H + 1)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        of_h, of_m, B, W_m, mask = const
        h, m = state["h"], state["m"]
        own, written = torch.split(torch.addmm(u, h if mask is None else h * mask, of_h), [h.shape[1], 1], 1)
        moved, kept = torch.split(m @ of_m, [m.shape[1], 1], 1)
        m = torch.addcmul(moved, written + kept, B)
        return {"h": torch.tanh(torch.addmm(own, m, W_m)), "m": m}


def legendre(order: int, theta: float, *, exact: bool) -> tuple[Tensor, Tensor]:
    """Ā (order, order) and B̄ (order,) in float64: exact for an input held from step to step, or by Euler's rule."""
    i = torch.arange(order, dtype=torch.float64, device="cpu")
    scale = (2 * i + 1) / theta
    sign = 1 - 2 * (i % 2)  # (−1)^i
    below = -sign.outer(sign)  # (−1)^(i−j+1)
    A = scale.unsqueeze(1) * torch.where(i.unsqueeze(1) < i, -torch.ones_like(below), below)
    B = scale * sign
    if not exact:
        return A + torch.eye(order, dtype=A.dtype, device="cpu"), B
    held = torch.zeros(order + 1, order + 1, dtype=A.dtype, device="cpu")
    held[:order, :order], held[:order, order] = A, B
    both = torch.linalg.matrix_exp(held)
    return both[:order, :order], both[:order, order]
