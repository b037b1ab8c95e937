"""Memories of keys and values that decay: at a fixed rate in each head, or as the input says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.cells.bounds import risen
from zoo.cells.matrix.attention import LinearAttention
from zoo.cells.matrix.decayed import HGRN2Options, RetNetOptions, retnet_key_size
from zoo.cells.matrix.fast_weights import deltanet_key_size
from zoo.components import Shape
from zoo.engine.cell import Context, States
from zoo.engine.precision import exactly

BASE: Final = 10000.0
"""The slowest pair of a head's keys turns by about this part of a radian at each step."""


class RetNet(LinearAttention):
    """Multi-scale retention: a matrix memory with a fixed decay for each head, and keys that turn.

    (q₁, q₂) = W_q x, (k₁, k₂) = W_k x, v = W_v x, φ = t θ, q = (q₁ ⊙ cos(φ) − q₂ ⊙ sin(φ), q₂ ⊙ cos(φ) + q₁ ⊙
    sin(φ)), k = (k₁ ⊙ cos(φ) − k₂ ⊙ sin(φ), k₂ ⊙ cos(φ) + k₁ ⊙ sin(φ)), S = γ S + k vᵀ in each head, and the output is
    RMSNorm(Sᵀ q / √d_k) ⊙ silu(W_g x), head beside head.

    RMSNorm(y) = w ⊙ y / √(mean(y²) + ε) in each head, where w is norm_weight and ε is `norm_eps`. t is the number of
    the step in its sequence, from 0 on, d_k the size of a head's keys, and θ has 10000^(−2j/d_k) for each j below d_k /
    2. The first head's γ is 1 − 2⁻⁵, the second's 1 − 2⁻⁶, and so on. Without an output gate the factor silu(W_g x) is
    missing. With a `kernel`, q, k and v go through a convolution over the last steps, one of each feature's own, and
    through silu.

    Source: arXiv:2307.08621, section 2; fla-org/flash-linear-attention, layers/multiscale_retention.py and
    ops/retention/naive.py, with its scale of the norm, pairs and angles; the paper's own code, microsoft/torchscale,
    has no such scale, pairs of neighbours, and angles down to 1/10000 itself. Its normalisation of what is kept cancels
    in RMSNorm. The last product of both is left to `output_projection`. Parameters: weight_qkv (2 heads d_k + H, I) in
    blocks q, k, v, head beside head; conv_weight (2 heads d_k + H, kernel), the present step last; norm_weight (d_v,);
    weight_g (H, I). States: S (heads, d_k, d_v), with d_v = H / heads.
    """

    uses = frozenset({"fresh"})

    def __init__(self, options: RetNetOptions, input_shape: Shape, hidden_size: int) -> None:
        key_size = retnet_key_size(options, hidden_size)
        super().__init__(options, input_shape, hidden_size, key_size, gated=options.output_gate)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise the parameters.

        As the paper's code: each product Xavier uniform with a gain of 2^(−5/2), a norm's scale of 1; a convolution as
        torch starts it, uniform in plus and minus 1/sqrt(kernel).
        """
        super().reset_parameters()
        keys = self.heads * self.key_size
        of_gate = () if self.weight_g is None else (self.weight_g,)
        with torch.no_grad():
            for block in (*torch.split(self.weight_qkv, [keys, keys, self.output_shape[0]]), *of_gate):
                nn.init.xavier_uniform_(block, 2**-2.5)

    def constants(self, ctx: Context) -> Any:
        number = torch.arange(self.heads, dtype=ctx.dtype, device=ctx.device)
        return self.norm_weight, (1 - torch.exp2(-5 - number)).view(self.heads, 1, 1)

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, ...]:
        y, now = self.mixed(x, ctx)
        q, k, v = self.by_head(y if self.conv_weight is None else F.silu(y), ctx)
        assert ctx.age is not None
        # in float64: a float32 has no digits left of the angle after some ten million steps, and few long before
        pairs = torch.arange(0, self.key_size, 2, device=ctx.device)
        angle = exactly(ctx.age.to(ctx.dtype)).unsqueeze(2) * BASE ** -(exactly(pairs.to(ctx.dtype)) / self.key_size)
        cos, sin = (part.to(ctx.dtype).unsqueeze(2) for part in (angle.cos(), angle.sin()))  # (B, T, 1, d_k / 2)
        q, k = _turned(q, cos, sin), _turned(k, cos, sin)
        return *self.read(q, now, ctx), k.unsqueeze(4), v.unsqueeze(3)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        k, v = u[-2:]
        return {"S": torch.addcmul(const[1] * state["S"], k, v)}


class HGRN2(LinearAttention):
    """Second hierarchically gated recurrent network: a matrix memory whose forget gates give its keys.

    q = silu(W_q x), f = γ + (1 − γ) σ(W_f x), v = W_v x, S = Diag(f) S + (1 − f) vᵀ in each head, and the output is
    RMSNorm(Sᵀ q / √d_k), head beside head.

    RMSNorm(y) = w ⊙ y / √(mean(y²) + ε) over all heads together, where w is norm_weight and ε is `norm_eps`; d_k is the
    size of a head's keys. With a `kernel`, the three products go through a convolution over the last steps, one of each
    feature's own.

    Source: arXiv:2404.07904, section 3; fla-org/flash-linear-attention, layers/hgrn2.py and ops/gla/naive.py. γ is
    `lower_bound`, or, with `learned_bound`, the paper's, learned for all layers of a stack together: over their
    parameters `bound`, the sum of the softmax over layers up to this one, less the first's, so that it rises with depth
    from 0. The official layer's last product is left to `output_projection`. Parameters: weight_qkv (2 heads d_k + H,
    I) in blocks q, f, v, head beside head; conv_weight (2 heads d_k + H, kernel), the present step last; norm_weight
    (H,); bound (heads d_k,) or None. States: S (heads, d_k, d_v), with d_v = H / heads.
    """

    def __init__(self, options: HGRN2Options, input_shape: Shape, hidden_size: int) -> None:
        key_size = deltanet_key_size(options, hidden_size)
        super().__init__(options, input_shape, hidden_size, key_size, gated=False)
        self.norm_weight = nn.Parameter(torch.empty(hidden_size))
        self.lower_bound = options.lower_bound
        self.bound = nn.Parameter(torch.empty(options.heads * key_size)) if options.learned_bound else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """As the other official layers, with bounds that rise evenly."""
        super().reset_parameters()
        if self.bound is not None:
            nn.init.zeros_(self.bound)

    def constants(self, ctx: Context) -> Any:
        lowest = None if self.bound is None else risen(self).to(ctx.dtype).view(self.heads, -1)
        return self.norm_weight, lowest

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, ...]:
        y, now = self.mixed(x, ctx)
        q, f, v = self.by_head(y, ctx)
        lowest = self.lower_bound if const[1] is None else const[1]
        closed = (1 - lowest) * torch.sigmoid(-f)  # close to 0, where 1 − f has no digits left
        return *self.read(F.silu(q), now, ctx), (1 - closed).unsqueeze(4), closed.unsqueeze(4), v.unsqueeze(3)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        kept, k, v = u[-3:]
        return {"S": torch.addcmul(kept * state["S"], k, v)}

    def output(self, u: Any, state: Mapping[str, Tensor], const: Any) -> Tensor:
        o = (u[0].unsqueeze(-2) @ state["S"]).flatten(-3)
        return F.rms_norm(o.to(const[0].dtype), o.shape[-1:], const[0], self.norm_eps)


def _turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Each feature of the first half with the one of the second half at its place, by their angle."""
    first, second = x.chunk(2, -1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], -1)
