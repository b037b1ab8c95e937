"""The shuffling recurrent network."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from zoo.cells.structured.options import SRNNOptions
from zoo.components import Shape, features
from zoo.engine.cell import Cell, Context, States, StateSpec


class SRNN(Cell):
    """Shuffling recurrent network: the recurrent matrix is a permutation, a shift by one unit.

    h = relu(P h + β(x)), where P shifts every unit by one and the last to the first; the output is h.

    β(x) = f(x) ⊙ σ(W_s x + b_s), or f(x) without the gate; f is a network with relu after each of its hidden layers.

    Source: arXiv:2007.07324, section 3; rotmanmi/SRNN, models/SRNN.py. Parameters, torch's linear maps: hidden.0
    (K, I) and further ones (K, K), out (H, K), gate (H, I), with K the hyper size. States: h (hidden_size,).
    """

    def __init__(self, options: SRNNOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__()
        width = features(input_shape)
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        self.states = {"h": StateSpec((hidden_size,), zoneout=True)}
        widths = [width] + [options.hyper_size] * options.depth
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        self.out = nn.Linear(options.hyper_size, hidden_size)
        self.gate = nn.Linear(width, hidden_size) if options.gate else None

    def reset_parameters(self) -> None:
        """As torch starts linear maps, which is the official code's way."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                module.reset_parameters()

    def project(self, x: Tensor, const: Any, ctx: Context) -> Tensor:
        y = x  # all but the gate exact, as h only turns round, and keeps every error
        for layer in self.hidden:
            y = torch.relu(ctx.linear(y, *_affine(layer), exact=True))
        drive = ctx.linear(y, *_affine(self.out), exact=True)
        return drive if self.gate is None else drive * torch.sigmoid(ctx.linear(x, *_affine(self.gate)))

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        return {"h": torch.relu(u + state["h"].roll(1, 1))}


def _affine(layer: nn.Module) -> tuple[Tensor, Tensor]:
    assert isinstance(layer, nn.Linear)
    return layer.weight, layer.bias
