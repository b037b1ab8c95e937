"""The time mixing of the seventh RWKV."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.cells.matrix.fast_weights import RWKV7Options, rwkv7_width
from zoo.cells.matrix.options import head_size
from zoo.components import Shape
from zoo.engine.cell import Cell, Context, States, StateSpec

SLOPES: Final = (0.2, 0.9, 0.7, 0.7, 0.9, 0.2)
"""The initial mixing of r, w, k, v, a and g over the features, in the official code."""
EPS: Final = 64e-5
"""Of the norm over each head's output, as in the official code."""


class RWKV7(Cell):
    """Time mixing of RWKV-7: a matrix memory with a decay and a learning rate for each feature.

    x_n = x_t + μ_n ⊙ (x_{t−1} − x_t) for n of r, w, k, v, a, g, and r = W_r x_r, k = W_k x_k, v = W_v x_v,

    w = exp(−e^(−1/2) σ(w₀ + tanh(x_w w₁) w₂)), a = σ(a₀ + x_a a₁ a₂), g = σ(x_g g₁) g₂,
    κ' = k ⊙ k_k, κ = κ' / ‖κ'‖ in each head, k̃ = k ⊙ (1 + (a − 1) ⊙ k_a), and in each head
    S = S Diag(w) − (S κ)(a ⊙ κ)ᵀ + v k̃ᵀ; the output is g ⊙ (Norm(S r) + (Σ r ⊙ k̃ ⊙ r_k) v), head beside head.

    Norm(y) = ln_weight ⊙ (y − mean(y)) / √(mean((y − mean(y))²) + 0.00064) + ln_bias in each head.

    This is the first layer's. Later ones mix its v in: with a `value_rank` the last H numbers of the input are that v,
    not part of x, and the layer's own v moves towards it by a share, σ(v₀ + x_v v₁ v₂). With `give_values` v is put out
    behind the output.

    Source: arXiv:2503.14456, section 4; BlinkDL/RWKV-LM, RWKV-v7/rwkv_v7_numpy.py and train_temp/src/model.py. The
    official layer's last product is left to `output_projection`. Parameters: mix (6, I), μ in rows r, w, k, v, a, g;
    receptance, key, value (H, I); w0 (H,), w1 (I, rank), w2 (rank, H), a0, a1, a2, v0, v1, v2 and g1, g2 alike; k_k and
    k_a (H,), r_k (heads, H / heads); ln_weight and ln_bias (H,). I is the width of x alone. States: S (heads,
    H / heads, H / heads), rows of values, columns of keys.
    """

    window = 1

    def __init__(self, options: RWKV7Options, input_shape: Shape, hidden_size: int) -> None:
        super().__init__()
        width, size = rwkv7_width(options, input_shape, hidden_size), head_size(options, hidden_size)
        self.give_values = options.give_values
        self.input_shape, self.output_shape = input_shape, ((1 + options.give_values) * hidden_size,)
        self.states = {"S": StateSpec((options.heads, size, size))}
        self.heads, self.depth, self.layers = options.heads, options.depth, options.layers
        self.mix = nn.Parameter(torch.empty(6, width))
        self.receptance, self.key, self.value = (nn.Parameter(torch.empty(hidden_size, width)) for _ in range(3))
        ranks = (options.decay_rank, options.rate_rank, options.gate_rank)
        self.w1, self.a1, self.g1 = (nn.Parameter(torch.empty(width, rank)) for rank in ranks)
        self.w2, self.a2, self.g2 = (nn.Parameter(torch.empty(rank, hidden_size)) for rank in ranks)
        rank = options.value_rank
        self.v0 = nn.Parameter(torch.empty(hidden_size)) if rank else None
        self.v1 = nn.Parameter(torch.empty(width, rank)) if rank else None
        self.v2 = nn.Parameter(torch.empty(rank, hidden_size)) if rank else None
        self.w0, self.a0, self.k_k, self.k_a = (nn.Parameter(torch.empty(hidden_size)) for _ in range(4))
        self.ln_weight, self.ln_bias = (nn.Parameter(torch.empty(hidden_size)) for _ in range(2))
        self.r_k = nn.Parameter(torch.empty(options.heads, size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise the parameters.

        As the official training code, generate_init_weight in RWKV-v7/train_temp/src/model.py: receptance, key,
        value orthogonal with gains 1, 0.1 and 1, where the constructor in that file, by itself, draws them uniform;
        ln_weight is ((l + 1) / L)^0.7 in layer l, from 0, of L `layers`. All else is as that constructor has it:
        mixing, decays and rates spread over the features and over each head, the first of two low-rank products zero
        and the second orthogonal with gain 0.1. `depth` stands for l / L and for l / (L − 1), which differ by less than
        one layer.
        """
        hidden, width = self.value.shape
        size = hidden // self.heads
        place, unit = torch.arange(width) / width, torch.arange(hidden)
        line = unit / max(1, hidden - 1)
        middle = (size - 1) / 2
        zigzag = (unit % size - middle) / max(0.5, middle)
        zigzag = zigzag * zigzag.abs()
        with torch.no_grad():
            for row, slope in zip(self.mix, SLOPES, strict=True):
                row.copy_(1 - place ** (slope * (1 - self.depth)))
            self.w0.copy_(-5.5 + 6 * line ** (1 + self.depth**0.3) + 2.5 * zigzag)
            self.a0.copy_(-0.19 + 0.3 * zigzag + 0.4 * (line - 0.5))
            self.k_k.copy_(0.71 - 0.1 * (line - 0.5))
            if self.v0 is not None:
                self.v0.copy_(0.73 - 0.4 * (line - 0.5))
        for first, second in ((self.w1, self.w2), (self.a1, self.a2), (self.v1, self.v2), (self.g1, self.g2)):
            if first is None or second is None:
                continue
            nn.init.zeros_(first)
            nn.init.orthogonal_(second, gain=0.1 * math.sqrt(max(1.0, second.shape[0] / second.shape[1])))
        for weight, gain in ((self.receptance, 1.0), (self.key, 0.1), (self.value, 1.0)):
            nn.init.orthogonal_(weight, gain=gain)
        nn.init.constant_(self.k_a, 1.02)
        nn.init.constant_(self.r_k, -0.04)
        nn.init.constant_(self.ln_weight, min(1.0, self.depth + 1 / self.layers) ** 0.7)
        nn.init.zeros_(self.ln_bias)

    def constants(self, ctx: Context) -> Any:
        return self.ln_weight, self.ln_bias

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, ...]:
        x = x.to(ctx.dtype)
        if self.v0 is not None:
            x, earlier = x[..., : self.mix.shape[1]], x[:, 1:, self.mix.shape[1] :]
        now = x[:, 1:]
        change = ctx.past(x, 1) - now
        x_r, x_w, x_k, x_v, x_a, x_g = (torch.addcmul(now, mix, change) for mix in self.mix.to(ctx.dtype))
        linear = partial(ctx.linear, exact=True)  # keys and what is read are brought to one size, however little it is
        r, k, v = linear(x_r, self.receptance), linear(x_k, self.key), linear(x_v, self.value)
        if self.v0 is not None and self.v1 is not None and self.v2 is not None:
            share = torch.sigmoid(linear(linear(x_v, self.v1.t()), self.v2.t(), self.v0))
            v = torch.lerp(v, earlier, share)
        w = linear(torch.tanh(linear(x_w, self.w1.t())), self.w2.t(), self.w0)
        decay = torch.exp(-math.exp(-0.5) * torch.sigmoid(w))
        a = torch.sigmoid(linear(linear(x_a, self.a1.t()), self.a2.t(), self.a0))
        g = linear(torch.sigmoid(linear(x_g, self.g1.t())), self.g2.t())
        kappa = F.normalize(self._by_head(k * self.k_k, ctx), dim=3)
        k = k * (1 + (a - 1) * self.k_a)
        r, k, v, decay, a = (self._by_head(y, ctx) for y in (r, k, v, decay, a))
        bonus = (r * k * self.r_k).sum(3, keepdim=True) * v
        # for the step: columns of values, rows of keys
        return (
            r,
            bonus.flatten(2),
            g,
            decay.unsqueeze(3),
            kappa,
            -(a * kappa).unsqueeze(3),
            v.unsqueeze(4),
            k.unsqueeze(3),
        )

    def _by_head(self, y: Tensor, ctx: Context) -> Tensor:
        return y.to(ctx.dtype).view(*y.shape[:2], self.heads, -1)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        _, _, _, decay, kappa, forget, v, k = u
        S = state["S"]
        held = (kappa.unsqueeze(-2) @ S.mT).mT  # (B, heads, values, 1); S @ κ takes several times as long
        return {"S": torch.addcmul(torch.addcmul(v * k, S, decay), held, forget)}

    def output(self, u: Any, state: Mapping[str, Tensor], const: Any) -> Tensor:
        r, bonus, gate, _, _, _, v, _ = u
        read = (r.unsqueeze(-2) @ state["S"].mT).squeeze(-2)
        normed = F.layer_norm(read, read.shape[-1:], eps=EPS).flatten(-2)
        y: Tensor = gate * (torch.addcmul(const[1], const[0], normed) + bonus)
        return torch.cat([y, v.flatten(-3)], -1) if self.give_values else y
