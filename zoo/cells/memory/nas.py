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
        return _ordered(ctx.drop_weight(self.weight_hh)).t(), ctx.drop_state("h")

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, Tensor]:
        H, bias = self.hidden_size, self.bias_sum()
        W, W_3 = torch.split(_ordered(self.weight_ih), [7 * H, H])
        # x_3 meets h_3 in a product, not in a sum: its block of the sums has the bias alone
        return F.linear(x, F.pad(W, (0, 0, 0, H)), None if bias is None else _ordered(bias)), F.linear(x, W_3)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        (s, x_3), (U, mask) = u, const
        H = self.hidden_size
        h = state["h"] if mask is None else state["h"] * mask
        sigmoids, tanhs, s_1, h_3 = torch.split(torch.addmm(s, h, U), [4 * H, 2 * H, H, H], 1)
        s_0, s_2, s_5, s_7 = torch.sigmoid(sigmoids).chunk(4, 1)
        s_4, s_6 = torch.tanh(tanhs).chunk(2, 1)
        a = torch.tanh(s_0 * torch.relu(s_1))
        b = torch.tanh(s_2 + torch.relu(x_3 * h_3))
        d = torch.tanh(s_4 * s_5)
        e = torch.sigmoid(s_6 + s_7)
        c = torch.tanh(a + state["c"]) * b
        return {"h": torch.tanh(c * torch.tanh(d + e)), "c": c}


def _ordered(blocks: Tensor) -> Tensor:
    """The blocks by what squashes them, so that each is one call: four sigmoids, two tanhs, then 1 and 3."""
    parts = blocks.chunk(8)
    return torch.cat([parts[k] for k in (0, 2, 5, 7, 4, 6, 1, 3)])
