"""The minimal gated unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from zoo.cells.gated.options import MGUOptions
from zoo.cells.weights import GatedCell
from zoo.components import Shape
from zoo.engine.cell import Context, States, StateSpec


class MGU(GatedCell):
    """Minimal gated unit: one gate serves as reset gate and update gate.

    f = σ(W_f x + U_f h + b_f), n = tanh(W_h x + U_h (f ⊙ h) + b_h), h = (1 − f) ⊙ h + f ⊙ n; the output is h.

    Source: arXiv:1603.09420. Parameters: two blocks, f and h. States: h (hidden_size,).
    """

    gates = ("f", "h")
    forget = "f"
    input_gate_name = "f"

    def __init__(self, options: MGUOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size, hidden_size, options.bias)
        self.states = {"h": StateSpec((hidden_size,), zoneout=True)}
        self.reset_parameters()

    def constants(self, ctx: Context) -> Any:
        U_f, U_h = ctx.drop_weight(self.weight_hh).chunk(2, 0)
        return U_f.t(), U_h.t(), ctx.drop_state("h")

    def project(self, x: Tensor, const: Any, ctx: Context) -> Tensor:
        return ctx.linear(x, self.weight_ih, self.bias_sum())  # (B, T, 2 H)

    def step(self, u: Tensor, state: Mapping[str, Tensor], const: Any) -> States:
        U_f, U_h, mask = const
        u_f, u_h = u.chunk(2, 1)
        old = state["h"]
        h = old if mask is None else old * mask
        f = torch.sigmoid(torch.addmm(u_f, h, U_f))
        n = torch.tanh(torch.addmm(u_h, f * h, U_h))
        return {"h": torch.addcmul(old, f, n - old)}
