"""The mass-conserving LSTM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo.cells.memory.closed_forms import MCLSTMOptions, auxiliary
from zoo.components import Shape
from zoo.engine.cell import Cell, Context, States, StateSpec


class MCLSTM(Cell):
    """Mass-conserving LSTM: the sum of its inputs is stored, redistributed and released, never lost.

    The first M features of the input, M `mass`, are mass, x, never below 0; the others, a, only steer. With
    p = c / Σ c where Σ c > 0 and 0 elsewhere, and s = (a, p),

    R = softmax(W_r s + b_r), H × H, and i = softmax(W_i s + b_i), M × H, each row of which sums to one;
    o = σ(W_o s + b_o); c' = c R + x i, h = o ⊙ c', c = (1 − o) ⊙ c'; the output is h.

    What came in is in c, or was put out.

    Source: arXiv:2101.05186; ml-jku/mc-lstm, mclstm.py. Parameters: weight_r (H², A + H), weight_i (M H, A + H),
    weight_o (H, A + H), and bias_r, bias_i, bias_o. States: h (hidden_size,), which is put out and not read again;
    c (hidden_size,).
    """

    bias_r: nn.Parameter
    bias_i: nn.Parameter
    bias_o: nn.Parameter

    def __init__(self, options: MCLSTMOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__()
        self.mass, self.aux = options.mass, auxiliary(options, input_shape)
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        self.states = {"h": StateSpec((hidden_size,), learned=False), "c": StateSpec((hidden_size,))}
        self.rows = {"r": hidden_size**2, "i": self.mass * hidden_size, "o": hidden_size}
        for name, rows in self.rows.items():
            self.register_parameter(f"weight_{name}", nn.Parameter(torch.empty(rows, self.aux + hidden_size)))
            self.register_parameter(f"bias_{name}", nn.Parameter(torch.empty(rows)))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """As the official code: orthogonal; b_r is the identity, so that mass stays where it is, and b_o is −3."""
        for name in self.rows:
            nn.init.orthogonal_(getattr(self, f"weight_{name}"))
        H = self.output_shape[0]
        nn.init.eye_(self.bias_r.view(H, H))
        nn.init.zeros_(self.bias_i)
        nn.init.constant_(self.bias_o, -3.0)

    def constants(self, ctx: Context) -> Any:
        weight = torch.cat([getattr(self, f"weight_{name}") for name in self.rows])
        bias = torch.cat([getattr(self, f"bias_{name}") for name in self.rows])
        return weight[:, : self.aux], bias, weight[:, self.aux :].t()

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, ...]:
        return x[..., : self.mass], ctx.linear(x[..., self.mass :], const[0], const[1], exact=True)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        (x, s), c = u, state["c"]
        H = c.shape[1]
        total = c.sum(1, keepdim=True)
        share = c / torch.where(total == 0, torch.ones_like(total), total)
        r, i, o = torch.split(torch.addmm(s, share, const[2]), list(self.rows.values()), 1)
        r, i = (torch.softmax(gate.view(len(c), -1, H), 2) for gate in (r, i))
        # not as matrix products, which a GPU may be told to round: mass would get lost
        c = (c.unsqueeze(2) * r).sum(1) + (x.unsqueeze(2) * i).sum(1)
        h = torch.sigmoid(o) * c
        return {"h": h, "c": c - h}
