"""The head that scores symbols with the embedding's own weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.components import Shape
from zoo.heads.base import Classifier, soft_capped
from zoo.heads.options import TiedOptions
from zoo.inputs.tokens import Tokens


class Tied(Classifier):
    """(..., size) -> E x + b, (..., vocabulary), where E is the embedding (arXiv:1608.05859, arXiv:1611.01462)."""

    def __init__(self, options: TiedOptions, input_shape: Shape, source: nn.Module) -> None:
        super().__init__()
        if not isinstance(source, Tokens):
            raise TypeError("a tied head needs an input that embeds symbols")
        # In a tuple, so that the embedding stays the input's alone: in parameters(), in state_dict and on disk.
        self.source = (source,)
        self.soft_cap = options.soft_cap
        vocabulary = source.table.num_embeddings
        self.bias = nn.Parameter(torch.zeros(vocabulary)) if options.bias else None

    def extra_repr(self) -> str:
        embedding = self.source[0].table
        bias = "" if self.bias is not None else ", bias=False"
        cap = "" if self.soft_cap is None else f", soft_cap={self.soft_cap}"
        return f"{embedding.embedding_dim}, {embedding.num_embeddings}{bias}{cap}"

    def forward(self, x: Tensor) -> Tensor:
        return soft_capped(F.linear(x, self.source[0].table.weight, self.bias), self.soft_cap)
