"""The head for very many symbols: frequent ones are scored at once, rare ones only where they are asked for."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.components import Shape, chosen
from zoo.heads.base import Head, Lengths, cleared, draw, mean_of, refuse, wide
from zoo.heads.options import AdaptiveSoftmaxOptions, cluster_widths
from zoo.heads.targets import checked_symbols, rows_of, valid_steps


class AdaptiveSoftmax(Head):
    """(..., F) -> (..., F), the features themselves: nothing of size `size` is made before somebody asks for it.

    Symbols are numbered from the most frequent one. Those below the first cutoff, and one number for each cluster
    between two cutoffs, are scored by `head`; a symbol of a cluster has the product of its cluster's probability and of
    its own within it, which a `tail` of fewer features scores. `log_prob` gives all of them, (..., size). Targets are
    symbols (B, T), or (B,) behind a pool; the loss is the mean of -log P over valid steps, for which only the clusters
    of the targets are computed.

    Source: Grave et al. 2017, arXiv:1609.04309; parts, names and initial values as
    `torch.nn.AdaptiveLogSoftmaxWithLoss` has them, whose state dict this head takes. There a cluster's width may come
    to 0; here it is at least 1.
    """

    gives = "features"
    decodes = True
    writes = "symbols"

    def __init__(self, options: AdaptiveSoftmaxOptions, input_shape: Shape, source: nn.Module) -> None:
        super().__init__()
        width = input_shape[-1]
        self.size, self.cutoffs = options.size, (*options.cutoffs, options.size)
        self.head = nn.Linear(width, options.cutoffs[0] + len(options.cutoffs), bias=options.bias)
        self.tail = nn.ModuleList(
            nn.Sequential(nn.Linear(width, narrow, bias=False), nn.Linear(narrow, high - low, bias=False))
            for narrow, (low, high) in zip(cluster_widths(options, width), pairwise(self.cutoffs), strict=True)
        )
        self._chosen = chosen(options, "bias")

    def extra_repr(self) -> str:
        return ", ".join(filter(None, (f"{self.size}, cutoffs={self.cutoffs[:-1]}", self._chosen)))

    def forward(self, x: Tensor) -> Tensor:
        return x

    def log_prob(self, output: Tensor) -> Tensor:
        """The logarithm of every symbol's probability.

        Args:
            output: What `forward` gave, (..., F).

        Returns:
            Of shape (..., size).
        """
        first = self.cutoffs[0]
        top = F.log_softmax(wide(self.head(output)), -1)
        found = [top[..., :first]]
        for index, tail in enumerate(self.tail):
            found.append(F.log_softmax(wide(tail(output)), -1) + top[..., first + index, None])
        return torch.cat(found, -1)

    def symbol_scores(self, output: Tensor) -> Tensor:
        return self.log_prob(output)

    def loss(
        self, output: Tensor, target: Tensor, lengths: Lengths = None, *, target_lengths: Lengths = None
    ) -> Tensor:
        refuse(target_lengths)
        rows, valid = rows_of(output), valid_steps(output, lengths)
        symbols = checked_symbols(target, rows, self.size, valid).flatten()
        x, first = cleared(output, valid).flatten(0, -2), self.cutoffs[0]
        top = F.log_softmax(wide(self.head(x)), -1)
        column = symbols.clamp(max=first - 1)
        each = torch.zeros_like(top[:, 0])
        for index, (low, high) in enumerate(pairwise(self.cutoffs)):
            inside = (symbols >= low) & (symbols < high)
            column = torch.where(inside, first + index, column)
            asked = inside.nonzero().squeeze(1)
            scores = F.log_softmax(wide(self.tail[index](x[asked])), -1)
            own = scores.gather(1, (symbols[asked] - low).unsqueeze(1)).squeeze(1)
            each = each.index_add(0, asked, own.to(each.dtype))
        each = each + top.gather(1, column.unsqueeze(1)).squeeze(1)
        return mean_of(-each.view(rows), valid)

    def decode(self, output: Tensor, lengths: Lengths = None) -> Tensor:
        best = self.log_prob(output).argmax(-1)
        valid = valid_steps(output, lengths)
        return best if valid is None else best.masked_fill(~valid, -1)

    def sample(self, output: Tensor, generator: torch.Generator | None = None, temperature: float = 1.0) -> Tensor:
        return draw(self.log_prob(output), generator, temperature)

    def example_target(self, output: Tensor, generator: torch.Generator) -> Tensor:
        return torch.randint(0, self.size, rows_of(output), generator=generator).to(output.device)
