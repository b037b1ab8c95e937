"""Cells that add a plain product of the input to a gated state: ATR, the recurrent additive network and SGRN."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo.cells.gated.blocks import BlockCell, seen
from zoo.cells.gated.others import ATROptions, RANOptions, SGRNOptions
from zoo.cells.weights import GatedCell
from zoo.components import Shape
from zoo.engine.cell import Context, States, StateSpec


class ATR(GatedCell):
    """Addition-subtraction twin-gated network: both gates from one product of x and one of h.

    p = W x + b_p, q = U h + b_q, h = σ(p + q) ⊙ p + σ(p − q) ⊙ h; the output is h.

    Source: arXiv:1810.12546; bzhangGo/ATR, lm/pytorch-lm/rnn/atr.py, which alone has biases.
    Parameters: weight_ih (H, I), weight_hh (H, H); bias_ih (H,) is b_p, bias_hh (H,) is b_q, and one bias is b_p.
    States: h (hidden_size,).
    """

    gates = ("h",)

    def __init__(self, options: ATROptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size, hidden_size, options.bias)
        self.states = {"h": StateSpec((hidden_size,), zoneout=True)}
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Uniform within 0.08, as the official code."""
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -0.08, 0.08)

    def constants(self, ctx: Context) -> Any:
        return ctx.drop_weight(self.weight_hh).t(), self.biases()[1], ctx.drop_state("h")

    def project(self, x: Tensor, const: Any, ctx: Context) -> Tensor:
        return ctx.linear(x, self.weight_ih, self.biases()[0])  # (B, T, H)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        U, b_q, mask = const
        old = state["h"]
        h = seen(old, mask)
        q = h @ U if b_q is None else torch.addmm(b_q, h, U)
        return {"h": torch.addcmul(torch.sigmoid(u + q) * u, torch.sigmoid(u - q), old)}


class RAN(BlockCell):
    """Recurrent additive network: a gated sum of linear maps of the inputs.

    h' = g(c), i = σ(W_i x + U_i h' + b_i), f = σ(W_f x + U_f h' + b_f), c = i ⊙ (W_c x) + f ⊙ c, h = g(c),
    g = tanh or identity; the output is h, and h' that of the step before, which follows from its c.

    Source: arXiv:1705.07393; kentonl/ran, ran.py, without its projection.
    Parameters: weight_ih (3 H, I) in blocks i, f, c; weight_hh (2 H, H) and bias (2 H,) in blocks i, f.
    States: c (hidden_size,).
    """

    of_x = ("i", "f", "c")
    of_h = biased = ("i", "f")
    forget_gate_name, input_gate_name = "f", "i"

    def __init__(self, options: RANOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size)
        self.states = {"c": StateSpec((hidden_size,), zoneout=True)}
        self.bent = options.nonlinearity == "tanh"
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """As the official code's smaller language models: weights uniform within 0.05, no biases."""
        nn.init.uniform_(self.weight_ih, -0.05, 0.05)
        nn.init.uniform_(self.weight_hh, -0.05, 0.05)
        nn.init.zeros_(self.bias)

    def constants(self, ctx: Context) -> Any:
        return ctx.drop_weight(self.weight_hh).t(), ctx.drop_state("c")

    def project(self, x: Tensor, const: Any, ctx: Context) -> Any:
        H = self.hidden_size
        return torch.split(super().project(x, const, ctx), [2 * H, H], 2)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        (u_gates, u_c), (U, mask), old = u, const, state["c"]
        h = torch.tanh(old) if self.bent else old
        i, f = torch.sigmoid(torch.addmm(u_gates, seen(h, mask), U)).chunk(2, 1)
        return {"c": torch.addcmul(i * u_c, f, old)}

    def output(self, u: Any, state: Mapping[str, Tensor], const: Any) -> Tensor:
        return torch.tanh(state["c"]) if self.bent else state["c"]


class SGRN(GatedCell):
    """Simple gated recurrent network: one gate, whose input product is the candidate too.

    p = W x + b, f = σ(p + U h + b'), h = tanh((1 − f) ⊙ p + f ⊙ h); the output is h.

    Source: the simple gated recurrent network of doi 10.1049/gtd2.12056; p is in the gate too, with its bias.
    Parameters: weight_ih (H, I), weight_hh (H, H); bias_ih (H,) is b, bias_hh (H,) is b', and one bias is b.
    States: h (hidden_size,).
    """

    gates = ("f",)
    forget = "f"

    def __init__(self, options: SGRNOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size, hidden_size, options.bias)
        self.states = {"h": StateSpec((hidden_size,), zoneout=True)}
        self.reset_parameters()

    def constants(self, ctx: Context) -> Any:
        return ctx.drop_weight(self.weight_hh).t(), ctx.drop_state("h")

    def project(self, x: Tensor, const: Any, ctx: Context) -> Any:
        first, second = self.biases()
        p = ctx.linear(x, self.weight_ih, first)  # (B, T, H)
        return p, p if second is None else p + second

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        (p, u_f), (U, mask), old = u, const, state["h"]
        f = torch.sigmoid(torch.addmm(u_f, seen(old, mask), U))
        return {"h": torch.tanh(torch.addcmul(p, f, old - p))}
