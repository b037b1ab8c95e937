"""Networks that are stable by the form of their matrices."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo.cells.dynamics.driven import Driven
from zoo.cells.dynamics.options import AntisymmetricOptions, LipschitzOptions
from zoo.components import Shape
from zoo.engine.cell import Context, Role, States, StateSpec


class Antisymmetric(Driven):
    """Antisymmetric network: Euler steps with an antisymmetric matrix, with an optional gate.

    h = h + ε tanh(V_h x + M h + b_h) with M = W − Wᵀ − γ I; the output is h.

    gated: h = h + ε σ(V_z x + M h + b_z) ⊙ tanh(V_h x + M h + b_h), with the same M.
    I is the identity matrix.

    Source: arXiv:1902.09689, equations (12) and (13). Parameters: weight_ih (H, I) or, gated, (2 H, I) in blocks h, z;
    bias (H,) or (2 H,); weight_hh (H, H), of which W − Wᵀ is all that counts. States: h (hidden_size,).
    """

    def __init__(self, options: AntisymmetricOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size, ("h", "z") if options.gated else ("h",))
        self.states = {"h": StateSpec((hidden_size,), zoneout=True)}
        self.epsilon, self.gamma, self.sigma = options.epsilon, options.gamma, options.sigma
        self.weight_hh = nn.Parameter(torch.empty(hidden_size, hidden_size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """As in the paper's experiments: V normal with variance 1 / inputs, W with sigma² / units; biases zero."""
        nn.init.normal_(self.weight_ih, std=self.weight_ih.shape[1] ** -0.5)
        nn.init.normal_(self.weight_hh, std=self.sigma * self.weight_hh.shape[0] ** -0.5)
        nn.init.zeros_(self.bias)

    def roles(self) -> Mapping[str, Role]:
        return {**super().roles(), "weight_hh": Role("recurrent")}

    def constants(self, ctx: Context) -> Any:
        W = ctx.drop_weight(self.weight_hh)
        M = W - W.t() - self.gamma * torch.eye(len(W), dtype=W.dtype, device=W.device)
        return M.t(), ctx.drop_state("h")

    def step(self, u: Tensor, state: Mapping[str, Tensor], const: Any) -> States:
        M, mask = const
        old = state["h"]
        h = old if mask is None else old * mask
        if len(self.blocks) == 1:
            return {"h": torch.add(old, torch.tanh(torch.addmm(u, h, M)), alpha=self.epsilon)}
        s = h @ M
        u_h, u_z = u.chunk(2, 1)
        return {"h": torch.addcmul(old, torch.sigmoid(u_z + s), torch.tanh(u_h + s), value=self.epsilon)}


class Lipschitz(Driven):
    """Lipschitz network: a linear part and a tanh, both of matrices with a bounded symmetric part.

    f(h) = A h + tanh(W h + U x + b); euler: h = h + ε f(h); rk2: h = h + ε f(h + ½ ε f(h)). The output is h.

    A = (1 − β) (M_A + M_Aᵀ) + β (M_A − M_Aᵀ) − γ I, W = (1 − β) (M_W + M_Wᵀ) + β (M_W − M_Wᵀ) − γ I.
    I is the identity matrix.

    Source: arXiv:2006.12070, equations (1) to (5); erichson/LipschitzRNN, whose solver `midpoint` is rk2. Parameters:
    weight_ih (H, I), bias (H,), weight_A and weight_W (H, H), which are M_A and M_W. States: h (hidden_size,).
    """

    def __init__(self, options: LipschitzOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size)
        self.states = {"h": StateSpec((hidden_size,), zoneout=True)}
        self.midpoint = options.integrator == "rk2"
        self.epsilon, self.beta, self.gamma, self.std = options.epsilon, options.beta, options.gamma, options.std
        self.weight_A = nn.Parameter(torch.empty(hidden_size, hidden_size))
        self.weight_W = nn.Parameter(torch.empty(hidden_size, hidden_size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """As the official code: M_A and M_W normal with standard deviation std / H, the input's map as nn.Linear."""
        bound = 1 / math.sqrt(self.weight_ih.shape[1])
        nn.init.uniform_(self.weight_ih, -bound, bound)
        nn.init.uniform_(self.bias, -bound, bound)
        for matrix in (self.weight_A, self.weight_W):
            nn.init.normal_(matrix, std=self.std / len(matrix))

    def roles(self) -> Mapping[str, Role]:
        return {**super().roles(), "weight_A": Role("recurrent"), "weight_W": Role("recurrent")}

    def constants(self, ctx: Context) -> Any:
        # (1 - β) (M + Mᵀ) + β (M - Mᵀ) = M + (1 - 2 β) Mᵀ
        made = [torch.add(M, M.t(), alpha=1 - 2 * self.beta) for M in map(ctx.drop_weight, self._matrices())]
        both = torch.stack(made) - self.gamma * torch.eye(len(made[0]), dtype=made[0].dtype, device=made[0].device)
        return both.flatten(0, 1).t(), ctx.drop_state("h")  # (H, 2 H): A and W by one product

    def step(self, u: Tensor, state: Mapping[str, Tensor], const: Any) -> States:
        h = state["h"]
        middle = torch.add(h, self._slope(u, h, const), alpha=self.epsilon / 2) if self.midpoint else h
        return {"h": torch.add(h, self._slope(u, middle, const), alpha=self.epsilon)}

    def _matrices(self) -> tuple[Tensor, Tensor]:
        return self.weight_A, self.weight_W

    def _slope(self, u: Tensor, h: Tensor, const: Any) -> Tensor:
        matrices, mask = const
        Ah, Wh = ((h if mask is None else h * mask) @ matrices).chunk(2, 1)
        slope: Tensor = Ah + torch.tanh(Wh + u)
        return slope
