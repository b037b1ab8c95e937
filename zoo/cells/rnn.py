"""The simple recurrent network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from zoo.cells.options import RNNOptions
from zoo.cells.weights import GatedCell, for_backward, kernel_state, last_output
from zoo.components import Shape
from zoo.engine.cell import Context, States, StateSpec


class RNN(GatedCell):
    """Simple recurrent network with tanh or relu.

    h = f(W x + b + U h), f = tanh or relu; the output is h.

    Source: Elman 1990; layout as `torch.nn.RNN`. States: h (hidden_size,).
    """

    torch_layout = True

    gates = ("h",)
    fusable = True

    def __init__(self, options: RNNOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size, hidden_size, options.bias)
        self.nonlinearity = options.nonlinearity
        self.kernel_key = (self.kernel_key, options.nonlinearity)
        self.states = {"h": StateSpec((hidden_size,), zoneout=True)}
        self.reset_parameters()

    def constants(self, ctx: Context) -> Any:
        W_hh = ctx.drop_weight(self.weight_hh)
        return W_hh, W_hh.t(), ctx.drop_state("h")

    def project(self, x: Tensor, const: Any, ctx: Context) -> Tensor:
        return ctx.linear(x, self.weight_ih, self.bias_sum())  # (B, T, H)

    def step(self, u: Tensor, state: Mapping[str, Tensor], const: Any) -> States:
        _, U, mask = const
        h = state["h"] if mask is None else state["h"] * mask
        s = torch.addmm(u, h, U)
        return {"h": torch.tanh(s) if self.nonlinearity == "tanh" else torch.relu(s)}

    def kernel(
        self, x: Tensor, state: Mapping[str, Tensor], weights: list[Tensor], *, biased: bool, layers: int, both: bool
    ) -> tuple[Tensor, ...]:
        call = torch.rnn_tanh if self.nonlinearity == "tanh" else torch.rnn_relu
        return call(x, state["h"], weights, biased, layers, 0.0, for_backward(), both, True)

    def fused(self, x: Tensor, state: Mapping[str, Tensor], const: Any, ctx: Context) -> tuple[Tensor, States] | None:
        weights = self.kernel_weights(self.weight_ih, const[0])
        before = {"h": kernel_state(state["h"], x)}
        y, h = self.kernel(x, before, weights, biased=len(weights) == 4, layers=1, both=False)
        return y, last_output(y, h, state, ctx)
