"""The linear oscillatory state space."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.cells.linear.pairs import into_pairs, real_part
from zoo.cells.linear.spaces import LinOSSOptions
from zoo.components import Shape, features
from zoo.engine.cell import Cell, Context, States, StateSpec


class LinOSS(Cell):
    """Linear oscillatory state space: forced harmonic oscillators between two linear maps.

    z = S ⊙ (z + Δ ⊙ (B x − A ⊙ y)), y = y + Δ ⊙ z with the new z; the output is Re(C y) + D ⊙ x, as wide as x.

    im: S = 1 / (1 + Δ² ⊙ A), where A and z act at the new y; imex: S = 1. A = relu(A_diag), Δ = σ(steps).

    Source: arXiv:2410.03943, section 2; tk-rusch/linoss, models/LinOSS.py, whose matrices M this multiplies out. A and
    Δ are real, so a complex y is two oscillators side by side. Parameters: A_diag and steps (N,), B (N, I, 2) and C
    (I, N, 2) with real and imaginary part last, D (I,), with N the hidden size. States: y and z (N, 2), likewise.
    """

    def __init__(self, options: LinOSSOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__()
        width = features(input_shape)
        self.input_shape = self.output_shape = input_shape
        self.states = {name: StateSpec((hidden_size, 2), zoneout=True) for name in ("y", "z")}
        self.implicit = options.discretisation == "im"
        self.A_diag = nn.Parameter(torch.empty(hidden_size))
        self.B = nn.Parameter(torch.empty(hidden_size, width, 2))
        self.C = nn.Parameter(torch.empty(width, hidden_size, 2))
        self.D = nn.Parameter(torch.empty(width))
        self.steps = nn.Parameter(torch.empty(hidden_size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise the parameters.

        As the official code: A_diag and steps uniform in (0, 1), B and C uniform in one over the root of their
        inputs, D normal.
        """
        nn.init.uniform_(self.A_diag)
        nn.init.uniform_(self.steps)
        for weight in (self.B, self.C):
            bound = 1 / math.sqrt(weight.shape[1])
            nn.init.uniform_(weight, -bound, bound)
        nn.init.normal_(self.D)

    def constants(self, ctx: Context) -> Any:
        A = torch.relu(self.A_diag.to(ctx.dtype)).unsqueeze(1)  # (N, 1)
        step = torch.sigmoid(self.steps.to(ctx.dtype)).unsqueeze(1)
        shrink = 1 / (1 + step * step * A) if self.implicit else torch.ones_like(step)
        return shrink, shrink * step, -shrink * step * A, step, into_pairs(self.B), real_part(self.C)

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, ...]:
        force = ctx.linear(x, const[4])  # (B, T, 2 N)
        return const[1] * force.view(*force.shape[:2], -1, 2), self.D * x.to(ctx.dtype)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        shrink, _, pull, step, _, _ = const
        z = torch.addcmul(torch.addcmul(u[0], shrink, state["z"]), pull, state["y"])
        return {"y": torch.addcmul(state["y"], step, z), "z": z}

    def output(self, u: Any, state: Mapping[str, Tensor], const: Any) -> Tensor:
        y: Tensor = F.linear(state["y"].flatten(-2), const[5]) + u[1]
        return y
