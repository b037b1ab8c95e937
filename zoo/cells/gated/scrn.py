"""The structurally constrained recurrent network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo.cells.gated.blocks import seen
from zoo.cells.gated.others import SCRNOptions
from zoo.components import Shape, features
from zoo.engine.cell import Cell, Context, Role, States, StateSpec


class SCRN(Cell):
    """Structurally constrained network: a slow, linear context beside a simple network.

    s = (1 − α) (B x) + α s, h = σ(P s + A x + R h) with the new s; the output is (h, s), one beside the other.

    α is a constant or, `adaptive`, σ(β), one for each unit. The paper's output, a function f of U h + V s, is then a
    linear map.

    Source: arXiv:1412.7753; the official facebookarchive/SCRNNs, mfactory.lua, feeds P with the old
    s, against the paper and its own comment. Parameters: A (H, I), B (C, I), P (H, C), R (H, H), adaptive also beta
    (C,). States: h (hidden_size,), s (context_size,).
    """

    uses = frozenset({"weight_dropout", "recurrent_dropout"})

    def __init__(self, options: SCRNOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__()
        width, context = features(input_shape), options.context_size
        self.input_shape, self.output_shape = input_shape, (hidden_size + context,)
        self.states = {"h": StateSpec((hidden_size,), zoneout=True), "s": StateSpec((context,), zoneout=True)}
        self.alpha = options.alpha
        self.A = nn.Parameter(torch.empty(hidden_size, width))
        self.B = nn.Parameter(torch.empty(context, width))
        self.P = nn.Parameter(torch.empty(hidden_size, context))
        self.R = nn.Parameter(torch.empty(hidden_size, hidden_size))
        self.beta = nn.Parameter(torch.empty(context)) if options.adaptive else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """As the official code: normal with deviation 0.05. It has no β, which starts where σ(β) is α."""
        for weight in (self.A, self.B, self.P, self.R):
            nn.init.normal_(weight, std=0.05)
        if self.beta is not None:
            nn.init.constant_(self.beta, math.log(self.alpha / (1 - self.alpha)))

    def roles(self) -> Mapping[str, Role]:
        return {"A": Role("input"), "B": Role("input"), "P": Role("recurrent"), "R": Role("recurrent")}

    def constants(self, ctx: Context) -> Any:
        alpha = None if self.beta is None else torch.sigmoid(self.beta.to(ctx.dtype))
        P, R = ctx.drop_weight(self.P), ctx.drop_weight(self.R)
        return alpha, P.t(), R.t(), ctx.drop_state("h"), ctx.drop_state("s")

    def project(self, x: Tensor, const: Any, ctx: Context) -> Any:
        one_minus_alpha = 1 - (self.alpha if const[0] is None else const[0])
        u = ctx.linear(x, torch.cat([self.A, self.B]))
        u_h, u_s = torch.split(u, [self.A.shape[0], self.B.shape[0]], 2)
        return u_h, one_minus_alpha * u_s

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        (u_h, u_s), (alpha, P, R, mask_h, mask_s) = u, const
        h, s = state["h"], state["s"]
        s = torch.add(u_s, s, alpha=self.alpha) if alpha is None else torch.addcmul(u_s, alpha, s)
        h = torch.sigmoid(torch.addmm(torch.addmm(u_h, seen(h, mask_h), R), seen(s, mask_s), P))
        return {"h": h, "s": s}

    def output(self, u: Any, state: Mapping[str, Tensor], const: Any) -> Tensor:
        return torch.cat([state["h"], state["s"]], -1)
