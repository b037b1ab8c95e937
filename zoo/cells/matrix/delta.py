"""Linear attention by the delta rule, with and without a decay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.cells.matrix.attention import LinearAttention
from zoo.cells.matrix.fast_weights import DeltaNetOptions, GatedDeltaNetOptions, deltanet_key_size, gla_key_size
from zoo.cells.steps import initialise_steps
from zoo.components import Shape, features
from zoo.engine.cell import Context, States

EPS: Final = 1e-6
"""Beside the square of a query's or a key's length, as in the official code."""


class DeltaNet(LinearAttention):
    """Linear attention by the delta rule: a key's old value is replaced, not added to.

    u = W x, (q', k', v) = silu(Σ_j c_j ⊙ u_{t−j}), q = q' / √(‖q'‖² + 10⁻⁶), k = k' / √(‖k'‖² + 10⁻⁶), β = σ(w_β ·
    x), S = S + β k (v − Sᵀ k)ᵀ in each head, and the output is RMSNorm(Sᵀ q / √d_k), head beside head.

    RMSNorm(y) = w ⊙ y / √(mean(y²) + 10⁻⁵) in each head. c is conv_weight, the convolution over the last `kernel`
    steps, w norm_weight, d_k the size of a head's keys. Without a kernel, (q', k', v) is silu(u). With
    `allow_neg_eigval` β is twice that (arXiv:2411.12537). With an output gate the output is multiplied by silu(W_g x).

    Source: arXiv:2406.06484, sections 2.2 and 3.4; fla-org/flash-linear-attention, layers/delta_net.py and
    ops/delta_rule/naive.py. The official layer's last product is left to `output_projection`. Parameters: weight_qkv (2
    heads d_k + H, I) in blocks q, k, v, head beside head; conv_weight (2 heads d_k + H, kernel), the present step last;
    norm_weight (d_v,); weight_g (H, I); weight_beta (heads, I). States: S (heads, d_k, d_v), with d_v = H / heads.
    """

    def __init__(self, options: DeltaNetOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(options, input_shape, hidden_size, deltanet_key_size(options, hidden_size))
        self.strength = 2.0 if options.allow_neg_eigval else 1.0
        self.weight_beta = nn.Parameter(torch.empty(options.heads, features(input_shape)))
        self.reset_parameters()

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, ...]:
        y, now = self.mixed(x, ctx)
        q, k, v = self.by_head(F.silu(y), ctx)
        beta = self.strength * torch.sigmoid(ctx.linear(now, self.weight_beta, exact=True)).unsqueeze(3)
        return *self.read(_unit(q), now, ctx), _unit(k), beta * v, -beta

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        return {"S": _written(state["S"], *u[-3:])}


class GatedDeltaNet(LinearAttention):
    """Linear attention by the delta rule, with a decay of the whole memory.

    u = W x, (q', k', v) = silu(Σ_j c_j ⊙ u_{t−j}), q = q' / √(‖q'‖² + 10⁻⁶), k = k' / √(‖k'‖² + 10⁻⁶), β = σ(w_b ·
    x), α = exp(−exp(A_log) softplus(w_a · x + dt_bias)), S' = α S, S = S' + β k (v − S'ᵀ k)ᵀ in each head, and the
    output is RMSNorm(Sᵀ q / √d_k) ⊙ silu(W_g x), head beside head.

    RMSNorm(y) = w ⊙ y / √(mean(y²) + 10⁻⁵) in each head. c is conv_weight, the convolution over the last `kernel`
    steps, w norm_weight, d_k the size of a head's keys. Without a kernel, (q', k', v) is silu(u). With
    `allow_neg_eigval` β is twice that. Without an output gate the factor silu(W_g x) is missing.

    Source: arXiv:2412.06464, sections 3.1 and 3.4; fla-org/flash-linear-attention, layers/gated_deltanet.py and
    ops/gated_delta_rule/naive.py. The official layer's last product is left to `output_projection`. Parameters:
    weight_qkv (2 heads d_k + H, I) in blocks q, k, v, head beside head; conv_weight (2 heads d_k + H, kernel), the
    present step last; norm_weight (d_v,); weight_g (H, I); weight_ab (2 heads, I) in blocks a, b; A_log and dt_bias
    (heads,). States: S (heads, d_k, d_v), with d_v = H / heads.
    """

    def __init__(self, options: GatedDeltaNetOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(options, input_shape, hidden_size, gla_key_size(options, hidden_size))
        self.strength = 2.0 if options.allow_neg_eigval else 1.0
        self.weight_ab = nn.Parameter(torch.empty(2 * options.heads, features(input_shape)))
        self.A_log = nn.Parameter(torch.empty(options.heads))
        self.dt_bias = nn.Parameter(torch.empty(options.heads))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise the parameters.

        As the official layer: exp(A_log) uniform from 0 to 16, softplus(dt_bias) log-uniform from 0.001 to 0.1;
        products and convolution as torch starts them, uniform in plus and minus 1/sqrt(inputs), a norm's scale of 1.
        """
        super().reset_parameters()
        with torch.no_grad():
            self.A_log.uniform_(0.0, 16.0).clamp_(min=1e-7).log_()
        initialise_steps(self.dt_bias)

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, ...]:
        y, now = self.mixed(x, ctx)
        q, k, v = self.by_head(F.silu(y), ctx)
        a, b = ctx.linear(now, self.weight_ab, exact=True).unsqueeze(3).chunk(2, 2)  # (B, T, heads, 1)
        beta = self.strength * torch.sigmoid(b)
        rate = torch.exp(self.A_log.to(ctx.dtype)).unsqueeze(1)
        decay = torch.exp(-rate * F.softplus(a + self.dt_bias.unsqueeze(1)))
        return *self.read(_unit(q), now, ctx), decay.unsqueeze(4), _unit(k), beta * v, -beta

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        return {"S": _written(u[-4] * state["S"], *u[-3:])}


def _unit(x: Tensor) -> Tensor:
    return x * torch.rsqrt(x.square().sum(-1, keepdim=True) + EPS)


def _written(S: Tensor, k: Tensor, v: Tensor, forget: Tensor) -> Tensor:
    """S with what it holds for k replaced: S + k (v + forget Sᵀ k)ᵀ."""
    held = (k.unsqueeze(-2) @ S).squeeze(-2)
    return torch.addcmul(S, k.unsqueeze(-1), torch.addcmul(v, forget, held).unsqueeze(-2))
