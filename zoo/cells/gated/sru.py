"""The simple recurrent unit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo.cells.gated.typed import SRUOptions, sru_blocks
from zoo.components import Shape, features
from zoo.engine.cell import Cell, Context, Role, States, StateSpec


class SRUCell(Cell):
    """What both kinds share: x' is α x, or a product W_x x where x is not as wide as the output.

    Parameters: weight_ih (3 H or, with W_x, 4 H, I) in blocks c, f, r, x; bias (2 H,) in blocks f, r.
    """

    def __init__(self, options: SRUOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__()
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        self.hidden_size = hidden_size
        self.states = {"c": StateSpec((hidden_size,), zoneout=True)}
        self.blocks = ("c", "f", "r", "x")[: sru_blocks(options, input_shape, hidden_size)]
        self.skip, self.highway_bias = options.skip != "none", options.highway_bias
        self.scale = math.sqrt(1 + 2 * math.exp(options.highway_bias)) if options.skip == "scaled" else 1.0
        self.weight_ih = nn.Parameter(torch.empty(len(self.blocks) * hidden_size, features(input_shape)))
        self.bias = nn.Parameter(torch.empty(2 * hidden_size))

    def reset_parameters(self) -> None:
        """As the official code: weights of variance 1 / I, that of x' times α²; biases 0 and `highway_bias`."""
        bound = math.sqrt(3 / self.weight_ih.shape[1])
        nn.init.uniform_(self.weight_ih, -bound, bound)
        self.weight_ih.detach()[3 * self.hidden_size :].mul_(self.scale)
        b_f, b_r = self.bias.detach().chunk(2)
        nn.init.zeros_(b_f)
        nn.init.constant_(b_r, self.highway_bias)

    def roles(self) -> Mapping[str, Role]:
        return {"weight_ih": Role("input", self.blocks, "f"), "bias": Role("bias", ("f", "r"), "f")}

    def sums(self, x: Tensor, ctx: Context) -> tuple[Tensor, ...]:
        """W x, both gates' sums and x', if there is one, in the precision of the states."""
        u_c, u_f, u_r, *product = ctx.linear(x, self.weight_ih).chunk(len(self.blocks), 2)
        b_f, b_r = self.bias.chunk(2)
        return u_c, u_f + b_f, u_r + b_r, *(product or ([self.scale * x.to(ctx.dtype)] if self.skip else []))


class SRU(SRUCell):
    """Simple recurrent unit: a light recurrence with a highway connection for the input.

    f = σ(W_f x + v_f ⊙ c + b_f), r = σ(W_r x + v_r ⊙ c + b_r), c = f ⊙ c + (1 − f) ⊙ (W x), with the old c in f and
    r.

    The output is r ⊙ c + (1 − r) ⊙ x', of the new c.

    skip `scaled`: x' = α x, α = √(1 + 2 exp(β)). skip `plain`: x' = x. β is `highway_bias`. Where x is not as wide as
    c, x' is a product W_x x, and α is in its start. With skip `none` there is no x', and r ⊙ c is put out alone.

    Source: arXiv:1709.02755; asappresearch/sru, sru/ops.py and modules.py. Parameters: weight_ih (3 H or, with W_x, 4
    H, I) in blocks c, f, r, x, of which c is W; bias (2 H,) in blocks f, r; weight_c (2 H,) in blocks f, r, v_f and
    v_r. States: c (hidden_size,), and r (hidden_size,), which the new c no longer tells.
    """

    def __init__(self, options: SRUOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(options, input_shape, hidden_size)
        self.states = {**self.states, "r": StateSpec((hidden_size,), learned=False)}
        self.weight_c = nn.Parameter(torch.empty(2 * hidden_size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise the parameters.

        As the official code: W uniform with variance 1 / I, W_f and W_r with half of that, W_x with α² times that; v
        uniform with variance 1/2; b_f zero, b_r at `highway_bias`.
        """
        super().reset_parameters()
        H = self.hidden_size
        self.weight_ih.detach()[H : 3 * H].mul_(math.sqrt(0.5))
        nn.init.uniform_(self.weight_c, -math.sqrt(1.5), math.sqrt(1.5))

    def constants(self, ctx: Context) -> Any:
        return (self.weight_c.view(2, -1),)

    def project(self, x: Tensor, const: Any, ctx: Context) -> Any:
        u_c, f, r, *highway = self.sums(x, ctx)
        return u_c, torch.stack([f, r], 2), *highway

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        u_c, gates, old = u[0], u[1], state["c"]
        f, r = torch.sigmoid(torch.addcmul(gates, const[0], old.unsqueeze(1))).unbind(1)
        return {"c": torch.addcmul(u_c, f, old - u_c), "r": r}

    def output(self, u: Any, state: Mapping[str, Tensor], const: Any) -> Tensor:
        return highway(state["c"], state["r"], *u[2:])


class LinearSRU(SRUCell):
    """As `SRU` with v_f = v_r = 0, so that it is linear in c; v1 of the official code.

    Parameters: those of `SRUCell`. States: c (hidden_size,).
    """

    def __init__(self, options: SRUOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(options, input_shape, hidden_size)
        self.reset_parameters()

    def project(self, x: Tensor, const: Any, ctx: Context) -> Any:
        u_c, f, r, *highway = self.sums(x, ctx)
        return torch.sigmoid(f), torch.sigmoid(-f) * u_c, torch.sigmoid(r), *highway

    def linear_recurrence(self, u: Any, const: Any) -> Mapping[str, tuple[Tensor, Tensor]]:
        return {"c": (u[0], u[1])}

    def output(self, u: Any, state: Mapping[str, Tensor], const: Any) -> Tensor:
        return highway(state["c"], *u[2:])


def make(options: SRUOptions, input_shape: Shape, hidden_size: int) -> SRUCell:
    """The cell that the options choose."""
    return (SRU if options.peephole else LinearSRU)(options, input_shape, hidden_size)


def highway(c: Tensor, r: Tensor, x: Tensor | None = None) -> Tensor:
    """r ⊙ c + (1 − r) ⊙ x, or r ⊙ c."""
    return r * c if x is None else torch.addcmul(x, r, c - x)
