"""The closed-form continuous-time network."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.cells.dynamics.driven import gaps
from zoo.cells.dynamics.timed import CfCOptions
from zoo.components import Shape, features
from zoo.engine.cell import Cell, Context, Role, States, StateSpec


def _lecun_tanh(x: Tensor) -> Tensor:
    return 1.7159 * torch.tanh(0.666 * x)


ACTIVATIONS: Final[Mapping[str, Callable[[Tensor], Tensor]]] = {
    "lecun_tanh": _lecun_tanh,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "gelu": F.gelu,
    "silu": F.silu,
}


class CfC(Cell):
    """Closed-form continuous-time network; takes irregular time steps.

    A backbone of dense layers sees x and h, y = backbone(x, h), and (f₁, f₂, a, b) = W y + β are its heads. With the
    time Δt since the last step, T = σ(a Δt + b); the output is h.

    mode `default`: h = (1 − T) ⊙ tanh(f₁) + T ⊙ tanh(f₂). mode `no_gate`: h = tanh(f₁) + T ⊙ tanh(f₂).
    mode `pure`: h = A − A ⊙ exp(−Δt (|w_τ| + |f₁|)) ⊙ f₁, with f₁ as its only head.

    Source: arXiv:2106.13898; mlech26l/ncps, cfc_cell.py, without dropout inside the backbone. Parameters, for U units:
    the first layer's weight_ih (U, I), weight_hh (U, H) and bias (U,); backbone.i, further layers; heads, with weight
    (4 H, U), W, and bias (4 H,), β, in blocks f₁, f₂, a, b; for `pure` one block, and w_tau and A (H,).
    States: h (hidden_size,).
    """

    uses = frozenset({"dt", "weight_dropout", "recurrent_dropout"})

    def __init__(self, options: CfCOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__()
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        self.states = {"h": StateSpec((hidden_size,), zoneout=True)}
        self.mode, units = options.mode, options.backbone_units
        self.activation = ACTIVATIONS[options.backbone_activation]
        self.weight_ih = nn.Parameter(torch.empty(units, features(input_shape)))
        self.weight_hh = nn.Parameter(torch.empty(units, hidden_size))
        self.bias = nn.Parameter(torch.empty(units))
        self.backbone = nn.ModuleList(nn.Linear(units, units) for _ in range(options.backbone_layers - 1))
        self.heads = nn.Linear(units, hidden_size if self.mode == "pure" else 4 * hidden_size)
        if self.mode == "pure":
            self.w_tau = nn.Parameter(torch.empty(hidden_size))
            self.A = nn.Parameter(torch.empty(hidden_size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """As the official code: Glorot uniform, also for w_τ and A as matrices of one row; biases as nn.Linear."""
        units, width = self.weight_ih.shape
        H = self.weight_hh.shape[1]
        for weight in (self.weight_ih, self.weight_hh):  # side by side, one matrix of the official code
            _uniform(weight, math.sqrt(6 / (units + width + H)))
        _uniform(self.bias, (width + H) ** -0.5)
        for layer in (*self.backbone, self.heads):
            assert isinstance(layer, nn.Linear)
            rows = H if layer is self.heads else units
            _uniform(layer.weight, math.sqrt(6 / (units + rows)))
            _uniform(layer.bias, units**-0.5)
        if self.mode == "pure":
            _uniform(self.w_tau, math.sqrt(6 / (1 + H)))
            _uniform(self.A, math.sqrt(6 / (1 + H)))

    def roles(self) -> Mapping[str, Role]:
        return {"weight_ih": Role("input"), "weight_hh": Role("recurrent"), "bias": Role("bias")}

    def constants(self, ctx: Context) -> Any:
        U, mask = ctx.drop_weight(self.weight_hh).t(), ctx.drop_state("h")
        layers = [p for layer in (*self.backbone, self.heads) for p in (layer.weight, layer.bias)]
        solution = (self.w_tau.abs(), self.A) if self.mode == "pure" else (None, None)
        return U, mask, *solution, *layers

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, ...]:
        return ctx.linear(x, self.weight_ih, self.bias), gaps(x, ctx)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        (y, dt), (U, mask, w_tau, A, *layers) = u, const
        h = state["h"]
        y = torch.addmm(y, h if mask is None else h * mask, U)
        for weight, bias in zip(layers[::2], layers[1::2], strict=True):
            y = F.linear(self.activation(y), weight, bias)
        if self.mode == "pure":
            return {"h": torch.addcmul(A, A * torch.exp(-dt * (w_tau + y.abs())), y, value=-1)}
        H = h.shape[1]
        f, a, b = torch.split(y, [2 * H, H, H], 1)
        f_1, f_2 = torch.tanh(f).chunk(2, 1)
        T = torch.sigmoid(torch.addcmul(b, a, dt))
        return {"h": torch.addcmul(f_1, T, f_2 if self.mode == "no_gate" else f_2 - f_1)}


def _uniform(parameter: Tensor, bound: float) -> None:
    nn.init.uniform_(parameter, -bound, bound)
