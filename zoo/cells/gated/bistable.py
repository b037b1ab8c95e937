"""The bistable recurrent cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo.cells.gated.blocks import BlockCell, seen
from zoo.components import NoOptions, Shape
from zoo.engine.cell import Context, States


class NBR(BlockCell):
    """Neuromodulated bistable recurrent cell: each unit's bistability is modulated by all units.

    a = 1 + tanh(W_a x + U_a h + b_a), c = σ(W_c x + U_c h + b_c), h = c ⊙ h + (1 − c) ⊙ tanh(W_h x + a ⊙ h).

    The output is h. The neuromodulated cell: all units set the gates of one.

    Source: Vecoven, Ernst and Drion 2021, PLOS ONE 16(6) e0252676; nvecoven/BRC, cells/cells.py, NBRC.
    Parameters: weight_ih (3 H, I) in blocks a, c, h; weight_hh (2 H, H) and bias (2 H,) in blocks a, c.
    States: h (hidden_size,).
    """

    of_x = ("a", "c", "h")
    of_h = biased = ("a", "c")
    forget_gate_name = "c"
    exact = True  # which way a unit latches can hang by a hair

    def __init__(self, options: NoOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """As the official code: each matrix Glorot uniform, no biases."""
        for block in (*self.blocks_of("weight_ih"), *self.blocks_of("weight_hh")):
            nn.init.xavier_uniform_(block)
        nn.init.zeros_(self.bias)

    def project(self, x: Tensor, const: Any, ctx: Context) -> Any:
        H = self.hidden_size
        return torch.split(super().project(x, const, ctx), [2 * H, H], 2)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        (u_gates, u_h), (U, mask), old = u, const, state["h"]
        a, c = torch.addmm(u_gates, seen(old, mask), U).chunk(2, 1)
        return {"h": between(a, c, u_h, old)}


class BR(NBR):
    """Bistable recurrent cell: each unit sees only its own previous state, and can be bistable.

    a = 1 + tanh(W_a x + w_a ⊙ h + b_a), c = σ(W_c x + w_c ⊙ h + b_c), h = c ⊙ h + (1 − c) ⊙ tanh(W_h x + a ⊙ h).

    The output is h. Each unit feeds back to itself alone.

    Source: Vecoven, Ernst and Drion 2021, PLOS ONE 16(6) e0252676; nvecoven/BRC, cells/cells.py, BRC.
    Parameters: weight_ih (3 H, I) in blocks a, c, h; weight_hh (2 H,) and bias (2 H,) in blocks a, c.
    States: h (hidden_size,).
    """

    def __init__(self, options: NoOptions, input_shape: Shape, hidden_size: int) -> None:
        BlockCell.__init__(self, input_shape, hidden_size)
        self.weight_hh = nn.Parameter(torch.empty(2 * hidden_size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """As the official code: each matrix Glorot uniform, feedback of 1, no biases."""
        for block in self.blocks_of("weight_ih"):
            nn.init.xavier_uniform_(block)
        nn.init.ones_(self.weight_hh)
        nn.init.zeros_(self.bias)

    def roles(self) -> Mapping[str, Any]:
        return {name: role for name, role in super().roles().items() if name != "weight_hh"}

    def constants(self, ctx: Context) -> Any:
        return ctx.drop_weight(self.weight_hh).view(2, -1), ctx.drop_state("h")

    def project(self, x: Tensor, const: Any, ctx: Context) -> Any:
        u_gates, u_h = super().project(x, const, ctx)
        return u_gates.unflatten(2, (2, -1)), u_h

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        (u_gates, u_h), (w, mask), old = u, const, state["h"]
        a, c = torch.addcmul(u_gates, w, seen(old, mask).unsqueeze(1)).unbind(1)
        return {"h": between(a, c, u_h, old)}


def between(a: Tensor, c: Tensor, u_h: Tensor, old: Tensor) -> Tensor:
    """The new state, of the sums of both gates and the input's product."""
    n = torch.tanh(torch.addcmul(u_h + old, torch.tanh(a), old))
    return torch.addcmul(n, torch.sigmoid(c), old - n)
