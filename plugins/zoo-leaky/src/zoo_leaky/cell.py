"""The leaky cell."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import zoo
from zoo_leaky.options import LeakyOptions

FUNCTIONS = {"relu": torch.relu, "tanh": torch.tanh, "softplus": F.softplus}


class Leaky(zoo.Cell):
    """h = (1 - alpha) h + alpha f(W x + U h + b + noise), the output is h.

    The noise is Gaussian with standard deviation sqrt(2 / alpha) sigma, in training only. Sources: Song et al. 2016,
    PLoS Comput Biol 12(2): e1004792 (the scaling); Yang et al. 2019, Nat Neurosci 22 (f inside the leak).
    Parameters: weight_ih (H, I), weight_hh (H, H), bias (H) or none. States: h (H,).
    """

    uses = frozenset({"weight_dropout", "recurrent_dropout"})
    bias: nn.Parameter | None

    def __init__(self, options: LeakyOptions, input_shape: tuple[int, ...], hidden_size: int) -> None:
        super().__init__()
        self.input_shape = input_shape
        self.output_shape = (hidden_size,)
        self.states = {"h": zoo.StateSpec((hidden_size,), zoneout=True)}
        self.options = options
        self.function = FUNCTIONS[options.nonlinearity]
        self.weight_ih = nn.Parameter(torch.empty(hidden_size, input_shape[0]))
        self.weight_hh = nn.Parameter(torch.empty(hidden_size, hidden_size))
        self.register_parameter("bias", nn.Parameter(torch.empty(hidden_size)) if options.bias else None)
        self.reset_parameters()

    def constants(self, ctx: zoo.Context) -> Any:
        return ctx.drop_weight(self.weight_hh).t(), ctx.drop_state("h")

    def project(self, x: Tensor, const: Any, ctx: zoo.Context) -> Tensor:
        u = F.linear(x, self.weight_ih, self.bias)  # (B, T, H)
        sigma = self.options.noise
        if not self.training or not sigma:
            return u
        return u + torch.randn_like(u) * (math.sqrt(2 / self.options.alpha) * sigma)

    def step(self, u: Tensor, state: Mapping[str, Tensor], const: Any) -> dict[str, Tensor]:
        U, mask = const
        h, alpha = state["h"], self.options.alpha
        rate = self.function(torch.addmm(u, h if mask is None else h * mask, U))
        return {"h": torch.add(h * (1 - alpha), rate, alpha=alpha)}

    def reset_parameters(self) -> None:
        """Gaussian weights of standard deviation 1 / sqrt(inputs), zero biases."""
        for weight in (self.weight_ih, self.weight_hh):
            nn.init.normal_(weight, std=1 / math.sqrt(weight.shape[1]))
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def roles(self) -> Mapping[str, zoo.Role]:
        bias = {} if self.bias is None else {"bias": zoo.Role("bias")}
        return {"weight_ih": zoo.Role("input"), "weight_hh": zoo.Role("recurrent"), **bias}

    def extra_repr(self) -> str:
        return f"{self.input_shape[0]}, {self.output_shape[0]}, alpha={self.options.alpha:g}"
