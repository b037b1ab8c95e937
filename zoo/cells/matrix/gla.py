"""Gated linear attention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.cells.matrix.attention import LinearAttention
from zoo.cells.matrix.fast_weights import GLAOptions, gla_key_size
from zoo.components import Shape, features
from zoo.engine.cell import Context, States


class GLA(LinearAttention):
    """Gated linear attention: a matrix memory with a forget gate for each key feature.

    (q, k, v) = W x, α = σ(W_α W_α' x + b_α)^(1/τ), S = Diag(α) S + k vᵀ in each head, and the output is
    RMSNorm(Sᵀ q / √d_k) ⊙ silu(W_g x), head beside head.

    RMSNorm(y) = w ⊙ y / √(mean(y²) + ε) in each head, where ε is `norm_eps`. τ is `gate_normaliser`, w norm_weight, d_k
    the size of a head's keys. Without an output gate the factor silu(W_g x) is missing. With a `kernel`, W x goes
    through a convolution over the last steps, one of each feature's own, and through silu.

    Source: arXiv:2312.06635, section 4.4; fla-org/flash-linear-attention, layers/gla.py and ops/gla/naive.py. The
    official layer's last product is left to `output_projection`. Parameters: weight_qkv (2 heads d_k + H, I) in blocks
    q, k, v, head beside head; conv_weight (2 heads d_k + H, kernel), the present step last; norm_weight (d_v,);
    weight_g (H, I); gk_up (heads d_k, rank) and gk_down (rank, I), which are W_α and W_α', gk_bias (heads d_k,), b_α.
    States: S (heads, d_k, d_v), with d_v = H / heads.
    """

    def __init__(self, options: GLAOptions, input_shape: Shape, hidden_size: int) -> None:
        key_size = gla_key_size(options, hidden_size)
        super().__init__(options, input_shape, hidden_size, key_size, gated=options.output_gate)
        self.normaliser = options.gate_normaliser
        self.gk_down = nn.Parameter(torch.empty(options.gate_rank, features(input_shape)))
        self.gk_up = nn.Parameter(torch.empty(options.heads * key_size, options.gate_rank))
        self.gk_bias = nn.Parameter(torch.empty(options.heads * key_size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise the parameters.

        As the official layer: products, b_α and convolution as torch starts them, uniform in plus and minus
        1/sqrt(inputs); a norm's scale of 1.
        """
        super().reset_parameters()
        bound = self.gk_up.shape[1] ** -0.5
        nn.init.uniform_(self.gk_bias, -bound, bound)

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, ...]:
        y, now = self.mixed(x, ctx)
        q, k, v = self.by_head(y if self.conv_weight is None else F.silu(y), ctx)
        # exact, as the queries are: of a memory that is read near zero the norm makes as much as of any other
        gate = ctx.linear(ctx.linear(now, self.gk_down, exact=True), self.gk_up, self.gk_bias, exact=True)
        decay = torch.exp(F.logsigmoid(gate) / self.normaliser).view_as(k)
        return *self.read(q, now, ctx), k.unsqueeze(4), v.unsqueeze(3), decay.unsqueeze(4)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        k, v, decay = u[-3:]
        return {"S": torch.addcmul(k * v, decay, state["S"])}
