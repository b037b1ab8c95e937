"""A gated recurrent unit for what is observed now and then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.cells.dynamics.driven import gaps
from zoo.cells.dynamics.timed import GRUDOptions
from zoo.cells.weights import GatedCell
from zoo.components import Shape, features
from zoo.engine.cell import Context, Role, States, StateSpec
from zoo.engine.sequence import where_steps


class GRUD(GatedCell):
    """GRU with decay: missing inputs and the state decay with the time since the last observation.

    m is 1 where a feature is observed and 0 where not, δ the time since it last was, x̃ what it was then, x̄ its
    mean.

    δ = gap + Δt, gap = (1 − m) ⊙ δ, x̃ = m ⊙ x + (1 − m) ⊙ x̃, γ_x = exp(−max(0, w_γ ⊙ δ + b_γ)),
    γ_h = exp(−max(0, W_γ δ + b'_γ)); x̂ = m ⊙ x + (1 − m) ⊙ (γ_x ⊙ x̃ + (1 − γ_x) ⊙ x̄), ĥ = γ_h ⊙ h;
    r = σ(W_r x̂ + U_r ĥ + V_r m + b_r), z = σ(W_z x̂ + U_z ĥ + V_z m + b_z), n = tanh(W x̂ + U (r ⊙ ĥ) + V m + b),
    h = (1 − z) ⊙ ĥ + z ⊙ n; the output is h.

    At a sequence's first step Δt counts as 0. x̃ is the state `x`.

    Source: Che et al. 2018, Scientific Reports 8:6085. The authors' code (PeterChe1990/GRU-D) keeps h undecayed where z
    keeps, has a sigmoid for tanh, and feeds 1 − m; as there, inputs are taken to have mean 0 until `mean` is set, and
    x̃ to be 0 before the first observation. Where nothing says what is observed, as in a layer that is not the first,
    all of it is, and γ_x has no part. Parameters: weight_ih and weight_mask (3 H, I), weight_hh (3 H, H) and
    biases in blocks r, z, h; weight_gamma_x and bias_gamma_x (I,); weight_gamma_h (H, I), bias_gamma_h (H,).
    Buffers: mean (I,). States: h (hidden_size,); x (I,); gap (I,), δ where not observed, else 0.
    """

    gates = ("r", "z", "h")
    input_gate_name = "z"
    uses = GatedCell.uses | {"dt", "observed", "fresh"}
    mean: Tensor

    def __init__(self, options: GRUDOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size, hidden_size, options.bias)
        width = features(input_shape)
        self.states = {
            "h": StateSpec((hidden_size,), zoneout=True),
            "x": StateSpec((width,)),
            "gap": StateSpec((width,), exact=True),
        }
        self.weight_mask = nn.Parameter(torch.empty(3 * hidden_size, width))
        self.weight_gamma_x, self.bias_gamma_x = nn.Parameter(torch.empty(width)), nn.Parameter(torch.empty(width))
        self.weight_gamma_h = nn.Parameter(torch.empty(hidden_size, width))
        self.bias_gamma_h = nn.Parameter(torch.empty(hidden_size))
        self.register_buffer("mean", torch.empty(width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise the parameters.

        As the authors' Keras code, which draws all gates at once: W, V Glorot uniform, each as one matrix of 3 H
        rows; U orthogonal, likewise; zero biases. Not so the decays: where those start at zero, as there, the rectifier
        never passes a gradient. Here they start just above it, so that after one unit of time no less than e^-0.1 is
        left: w_γ uniform in [0, 0.1], W_γ in [0, 0.1 / I].
        """
        nn.init.xavier_uniform_(self.weight_ih)
        nn.init.xavier_uniform_(self.weight_mask)
        nn.init.orthogonal_(self.weight_hh)
        nn.init.uniform_(self.weight_gamma_x, 0.0, 0.1)
        nn.init.uniform_(self.weight_gamma_h, 0.0, 0.1 / self.input_shape[0])
        for name in (*self.bias_names, "bias_gamma_x", "bias_gamma_h", "mean"):
            nn.init.zeros_(getattr(self, name))

    def roles(self) -> Mapping[str, Role]:
        return {**super().roles(), "weight_mask": Role("input", self.gates)}

    def constants(self, ctx: Context) -> Any:
        H = self.hidden_size
        U, U_n = torch.split(ctx.drop_weight(self.weight_hh), [2 * H, H])
        decays = self.weight_gamma_x, self.bias_gamma_x, self.weight_gamma_h, self.bias_gamma_h
        return self.weight_ih.t(), U.t(), U_n.t(), *decays, self.mean, ctx.drop_state("h")

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, ...]:
        observed = torch.ones_like(x, dtype=torch.bool) if ctx.observed is None else ctx.observed
        assert ctx.fresh is not None
        dt = gaps(x, ctx)
        elapsed = where_steps(ctx.fresh, torch.zeros_like(dt), dt)
        return ctx.linear(observed.to(x.dtype), self.weight_mask, self.bias_sum()), x, observed, elapsed

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        (s, x, observed, elapsed), (W, U, U_n, w_x, b_x, W_h, b_h, mean, mask) = u, const
        H = self.hidden_size
        since = state["gap"] + elapsed
        gap = since.to(elapsed.dtype)
        last = torch.where(observed, x, state["x"])
        gamma_x = torch.exp(-torch.relu(torch.addcmul(b_x, w_x, gap)))
        gamma_h = torch.exp(-torch.relu(F.linear(gap, W_h, b_h)))
        filled = torch.where(observed, x, torch.addcmul(mean, gamma_x, last - mean))
        old = gamma_h * state["h"]
        h = old if mask is None else old * mask
        gates, n = torch.split(torch.addmm(s, filled, W), [2 * H, H], 1)
        r, z = torch.sigmoid(torch.addmm(gates, h, U)).chunk(2, 1)
        n = torch.tanh(torch.addmm(n, r * h, U_n))
        unobserved = torch.where(observed, torch.zeros_like(since), since)
        return {"h": torch.addcmul(old, z, n - old), "x": last, "gap": unobserved}
