"""GNMT in plain PyTorch: sources (B, S) and targets (B, T), symbols -> scores (B, T, vocabulary)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.bench.byhand.parts import ByHand, packed


class GNMT(ByHand):
    """Four LSTM layers a side over one embedding; the upper ones of the decoder read what the first one asked for."""

    def __init__(self, vocabulary: int, size: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, size, padding_idx=0)
        self.both = nn.LSTM(size, size, bidirectional=True, batch_first=True)
        self.encoder = nn.ModuleList(nn.LSTM(width, size, batch_first=True) for width in (2 * size, size, size))
        self.asker = nn.LSTM(size, size, batch_first=True)
        self.decoder = nn.ModuleList(nn.LSTM(2 * size, size, batch_first=True) for _ in range(3))
        self.query, self.key = nn.Linear(size, size, bias=False), nn.Linear(size, size, bias=False)
        self.v = nn.Parameter(torch.empty(size))
        self.shift = nn.Parameter(torch.empty(size))
        self.scale = nn.Parameter(torch.empty(1))
        self.scores = nn.Linear(size, vocabulary)
        self.places = {
            "embedding.": "encoder.input.embedding.",
            "both.": "encoder.layers.0.",
            "asker.": "decoder.layers.0.",
            **{f"encoder.{index}.": f"encoder.layers.{index + 1}." for index in range(3)},
            **{f"decoder.{index}.": f"decoder.layers.{index + 1}." for index in range(3)},
            "query.": "attention.query.",
            "key.": "attention.key.",
            "v": "attention.score.weight",
            "shift": "attention.shift",
            "scale": "attention.scale",
            "scores.": "decoder.head.linear.",
        }

    def forward(self, source: Tensor, target: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Only the layer of both directions needs to know the sources' lengths, and the attention."""
        x = packed(self.both, self.embedding(source), lengths)
        x, _ = self.encoder[0](x)
        for lstm in self.encoder[1:]:
            x = x + lstm(x)[0]
        valid = None if lengths is None else torch.arange(source.shape[1]) < lengths.unsqueeze(1)
        y, _ = self.asker(self.embedding(target))
        context = self.asked(y, x, valid)
        y, _ = self.decoder[0](torch.cat([y, context], -1))
        for lstm in self.decoder[1:]:
            y = y + lstm(torch.cat([y, context], -1))[0]
        scores: Tensor = self.scores(y)
        return scores

    def asked(self, query: Tensor, memory: Tensor, valid: Tensor | None) -> Tensor:
        hidden = torch.tanh(self.query(query).unsqueeze(2) + self.key(memory).unsqueeze(1) + self.shift)
        found = hidden @ (self.v / self.v.norm() * self.scale)  # (B, T, S)
        if valid is not None:
            found = found.masked_fill(~valid.unsqueeze(1), -torch.inf)
        context: Tensor = found.softmax(-1) @ memory
        return context

    def loss(self, scores: Tensor, target: Tensor, lengths: Tensor | None = None) -> Tensor:
        if lengths is not None:
            beyond = torch.arange(target.shape[1]) >= lengths.unsqueeze(1)
            target = target.masked_fill(beyond, -100)
        return F.cross_entropy(scores.flatten(0, 1), target.flatten())
