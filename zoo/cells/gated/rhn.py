"""The recurrent highway network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo.cells.gated.blocks import seen
from zoo.cells.gated.others import RHNOptions
from zoo.components import Shape, features
from zoo.engine.cell import Cell, Context, Role, States, StateSpec


class RHN(Cell):
    """Recurrent highway network: several highway layers between one step and the next.

    In each of `depth` micro-steps, one after the other, s = tanh(W_h x + U_h s + b_h) ⊙ t + s ⊙ c with U and b of
    the micro-step's own, t = σ(W_t x + U_t s + b_t) with the same s; coupled: c = 1 − t; uncoupled: c = σ(W_c x + U_c s
    + b_c).

    W x is there in the first micro-step alone. The output is s.

    Source: arXiv:1607.03474; jzilly/RecurrentHighwayNetworks, rhn.py, which couples.
    Parameters: weight_ih (blocks * H, I) in blocks h, t and, uncoupled, c; weight_hh (depth * blocks * H, H) and bias
    (depth * blocks * H,), micro-step by micro-step in those blocks. States: s (hidden_size,).
    """

    uses = frozenset({"weight_dropout", "recurrent_dropout"})

    def __init__(self, options: RHNOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__()
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        self.hidden_size, self.depth = hidden_size, options.depth
        self.states = {"s": StateSpec((hidden_size,), zoneout=True)}
        self.coupled, self.transform_bias = options.coupled, options.transform_bias
        rows = (2 if options.coupled else 3) * hidden_size
        self.weight_ih = nn.Parameter(torch.empty(rows, features(input_shape)))
        self.weight_hh = nn.Parameter(torch.empty(options.depth * rows, hidden_size))
        self.bias = nn.Parameter(torch.empty(options.depth * rows))
        self.reset_parameters()

    @property
    def gates(self) -> tuple[str, ...]:
        return ("h", "t") if self.coupled else ("h", "t", "c")

    def reset_parameters(self) -> None:
        """Initialise the parameters.

        As the official code: uniform within 0.04, the bias of t at `transform_bias`. That of c, which it does not
        have, starts at the opposite, so that c + t = 1.
        """
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -0.04, 0.04)
        of_gates = self.bias.detach().view(self.depth, len(self.gates), self.hidden_size).unbind(1)
        nn.init.constant_(of_gates[1], self.transform_bias)
        if not self.coupled:
            nn.init.constant_(of_gates[2], -self.transform_bias)

    def roles(self) -> Mapping[str, Role]:
        deep = tuple(f"{gate}{step}" for step in range(1, self.depth + 1) for gate in self.gates)
        return {
            "weight_ih": Role("input", self.gates),
            "weight_hh": Role("recurrent", deep),
            "bias": Role("bias", deep),
        }

    def constants(self, ctx: Context) -> Any:
        matrices = ctx.drop_weight(self.weight_hh).t().chunk(self.depth, 1)
        return ctx.drop_state("s"), *matrices, *self.bias.chunk(self.depth)[1:]

    def project(self, x: Tensor, const: Any, ctx: Context) -> Tensor:
        return ctx.linear(x, self.weight_ih, self.bias.chunk(self.depth)[0])  # (B, T, blocks * H)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        mask, matrices, biases = const[0], const[1 : self.depth + 1], const[self.depth + 1 :]
        s = state["s"]
        for term, U in zip((u, *biases), matrices, strict=True):
            h, t, *c = torch.addmm(term, seen(s, mask), U).chunk(len(self.gates), 1)
            h, t = torch.tanh(h), torch.sigmoid(t)
            s = torch.addcmul(h * t, s, torch.sigmoid(c[0])) if c else torch.addcmul(s, t, h - s)
        return {"s": s}
