"""The independently recurrent network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo.cells.gated.options import IndRNNOptions
from zoo.components import Shape, features
from zoo.engine.cell import Cell, Context, Role, States, StateSpec


class IndRNN(Cell):
    """Independently recurrent network: each unit sees only its own previous state.

    h = f(W x + u ⊙ h + b), f = relu or tanh; the output is h.

    With `bound`, a recurrent weight beyond it counts as the bound. It keeps the gradient of the bound, so that an
    optimiser can bring it back, as where weights are clipped after every update, which the official code does.

    Source: arXiv:1803.04831. Parameters: weight_ih (H, I), weight_hh (H,), bias (H,). States: h (hidden_size,).
    """

    uses = frozenset({"weight_dropout", "recurrent_dropout"})

    def __init__(self, options: IndRNNOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__()
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        self.states = {"h": StateSpec((hidden_size,), zoneout=True)}
        self.activation = torch.relu if options.nonlinearity == "relu" else torch.tanh
        self.bound = options.bound
        self.weight_ih = nn.Parameter(torch.empty(hidden_size, features(input_shape)))
        self.weight_hh = nn.Parameter(torch.empty(hidden_size))
        self.bias = nn.Parameter(torch.empty(hidden_size)) if options.bias == "one" else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """As the official code (Sunnydreamrain/IndRNN_pytorch) starts its models."""
        nn.init.kaiming_uniform_(self.weight_ih, a=8)
        nn.init.uniform_(self.weight_hh, 0.0, 1.0 if self.bound is None else self.bound)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def roles(self) -> Mapping[str, Role]:
        found = {"weight_ih": Role("input"), "weight_hh": Role("unit")}
        return found if self.bias is None else {**found, "bias": Role("bias")}

    def constants(self, ctx: Context) -> Any:
        weight = ctx.drop_weight(self.weight_hh)
        if self.bound is not None:
            weight = weight + (weight.clamp(-self.bound, self.bound) - weight).detach()
        return weight, ctx.drop_state("h")

    def project(self, x: Tensor, const: Any, ctx: Context) -> Tensor:
        # (B, T, H), exact, as a unit whose weight is nearly 1 keeps every error
        return ctx.linear(x, self.weight_ih, self.bias, exact=True)

    def step(self, u: Tensor, state: Mapping[str, Tensor], const: Any) -> States:
        weight, mask = const
        h = state["h"] if mask is None else state["h"] * mask
        return {"h": self.activation(torch.addcmul(u, weight, h))}
