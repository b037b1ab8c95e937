"""The convolutional LSTM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo.cells.spatial.convolved import ConvolvedCell
from zoo.cells.spatial.options import ConvLSTMOptions
from zoo.components import Shape
from zoo.engine.cell import Context, States, StateSpec


class ConvLSTM(ConvolvedCell):
    """Convolutional LSTM over maps, with peepholes.

    i = σ(W_xi ∗ x + W_hi ∗ h + W_ci ⊙ c + b_i), f = σ(W_xf ∗ x + W_hf ∗ h + W_cf ⊙ c + b_f), c = f ⊙ c + i ⊙
    tanh(W_xc ∗ x + W_hc ∗ h + b_c), o = σ(W_xo ∗ x + W_ho ∗ h + W_co ⊙ c + b_o) with the new c, h = o ⊙ tanh(c); the
    output is h. Without peepholes there is no W_ci, W_cf, W_co, as in Keras. ∗ is a convolution over rows and columns,
    with zeros around the maps.

    Source: arXiv:1506.04214, equations 3. Parameters: weight_ih (4 F, C, kernel, kernel), weight_hh (4 F, F, kernel,
    kernel) and bias (4 F,), all in blocks i, f, c, o, for C channels of x and F of h; peephole (3 F, rows, columns) in
    blocks i, f, o. States: h and c (F, rows, columns).
    """

    gates = ("i", "f", "c", "o")
    forget = "f"
    forget_gate_name, input_gate_name = "f", "i"
    exact = True  # c keeps an error for long, and its neighbours take it up

    def __init__(self, options: ConvLSTMOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size, options.kernel, bias=True)
        self.states = {name: StateSpec(self.output_shape, zoneout=True) for name in ("h", "c")}
        _, rows, columns = self.output_shape
        self.peephole = nn.Parameter(torch.empty(3 * hidden_size, rows, columns)) if options.peephole else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise the parameters.

        The paper says nothing: as Keras starts its own, Glorot uniform and orthogonal over all gates at once, zero
        biases but 1 for the forget gate; with peepholes of zero, of which Keras has none.
        """
        super().reset_parameters()
        if self.peephole is not None:
            nn.init.zeros_(self.peephole)

    def constants(self, ctx: Context) -> Any:
        return ctx.drop_weight(self.weight_hh), self.peephole, ctx.drop_state("h")

    def project(self, x: Tensor, const: Any, ctx: Context) -> Tensor:
        return self.of_input(x, ctx)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        weight, peephole, mask = const
        h, c = state["h"], state["c"]
        sums = u + self.of_state(h if mask is None else h * mask, weight)
        i, f, n, o = sums.chunk(4, 1)
        if peephole is not None:
            of_i, of_f, of_o = peephole.chunk(3, 0)
            i, f = torch.addcmul(i, of_i, c), torch.addcmul(f, of_f, c)
        c = torch.addcmul(torch.sigmoid(i) * torch.tanh(n), torch.sigmoid(f), c)
        if peephole is not None:
            o = torch.addcmul(o, of_o, c)
        return {"h": torch.sigmoid(o) * torch.tanh(c), "c": c}
