"""FastRNN and FastGRNN: a weighted residual connection around one product of the state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo.cells.gated.blocks import BlockCell, seen
from zoo.cells.gated.others import FastGRNNOptions, FastRNNOptions
from zoo.components import Shape
from zoo.engine.cell import Context, States


class FastRNN(BlockCell):
    """FastRNN: a simple network with a weighted residual connection.

    n = f(W x + U h + b), h = σ(α) n + σ(β) h, f = tanh or relu; the output is h.

    Source: arXiv:1901.02358; microsoft/EdgeML, edgeml_pytorch/graph/rnn.py, FastRNNCell of full rank.
    Parameters: weight_ih (H, I), weight_hh (H, H), bias (H,), alpha (1,) and beta (1,). States: h (hidden_size,).
    """

    of_x = of_h = biased = ("h",)

    def __init__(self, options: FastRNNOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size)
        self.activation = torch.relu if options.nonlinearity == "relu" else torch.tanh
        self.initial_scalars = options.alpha, options.beta
        self.alpha = nn.Parameter(torch.empty(1))
        self.beta = nn.Parameter(torch.empty(1))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """As the official code: weights normal with deviation 0.1, biases of 1."""
        initialise_scalars(self, alpha=self.initial_scalars[0], beta=self.initial_scalars[1])

    def constants(self, ctx: Context) -> Any:
        return *super().constants(ctx), torch.sigmoid(self.alpha), torch.sigmoid(self.beta)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        U, mask, alpha, beta = const
        old = state["h"]
        n = self.activation(torch.addmm(u, seen(old, mask), U))
        return {"h": torch.addcmul(alpha * n, beta, old)}


class FastGRNN(BlockCell):
    """FastGRNN: one gate, which shares its matrices with the candidate.

    z = σ(W x + U h + b_z), n = f(W x + U h + b_h), h = (σ(ζ) (1 − z) + σ(ν)) ⊙ n + z ⊙ h, f = tanh or relu.

    W and U are the same in both; the output is h.

    Source: arXiv:1901.02358; microsoft/EdgeML, edgeml_pytorch/graph/rnn.py, FastGRNNCell of full rank.
    Parameters: weight_ih (H, I), weight_hh (H, H), bias (2 H,) in blocks z, h, zeta (1,) and nu (1,).
    States: h (hidden_size,).
    """

    of_x = of_h = ("",)
    biased = ("z", "h")
    forget_gate_name = "z"

    def __init__(self, options: FastGRNNOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size)
        self.activation = torch.relu if options.nonlinearity == "relu" else torch.tanh
        self.initial_scalars = options.zeta, options.nu
        self.zeta = nn.Parameter(torch.empty(1))
        self.nu = nn.Parameter(torch.empty(1))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """As the official code: weights normal with deviation 0.1, biases of 1."""
        initialise_scalars(self, zeta=self.initial_scalars[0], nu=self.initial_scalars[1])

    def constants(self, ctx: Context) -> Any:
        b_z, b_h = self.bias.chunk(2)
        return *super().constants(ctx), b_z - b_h, torch.sigmoid(self.zeta), torch.sigmoid(self.nu)

    def project(self, x: Tensor, const: Any, ctx: Context) -> Tensor:
        return ctx.linear(x, self.weight_ih, self.bias.chunk(2)[1])  # (B, T, H), with the candidate's bias

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        U, mask, more, zeta, nu = const
        old = state["h"]
        s = torch.addmm(u, seen(old, mask), U)
        n = self.activation(s)
        new = zeta * n
        return {"h": torch.addcmul(torch.addcmul(new, nu, n), torch.sigmoid(s + more), old - new)}


def initialise_scalars(cell: BlockCell, **scalars: float) -> None:
    nn.init.normal_(cell.weight_ih, std=0.1)
    nn.init.normal_(cell.weight_hh, std=0.1)
    nn.init.ones_(cell.bias)
    for name, value in scalars.items():
        nn.init.constant_(cell.get_parameter(name), value)
