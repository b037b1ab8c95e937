"""The reservoir of an echo state network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from zoo.cells.structured.options import ESNOptions
from zoo.components import Shape, features
from zoo.engine.cell import Cell, Context, States, StateSpec


class ESN(Cell):
    """Echo state network: a random reservoir of leaky units, which is never trained.

    x = (1 − a) x + a tanh(W_in u + W x + b), a the leak; the output is x. u is the input, nothing is trained.

    Source: Jaeger 2001, GMD report 148, section 1; reservoirpy, nodes/reservoir.py. Persistent buffers: W_in (H, I), W
    (H, H), bias (H,). States: x (hidden_size,).
    """

    W_in: Tensor
    W: Tensor
    bias: Tensor

    def __init__(self, options: ESNOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__()
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        self.states = {"x": StateSpec((hidden_size,), zoneout=True)}
        self.options = options
        self.register_buffer("W_in", torch.empty(hidden_size, features(input_shape)))
        self.register_buffer("W", torch.empty(hidden_size, hidden_size))
        self.register_buffer("bias", torch.empty(hidden_size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise the parameters.

        As reservoirpy: recurrent weights normal, scaled to the spectral radius; input weights and bias of one size
        and either sign. There a tenth of the weights is not zero by default; here all unless an option says less.
        """
        chosen = self.options
        W = self.W.normal_() * torch.empty_like(self.W).bernoulli_(chosen.connectivity)
        radius = torch.linalg.eigvals(W).abs().max()
        self.W.copy_(W * (chosen.spectral_radius / radius.clamp(min=1e-8)))  # 0 where so few are connected
        sign = self.W_in.bernoulli_(0.5) * 2 - 1
        connected = torch.empty_like(self.W_in).bernoulli_(chosen.input_connectivity)
        self.W_in.copy_(chosen.input_scaling * sign * connected)
        self.bias.copy_(chosen.bias_scaling * (self.bias.bernoulli_(0.5) * 2 - 1))

    def constants(self, ctx: Context) -> Any:
        return (self.W.t(),)

    def project(self, x: Tensor, const: Any, ctx: Context) -> Tensor:
        return ctx.linear(x, self.W_in, self.bias)  # (B, T, H)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        old, leak = state["x"], self.options.leak
        new = torch.tanh(torch.addmm(u, old, const[0]))
        return {"x": new if leak == 1 else torch.add((1 - leak) * old, new, alpha=leak)}
