"""Long short-term memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.cells.options import LSTMOptions
from zoo.cells.weights import GatedCell, for_backward, kernel_state, last_output
from zoo.components import Shape
from zoo.engine.cell import Context, Role, States, StateSpec
from zoo.errors import BuildError

SHUT: Final = 1e4
"""A gate's sum beyond which its sigmoid is exactly 0 or 1 in every dtype, with an exactly zero gradient."""


class LSTM(GatedCell):
    """i = σ(W_i x + U_i h + b_i), f = σ(W_f x + U_f h + b_f), g = tanh(W_g x + U_g h + b_g),
    o = σ(W_o x + U_o h + b_o); c = f ⊙ c + i ⊙ g; h = o ⊙ tanh(c), or W_p (o ⊙ tanh(c)) with a projection.

    Source: Hochreiter and Schmidhuber 1997 with the forget gate of Gers et al. 2000; the projection is that of
    arXiv:1402.1128; layout as `torch.nn.LSTM` (i, f, g, o; weight_hr (projection, hidden_size)).
    States: h (hidden_size,) or (projection,); c (hidden_size,).
    """

    gates = ("i", "f", "g", "o")
    forget = "f"
    fusable = True

    def __init__(self, options: LSTMOptions, input_shape: Shape, hidden_size: int) -> None:
        if options.projection is not None and options.projection >= hidden_size:
            raise BuildError(f"projection must be less than hidden_size ({hidden_size}), not {options.projection}")
        output = options.projection or hidden_size
        super().__init__(input_shape, hidden_size, output, options.bias)
        self.forget_bias = options.forget_bias
        self.weight_hr = None if options.projection is None else nn.Parameter(torch.empty(output, hidden_size))
        self.states = {"h": StateSpec((output,), zoneout=True), "c": StateSpec((hidden_size,), zoneout=True)}
        self.reset_parameters()
        self.pin_parameters()

    def roles(self) -> Mapping[str, Role]:
        return super().roles() if self.weight_hr is None else {**super().roles(), "weight_hr": Role("input")}

    def pin_parameters(self) -> None:
        """`forget_bias` is the sum of both biases: the first holds it, the second is zero."""
        if self.forget_bias is None:
            return
        block = slice(self.hidden_size, 2 * self.hidden_size)
        with torch.no_grad():
            for name, value in zip(self.bias_names, (self.forget_bias, 0.0), strict=False):
                getattr(self, name)[block] = value

    def constants(self, ctx: Context) -> Any:
        W_hh = ctx.drop_weight(self.weight_hh)
        W_hr = None if self.weight_hr is None else self.weight_hr.t()
        return W_hh, W_hh.t(), W_hr, ctx.drop_state("h")

    def project(self, x: Tensor, const: Any, ctx: Context) -> Tensor:
        return F.linear(x, self.weight_ih, self.bias_sum())  # (B, T, 4 H)

    def step(self, u: Tensor, state: Mapping[str, Tensor], const: Any) -> States:
        _, U, W_hr, mask = const
        h = state["h"] if mask is None else state["h"] * mask
        s = torch.addmm(u, h, U)
        H = self.hidden_size
        i, f = torch.sigmoid(s[:, : 2 * H]).chunk(2, 1)  # adjacent gates: one sigmoid
        g = torch.tanh(s[:, 2 * H : 3 * H])
        o = torch.sigmoid(s[:, 3 * H :])
        c = f * state["c"] + i * g
        h = o * torch.tanh(c)
        return {"h": h if W_hr is None else h @ W_hr, "c": c}

    def kernel(
        self, x: Tensor, state: Mapping[str, Tensor], weights: list[Tensor], *, biased: bool, layers: int, both: bool
    ) -> tuple[Tensor, ...]:
        before = [state["h"], state["c"]]
        return torch.lstm(x, before, weights, biased, layers, 0.0, for_backward(), both, True)

    def all_weights(self) -> list[Tensor]:
        return self.projected(super().all_weights())

    def projected(self, weights: list[Tensor]) -> list[Tensor]:
        return weights if self.weight_hr is None else [*weights, self.weight_hr]

    def fused(self, x: Tensor, state: Mapping[str, Tensor], const: Any, ctx: Context) -> tuple[Tensor, States] | None:
        weight_ih: Tensor = self.weight_ih
        if ctx.valid is not None:
            # One more input column marks padding: it shuts the input gate and opens the forget gate, so that c is
            # held there exactly, and no gradient flows. h is taken from the last valid step.
            H = self.hidden_size
            column = torch.zeros_like(weight_ih[:, :1])
            column[:H] = -SHUT
            column[H : 2 * H] = SHUT
            weight_ih = torch.cat([weight_ih, column], 1)
            x = torch.cat([x, (~ctx.valid).unsqueeze(2).to(x.dtype)], 2)
        weights = self.projected(self.kernel_weights(weight_ih, const[0]))
        before = {name: kernel_state(state[name], x) for name in ("h", "c")}
        y, h, c = self.kernel(x, before, weights, biased=bool(self.bias_names), layers=1, both=False)
        return y, {**last_output(y, h, state, ctx), "c": c.squeeze(0)}
