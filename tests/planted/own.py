"""Cells that show what no built-in cell does: a window of past inputs, and time with what was observed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.components import CellType, Description, NoOptions, Shape
from zoo.engine.cell import Cell, Context, States, StateSpec
from zoo.plugin.hookspecs import hookimpl


class Windowed(Cell):
    """A projection with bias, then three taps on the past of its result, then a gated sum."""

    window = 2

    def __init__(self, options: NoOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__()
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        self.states = {"c": StateSpec((hidden_size,), zoneout=True)}
        self.V = nn.Parameter(torch.empty(2 * hidden_size, input_shape[0]))
        self.b = nn.Parameter(torch.empty(2 * hidden_size))
        self.taps = nn.Parameter(torch.empty(3, 2 * hidden_size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        for parameter in self.parameters():
            nn.init.normal_(parameter, std=0.5)

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, ...]:
        y = F.linear(x, self.V, self.b)
        return torch.stack([self.taps[k] * ctx.past(y, k) for k in range(3)]).sum(0).chunk(2, 2)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        f = torch.sigmoid(u[1])
        return {"c": f * state["c"] + (1 - f) * torch.tanh(u[0])}


class Timed(Cell):
    """The state decays with the time since the last step, what was observed comes in, and neither starts at zero."""

    uses = frozenset({"dt", "observed", "recurrent_dropout"})

    def __init__(self, options: NoOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__()
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        self.states = {
            "h": StateSpec((hidden_size,), initial_value=0.5, zoneout=True),
            "last": StateSpec(input_shape, initial_value=0.25),  # what was last seen is no state to forget by chance
        }
        self.V = nn.Parameter(torch.empty(hidden_size, input_shape[0]))
        self.W = nn.Parameter(torch.empty(hidden_size, input_shape[0]))
        self.U = nn.Parameter(torch.empty(hidden_size, hidden_size))
        self.rate = nn.Parameter(torch.empty(hidden_size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        for parameter in self.parameters():
            nn.init.normal_(parameter, std=0.3)

    def constants(self, ctx: Context) -> Any:
        return self.W.t(), self.U.t(), ctx.drop_state("h")

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, ...]:
        dt = x.new_ones(x.shape[:2]) if ctx.dt is None else ctx.dt
        observed = torch.ones_like(x, dtype=torch.bool) if ctx.observed is None else ctx.observed
        return x, F.linear(x, self.V), torch.exp(-self.rate.abs() / dt.unsqueeze(2)), observed

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        (x, v, decay, observed), (W, U, mask) = u, const
        last = torch.where(observed, x, state["last"])
        h = decay * state["h"]
        return {"h": torch.tanh(v + last @ W + (h if mask is None else h * mask) @ U), "last": last}


def describe_windowed(options: NoOptions, input_shape: Shape, hidden_size: int) -> Description:
    products = 2 * hidden_size * input_shape[0]
    return Description(
        output_shape=(hidden_size,),
        parameters=products + 8 * hidden_size,
        macs_per_step=products,
        macs_per_sequence=2 * products,  # of the inputs carried
        state={"c": (hidden_size,)},
    )


def describe_timed(options: NoOptions, input_shape: Shape, hidden_size: int) -> Description:
    products = hidden_size * (2 * input_shape[0] + hidden_size)
    return Description(
        output_shape=(hidden_size,),
        parameters=products + hidden_size,
        macs_per_step=products,
        state={"h": (hidden_size,), "last": input_shape},
        sequential_depth=1,
    )


@hookimpl
def zoo_cells() -> list[CellType]:
    return [
        CellType(name="windowed", build=f"{__name__}:Windowed", describe=f"{__name__}:describe_windowed", zoneout=True),
        CellType(
            name="timed",
            build=f"{__name__}:Timed",
            describe=f"{__name__}:describe_timed",
            uses=frozenset({"dt", "observed"}),
            dropouts=frozenset({"recurrent"}),
            zoneout=True,
        ),
    ]
