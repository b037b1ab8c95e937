"""The cell that a search for architectures found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.cells.memory.closed_forms import NASOptions
from zoo.cells.memory.early import MemoryCell
from zoo.components import Shape
from zoo.engine.cell import Context, States


class NAS(MemoryCell):
    """With x_k = W_k x and h_k = U_k h + b_k, for the eight blocks k,

    a = tanh(σ(x₀ + h₀) ⊙ relu(x₁ + h₁)), b = tanh(σ(x₂ + h₂) + relu(x₃ ⊙ h₃)),
    d = tanh(tanh(x₄ + h₄) ⊙ σ(x₅ + h₅)), e = σ(tanh(x₆ + h₆) + σ(x₇ + h₇));
    c = tanh(a + c) ⊙ b, h = tanh(c ⊙ tanh(d + e)); the output is h.

    Source: arXiv:1611.01578; TensorFlow's NASCell, by the paper's authors, also in deepmind/lamb. Parameters: eight
    blocks, 0 to 7.
    """

    gates = tuple("01234567")

    def __init__(self, options: NASOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size, options.bias)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Glorot uniform over all blocks together and zero biases, as TensorFlow starts the cell."""
        for parameter in self.parameters():
            (nn.init.zeros_ if parameter.dim() == 1 else nn.init.xavier_uniform_)(parameter)

    def constants(self, ctx: Context) -> Any:
        return *super().constants(ctx), self.bias_sum()

    def project(self, x: Tensor, const: Any, ctx: Context) -> Tensor:
        return F.linear(x, self.weight_ih)  # (B, T, 8 H); the bias is the state's, for block 3

    def step(self, u: Tensor, state: Mapping[str, Tensor], const: Any) -> States:
        U, mask, bias = const
        h = state["h"] if mask is None else state["h"] * mask
        s = h @ U if bias is None else torch.addmm(bias, h, U)
        x_3, h_3 = (y.chunk(8, 1)[3] for y in (u, s))
        s_0, s_1, s_2, _, s_4, s_5, s_6, s_7 = (u + s).chunk(8, 1)
        a = torch.tanh(torch.sigmoid(s_0) * torch.relu(s_1))
        b = torch.tanh(torch.sigmoid(s_2) + torch.relu(x_3 * h_3))
        d = torch.tanh(torch.tanh(s_4) * torch.sigmoid(s_5))
        e = torch.sigmoid(torch.tanh(s_6) + torch.sigmoid(s_7))
        c = torch.tanh(a + state["c"]) * b
        return {"h": torch.tanh(c * torch.tanh(d + e)), "c": c}
