"""The three best of the thousands of cells that an evolutionary search went through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from zoo.cells.gated.blocks import BlockCell, seen
from zoo.cells.gated.relatives import MUTOptions, check_mut
from zoo.components import NoOptions, Shape
from zoo.engine.cell import Context, States


class MUT1(BlockCell):
    """Mutated unit 1 of an evolutionary search: the update gate sees only the input.

    z = σ(W_z x + b_z), r = σ(W_r x + U_r h + b_r), h = z ⊙ tanh(U_h (r ⊙ h) + tanh(x') + b_h) + (1 − z) ⊙ h.

    input `matrix`: x' = W_h x. input `identity`: x' = x, as the paper has it, where x is as wide as h. The output is h.

    Source: Jozefowicz, Zaremba and Sutskever 2015, ICML, MUT1.
    Parameters: weight_ih (3 H, I) in blocks z, r, h or, with identity, (2 H, I) in z, r; weight_hh (2 H, H) in blocks
    r, h; bias (3 H,) in blocks z, r, h. States: h (hidden_size,).
    """

    of_x: tuple[str, ...] = ("z", "r", "h")
    of_h = ("r", "h")
    biased = ("z", "r", "h")
    input_gate_name = "z"

    def __init__(self, options: MUTOptions, input_shape: Shape, hidden_size: int) -> None:
        check_mut("mut1", options, input_shape, hidden_size)
        self.identity = options.input == "identity"
        if self.identity:
            self.of_x = ("z", "r")
        super().__init__(input_shape, hidden_size)
        self.reset_parameters()

    def constants(self, ctx: Context) -> Any:
        U_r, U_h = ctx.drop_weight(self.weight_hh).t().chunk(2, 1)
        return U_r, U_h, ctx.drop_state("h")

    def project(self, x: Tensor, const: Any, ctx: Context) -> Any:
        b_z, b_r, b_h = self.bias.chunk(3)
        z, u_r, *rest = ctx.linear(x, self.weight_ih).chunk(len(self.of_x), 2)
        return torch.sigmoid(z + b_z), u_r + b_r, torch.tanh(rest[0] if rest else x.to(ctx.dtype)) + b_h

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        (z, u_r, u_h), (U_r, U_h, mask), old = u, const, state["h"]
        h = seen(old, mask)
        r = torch.sigmoid(torch.addmm(u_r, h, U_r))
        n = torch.tanh(torch.addmm(u_h, r * h, U_h))
        return {"h": torch.addcmul(old, z, n - old)}


class MUT2(BlockCell):
    """Mutated unit 2 of an evolutionary search: the reset gate sees the input itself.

    z = σ(W_z x + U_z h + b_z), r = σ(x' + U_r h + b_r), h = z ⊙ tanh(U_h (r ⊙ h) + W_h x + b_h) + (1 − z) ⊙ h.

    input `matrix`: x' = W_r x. input `identity`: x' = x, as the paper has it, where x is as wide as h. The output is h.

    Source: Jozefowicz, Zaremba and Sutskever 2015, ICML, MUT2.
    Parameters: weight_ih (3 H, I) in blocks z, r, h or, with identity, (2 H, I) in z, h; weight_hh (3 H, H) and bias
    (3 H,) in blocks z, r, h. States: h (hidden_size,).
    """

    of_x: tuple[str, ...] = ("z", "r", "h")
    of_h = biased = ("z", "r", "h")
    input_gate_name = "z"

    def __init__(self, options: MUTOptions, input_shape: Shape, hidden_size: int) -> None:
        check_mut("mut2", options, input_shape, hidden_size)
        self.identity = options.input == "identity"
        if self.identity:
            self.of_x = ("z", "h")
        super().__init__(input_shape, hidden_size)
        self.reset_parameters()

    def constants(self, ctx: Context) -> Any:
        H = self.hidden_size
        U_gates, U_h = torch.split(ctx.drop_weight(self.weight_hh).t(), [2 * H, H], 1)
        return U_gates, U_h, ctx.drop_state("h")

    def project(self, x: Tensor, const: Any, ctx: Context) -> Any:
        H = self.hidden_size
        u = ctx.linear(x, self.weight_ih)
        if self.identity:
            z, h = u.chunk(2, 2)
            u = torch.cat([z, x, h], 2)
        return torch.split(u + self.bias, [2 * H, H], 2)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        (u_gates, u_h), (U_gates, U_h, mask), old = u, const, state["h"]
        h = seen(old, mask)
        z, r = torch.sigmoid(torch.addmm(u_gates, h, U_gates)).chunk(2, 1)
        n = torch.tanh(torch.addmm(u_h, r * h, U_h))
        return {"h": torch.addcmul(old, z, n - old)}


class MUT3(BlockCell):
    """Mutated unit 3 of an evolutionary search: the update gate sees the squashed state.

    z = σ(W_z x + U_z tanh(h) + b_z), r = σ(W_r x + U_r h + b_r),

    h = z ⊙ tanh(U_h (r ⊙ h) + W_h x + b_h) + (1 − z) ⊙ h; the output is h.

    Source: Jozefowicz, Zaremba and Sutskever 2015, ICML, MUT3. Parameters: weight_ih (3 H, I), weight_hh (3 H, H) and
    bias (3 H,), all in blocks z, r, h. States: h (hidden_size,).
    """

    of_x = of_h = biased = ("z", "r", "h")
    input_gate_name = "z"

    def __init__(self, options: NoOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size)
        self.reset_parameters()

    def constants(self, ctx: Context) -> Any:
        return *ctx.drop_weight(self.weight_hh).t().chunk(3, 1), ctx.drop_state("h")

    def project(self, x: Tensor, const: Any, ctx: Context) -> Any:
        return super().project(x, const, ctx).chunk(3, 2)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        (u_z, u_r, u_h), (U_z, U_r, U_h, mask), old = u, const, state["h"]
        h = seen(old, mask)
        z = torch.sigmoid(torch.addmm(u_z, seen(torch.tanh(old), mask), U_z))
        r = torch.sigmoid(torch.addmm(u_r, h, U_r))
        n = torch.tanh(torch.addmm(u_h, r * h, U_h))
        return {"h": torch.addcmul(old, z, n - old)}
