"""The piecewise-linear recurrent network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo.cells.structured.options import PLRNNOptions
from zoo.components import Shape, features
from zoo.engine.cell import Cell, Context, Role, States, StateSpec


class PLRNN(Cell):
    """Piecewise-linear recurrent network: a leaky linear state and the rectified rest of the units.

    z = A z + W relu(z) + C x + h, A diagonal, W without a diagonal; the output is z.

    With `mean_centring` it is W relu(z − mean(z)), of the mean over the units.

    Source: Koppe et al. 2019, arXiv:1902.07186, equation 1, without its noise; DurstewitzLab/dendPLRNN,
    bptt/PLRNN_model.py, which has no input. Parameters: AW (H, H), the diagonal A and W around it; C (H, I); h (H,).
    States: z (H,).
    """

    uses = frozenset({"weight_dropout", "recurrent_dropout"})

    def __init__(self, options: PLRNNOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__()
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        self.states = {"z": StateSpec((hidden_size,), zoneout=True)}
        self.centred = options.mean_centring
        self.AW = nn.Parameter(torch.empty(hidden_size, hidden_size))
        self.C = nn.Parameter(torch.empty(hidden_size, features(input_shape)))
        self.h = nn.Parameter(torch.empty(hidden_size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise the parameters.

        As the official code: AW is 1 + Rᵀ R / H for a normal R, divided by its largest eigenvalue
        (arXiv:1511.03771), h is uniform in 1 / √H; and so is C here, of which it has none.
        """
        size = self.h.shape[0]
        R = torch.empty_like(self.AW).normal_()
        with torch.no_grad():
            positive = torch.eye(size, dtype=R.dtype, device=R.device) + R.t() @ R / size
            self.AW.copy_(positive / torch.linalg.eigvalsh(positive)[-1])
        for parameter in (self.C, self.h):
            nn.init.uniform_(parameter, -1 / math.sqrt(size), 1 / math.sqrt(size))

    def roles(self) -> Mapping[str, Role]:
        return {"C": Role("input"), "AW": Role("recurrent"), "h": Role("bias")}

    def constants(self, ctx: Context) -> Any:
        W = ctx.drop_weight(self.AW)  # A is a rate of decay, and no connection to drop
        return self.AW.diagonal(), (W - torch.diag(W.diagonal())).t(), ctx.drop_state("z")

    def project(self, x: Tensor, const: Any, ctx: Context) -> Tensor:
        return ctx.linear(x, self.C, self.h)  # (B, T, H)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        A, W, mask = const
        z = seen = state["z"]
        if self.centred:
            seen = seen - seen.mean(1, keepdim=True)
        seen = torch.relu(seen)
        return {"z": torch.addmm(torch.addcmul(u, A, z), seen if mask is None else seen * mask, W)}
