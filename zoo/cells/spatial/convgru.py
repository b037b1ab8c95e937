"""The convolutional GRU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from zoo.cells.spatial.convolved import ConvolvedCell
from zoo.cells.spatial.options import ConvGRUOptions
from zoo.components import Shape
from zoo.engine.cell import Context, States, StateSpec


class ConvGRU(ConvolvedCell):
    """Convolutional GRU over maps, reset gate before the recurrent convolution.

    z = σ(W_z ∗ x + U_z ∗ h + b_z), r = σ(W_r ∗ x + U_r ∗ h + b_r), n = tanh(W ∗ x + U ∗ (r ⊙ h) + b),
    h = (1 − z) ⊙ h + z ⊙ n; the output is h. ∗ is a convolution over rows and columns, with zeros around the maps.

    Source: arXiv:1511.06432, section 3.1, which writes no biases. Parameters: weight_ih (3 F, C, kernel, kernel),
    weight_hh (3 F, F, kernel, kernel) and bias (3 F,), all in blocks z, r, h, for C channels of x and F of h.
    States: h (F, rows, columns).
    """

    gates = ("z", "r", "h")
    input_gate_name = "z"

    def __init__(self, options: ConvGRUOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size, options.kernel, bias=options.bias == "one")
        self.states = {"h": StateSpec(self.output_shape, zoneout=True)}
        self.reset_parameters()

    def constants(self, ctx: Context) -> Any:
        of_gates, of_n = torch.split(ctx.drop_weight(self.weight_hh), [2 * self.hidden_size, self.hidden_size])
        return of_gates, of_n, ctx.drop_state("h")

    def project(self, x: Tensor, const: Any, ctx: Context) -> Tensor:
        return self.of_input(x, ctx)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        of_gates, of_n, mask = const
        old = state["h"]
        h = old if mask is None else old * mask
        u_gates, u_n = torch.split(u, [2 * self.hidden_size, self.hidden_size], 1)
        z, r = torch.sigmoid(u_gates + self.of_state(h, of_gates)).chunk(2, 1)
        n = torch.tanh(u_n + self.of_state(r * h, of_n))
        return {"h": torch.addcmul(old, z, n - old)}
