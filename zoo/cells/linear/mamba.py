"""The selective state space, with the convolution and the gate of its block."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.cells.linear.spaces import MambaOptions, mamba_rank
from zoo.cells.steps import initialise_steps
from zoo.components import Shape, features
from zoo.engine.cell import Cell, Context, StateSpec


class Mamba(Cell):
    """Selective state space (S6) with the convolution and the gate of its block.

    (x', z) = W_in x, v = silu(Σ_k w_k ⊙ x'_{t−k} + b), (δ, B, C) = W_x v, Δ = softplus(W_Δ δ + b_Δ),

    h = exp(Diag(Δ) A) ⊙ h + (Δ ⊙ v) Bᵀ, y = (h C + D ⊙ v) ⊙ silu(z), A = −exp(A_log); the output is y.

    Source: arXiv:2312.00752, sections 3.3, 3.4 and algorithm 2; state-spaces/mamba, modules/mamba_simple.py. The last
    product of that block is left to `output_projection`. hidden_size is its inner width D, N the state size.
    Parameters: in_proj (2 D, I) in blocks x, z; conv_weight (D, kernel), the present step last, and conv_bias (D,);
    x_proj (rank + 2 N, D) in blocks Δ, B, C; dt_weight (D, rank) and dt_bias (D,); A_log (D, N); D (D,).
    States: h (D, N).
    """

    def __init__(self, options: MambaOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__()
        size, self.rank = options.state_size, mamba_rank(options, input_shape)
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        self.states = {"h": StateSpec((hidden_size, size), zoneout=True)}
        self.window = options.kernel - 1
        self.in_proj = nn.Parameter(torch.empty(2 * hidden_size, features(input_shape)))
        self.conv_weight = nn.Parameter(torch.empty(hidden_size, options.kernel))
        self.conv_bias = nn.Parameter(torch.empty(hidden_size))
        self.x_proj = nn.Parameter(torch.empty(self.rank + 2 * size, hidden_size))
        self.dt_weight = nn.Parameter(torch.empty(hidden_size, self.rank))
        self.dt_bias = nn.Parameter(torch.empty(hidden_size))
        self.A_log = nn.Parameter(torch.empty(hidden_size, size))
        self.D = nn.Parameter(torch.empty(hidden_size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """As the official code: products and convolution as torch starts them, Δ log-uniform, A = −1, −2, …, D = 1."""
        for weight in (self.in_proj, self.conv_weight, self.x_proj):
            bound = 1 / math.sqrt(weight.shape[1])
            nn.init.uniform_(weight, -bound, bound)
        bound = 1 / math.sqrt(self.conv_weight.shape[1])
        nn.init.uniform_(self.conv_bias, -bound, bound)
        nn.init.uniform_(self.dt_weight, -(self.rank**-0.5), self.rank**-0.5)
        initialise_steps(self.dt_bias)
        with torch.no_grad():
            self.A_log.copy_(torch.arange(1, self.A_log.shape[1] + 1).log().expand_as(self.A_log))
        nn.init.ones_(self.D)

    def constants(self, ctx: Context) -> Any:
        return -torch.exp(self.A_log.to(ctx.dtype)), self.D

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, ...]:
        of_x, of_z = self.in_proj.chunk(2, 0)
        seen, gate = ctx.linear(x, of_x), F.silu(ctx.linear(x[:, self.window :], of_z))
        mixed = self.conv_bias + self.conv_weight[:, -1] * seen[:, self.window :]
        for k in range(1, self.window + 1):
            mixed = mixed + self.conv_weight[:, -1 - k] * ctx.past(seen, k)
        v = F.silu(mixed)  # (B, T, D)
        size = self.A_log.shape[1]
        delta, B, C = torch.split(ctx.linear(v, self.x_proj), [self.rank, size, size], 2)
        dt = F.softplus(ctx.linear(delta, self.dt_weight, self.dt_bias))
        decay = torch.exp(dt.unsqueeze(3) * const[0])  # (B, T, D, N)
        return decay, (dt * v).unsqueeze(3) * B.unsqueeze(2), C, v, gate

    def linear_recurrence(self, u: Any, const: Any) -> Mapping[str, tuple[Tensor, Tensor]]:
        return {"h": (u[0], u[1])}

    def output(self, u: Any, state: Mapping[str, Tensor], const: Any) -> Tensor:
        C, v, gate = u[2:]
        h = state["h"]
        read = (C.to(h.dtype).unsqueeze(-2) @ h.mT).squeeze(-2)  # h C, which takes several times as long
        y: Tensor = (read + const[1] * v) * gate
        return y
