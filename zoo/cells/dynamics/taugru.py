"""A gated recurrent unit with time-delay feedback."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from zoo.cells.dynamics.options import TauGRUOptions
from zoo.cells.weights import GatedCell
from zoo.components import Shape
from zoo.engine.cell import Context, States, StateSpec


class TauGRU(GatedCell):
    """Gated recurrent unit with weighted feedback of a state some steps back.

    u = tanh(U₁ x + W₁ h + b₁), z = tanh(U₂ x + W₂ buffer₁ + b₂), g = σ(U₃ x + W₃ h + b₃), a = σ(U₄ x + W₄ h + b₄),
    buffer = (buffer_{2:d}, h), h = (1 − g) ⊙ h + g ⊙ (u + a ⊙ z); the output is h.

    The buffer holds the states before h, the oldest first: d is `delay`, and buffer₁ is h as it was d steps before.

    Source: arXiv:2212.00228, with steps of length 1, so that `delay` is the paper's ⌊τ/Δt⌋. Parameters start uniform in
    plus and minus 1/sqrt(hidden_size), a choice: the authors' code was not found. Parameters: four blocks, u, z, g,
    a. States: h (hidden_size,); buffer (delay, hidden_size), zero to begin with.
    """

    gates = ("u", "z", "g", "a")

    def __init__(self, options: TauGRUOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size, hidden_size, options.bias)
        self.states = {
            "h": StateSpec((hidden_size,), zoneout=True),
            "buffer": StateSpec((options.delay, hidden_size)),
        }
        self.reset_parameters()

    def constants(self, ctx: Context) -> Any:
        U_u, U_z, U_g, U_a = ctx.drop_weight(self.weight_hh).chunk(4, 0)
        return torch.cat([U_u, U_g, U_a]).t(), U_z.t(), ctx.drop_state("h")  # of h, and of the delayed h

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, ...]:
        u, z, g, a = ctx.linear(x, self.weight_ih, self.bias_sum()).chunk(4, 2)
        return torch.cat([u, g, a], 2), z

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        U, U_z, mask = const
        H = self.hidden_size
        h, buffer = state["h"], state["buffer"]
        delayed = buffer[:, 0].clone()  # a view would keep the buffers of all steps for the backward
        seen = h
        if mask is not None:
            seen, delayed = h * mask, delayed * mask
        s, gates = torch.split(torch.addmm(u[0], seen, U), [H, 2 * H], 1)
        g, a = torch.sigmoid(gates).chunk(2, 1)
        z = torch.tanh(torch.addmm(u[1], delayed, U_z))
        new = torch.addcmul(h, g, torch.addcmul(torch.tanh(s), a, z) - h)
        return {"h": new, "buffer": torch.cat([buffer[:, 1:], h.unsqueeze(1)], 1)}
