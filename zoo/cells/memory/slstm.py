"""The LSTM with a scalar memory and exponential gates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.cells.memory.closed_forms import SLSTMOptions, head_size
from zoo.components import Shape, features
from zoo.engine.cell import Cell, Context, Role, States, StateSpec


class SLSTM(Cell):
    """LSTM with a scalar memory, exponential gates and a stabiliser, from xLSTM.

    ĩ = W_i x + R_i y + b_i, f̃ = W_f x + R_f y + b_f, z̃ = W_z x + R_z y + b_z, õ = W_o x + R_o y + b_o, with each R
    block diagonal, a block for each head; m' = max(log σ(f̃) + m, ĩ),

    f = exp(log σ(f̃) + m − m'), i = exp(ĩ − m'), c = f ⊙ c + i ⊙ tanh(z̃), n = f ⊙ n + i, y = σ(õ) ⊙ (c / n);
    the output is y. m keeps the exponentials finite and cancels; where n is 0, as to begin with, m' is ĩ.

    Source: arXiv:2405.04517, section 2.2 and appendix A; NX-AI/xlstm, slstm/src/vanilla, without the convolution and
    the norm of its layer, and with one dense map of the input for all heads. Parameters: weight_ih (4 H, I), weight_hh
    (4 H, H / heads), bias (4 H,) in blocks i, f, z, o, in each of them head after head.
    States: y, c, n and m (hidden_size,) each.
    """

    gates = ("i", "f", "z", "o")
    uses = frozenset({"weight_dropout", "recurrent_dropout"})

    def __init__(self, options: SLSTMOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__()
        self.heads, self.size = options.heads, head_size(options.heads, hidden_size)
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        self.states = {name: StateSpec((hidden_size,)) for name in ("y", "c", "n", "m")}
        self.weight_ih = nn.Parameter(torch.empty(4 * hidden_size, features(input_shape)))
        self.weight_hh = nn.Parameter(torch.empty(4 * hidden_size, self.size))
        self.bias = nn.Parameter(torch.empty(4 * hidden_size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise the parameters.

        As NX-AI/xlstm: small W, and forget biases that fall in each head from 5 to −7 by a power law; R is uniform
        in plus and minus 1/sqrt(H), which is its `standard`: its default, zero, starts without any recurrence.
        """
        nn.init.normal_(self.weight_ih, std=math.sqrt(2 / (5 * self.weight_ih.shape[1])))
        bound = (self.heads * self.size) ** -0.5
        nn.init.uniform_(self.weight_hh, -bound, bound)
        nn.init.zeros_(self.bias)
        share = torch.arange(self.size, dtype=self.bias.dtype, device=self.bias.device) / max(1, self.size - 1)
        with torch.no_grad():
            self.bias.view(4, self.heads, self.size)[1] = 5 - 12 * share**0.3

    def roles(self) -> Mapping[str, Role]:
        kinds = {"weight_ih": "input", "weight_hh": "recurrent", "bias": "bias"}
        return {name: Role(kind, self.gates, "f") for name, kind in kinds.items()}  # type: ignore[arg-type]

    def constants(self, ctx: Context) -> Any:
        R = ctx.drop_weight(self.weight_hh).view(4, self.heads, self.size, self.size)
        return R.permute(1, 3, 0, 2).reshape(self.heads, self.size, -1), ctx.drop_state("y")  # (heads, d, 4 d)

    def project(self, x: Tensor, const: Any, ctx: Context) -> Tensor:
        return ctx.linear(x, self.weight_ih, self.bias)  # (B, T, 4 H)

    def step(self, u: Tensor, state: Mapping[str, Tensor], const: Any) -> States:
        R, mask = const
        y, c, n, m = (state[name] for name in self.states)
        i, f, z, o = (u + self._recurrent(y if mask is None else y * mask, R)).chunk(4, 1)
        f = F.logsigmoid(f) + m
        m = torch.where(n == 0, i, torch.maximum(f, i))
        i, f = torch.exp(i - m), torch.exp((f - m).clamp(max=0))
        c, n = torch.addcmul(f * c, i, torch.tanh(z)), torch.addcmul(i, f, n)
        return {"y": torch.sigmoid(o) * c / n, "c": c, "n": n, "m": m}

    def _recurrent(self, y: Tensor, R: Tensor) -> Tensor:
        """R y for all blocks: (B, H) -> (B, 4 H)."""
        if self.heads == 1:
            return y @ R[0]
        split = torch.bmm(y.view(-1, self.heads, self.size).transpose(0, 1), R)  # (heads, B, 4 d)
        return split.view(self.heads, -1, 4, self.size).permute(1, 2, 0, 3).flatten(1)
