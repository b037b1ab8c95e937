"""Symbols, embedded as vectors."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.inputs.base import Input
from zoo.inputs.options import TokensOptions


class Tokens(Input):
    """x (B, T), integers from 0 to vocabulary - 1 -> (B, T, size).

    Dropout drops whole symbols, the same ones everywhere in a pass (Gal and Ghahramani 2016, arXiv:1512.05287).
    """

    def __init__(self, options: TokensOptions) -> None:
        super().__init__()
        self.input_shape = ()
        self.output_shape = (options.size,)
        self.vocabulary = options.vocabulary
        self.dropout = options.dropout
        self.embedding = nn.Embedding(options.vocabulary, options.size, padding_idx=options.padding)

    def extra_repr(self) -> str:
        return f"dropout={self.dropout}" if self.dropout else ""

    def set_fixed_parameters(self) -> None:
        """The padding symbol's vector is zero under every initialisation scheme."""
        if self.embedding.padding_idx is not None:
            with torch.no_grad():
                self.embedding.weight[self.embedding.padding_idx] = 0.0

    @property
    def table(self) -> nn.Embedding:
        """The table of vectors, whoever owns it."""
        return self.embedding

    def forward(self, x: Tensor) -> Tensor:
        return embedded(x, self.embedding, self.dropout if self.training else 0.0)


def embedded(x: Tensor, table: nn.Embedding, dropout: float) -> Tensor:
    """Symbols (B, T) as vectors (B, T, size), whole symbols dropped at a rate."""
    weight = table.weight
    if dropout:
        keep = 1.0 - dropout
        weight = weight * torch.bernoulli(weight.new_full((weight.shape[0], 1), keep)).div(keep)
    return F.embedding(x, weight, table.padding_idx)
