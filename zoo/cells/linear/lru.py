"""The linear recurrent unit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.cells.linear.options import LRUOptions
from zoo.components import Shape, features
from zoo.engine.cell import Cell, Context, StateSpec


class LRU(Cell):
    """Linear recurrent unit: a complex diagonal recurrence between two linear maps.

    λ = exp(−exp(ν) + i exp(θ)), h = λ ⊙ h + exp(γ) ⊙ (B x), y = Re(C h) + D ⊙ x; the output is y, as wide as x.

    Source: arXiv:2303.06349, section 3; NicolasZucchet/minimal-LRU. Parameters: nu_log, theta_log, gamma_log (N,),
    which are ν, θ and γ; B_re and B_im (N, I), C_re and C_im (I, N), D (I,), with N the hidden size. States: h (N,),
    complex.
    """

    def __init__(self, options: LRUOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__()
        width = features(input_shape)
        self.input_shape = self.output_shape = input_shape
        self.states = {"h": StateSpec((hidden_size,), complex=True, zoneout=True)}
        self.options = options
        self.nu_log = nn.Parameter(torch.empty(hidden_size))
        self.theta_log = nn.Parameter(torch.empty(hidden_size))
        self.gamma_log = nn.Parameter(torch.empty(hidden_size))
        self.B_re = nn.Parameter(torch.empty(hidden_size, width))
        self.B_im = nn.Parameter(torch.empty(hidden_size, width))
        self.C_re = nn.Parameter(torch.empty(width, hidden_size))
        self.C_im = nn.Parameter(torch.empty(width, hidden_size))
        self.D = nn.Parameter(torch.empty(width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise the parameters.

        As the paper's appendix A and NicolasZucchet/minimal-LRU: |λ| uniform in area on the ring, its angle uniform;
        γ so that a white input keeps its size; B and C normal, of unit variance over their inputs, D normal.
        """
        ring = self.options
        with torch.no_grad():
            area = torch.empty_like(self.nu_log).uniform_(ring.r_min**2, ring.r_max**2).clamp_(1e-12, 1 - 1e-7)
            self.nu_log.copy_((-0.5 * area.log()).log())
            self.theta_log.uniform_(0.0, ring.max_phase).clamp_(min=1e-7).log_()
            self.gamma_log.copy_(0.5 * torch.log1p(-area))
        for weight in (self.B_re, self.B_im):
            nn.init.normal_(weight, std=1 / math.sqrt(2 * weight.shape[1]))
        for weight in (self.C_re, self.C_im):
            nn.init.normal_(weight, std=1 / math.sqrt(weight.shape[1]))
        nn.init.normal_(self.D)

    def constants(self, ctx: Context) -> Any:
        # λ is close to the unit circle, where half precision has too few digits
        nu, theta = self.nu_log.to(ctx.dtype).exp(), self.theta_log.to(ctx.dtype).exp()
        gamma = self.gamma_log.exp().unsqueeze(1)
        B = torch.stack([gamma * self.B_re, gamma * self.B_im], 1).flatten(0, 1)  # (2 N, I), real beside imaginary
        C = torch.stack([self.C_re, -self.C_im], 2).flatten(1)  # (I, 2 N)
        return torch.polar(torch.exp(-nu), theta), B, C

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, ...]:
        Bx = ctx.linear(x, const[1])  # (B, T, 2 N)
        return torch.view_as_complex(Bx.view(*Bx.shape[:2], -1, 2)), self.D * x.to(ctx.dtype)

    def linear_recurrence(self, u: Any, const: Any) -> Mapping[str, tuple[Tensor, Tensor]]:
        return {"h": (const[0], u[0])}

    def output(self, u: Any, state: Mapping[str, Tensor], const: Any) -> Tensor:
        y: Tensor = F.linear(torch.view_as_real(state["h"]).flatten(-2), const[2]) + u[1]
        return y
