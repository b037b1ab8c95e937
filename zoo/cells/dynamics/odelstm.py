"""An LSTM whose output flows on, by a differential equation, until the next step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.cells.dynamics.driven import gaps
from zoo.cells.dynamics.timed import ODELSTMOptions
from zoo.cells.weights import GatedCell
from zoo.components import Shape
from zoo.engine.cell import Context, States, StateSpec


class ODELSTM(GatedCell):
    """LSTM whose output evolves between steps by a differential equation; takes irregular time steps.

    i = σ(W_i x + U_i h + b_i), f = σ(W_f x + U_f h + b_f), o = σ(W_o x + U_o h + b_o),
    g = tanh(W_g x + U_g h + b_g), c = f ⊙ c + i ⊙ g, h̃ = o ⊙ tanh(c), h = flow(h̃, Δt); the output is h.

    flow(h̃, Δt) is where a point that starts at h̃ and moves by dy/dt = W₂ tanh(W₁ y + b₁) + b₂ is after the time Δt,
    in `unfolds` equal steps of a solver: Euler's, Heun's, or that of Runge and Kutta with four slopes.

    Source: arXiv:2006.04418; mlech26l/ode-lstms, torch_node_cell.py, with its solvers of fixed steps. Parameters start
    uniform in plus and minus 1/sqrt(hidden_size), as there. Parameters: four blocks, i, f, g, o; weight_node_1 and
    weight_node_2 (H, H), bias_node_1 and bias_node_2 (H,). States: h (hidden_size,), c (hidden_size,).
    """

    gates = ("i", "f", "g", "o")
    forget = "f"
    forget_gate_name, input_gate_name = "f", "i"
    uses = GatedCell.uses | {"dt"}

    def __init__(self, options: ODELSTMOptions, input_shape: Shape, hidden_size: int) -> None:
        H = hidden_size
        super().__init__(input_shape, H, H, options.bias)
        self.states = {"h": StateSpec((H,), zoneout=True), "c": StateSpec((H,), zoneout=True)}
        self.solver, self.unfolds = {"euler": _euler, "heun": _heun, "rk4": _rk4}[options.solver], options.unfolds
        self.weight_node_1, self.weight_node_2 = nn.Parameter(torch.empty(H, H)), nn.Parameter(torch.empty(H, H))
        self.bias_node_1, self.bias_node_2 = nn.Parameter(torch.empty(H)), nn.Parameter(torch.empty(H))
        self.reset_parameters()

    def constants(self, ctx: Context) -> Any:
        node = self.weight_node_1, self.bias_node_1, self.weight_node_2, self.bias_node_2
        return ctx.drop_weight(self.weight_hh).t(), ctx.drop_state("h"), *node

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, ...]:
        return ctx.linear(x, self.weight_ih, self.bias_sum()), gaps(x, ctx) / self.unfolds

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        (s, dt), (U, mask, *node) = u, const
        H = self.hidden_size
        h = state["h"] if mask is None else state["h"] * mask
        gates, g, o = torch.split(torch.addmm(s, h, U), [2 * H, H, H], 1)
        i, f = torch.sigmoid(gates).chunk(2, 1)
        c = torch.addcmul(f * state["c"], i, torch.tanh(g))
        h = torch.sigmoid(o) * torch.tanh(c)
        for _ in range(self.unfolds):
            h = self.solver(h, dt, node)
        return {"h": h, "c": c}


def _slope(h: Tensor, node: list[Tensor]) -> Tensor:
    return F.linear(torch.tanh(F.linear(h, node[0], node[1])), node[2], node[3])


def _euler(h: Tensor, dt: Tensor, node: list[Tensor]) -> Tensor:
    return torch.addcmul(h, dt, _slope(h, node))


def _heun(h: Tensor, dt: Tensor, node: list[Tensor]) -> Tensor:
    first = _slope(h, node)
    second = _slope(torch.addcmul(h, dt, first), node)
    return torch.addcmul(h, dt, first + second, value=0.5)


def _rk4(h: Tensor, dt: Tensor, node: list[Tensor]) -> Tensor:
    first = _slope(h, node)
    second = _slope(torch.addcmul(h, dt, first, value=0.5), node)
    third = _slope(torch.addcmul(h, dt, second, value=0.5), node)
    fourth = _slope(torch.addcmul(h, dt, third), node)
    return torch.addcmul(h, dt, first + 2 * (second + third) + fourth, value=1 / 6)
