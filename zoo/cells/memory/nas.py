"""The cell that a search for architectures found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo.cells.memory.closed_forms import NASOptions
from zoo.cells.memory.early import MemoryCell
from zoo.components import Shape
from zoo.engine.cell import Context, States


class NAS(MemoryCell):
    """Cell found by architecture search, with eight blocks.

    With x_k = W_k x and h_k = U_k h + b_k, for the eight blocks k,

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
        U, U_3 = self._split(ctx.drop_weight(self.weight_hh))
        bias = self.bias_sum()
        return U.t(), U_3.t(), None if bias is None else self._split(bias)[1], ctx.drop_state("h")

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, Tensor]:
        W, W_3 = self._split(self.weight_ih)
        bias = self.bias_sum()
        return ctx.linear(x, W, None if bias is None else self._split(bias)[0]), ctx.linear(x, W_3)

    def _split(self, blocks: Tensor) -> tuple[Tensor, Tensor]:
        """The blocks whose sums are squashed, by what squashes them, so that each is one call; and block 3."""
        parts = blocks.chunk(8)
        return torch.cat([parts[k] for k in (0, 2, 5, 7, 4, 6, 1)]), parts[3]

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        (s, x_3), (U, U_3, b_3, mask) = u, const
        H = self.hidden_size
        h = state["h"] if mask is None else state["h"] * mask
        h_3 = h @ U_3 if b_3 is None else torch.addmm(b_3, h, U_3)
        sigmoids, tanhs, relu = torch.split(torch.addmm(s, h, U), [4 * H, 2 * H, H], 1)
        s_0, s_2, s_5, s_7 = torch.sigmoid(sigmoids).chunk(4, 1)
        s_4, s_6 = torch.tanh(tanhs).chunk(2, 1)
        a = torch.tanh(s_0 * torch.relu(relu))
        b = torch.tanh(s_2 + torch.relu(x_3 * h_3))
        d = torch.tanh(s_4 * s_5)
        e = torch.sigmoid(s_6 + s_7)
        c = torch.tanh(a + state["c"]) * b
        return {"h": torch.tanh(c * torch.tanh(d + e)), "c": c}
