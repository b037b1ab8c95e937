"""The light gated recurrent unit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo.cells.gated.options import LiGRUOptions
from zoo.cells.weights import GatedCell
from zoo.components import Shape
from zoo.engine.cell import Context, States, StateSpec
from zoo.layers.norms import BatchNorm, LayerNorm
from zoo.layers.options import BatchNormOptions, LayerNormOptions


class LiGRU(GatedCell):
    """Light gated recurrent unit: no reset gate, a relu candidate, batch norm on the input products.

    (u_z, u_h) = N(W x), z = σ(u_z + U_z h), n = f(u_h + U_h h), h = z ⊙ h + (1 − z) ⊙ n, f = relu or tanh; the
    output is h.

    N is batch normalisation of both blocks, or layer normalisation over both at once; without, it adds a bias. In
    training `candidate_dropout` drops units of n, for a whole sequence.

    Source: arXiv:1803.10225, as in SpeechBrain, whose blocks stand the other way round.
    Parameters: two blocks, z and h. States: h (hidden_size,).
    """

    gates = ("z", "h")

    def __init__(self, options: LiGRUOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size, hidden_size, "one" if options.norm == "none" else "none")
        self.activation = torch.relu if options.nonlinearity == "relu" else torch.tanh
        self.candidate_dropout = options.candidate_dropout
        self.norm: BatchNorm | LayerNorm | None = None
        if options.norm == "batch":
            self.norm = BatchNorm(BatchNormOptions(momentum=0.05), (2 * hidden_size,))
        elif options.norm == "layer":
            self.norm = LayerNorm(LayerNormOptions(), (2 * hidden_size,))
        self.states = {"h": StateSpec((hidden_size,), zoneout=True)}
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise the parameters.

        As SpeechBrain: W uniform in plus and minus 1/sqrt(inputs), and so are biases, where there are any; U
        orthogonal over both blocks at once; a norm's scale of 1 and shift of 0.
        """
        bound = 1 / math.sqrt(self.weight_ih.shape[1])
        for parameter in (self.weight_ih, *(getattr(self, name) for name in self.bias_names)):
            nn.init.uniform_(parameter, -bound, bound)
        nn.init.orthogonal_(self.weight_hh)
        if self.norm is not None:
            self.norm.reset_parameters()

    def constants(self, ctx: Context) -> Any:
        return ctx.drop_weight(self.weight_hh).t(), ctx.drop_state("h"), self._candidates(ctx)

    def _candidates(self, ctx: Context) -> Tensor | None:
        """What the candidate of each unit is multiplied by for a whole sequence; None outside training."""
        keep = 1.0 - self.candidate_dropout
        if not self.training or keep == 1.0:
            return None
        # not drawn in place, which torch.vmap has no rule for
        shape = (ctx.batch, *self.output_shape)
        return torch.bernoulli(torch.full(shape, keep, dtype=ctx.dtype, device=ctx.device)).div(keep)

    def project(self, x: Tensor, const: Any, ctx: Context) -> Tensor:
        u = ctx.linear(x, self.weight_ih, self.bias_sum())  # (B, T, 2 H)
        return u if self.norm is None else self.norm(u, ctx.valid)

    def step(self, u: Tensor, state: Mapping[str, Tensor], const: Any) -> States:
        U, mask, candidates = const
        old = state["h"]
        z, n = torch.addmm(u, old if mask is None else old * mask, U).chunk(2, 1)
        n = self.activation(n) if candidates is None else self.activation(n) * candidates
        return {"h": torch.addcmul(n, torch.sigmoid(z), old - n)}
