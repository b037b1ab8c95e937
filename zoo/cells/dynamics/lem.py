"""Long expressive memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from zoo.cells.dynamics.options import LEMOptions
from zoo.cells.weights import GatedCell
from zoo.components import Shape
from zoo.engine.cell import Context, States, StateSpec


class LEM(GatedCell):
    """Long expressive memory: two coupled states with learned time scales.

    Δt₁ = Δt σ(V₁ x + W₁ y + b₁), Δt₂ = Δt σ(V₂ x + W₂ y + b₂), z = (1 − Δt₁) ⊙ z + Δt₁ ⊙ tanh(V_z x + W_z y + b_z),
    y = (1 − Δt₂) ⊙ y + Δt₂ ⊙ tanh(V_y x + W_y z + b_y) with the new z; the output is y.

    Source: arXiv:2110.04744, equation (3); tk-rusch/LEM. Parameters start uniform in plus and minus
    1/sqrt(hidden_size), as in the official code, which has two biases. Parameters: four blocks, 1, 2, z, y.
    States: y (hidden_size,), z (hidden_size,).
    """

    gates = ("1", "2", "z", "y")

    def __init__(self, options: LEMOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size, hidden_size, options.bias)
        self.dt = options.dt
        self.states = {"y": StateSpec((hidden_size,), zoneout=True), "z": StateSpec((hidden_size,), zoneout=True)}
        self.reset_parameters()

    def constants(self, ctx: Context) -> Any:
        H = self.hidden_size
        U, U_y = torch.split(ctx.drop_weight(self.weight_hh), [3 * H, H])
        return U.t(), U_y.t(), ctx.drop_state("y"), ctx.drop_state("z")

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, ...]:
        H = self.hidden_size
        return torch.split(ctx.linear(x, self.weight_ih, self.bias_sum()), [3 * H, H], 2)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        U, U_y, mask_y, mask_z = const
        H = self.hidden_size
        y, z = state["y"], state["z"]
        paces, s = torch.split(torch.addmm(u[0], y if mask_y is None else y * mask_y, U), [2 * H, H], 1)
        pace_z, pace_y = (self.dt * torch.sigmoid(paces)).chunk(2, 1)
        z = torch.addcmul(z, pace_z, torch.tanh(s) - z)
        s = torch.addmm(u[1], z if mask_z is None else z * mask_z, U_y)
        return {"y": torch.addcmul(y, pace_y, torch.tanh(s) - y), "z": z}
