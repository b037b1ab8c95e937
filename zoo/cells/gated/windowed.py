"""Cells that are linear in their state, with gates that see the last inputs: the strongly typed cells and the QRNN."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.cells.gated.typed import QRNNOptions
from zoo.components import NoOptions, Shape, features
from zoo.engine.cell import Cell, Context, Role, StateSpec


class WindowCell(Cell):
    """A cell of blocks that see the last `width` inputs alone; those in `biased`, the first ones, have a bias.

    Parameters: weight_ih (blocks * H, width * I), whose columns are those of x now, then one step ago, and so on; bias
    (biased * H,). States: one, named by the cell, (hidden_size,).
    """

    blocks: tuple[str, ...]
    biased: tuple[str, ...]
    forget_gate_name = "f"

    def __init__(self, state: str, width: int, input_shape: Shape, hidden_size: int) -> None:
        super().__init__()
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        self.window = width - 1
        self.states = {state: StateSpec((hidden_size,), zoneout=True)}
        self.weight_ih = nn.Parameter(torch.empty(len(self.blocks) * hidden_size, width * features(input_shape)))
        self.bias = nn.Parameter(torch.empty(len(self.biased) * hidden_size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise the parameters.

        Uniform in plus and minus 1/sqrt(inputs), as `torch.nn.Linear` starts, of which the official QRNN is made;
        for the strongly typed cells, T-RNN, T-GRU and T-LSTM, a choice.
        """
        bound = 1 / math.sqrt(self.weight_ih.shape[1])
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def roles(self) -> Mapping[str, Role]:
        return {
            "weight_ih": Role("input", self.blocks, self.forget_gate_name),
            "bias": Role("bias", self.biased, self.forget_gate_name),
        }

    def sums(self, x: Tensor, ctx: Context) -> tuple[Tensor, ...]:
        """Each block's W x + b, in the states' precision: a share close to 1 has few digits left for what it takes."""
        seen = torch.cat([ctx.past(x, k) for k in range(self.window + 1)], 2) if self.window else x
        missing = self.weight_ih.shape[0] - self.bias.shape[0]
        bias = F.pad(self.bias, (0, missing)) if missing else self.bias
        return ctx.linear(seen, self.weight_ih, bias).chunk(len(self.blocks), 2)

    def linear_recurrence(self, u: Any, const: Any) -> Mapping[str, tuple[Tensor, Tensor]]:
        return dict.fromkeys(self.states, (u[0], u[1]))


class TRNN(WindowCell):
    """Strongly typed RNN: a gated average of linear maps of the inputs.

    f = σ(V x + b), h = f ⊙ h + (1 − f) ⊙ (W x); the output is h.

    Source: arXiv:1602.02218, T-RNN. Parameters: weight_ih (2 H, I) in blocks f, z (V, W); bias (H,) of f.
    States: h (hidden_size,).
    """

    blocks = ("f", "z")
    biased = ("f",)

    def __init__(self, options: NoOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__("h", 1, input_shape, hidden_size)

    def project(self, x: Tensor, const: Any, ctx: Context) -> Any:
        f, z = self.sums(x, ctx)
        return torch.sigmoid(f), torch.sigmoid(-f) * z


class TGRU(WindowCell):
    """Strongly typed GRU: gates see the last two inputs, not the state.

    z = W_z x + V_z x₋ + b_z, f = σ(W_f x + V_f x₋ + b_f), o = tanh(W_o x + V_o x₋ + b_o), h = f ⊙ h + z ⊙ o.

    x₋ is the input one step ago; the output is h.

    Source: arXiv:1602.02218, T-GRU. Parameters: weight_ih (3 H, 2 I), rows in blocks z, f, o, columns W
    then V; bias (3 H,). States: h (hidden_size,).
    """

    blocks = biased = ("z", "f", "o")

    def __init__(self, options: NoOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__("h", 2, input_shape, hidden_size)

    def project(self, x: Tensor, const: Any, ctx: Context) -> Any:
        z, f, o = self.sums(x, ctx)
        return torch.sigmoid(f), z * torch.tanh(o)


class TLSTM(WindowCell):
    """Strongly typed LSTM: gates see the last two inputs, not the state.

    z = W_z x + V_z x₋ + b_z, f = σ(W_f x + V_f x₋ + b_f), o = tanh(W_o x + V_o x₋ + b_o),
    c = f ⊙ c + (1 − f) ⊙ z; x₋ is the input one step ago; the output is c ⊙ o.

    Source: arXiv:1602.02218, T-LSTM. Parameters: weight_ih (3 H, 2 I), rows in blocks z, f, o, columns W
    then V; bias (3 H,). States: c (hidden_size,).
    """

    blocks = biased = ("z", "f", "o")

    def __init__(self, options: NoOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__("c", 2, input_shape, hidden_size)

    def project(self, x: Tensor, const: Any, ctx: Context) -> Any:
        z, f, o = self.sums(x, ctx)
        return torch.sigmoid(f), torch.sigmoid(-f) * z, torch.tanh(o)

    def output(self, u: Any, state: Mapping[str, Tensor], const: Any) -> Tensor:
        y: Tensor = state["c"] * u[2]
        return y


class QRNN(WindowCell):
    """Quasi-recurrent network: convolutions over the input, and a gated pooling over time.

    z = tanh(W_z ∗ x + b_z), f = σ(W_f ∗ x + b_f), where W ∗ x is a convolution over the last `window` inputs, x now
    among them.

    pooling `fo`: c = f ⊙ c + (1 − f) ⊙ z, o = σ(W_o ∗ x + b_o), the output is o ⊙ c.
    pooling `ifo`: c = f ⊙ c + i ⊙ z, i = σ(W_i ∗ x + b_i), o = σ(W_o ∗ x + b_o), the output is o ⊙ c.
    pooling `f`: c = f ⊙ c + (1 − f) ⊙ z, and the output is c.

    Source: arXiv:1611.01576, where f-pooling's c is called h; salesforce/pytorch-qrnn,
    torchqrnn/qrnn.py, whose f is 1 − f. Parameters: weight_ih (blocks * H, window * I), rows in blocks z, f, o, i as
    far as the pooling has them, columns from x now to the oldest; bias (blocks * H,). States: c (hidden_size,).
    """

    input_gate_name = "i"

    def __init__(self, options: QRNNOptions, input_shape: Shape, hidden_size: int) -> None:
        self.blocks = self.biased = ("z", "f", "o", "i")[: 1 + len(options.pooling)]
        super().__init__("c", options.window, input_shape, hidden_size)

    def project(self, x: Tensor, const: Any, ctx: Context) -> Any:
        z, f, *rest = self.sums(x, ctx)
        o, i = [*(torch.sigmoid(v) for v in rest), None, None][:2]
        written = torch.tanh(z) * (torch.sigmoid(-f) if i is None else i)
        return (torch.sigmoid(f), written) if o is None else (torch.sigmoid(f), written, o)

    def output(self, u: Any, state: Mapping[str, Tensor], const: Any) -> Tensor:
        return state["c"] * u[2] if len(u) == 3 else state["c"]
