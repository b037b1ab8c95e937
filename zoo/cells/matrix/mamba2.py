"""The selective state space of Mamba-2, with the convolution, the gate and the norm of its block."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.cells.matrix.decayed import Mamba2Options, check_mamba2
from zoo.cells.steps import initialise_steps
from zoo.components import Shape, features
from zoo.engine.cell import Cell, Context, States, StateSpec

EPS: Final = 1e-5
"""Of the norm, as in the official code."""


class Mamba2(Cell):
    """Selective state space of Mamba-2 (SSD): one decay for each head, with convolution, gate and norm.

    z = W_z x, u = W_u x, (v, B, C) = silu(Σ_k w_k ⊙ u_{t−k} + b), Δ = softplus(w_Δ · x + dt_bias),
    h = exp(−Δ exp(A_log)) h + Δ v Bᵀ in each head, y = h C + D v, and the output is RMSNorm(y ⊙ silu(z)).

    RMSNorm(y) = w ⊙ y / √(mean(y²) + 10⁻⁵), where w is norm_weight. v, z and the output have head beside head, Δ, A_log
    and D a number for each head; B and C are those of the head's group, and the mean is over the heads of one group.

    Source: arXiv:2405.21060, sections 6 and 7.1; state-spaces/mamba, modules/mamba2.py. The last product of that block
    is left to `output_projection`. H, the hidden_size, is its inner width, twice that of its input by default, and N
    the state size. Parameters: in_proj (2 H + 2 groups N + heads, I) in blocks z, u, Δ, where u is v, B and C, group
    beside group; conv_weight (H + 2 groups N, kernel), the present step last, and conv_bias (H + 2 groups N,), which
    are w_k and b; dt_bias, A_log and D (heads,); norm_weight (H,). States: h (heads, H / heads, N).
    """

    def __init__(self, options: Mamba2Options, input_shape: Shape, hidden_size: int) -> None:
        super().__init__()
        size, groups, heads = check_mamba2(options, hidden_size), options.groups, options.heads
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        self.states = {"h": StateSpec((heads, size, options.state_size), zoneout=True)}
        self.window, self.groups, self.heads = options.kernel - 1, groups, heads
        self.widths = [hidden_size, groups * options.state_size, groups * options.state_size]
        """Of v, B and C."""
        seen = sum(self.widths)
        self.in_proj = nn.Parameter(torch.empty(hidden_size + seen + heads, features(input_shape)))
        self.conv_weight = nn.Parameter(torch.empty(seen, options.kernel))
        self.conv_bias = nn.Parameter(torch.empty(seen))
        self.dt_bias = nn.Parameter(torch.empty(heads))
        self.A_log = nn.Parameter(torch.empty(heads))
        self.D = nn.Parameter(torch.empty(heads))
        self.norm_weight = nn.Parameter(torch.empty(hidden_size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise the parameters.

        As the official code: product and convolution as torch starts them, softplus(dt_bias) log-uniform from 0.001 to
        0.1, exp(A_log) uniform from 1 to 16, D and the norm's scale 1.
        """
        for weight in (self.in_proj, self.conv_weight):
            bound = 1 / math.sqrt(weight.shape[1])
            nn.init.uniform_(weight, -bound, bound)
        bound = 1 / math.sqrt(self.conv_weight.shape[1])
        nn.init.uniform_(self.conv_bias, -bound, bound)
        initialise_steps(self.dt_bias)
        with torch.no_grad():
            self.A_log.uniform_(1.0, 16.0).log_()
        nn.init.ones_(self.D)
        nn.init.ones_(self.norm_weight)

    def constants(self, ctx: Context) -> Any:
        return torch.exp(self.A_log.to(ctx.dtype)), self.D.unsqueeze(1), self.norm_weight

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, ...]:
        of_z, of_u, of_dt = torch.split(self.in_proj, [self.widths[0], sum(self.widths), self.heads])
        # exact, as what is read is brought to one size, however little it is
        u, now = ctx.linear(x, of_u, exact=True), x[:, self.window :]
        mixed = self.conv_bias + self.conv_weight[:, -1] * u[:, self.window :]
        for k in range(1, self.window + 1):
            mixed = mixed + self.conv_weight[:, -1 - k] * ctx.past(u, k)
        v, B, C = torch.split(F.silu(mixed.to(ctx.dtype)), self.widths, 2)
        v = v.view(*v.shape[:2], self.heads, -1)  # (B, T, heads, H / heads)
        dt = F.softplus(ctx.linear(now, of_dt, self.dt_bias, exact=True).to(ctx.dtype)).unsqueeze(3)
        decay = torch.exp(-dt * const[0].unsqueeze(1)).unsqueeze(4)
        gate = F.silu(ctx.linear(now, of_z, exact=True))
        return decay, (dt * v).unsqueeze(4), self.by_head(B).unsqueeze(3), self.by_head(C).unsqueeze(4), v, gate

    def by_head(self, x: Tensor) -> Tensor:
        """(B, T, groups N) -> (B, T, heads, N), the same for all heads of a group."""
        return x.view(*x.shape[:2], self.groups, -1).repeat_interleave(self.heads // self.groups, 2)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        decay, v, B = u[:3]
        return {"h": torch.addcmul(decay * state["h"], v, B)}

    def output(self, u: Any, state: Mapping[str, Tensor], const: Any) -> Tensor:
        C, v, gate = u[3:]
        gated = torch.addcmul((state["h"] @ C).squeeze(-1), const[1], v).flatten(-2) * gate
        grouped = gated.view(*gated.shape[:-1], self.groups, -1)
        y: Tensor = F.rms_norm(grouped, grouped.shape[-1:], eps=EPS).flatten(-2) * const[2]
        return y
