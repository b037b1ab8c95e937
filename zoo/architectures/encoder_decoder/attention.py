"""Attention: how well each step of the source answers what the decoder asks, and their mean by that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.architectures.encoder_decoder.options import LEARNED, AttentionOptions, Combine
from zoo.architectures.encoder_decoder.window import Window
from zoo.components import chosen
from zoo.engine.precision import HALF
from zoo.layers.activations import activate

REMEMBERED: Final = {"last": "weights", "total": "total"}
"""Names of the states that the filters of score `location` run over."""
TOTAL: Final = REMEMBERED["total"]
POSITION: Final = "position"


class Source(NamedTuple):
    """What is asked.

    Attributes:
        memory: The steps of the source, shape (B, S, M), zero in padding.
        keys: What they are compared by, shape (B, S, K).
        valid: Which steps are not padding, shape (B, S), or None for all.
    """

    memory: Tensor
    keys: Tensor
    valid: Tensor | None

    def rows(self, index: Tensor) -> Source:
        """Some of the sources."""
        valid = None if self.valid is None else self.valid[index]
        return Source(self.memory[index], self.keys[index], valid)


class Answer(NamedTuple):
    """What was answered.

    Attributes:
        fed: What is fed on, shape (B, T, ...).
        weights: How much of each step of the source is in it, shape (B, T, S).
        remembered: What the next step is asked with, by the names of `Attention.remembers`, each (B, ...).
    """

    fed: Tensor
    weights: Tensor
    remembered: dict[str, Tensor]


class Attention(nn.Module):
    """q (B, T, Q), memory m (B, S, M) -> the context c (B, T, M), or what `combine` makes of it.

    a = softmax over s of score(q, m_s), c = sum of a_s m_s, where the score is

        dot       q · m                                  Luong et al. 2015, arXiv:1508.04025
        general   (W q) · m                              the same
        additive  v · tanh(W q + U m)                    Bahdanau et al. 2015, arXiv:1409.0473
        location  v · tanh(W q + U m + V (F * a'))       Chorowski et al. 2015, arXiv:1506.07503, a' of the step before

    `activation` puts another function in the place of tanh. `over: [last, total]` has F run over a' and over the sum of
    all weights before too, as in Tacotron 2, arXiv:1712.05884. `normalised` has g v / |v| in place of v, and a bias
    before tanh: Salimans and Kingma 2016, arXiv:1602.07868, as in GNMT. `combine` gives f(W [c; q]); the gate is
    sigmoid(W q), on c. The score `window` reads no m: see `Window`.

    Attributes:
        remembers: What a step leaves to the next, by name: the width of each, or None for that of the source.
    """

    def __init__(self, options: AttentionOptions, query: int, memory: int) -> None:
        super().__init__()
        self.options = options
        self.output_size = memory
        size = options.size or memory
        bias = options.bias
        self.query = self.key = self.score = self.gate = self.combine = None
        self.filters = self.location = self.window = None
        self.remembers: dict[str, int | None] = {}
        if options.score == "general":
            self.query = nn.Linear(query, memory, bias=bias)
        elif options.score in LEARNED:
            self.query = nn.Linear(query, size, bias=bias)
            self.key = nn.Linear(memory, size, bias=bias)
            self.score = nn.Linear(size, 1, bias=bias)
        elif options.score == "window":
            self.window = Window(options, query)
            self.remembers = {POSITION: options.components}
        if options.score == "location":
            self.filters = nn.Conv1d(len(options.over), options.filters, options.kernel, padding="same", bias=False)
            self.location = nn.Linear(options.filters, size, bias=False)
            self.remembers = {REMEMBERED[one]: None for one in options.over}
        self.scale = self.shift = None
        if options.normalised:
            self.scale = nn.Parameter(torch.full((1,), size**-0.5))
            self.shift = nn.Parameter(torch.zeros(size))
        if options.gate == "sigmoid":
            self.gate = nn.Linear(query, memory)
        if isinstance(options.combine, Combine):
            self.combine = nn.Linear(memory + query, options.combine.size, bias=options.combine.bias)
            self.output_size = options.combine.size
        self._chosen = chosen(options)

    def extra_repr(self) -> str:
        return self._chosen

    def source(self, memory: Tensor, valid: Tensor | None) -> Source:
        """What is asked, with what its steps are compared by, which is the same whoever asks."""
        if self.key is None:
            return Source(memory, memory, valid)
        keys = self.key(memory)
        return Source(memory, keys if self.shift is None else keys + self.shift, valid)

    def forward(self, query: Tensor, source: Source, before: Mapping[str, Tensor]) -> Answer:
        """Ask.

        Args:
            query: What asks, shape (B, T, Q), with T = 1 where something is remembered.
            source: What is asked.
            before: What the step before has left, by the names of `remembers`.

        Returns:
            What is fed on, the weights, and what is left to the next step.
        """
        if self.window is not None:
            weights, position = self.window(query.squeeze(1), before[POSITION], source.memory.shape[1])
            weights = weights if source.valid is None else weights * source.valid
            weights, after = weights.unsqueeze(1), {POSITION: position}
        else:
            weights = self._weights(self._scores(query, source, before), source.valid)
            after = dict.fromkeys(before, weights[:, -1])
            if TOTAL in before:
                after[TOTAL] = before[TOTAL] + weights[:, -1].to(before[TOTAL].dtype)
        context = weights.to(source.memory.dtype) @ source.memory
        if self.gate is not None:
            context = context * torch.sigmoid(self.gate(query))
        if self.combine is not None:
            made = self.options.combine
            assert isinstance(made, Combine)
            context = activate(made.activation, self.combine(torch.cat([context, query], -1)))
            context = F.dropout(context, made.dropout, self.training)
        return Answer(context, weights, after)

    def _scores(self, query: Tensor, source: Source, before: Mapping[str, Tensor]) -> Tensor:
        """(B, T, S)."""
        asked = query if self.query is None else self.query(query)
        if self.score is None:
            return asked @ source.keys.transpose(1, 2)
        hidden = asked.unsqueeze(2) + source.keys.unsqueeze(1)
        if self.filters is not None and self.location is not None:
            earlier = torch.stack([before[name] for name in self.remembers], 1).to(hidden.dtype)
            hidden = hidden + self.location(self.filters(earlier).transpose(1, 2)).unsqueeze(1)
        # By a vector: the gradient of a product with a matrix of one row takes twice as long.
        scores = activate(self.options.activation, hidden) @ self._direction().squeeze(0)
        return scores if self.score.bias is None else scores + self.score.bias

    def _direction(self) -> Tensor:
        """v (1, N), or g v / |v|."""
        assert self.score is not None
        v = self.score.weight
        return v if self.scale is None else v / v.norm() * self.scale

    @staticmethod
    def _weights(scores: Tensor, valid: Tensor | None) -> Tensor:
        """They sum to one over the steps that are no padding."""
        scores = scores.float() if scores.dtype in HALF else scores
        if valid is not None:
            scores = scores.masked_fill(~valid.unsqueeze(1), -torch.inf)
        return scores.softmax(-1)
