"""The recurrent network with an orthogonal recurrent matrix."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo.cells.structured.options import OrthogonalOptions
from zoo.components import Shape, features
from zoo.engine.cell import Cell, Context, Role, States, StateSpec
from zoo.engine.precision import exactly


class Orthogonal(Cell):
    """Orthogonal recurrent network: the recurrent matrix is the exponential of a skew-symmetric one.

    h = modReLU(W x + Qᵀ h), modReLU(a) = sign(a) ⊙ relu(|a| + b); exp: Q = exp(S); cayley: Q = (I + S)⁻¹ (I − S).

    The output is h. I is the identity matrix.

    S = A − Aᵀ is skew-symmetric and exp that of matrices, so Q is orthogonal: h keeps its length but for the input and
    the nonlinearity.

    Source: arXiv:1901.08428, sections 3 and 4; Lezcano/expRNN, orthogonal.py, where the row h is multiplied by Q from
    the right, hence the transpose, with a base that stays the identity. Parameters: weight_ih (H, I); A, the triangle
    above the diagonal row by row (H (H − 1) / 2,), of which the official code keeps the whole square; b (H,). States: h
    (H,).
    """

    uses = frozenset({"weight_dropout", "recurrent_dropout"})

    def __init__(self, options: OrthogonalOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__()
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        self.states = {"h": StateSpec((hidden_size,), zoneout=True)}
        self.options = options
        self.weight_ih = nn.Parameter(torch.empty(hidden_size, features(input_shape)))
        self.A = nn.Parameter(torch.empty(hidden_size * (hidden_size - 1) // 2))
        self.b = nn.Parameter(torch.empty(hidden_size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise the parameters.

        As the official code: rotations in the planes of units 1 and 2, 3 and 4, …, whose angles are uniform in
        (−π, π), or those of a Cayley transform in (0, π / 2); input weights Kaiming normal; b uniform in 0.01.
        """
        nn.init.kaiming_normal_(self.weight_ih, nonlinearity="relu")
        nn.init.uniform_(self.b, -0.01, 0.01)
        size = self.b.shape[0]
        with torch.no_grad():
            if self.options.initialisation == "henaff":
                angles = self.A.new_empty(size // 2).uniform_(-math.pi, math.pi)
            else:
                angles = -torch.tan(self.A.new_empty(size // 2).uniform_(0.0, math.pi / 2) / 2)
            self.A.zero_()
            # where (0, 1), (2, 3), … stand in the triangle: a row is one shorter than the one before
            first = torch.arange(0, size - 1, 2)
            self.A[first * size - first * (first + 1) // 2] = angles

    def roles(self) -> Mapping[str, Role]:
        return {"weight_ih": Role("input"), "b": Role("bias")}

    def constants(self, ctx: Context) -> Any:
        size = self.b.shape[0]
        row, column = torch.triu_indices(size, size, 1, device=self.A.device)
        # Q is used at every step, and torch's exponential of float32 is too far from orthogonal for that
        angles = exactly(ctx.drop_weight(self.A))
        upper = torch.zeros(size, size, dtype=angles.dtype, device=angles.device).index_put((row, column), angles)
        skew = upper - upper.t()
        if self.options.parametrisation == "exp":
            Q = torch.linalg.matrix_exp(skew)
        else:
            identity = torch.eye(size, dtype=angles.dtype, device=angles.device)
            Q = torch.linalg.solve(identity + skew, identity - skew)
        return Q.to(ctx.dtype), self.b, ctx.drop_state("h")

    def project(self, x: Tensor, const: Any, ctx: Context) -> Tensor:
        return ctx.linear(x, self.weight_ih)  # (B, T, H)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        Q, b, mask = const
        h = state["h"] if mask is None else state["h"] * mask
        a = torch.addmm(u, h, Q)
        return {"h": torch.sign(a) * torch.relu(a.abs() + b)}
