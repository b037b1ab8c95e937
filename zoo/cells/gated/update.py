"""Cells with little more than one gate, or constants in place of gates: UGRNN and MiRU."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo.cells.gated.blocks import seen
from zoo.cells.gated.relatives import MiRU1Options, MiRU2Options, UGRNNOptions
from zoo.cells.weights import GatedCell
from zoo.components import Shape
from zoo.engine.cell import Context, States, StateSpec


class UGRNN(GatedCell):
    """Update gate network: one gate between the old state and a simple network.

    c = s(W_c x + U_c h + b_c), g = σ(W_g x + U_g h + b_g), h = g ⊙ h + (1 − g) ⊙ c, s = tanh or relu.

    The output is h.

    Source: arXiv:1611.09913; UGRNNCell of TensorFlow 1, contrib/rnn/python/ops/rnn_cell.py, by the paper's
    authors, whose constant `forget_bias` is part of b_g here. Parameters: two blocks, c and g.
    States: h (hidden_size,).
    """

    gates = ("c", "g")
    forget = "g"
    forget_gate_name = "g"

    def __init__(self, options: UGRNNOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size, hidden_size, options.bias)
        self.activation = torch.relu if options.nonlinearity == "relu" else torch.tanh
        self.forget_bias = options.forget_bias
        self.states = {"h": StateSpec((hidden_size,), zoneout=True)}
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """As the official code: Glorot uniform over all products together, biases 0 but for g's, at `forget_bias`."""
        H = self.hidden_size
        bound = math.sqrt(6 / (self.weight_ih.shape[1] + H + 2 * H))
        nn.init.uniform_(self.weight_ih, -bound, bound)
        nn.init.uniform_(self.weight_hh, -bound, bound)
        for name in self.bias_names:
            nn.init.zeros_(self.get_parameter(name))
        nn.init.constant_(self.get_parameter(self.bias_names[0]).detach()[H:], self.forget_bias)

    def constants(self, ctx: Context) -> Any:
        return ctx.drop_weight(self.weight_hh).t(), ctx.drop_state("h")

    def project(self, x: Tensor, const: Any, ctx: Context) -> Tensor:
        return ctx.linear(x, self.weight_ih, self.bias_sum())  # (B, T, 2 H)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        (U, mask), old = const, state["h"]
        c, g = torch.addmm(u, seen(old, mask), U).chunk(2, 1)
        c = self.activation(c)
        return {"h": torch.addcmul(c, torch.sigmoid(g), old - c)}


class MiRU1(GatedCell):
    """Minion recurrent unit 1: a GRU with a constant update gate.

    r = σ(W_r x + U_r h + b_r), n = tanh(W_h x + U_h (r ⊙ h) + b_h), h = λ h + (1 − λ) n; the output is h.

    Source: arXiv:2503.06175, MiRU-1: the GRU with a constant λ for its update gate.
    Parameters: two blocks, r and h. States: h (hidden_size,).
    """

    gates: tuple[str, ...] = ("r", "h")

    def __init__(self, options: MiRU1Options | MiRU2Options, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size, hidden_size, options.bias)
        self.lam = options.lam
        self.states = {"h": StateSpec((hidden_size,), zoneout=True)}
        self.reset_parameters()

    def constants(self, ctx: Context) -> Any:
        return ctx.drop_state("h"), *ctx.drop_weight(self.weight_hh).t().chunk(len(self.gates), 1)

    def project(self, x: Tensor, const: Any, ctx: Context) -> Any:
        return ctx.linear(x, self.weight_ih, self.bias_sum()).chunk(len(self.gates), 2)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        (u_r, u_h), (mask, U_r, U_h), old = u, const, state["h"]
        h = seen(old, mask)
        r = torch.sigmoid(torch.addmm(u_r, h, U_r))
        return {"h": self.mixed(old, torch.addmm(u_h, r * h, U_h))}

    def mixed(self, old: Tensor, s: Tensor) -> Tensor:
        return torch.add(self.lam * old, torch.tanh(s), alpha=1 - self.lam)


class MiRU2(MiRU1):
    """Minion recurrent unit 2: a GRU with two constant gates.

    n = tanh(W x + U (β h) + b), h = λ h + (1 − λ) n; the output is h.

    Source: arXiv:2503.06175, MiRU-2: the GRU with constants β and λ for its gates.
    Parameters: one block. States: h (hidden_size,).
    """

    gates = ("h",)

    def __init__(self, options: MiRU2Options, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(options, input_shape, hidden_size)
        self.beta = options.beta

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        (u_h,), (mask, U), old = u, const, state["h"]
        return {"h": self.mixed(old, torch.addmm(u_h, seen(old, mask), U, alpha=self.beta))}
