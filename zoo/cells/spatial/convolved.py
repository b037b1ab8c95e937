"""What the cells over maps share: gates that are convolutions of the input and of the state."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.cells.spatial.options import maps
from zoo.components import Shape
from zoo.engine.cell import Cell, Context, Role
from zoo.engine.precision import in_full, widened


class ConvolvedCell(Cell):
    """A cell of `gates` blocks, each with a convolution of x and one of h, with zeros around the maps.

    Parameters: weight_ih (gates * F, C, kernel, kernel), weight_hh (gates * F, F, kernel, kernel), bias (gates * F,) or
    None, with F = hidden_size channels of the state.
    """

    gates: tuple[str, ...]
    forget: str | None = None
    exact = False  # of the input's products, see `Context.linear`
    uses = frozenset({"weight_dropout", "recurrent_dropout"})

    def __init__(self, input_shape: Shape, hidden_size: int, kernel: int, *, bias: bool) -> None:
        super().__init__()
        channels, rows, columns = maps(input_shape)
        self.input_shape, self.output_shape = input_shape, (hidden_size, rows, columns)
        self.hidden_size, self.padding = hidden_size, kernel // 2
        out = len(self.gates) * hidden_size
        self.weight_ih = nn.Parameter(torch.empty(out, channels, kernel, kernel))
        self.weight_hh = nn.Parameter(torch.empty(out, hidden_size, kernel, kernel))
        self.bias = nn.Parameter(torch.empty(out)) if bias else None

    def reset_parameters(self) -> None:
        """Initialise the parameters.

        A choice, since the paper says nothing: as Keras starts its convolutional LSTM, W Glorot uniform and U
        orthogonal, each over all gates at once, and biases zero, but 1 for a forget gate.
        """
        nn.init.xavier_uniform_(self.weight_ih)
        nn.init.orthogonal_(self.weight_hh)
        if self.bias is not None:
            nn.init.zeros_(self.bias)
            if self.forget is not None:
                with torch.no_grad():
                    self.bias.chunk(len(self.gates))[self.gates.index(self.forget)].fill_(1.0)

    def roles(self) -> Mapping[str, Role]:
        found = {
            "weight_ih": Role("input", self.gates, self.forget),
            "weight_hh": Role("recurrent", self.gates, self.forget),
        }
        return found if self.bias is None else {**found, "bias": Role("bias", self.gates, self.forget)}

    def of_input(self, x: Tensor, ctx: Context) -> Tensor:
        """x (B, T, C, rows, columns) -> (B, T, gates * F, rows, columns): time stands beside the batch."""
        flat, pad = x.flatten(0, 1), self.padding
        if self.exact or not ctx.half:
            with in_full(x.device.type):
                y = F.conv2d(widened(flat), widened(self.weight_ih), widened(self.bias), padding=pad)
        else:  # as `Context.linear` adds the bias
            y = F.conv2d(flat, self.weight_ih, padding=pad).to(ctx.dtype)
            y = y if self.bias is None else y + self.bias.view(-1, 1, 1)
        return y.view(*x.shape[:2], *y.shape[1:])

    def of_state(self, h: Tensor, weight: Tensor) -> Tensor:
        """h (B, F, rows, columns) by the given blocks of weight_hh."""
        return F.conv2d(h, weight, padding=self.padding)
