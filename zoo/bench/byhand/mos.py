"""The mixture of softmaxes in plain PyTorch: symbols (B, T) -> log probabilities (B, T, vocabulary)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.bench.byhand.parts import ByHand, packed


class MoS(ByHand):
    """Three LSTM layers under a mixture of softmaxes that share the embedding's weights."""

    def __init__(self, vocabulary: int, size: int, hidden: Sequence[int], components: int) -> None:
        super().__init__()
        self.components = components
        self.embedding = nn.Embedding(vocabulary, size)
        sizes = [size, *hidden]
        self.lstms = nn.ModuleList(nn.LSTM(*pair, batch_first=True) for pair in pairwise(sizes))
        self.prior = nn.Linear(hidden[-1], components, bias=False)
        self.latent = nn.Linear(hidden[-1], components * size)
        self.bias = nn.Parameter(torch.empty(vocabulary))
        self.places = {
            "embedding.": "input.embedding.",
            "prior.": "head.prior.",
            "latent.": "head.latent.",
            "bias": "head.bias",
            **{f"lstms.{index}.": f"layers.{index}." for index in range(len(hidden))},
        }

    def forward(self, symbols: Tensor, lengths: Tensor | None = None) -> Tensor:
        x = self.embedding(symbols)
        for lstm in self.lstms:
            assert isinstance(lstm, nn.LSTM)
            x = packed(lstm, x, lengths)
        latent = torch.tanh(self.latent(x)).reshape(*x.shape[:2], self.components, -1)
        each = F.linear(latent, self.embedding.weight, self.bias).softmax(-1)
        mixed = self.prior(x).softmax(-1).unsqueeze(-2) @ each  # (B, T, 1, vocabulary)
        scores: Tensor = mixed.squeeze(-2).log()
        return scores

    def loss(self, scores: Tensor, target: Tensor, lengths: Tensor | None = None) -> Tensor:
        if lengths is not None:
            beyond = torch.arange(target.shape[1]) >= lengths.unsqueeze(1)
            target = target.masked_fill(beyond, -100)
        return F.nll_loss(scores.flatten(0, 1), target.flatten())
