"""The minimal GRU and LSTM: gates that see the input alone, so that the recurrence is linear."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.cells.linear.options import MinGRUOptions, MinLSTMOptions
from zoo.components import Shape, features
from zoo.engine.cell import Cell, Context, Role, StateSpec


class MinimalCell(Cell):
    """A cell of blocks that see x alone. Parameters: weight_ih (gates * H, I), bias (gates * H,)."""

    gates: tuple[str, ...]

    def __init__(self, options: MinGRUOptions | MinLSTMOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__()
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        self.states = {"h": StateSpec((hidden_size,), zoneout=True)}
        self.positive = options.candidate == "positive"
        rows = len(self.gates) * hidden_size
        self.weight_ih = nn.Parameter(torch.empty(rows, features(input_shape)))
        self.bias = nn.Parameter(torch.empty(rows)) if options.bias == "one" else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise the parameters.

        Uniform in plus and minus 1/sqrt(I), as `torch.nn.Linear` starts, of which the code in the paper's appendix
        is made.
        """
        bound = 1 / math.sqrt(self.weight_ih.shape[1])
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def roles(self) -> Mapping[str, Role]:
        found = {"weight_ih": Role("input", self.gates)}
        return found if self.bias is None else {**found, "bias": Role("bias", self.gates)}

    def blocks(self, x: Tensor, ctx: Context) -> tuple[Tensor, ...]:
        """Each gate's W x + b, and last the candidate."""
        *gates, n = ctx.linear(x, self.weight_ih, self.bias).chunk(len(self.gates), -1)
        # σ(0) = 1/2, so that the two sides of g add up; `where` would cost more than the recurrence itself
        return *gates, torch.relu(n) + torch.sigmoid(n.clamp(max=0)) if self.positive else n


class MinGRU(MinimalCell):
    """Minimal GRU: gate and candidate see only the input.

    z = σ(W_z x + b_z), n = g(W_h x + b_h), h = (1 − z) ⊙ h + z ⊙ n; the output is h.

    g(x) = x + 1/2 where x ≥ 0 and σ(x) elsewhere; or, with a linear candidate, x itself.

    Source: arXiv:2410.01201, section 3.1 and appendix B. Parameters: two blocks, z and h. States: h (hidden_size,).
    """

    gates = ("z", "h")
    input_gate_name = "z"

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, ...]:
        z, n = self.blocks(x, ctx)
        z = torch.sigmoid(z)
        return 1 - z, z * n

    def linear_recurrence(self, u: Any, const: Any) -> Mapping[str, tuple[Tensor, Tensor]]:
        return {"h": u}


class MinLSTM(MinimalCell):
    """Minimal LSTM: gates and candidate see only the input, and the gates sum to one.

    f = σ(W_f x + b_f), i = σ(W_i x + b_i), n = g(W_h x + b_h), h = (f / (f + i)) ⊙ h + (i / (f + i)) ⊙ n.

    g(x) = x + 1/2 where x ≥ 0 and σ(x) elsewhere; or, with a linear candidate, x itself. The output is h.

    Source: arXiv:2410.01201, section 3.2 and appendix B. Parameters: blocks f, i and h. States: h (hidden_size,).
    """

    gates = ("f", "i", "h")
    forget_gate_name, input_gate_name = "f", "i"

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, ...]:
        f, i, n = self.blocks(x, ctx)
        # f / (f + i) = σ(log f − log i), which no large sum can make 0 / 0
        k = F.logsigmoid(f) - F.logsigmoid(i)
        return torch.sigmoid(k), torch.sigmoid(-k) * n

    def linear_recurrence(self, u: Any, const: Any) -> Mapping[str, tuple[Tensor, Tensor]]:
        return {"h": u}
