"""What the cells of this family share whose products of x, products of h and biases are not the same blocks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.components import Shape, features
from zoo.engine.cell import Cell, Context, Role, StateSpec


class BlockCell(Cell):
    """A cell with products of x in some blocks, products of h in others, and a bias in those that have one.

    Parameters: weight_ih (of_x * H, I), weight_hh (of_h * H, H), bias (biased * H,). States: h (hidden_size,).

    Attributes:
        of_x: Names of the blocks with a product of x.
        of_h: Names of the blocks with a product of h.
        biased: Names of the blocks with a bias.
    """

    of_x: tuple[str, ...]
    of_h: tuple[str, ...]
    biased: tuple[str, ...]
    uses = frozenset({"weight_dropout", "recurrent_dropout"})
    exact = False  # of the input's products, see `Context.linear`

    def __init__(self, input_shape: Shape, hidden_size: int) -> None:
        super().__init__()
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        self.hidden_size = hidden_size
        self.states = {"h": StateSpec((hidden_size,), zoneout=True)}
        self.weight_ih = nn.Parameter(torch.empty(len(self.of_x) * hidden_size, features(input_shape)))
        self.weight_hh = nn.Parameter(torch.empty(len(self.of_h) * hidden_size, hidden_size))
        self.bias = nn.Parameter(torch.empty(len(self.biased) * hidden_size))

    def reset_parameters(self) -> None:
        """A choice, where no source says more: uniform in plus and minus 1/√H, as torch.nn starts recurrent layers."""
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def roles(self) -> Mapping[str, Role]:
        return {
            "weight_ih": self.role("input", self.of_x),
            "weight_hh": self.role("recurrent", self.of_h),
            "bias": self.role("bias", self.biased),
        }

    def role(self, kind: Any, gates: tuple[str, ...]) -> Role:
        return Role(kind, gates, self.forget_gate_name if self.forget_gate_name in gates else None)

    def blocks_of(self, name: str) -> tuple[Tensor, ...]:
        """The blocks of a parameter, as views that share its memory: for `reset_parameters`."""
        return self.get_parameter(name).detach().chunk(len(self.roles()[name].gates), 0)

    def constants(self, ctx: Context) -> Any:
        return ctx.drop_weight(self.weight_hh).t(), ctx.drop_state("h")

    def project(self, x: Tensor, const: Any, ctx: Context) -> Any:
        """W x of every block, with its bias: those that have one come first."""
        missing = self.weight_ih.shape[0] - self.bias.shape[0]
        bias = F.pad(self.bias, (0, missing)) if missing else self.bias
        return ctx.linear(x, self.weight_ih, bias, exact=self.exact)


def seen(state: Tensor, mask: Tensor | None) -> Tensor:
    """A state as a product sees it: under the mask of recurrent dropout, if there is one."""
    return state if mask is None else state * mask
