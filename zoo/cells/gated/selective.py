"""A network whose units are updated by rhythms of their own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.cells.gated.blocks import seen
from zoo.cells.gated.others import SURNNOptions
from zoo.cells.weights import GatedCell
from zoo.components import Shape
from zoo.engine.cell import Context, States, StateSpec
from zoo.engine.precision import exactly, in_full


class SURNN(GatedCell):
    """Selective-update network: each unit keeps its state except where its own periodic gate opens.

    n = tanh(W x + U h + b), g = H(c + Σ_k α_k ⊙ sin(ω_k t + φ_k)), h = h + g ⊙ (n − h); the output is h.

    t is the number of the step in its sequence, from 1 on; H is 1 above 0 and 0 elsewhere.

    Source: arXiv:2603.02226, from a secondary source, its f a simple network. The paper trains H by a straight-through
    estimator, of a form not known here: H's gradient is passed on as if H(a) were a. Parameters: one block; gate_bias
    (H,), which is c; gate_alpha and gate_phi (H, K), α and φ; gate_omega (K,), ω. States: h (hidden_size,).
    """

    gates = ("",)
    uses = GatedCell.uses | {"fresh"}
    surrogates = frozenset({"gate_bias", "gate_alpha", "gate_omega", "gate_phi"})

    def __init__(self, options: SURNNOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size, hidden_size, options.bias)
        H, K = hidden_size, options.harmonics
        self.gate_bias, self.gate_omega = nn.Parameter(torch.empty(H)), nn.Parameter(torch.empty(K))
        self.gate_alpha, self.gate_phi = nn.Parameter(torch.empty(H, K)), nn.Parameter(torch.empty(H, K))
        self.states = {"h": StateSpec((hidden_size,), zoneout=True)}
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise the parameters.

        A choice, since the paper's own start could not be found: W, U and b as torch's RNN; rhythms of 4, 8, 16, ...
        steps in all phases, so that a unit is updated at about every second step: ω_k = π / 2^k, c = 0, α normal, φ
        anywhere in a turn.
        """
        super().reset_parameters()
        K = len(self.gate_omega)
        nn.init.zeros_(self.gate_bias)
        nn.init.normal_(self.gate_alpha)
        nn.init.uniform_(self.gate_phi, 0.0, 2 * math.pi)
        with torch.no_grad():
            self.gate_omega.copy_(math.pi / 2.0 ** torch.arange(1, K + 1))

    def constants(self, ctx: Context) -> Any:
        return ctx.drop_weight(self.weight_hh).t(), ctx.drop_state("h")

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, Tensor]:
        assert ctx.age is not None
        # exact, as time is without end and a threshold follows: no rounding may move what lies near it
        gates = (self.gate_bias, self.gate_alpha, self.gate_omega, self.gate_phi)
        bias, alpha, omega, phi = (exactly(one.to(ctx.dtype)) for one in gates)
        turned = (ctx.age + 1).to(omega.dtype).unsqueeze(2) * omega  # (B, T, K)
        # sin(ω t + φ) = cos φ sin(ω t) + sin φ cos(ω t): one product for all units
        weights = torch.cat([alpha * torch.cos(phi), alpha * torch.sin(phi)], 1)
        with in_full(x.device.type):
            a = F.linear(torch.cat([torch.sin(turned), torch.cos(turned)], 2), weights, bias)  # (B, T, H)
        open_ = (a > 0).to(ctx.dtype)
        a = a.to(ctx.dtype)
        return ctx.linear(x, self.weight_ih, self.bias_sum()), open_ + (a - a.detach())

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        (s, g), (U, mask), old = u, const, state["h"]
        return {"h": torch.addcmul(old, g, torch.tanh(torch.addmm(s, seen(old, mask), U)) - old)}
