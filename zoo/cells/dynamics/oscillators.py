"""Networks of oscillators: a position y and a velocity z."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo.cells.dynamics.driven import Driven
from zoo.cells.dynamics.options import CoRNNOptions, UnICORNNOptions
from zoo.components import Shape
from zoo.engine.cell import Context, Role, States, StateSpec


class CoRNN(Driven):
    """Coupled oscillatory network: driven, damped oscillators, explicit or with implicit damping.

    discretisation `explicit`: z = z + Δt (tanh(V x + W y + 𝒲 z + b) − γ y − ε z), y = y + Δt z with the new z.

    discretisation `imex`: z = (z + Δt (tanh(V x + W y + 𝒲 z + b) − γ y)) / (1 + Δt ε), y = y + Δt z with the new z. The
    damping −ε z has the new z there. The output is y.

    Source: arXiv:2010.00951, equation (3); tk-rusch/coRNN, which is explicit. Parameters: weight_ih (H, I), bias (H,),
    weight_hh (2 H, H) in blocks y, z. States: y (hidden_size,), z (hidden_size,).
    """

    def __init__(self, options: CoRNNOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size)
        self.states = {"y": StateSpec((hidden_size,), zoneout=True), "z": StateSpec((hidden_size,), zoneout=True)}
        self.dt, self.gamma = options.dt, options.gamma
        damping = options.dt * options.epsilon
        # z = decay * z + pace * (tanh(...) - gamma * y), whichever z the damping has
        implicit = options.discretisation == "imex"
        self.decay = 1 / (1 + damping) if implicit else 1 - damping
        self.pace = options.dt / (1 + damping) if implicit else options.dt
        self.weight_hh = nn.Parameter(torch.empty(2 * hidden_size, hidden_size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Uniform in plus and minus 1/sqrt(I + 2 H), as the official code's one linear map of x, z and y starts."""
        hidden_size = self.weight_hh.shape[1]
        bound = 1 / math.sqrt(self.weight_ih.shape[1] + 2 * hidden_size)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def roles(self) -> Mapping[str, Role]:
        return {**super().roles(), "weight_hh": Role("recurrent", ("y", "z"))}

    def constants(self, ctx: Context) -> Any:
        W_y, W_z = ctx.drop_weight(self.weight_hh).chunk(2, 0)
        return W_y.t(), W_z.t(), ctx.drop_state("y"), ctx.drop_state("z")

    def step(self, u: Tensor, state: Mapping[str, Tensor], const: Any) -> States:
        W_y, W_z, mask_y, mask_z = const
        y, z = state["y"], state["z"]
        s = torch.addmm(u, y if mask_y is None else y * mask_y, W_y)
        s = torch.addmm(s, z if mask_z is None else z * mask_z, W_z)
        z = torch.add(self.decay * z, torch.sub(torch.tanh(s), y, alpha=self.gamma), alpha=self.pace)
        return {"y": torch.add(y, z, alpha=self.dt), "z": z}


class UnICORNN(Driven):
    """Undamped independent oscillators with learned time scales.

    z = z − Δt σ(c) ⊙ (tanh(w ⊙ y + V x + b) + α y), y = y + Δt σ(c) ⊙ z with the new z; the output is y.

    Source: arXiv:2103.05487; tk-rusch/unicornn, whose dropout between layers is the layer's here. Parameters: weight_ih
    (H, I), which is V; bias, weight_hh and c (H,) each, b, w and c. States: y (hidden_size,), z (hidden_size,).
    """

    def __init__(self, options: UnICORNNOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size)
        self.states = {"y": StateSpec((hidden_size,), zoneout=True), "z": StateSpec((hidden_size,), zoneout=True)}
        self.dt, self.alpha = options.dt, options.alpha
        self.weight_hh = nn.Parameter(torch.empty(hidden_size))
        self.c = nn.Parameter(torch.empty(hidden_size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """As the official code: w uniform in [0, 1], c in plus and minus 0.1, V with He's bound for a slope of 8."""
        nn.init.kaiming_uniform_(self.weight_ih, a=8)
        nn.init.zeros_(self.bias)
        nn.init.uniform_(self.weight_hh, 0.0, 1.0)
        nn.init.uniform_(self.c, -0.1, 0.1)

    def constants(self, ctx: Context) -> Any:
        return ctx.drop_weight(self.weight_hh), self.dt * torch.sigmoid(self.c), ctx.drop_state("y")

    def step(self, u: Tensor, state: Mapping[str, Tensor], const: Any) -> States:
        w, pace, mask = const
        y = state["y"]
        force = torch.add(torch.tanh(torch.addcmul(u, w, y if mask is None else y * mask)), y, alpha=self.alpha)
        z = torch.addcmul(state["z"], pace, force, value=-1)
        return {"y": torch.addcmul(y, pace, z), "z": z}
