"""The intersection network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo.cells.memory.closed_forms import IntersectionOptions
from zoo.components import Shape, features
from zoo.engine.cell import Cell, Context, Role, States, StateSpec


class Intersection(Cell):
    """Intersection network (+RNN): one gate along time, one along depth.

    g_h = σ(W_gh x + U_gh h + b_gh), g_y = σ(W_gy x + U_gy h + b_gy),
    y = g_y ⊙ x + (1 − g_y) ⊙ relu(W_y x + U_y h + b_y), h = g_h ⊙ h + (1 − g_h) ⊙ tanh(W_h x + U_h h + b_h);
    the output is y, which passes through depth as h does through time.

    Where the input is not as wide as the state, x is W_in x + b_in throughout.

    Source: arXiv:1611.09913 (+RNN); TensorFlow's IntersectionRNNCell. Parameters: weight_ih (4 H, H), weight_hh
    (4 H, H), bias (4 H,) in blocks gh, h, gy, y; weight_in (H, I) and bias_in (H,) where I is not H.
    States: y (hidden_size,), which is put out and not read again; h (hidden_size,).
    """

    gates = ("gh", "h", "gy", "y")
    uses = frozenset({"weight_dropout", "recurrent_dropout"})

    def __init__(self, options: IntersectionOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__()
        H, width = hidden_size, features(input_shape)
        self.input_shape, self.output_shape = input_shape, (H,)
        self.states = {"y": StateSpec((H,), learned=False), "h": StateSpec((H,), zoneout=True)}
        self.forget_bias = options.forget_bias
        self.weight_ih, self.weight_hh = (nn.Parameter(torch.empty(4 * H, H)) for _ in range(2))
        self.bias = nn.Parameter(torch.empty(4 * H))
        self.weight_in = None if width == H else nn.Parameter(torch.empty(H, width))
        self.bias_in = None if width == H else nn.Parameter(torch.empty(H))
        self.reset_parameters()
        self.set_fixed_parameters()

    def reset_parameters(self) -> None:
        """As TensorFlow: Glorot uniform, of x and h side by side; biases zero but for both gates' forget bias."""
        bound = self.weight_hh.shape[1] ** -0.5  # sqrt(6 / (2 H + 4 H))
        nn.init.uniform_(self.weight_ih, -bound, bound)
        nn.init.uniform_(self.weight_hh, -bound, bound)
        nn.init.zeros_(self.bias)
        if self.weight_in is not None and self.bias_in is not None:
            nn.init.xavier_uniform_(self.weight_in)
            nn.init.zeros_(self.bias_in)

    def set_fixed_parameters(self) -> None:
        with torch.no_grad():
            self.bias.view(4, -1)[[0, 2]] = self.forget_bias

    def roles(self) -> Mapping[str, Role]:
        found = {"weight_ih": Role("input", self.gates), "weight_hh": Role("recurrent", self.gates)}
        found["bias"] = Role("bias", self.gates)
        return found if self.weight_in is None else {**found, "weight_in": Role("input"), "bias_in": Role("bias")}

    def constants(self, ctx: Context) -> Any:
        return ctx.drop_weight(self.weight_hh).t(), ctx.drop_state("h")

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, ...]:
        x = x if self.weight_in is None else ctx.linear(x, self.weight_in, self.bias_in)
        return x, ctx.linear(x, self.weight_ih, self.bias)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        (x, s), (U, mask) = u, const
        old = state["h"]
        g_h, h, g_y, y = torch.addmm(s, old if mask is None else old * mask, U).chunk(4, 1)
        h, y = torch.tanh(h), torch.relu(y)
        y = torch.addcmul(y, torch.sigmoid(g_y), x - y)
        return {"y": y, "h": torch.addcmul(h, torch.sigmoid(g_h), old - h)}
