"""Mamba's language model in plain PyTorch: symbols (B, T) -> scores (B, T, vocabulary)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.bench.byhand.parts import ByHand


class Mixer(nn.Module):
    """One layer of Mamba: (B, T, width) -> (B, T, width)."""

    def __init__(self, width: int, inner: int, states: int = 16, kernel: int = 4) -> None:
        super().__init__()
        self.rank, self.states = math.ceil(width / 16), states
        self.in_proj = nn.Linear(width, 2 * inner, bias=False)
        self.conv = nn.Conv1d(inner, inner, kernel, groups=inner, padding=kernel - 1)
        self.x_proj = nn.Linear(inner, self.rank + 2 * states, bias=False)
        self.dt = nn.Linear(self.rank, inner)
        self.A_log = nn.Parameter(torch.empty(inner, states))
        self.D = nn.Parameter(torch.empty(inner))
        self.out_proj = nn.Linear(inner, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        seen, gate = self.in_proj(x).chunk(2, -1)
        v = F.silu(self.conv(seen.transpose(1, 2))[..., : x.shape[1]].transpose(1, 2))
        delta, B, C = self.x_proj(v).split([self.rank, self.states, self.states], -1)
        dt = F.softplus(self.dt(delta))
        h = scan(torch.exp(dt.unsqueeze(-1) * -torch.exp(self.A_log)), (dt * v).unsqueeze(-1) * B.unsqueeze(2))
        y = (h @ C.unsqueeze(-1)).squeeze(-1) + self.D * v
        mixed: Tensor = self.out_proj(y * F.silu(gate))
        return mixed


def scan(a: Tensor, b: Tensor) -> Tensor:
    """h_t = a_t h_{t-1} + b_t from zero, (B, T, ...): one fused multiply-add a step, unbound and stacked once."""
    h = torch.zeros_like(b[:, 0])
    steps = []
    for a_t, b_t in zip(a.unbind(1), b.unbind(1), strict=True):
        h = torch.addcmul(b_t, a_t, h)
        steps.append(h)
    return torch.stack(steps, 1)


class MambaLM(ByHand):
    """Residual blocks of a norm and a mixer, a norm, and the embedding's weights once more."""

    def __init__(self, vocabulary: int, width: int, inner: int, layers: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.mixers = nn.ModuleList(Mixer(width, inner) for _ in range(layers))
        self.norms = nn.ModuleList(nn.RMSNorm(width, eps=1e-5) for _ in range(layers + 1))
        self.places = {"embedding.": "input.embedding."}
        for index in range(layers + 1):
            inside = f"layers.{index}.layers.0."
            self.places |= {
                f"norms.{index}.": f"layers.{index}.norm.",
                f"mixers.{index}.": f"{inside}cell.",
                f"mixers.{index}.in_proj.weight": f"{inside}cell.in_proj",
                f"mixers.{index}.x_proj.weight": f"{inside}cell.x_proj",
                f"mixers.{index}.conv.": f"{inside}cell.conv_",
                f"mixers.{index}.dt.": f"{inside}cell.dt_",
                f"mixers.{index}.out_proj.": f"{inside}output_projection.",
            }

    def forward(self, symbols: Tensor) -> Tensor:
        x = self.embedding(symbols)
        *before, last = self.norms
        for norm, mixer in zip(before, self.mixers, strict=True):
            x = x + mixer(norm(x))
        return F.linear(last(x), self.embedding.weight)

    def loss(self, scores: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(scores.flatten(0, 1), target.flatten())
