"""The hierarchically gated recurrent network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.cells.bounds import risen
from zoo.cells.linear.spaces import HGRNOptions
from zoo.components import Shape, features
from zoo.engine.cell import Cell, Context, Role, StateSpec


class HGRN(Cell):
    """Hierarchically gated recurrent network: its forget gate has a lower bound and sees only the input.

    f = γ + (1 − γ) σ(W_f x), h = f ⊙ h + (1 − f) ⊙ silu(W_i x); the output is RMSNorm(h) ⊙ silu(W_g x).

    RMSNorm(y) = w ⊙ y / √(mean(y²) + ε), where w is norm_weight and ε is `norm_eps`.

    Source: arXiv:2311.04823, section 3; the layer in fla-org/flash-linear-attention, layers/hgrn.py, without short
    convolutions. As there, h is real, while the paper's turns by an angle too. γ is `lower_bound`, or, with
    `learned_bound`, the paper's, learned for all layers of a stack together: over their parameters `bound`, the sum of
    the softmax over layers up to this one, less the first's, so that it rises with depth from 0. The official layer's
    last product is left to `output_projection`. Parameters: weight_ih (3 H, I) in blocks i, f, g; norm_weight (H,);
    bound (H,) or None. States: h (hidden_size,).
    """

    def __init__(self, options: HGRNOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__()
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        self.states = {"h": StateSpec((hidden_size,), zoneout=True)}
        self.lower_bound, self.norm_eps = options.lower_bound, options.norm_eps
        self.weight_ih = nn.Parameter(torch.empty(3 * hidden_size, features(input_shape)))
        self.norm_weight = nn.Parameter(torch.empty(hidden_size))
        self.bound = nn.Parameter(torch.empty(hidden_size)) if options.learned_bound else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """As the official layer: products as torch starts them, a norm's scale of 1, bounds that rise evenly."""
        bound = 1 / math.sqrt(self.weight_ih.shape[1])
        nn.init.uniform_(self.weight_ih, -bound, bound)
        nn.init.ones_(self.norm_weight)
        if self.bound is not None:
            nn.init.zeros_(self.bound)

    def roles(self) -> Mapping[str, Role]:
        return {"weight_ih": Role("input", ("i", "f", "g"), "f")}

    def constants(self, ctx: Context) -> Any:
        return self.norm_weight, None if self.bound is None else risen(self).to(ctx.dtype)

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, ...]:
        i, f, g = ctx.linear(x, self.weight_ih).chunk(3, 2)
        lowest = self.lower_bound if const[1] is None else const[1]
        closed = (1 - lowest) * torch.sigmoid(-f)  # close to 0, where 1 − f has no digits left
        return 1 - closed, closed * F.silu(i), F.silu(g)

    def linear_recurrence(self, u: Any, const: Any) -> Mapping[str, tuple[Tensor, Tensor]]:
        return {"h": (u[0], u[1])}

    def output(self, u: Any, state: Mapping[str, Tensor], const: Any) -> Tensor:
        h = state["h"]
        y: Tensor = F.rms_norm(h, h.shape[-1:], const[0], self.norm_eps) * u[2]
        return y
