"""The liquid time-constant network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.cells.dynamics.driven import gaps
from zoo.cells.dynamics.timed import LTCOptions
from zoo.components import Shape, features
from zoo.engine.cell import Cell, Context, States, StateSpec

EPSILON: Final = 1e-8
"""Added to the divisor, as in the official code."""

INITIAL: Final = {
    "gleak": (0.001, 1.0),
    "vleak": (-0.2, 0.2),
    "cm": (0.4, 0.6),
    "w": (0.001, 1.0),
    "sigma": (3.0, 8.0),
    "mu": (0.3, 0.8),
}
"""Where the official code draws parameters from; those of the input's synapses are drawn as the others."""


class LTC(Cell):
    """Liquid time-constant network, fully connected, by a fused solver; takes irregular time steps.

    Neurons v with a synapse from each neuron and each input to each neuron. One from i to j has the conductance
    s_ij = w_ij σ(σ_ij (v_i − μ_ij)) and pulls towards e_ij. Of u_k = input_w_{k} x_k + input_b_{k} comes
    s'_kj = w'_kj σ(σ'_kj (u_k − μ'_kj)), which pulls towards e'_kj. A solver takes `unfolds` steps of δ = Δt / unfolds,

    v_j = (c_j v_j + δ (g_j l_j + Σ_i s_ij e_ij + Σ_k s'_kj e'_kj)) / (c_j + δ (g_j + Σ_i s_ij + Σ_k s'_kj + 10⁻⁸)),

    and the output is output_w ⊙ v + output_b.
    c (cm), g (gleak) and all w are kept positive by a softplus; e (erev) and l (vleak) are free.

    Source: arXiv:2006.04439; mlech26l/ncps, ltc_cell.py, fully connected, with implicit constraints. It divides c by δ
    where this multiplies by δ, so that a gap of 0 leaves v as it is. Parameters: cm, gleak, vleak, output_w and
    output_b (H,); w, sigma (σ_ij), mu (μ_ij) and erev (H, H), from, to; and, with primes, sensory_w,
    sensory_sigma (σ'_kj), sensory_mu and sensory_erev (I, H); input_w and input_b (I,). States: v (hidden_size,).
    """

    uses = frozenset({"dt", "weight_dropout"})
    gleak: nn.Parameter
    vleak: nn.Parameter
    cm: nn.Parameter
    w: nn.Parameter
    sigma: nn.Parameter
    mu: nn.Parameter
    erev: nn.Parameter
    sensory_w: nn.Parameter
    sensory_sigma: nn.Parameter
    sensory_mu: nn.Parameter
    sensory_erev: nn.Parameter

    def __init__(self, options: LTCOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__()
        H, width = hidden_size, features(input_shape)
        self.input_shape, self.output_shape = input_shape, (H,)
        self.states = {"v": StateSpec((H,), zoneout=True)}
        self.unfolds = options.unfolds
        for name in ("gleak", "vleak", "cm"):
            self.register_parameter(name, nn.Parameter(torch.empty(H)))
        for prefix, sources in (("", H), ("sensory_", width)):
            for name in ("w", "sigma", "mu", "erev"):
                self.register_parameter(prefix + name, nn.Parameter(torch.empty(sources, H)))
        self.input_w, self.input_b = nn.Parameter(torch.empty(width)), nn.Parameter(torch.empty(width))
        self.output_w, self.output_b = nn.Parameter(torch.empty(H)), nn.Parameter(torch.empty(H))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """As the official code: two in three synapses excite, e = 1, and the others inhibit, e = −1."""
        for name, parameter in self.named_parameters():
            plain = name.removeprefix("sensory_")
            if plain in INITIAL:
                nn.init.uniform_(parameter, *INITIAL[plain])
            elif plain == "erev":
                with torch.no_grad():
                    parameter.uniform_().sub_(1 / 3).sign_()
            else:
                nn.init.constant_(parameter, 1.0 if name.endswith("_w") else 0.0)

    def constants(self, ctx: Context) -> Any:
        w, sensory_w = F.softplus(self.w), F.softplus(self.sensory_w)
        own = _synapses(self.sigma, self.mu, ctx.drop_weight(w), self.erev)  # a synapse that is dropped is not there
        sensory = _synapses(self.sensory_sigma, self.sensory_mu, sensory_w, self.sensory_erev)
        gleak = F.softplus(self.gleak)
        leak = gleak * self.vleak, gleak + EPSILON
        return *own, *sensory, *leak, F.softplus(self.cm), self.output_w, self.output_b

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, ...]:
        # The inputs' synapses are left to each step: for all of them at once, they are (B, T, I, H) numbers.
        x, w, b = (one.to(ctx.dtype) for one in (x, self.input_w, self.input_b))
        return torch.addcmul(b, x, w), gaps(x, ctx) / self.unfolds

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        (x, delta), v = u, state["v"]
        own, sensory, (pull, rest, cm) = const[:4], const[4:8], const[8:11]
        pulled, conductance = _currents(x, *sensory)
        pull, rest = delta * (pulled + pull), torch.addcmul(cm, delta, conductance + rest)
        for _ in range(self.unfolds):
            pulled, conductance = _currents(v, *own)
            v = torch.addcmul(torch.addcmul(pull, cm, v), delta, pulled) / torch.addcmul(rest, delta, conductance)
        return {"v": v}

    def output(self, u: Any, state: Mapping[str, Tensor], const: Any) -> Tensor:
        return torch.addcmul(const[-1], state["v"], const[-2])


def _synapses(sigma: Tensor, mu: Tensor, w: Tensor, erev: Tensor) -> tuple[Tensor, ...]:
    return sigma, -sigma * mu, w * erev, w


def _currents(v: Tensor, slope: Tensor, offset: Tensor, pull: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    """Σ s e and Σ s over the sources, for v (..., from): (..., to) each. Sums, as products this narrow are slower."""
    open_ = torch.sigmoid(torch.addcmul(offset, slope, v.unsqueeze(-1)))
    return (open_ * pull).sum(-2), (open_ * w).sum(-2)
