"""An LSTM with nothing but its forget gate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo.cells.gated.options import JANETOptions
from zoo.cells.weights import GatedCell
from zoo.components import Shape
from zoo.engine.cell import Context, States, StateSpec


class JANET(GatedCell):
    """Just another network: an LSTM with a forget gate only.

    s = W_f x + U_f c + b_f, n = tanh(W_c x + U_c c + b_c), c = σ(s) ⊙ c + (1 − σ(s − β)) ⊙ n; the output is c.

    Source: arXiv:1804.04849; β is a constant. Parameters: two blocks, f and c. States: c (hidden_size,).
    """

    gates = ("f", "c")
    forget = "f"
    forget_gate_name = "f"

    def __init__(self, options: JANETOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size, hidden_size, options.bias)
        self.beta = options.beta
        self.longest = options.longest
        self.states = {"c": StateSpec((hidden_size,), zoneout=True)}
        self.reset_parameters()
        self.set_fixed_parameters()

    def reset_parameters(self) -> None:
        """Glorot uniform, and a forget bias of 1, as in the authors' code."""
        nn.init.xavier_uniform_(self.weight_ih)
        nn.init.xavier_uniform_(self.weight_hh)
        for index, name in enumerate(self.bias_names):
            nn.init.zeros_(getattr(self, name))
            if index == 0:
                nn.init.ones_(getattr(self, name)[: self.hidden_size])

    def set_fixed_parameters(self) -> None:
        """Chrono initialisation: b_f = log u, u uniform in [1, longest − 1], and b_c = 0."""
        if self.longest is None:
            return
        H = self.hidden_size
        with torch.no_grad():
            for name in self.bias_names:
                getattr(self, name).zero_()
            getattr(self, self.bias_names[0])[:H].uniform_(1.0, self.longest - 1.0).log_()

    def constants(self, ctx: Context) -> Any:
        return ctx.drop_weight(self.weight_hh).t(), ctx.drop_state("c")

    def project(self, x: Tensor, const: Any, ctx: Context) -> Tensor:
        return ctx.linear(x, self.weight_ih, self.bias_sum(), exact=True)  # (B, T, 2 H)

    def step(self, u: Tensor, state: Mapping[str, Tensor], const: Any) -> States:
        U, mask = const
        old = state["c"]
        s, n = torch.addmm(u, old if mask is None else old * mask, U).chunk(2, 1)
        return {"c": torch.addcmul(torch.sigmoid(s) * old, torch.sigmoid(self.beta - s), torch.tanh(n))}
