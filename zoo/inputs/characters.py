"""Words as the characters that they are written with: embedded, run through layers, and reduced to one vector each."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.inputs.base import Input
from zoo.inputs.options import CharactersOptions
from zoo.layers.nested.each import Within


class Characters(Input, Within):
    """x (B, T, length), integers from 0 to vocabulary - 1 -> (B, T, size): every word by itself.

    With `masked`, a word shorter than a window of its layers counts as being as long as that: a convolution of width 3
    over a word of one character sees it and two characters of padding, which are zeros.
    """

    def __init__(self, options: CharactersOptions) -> None:
        super().__init__()
        self.vocabulary = options.vocabulary
        self.input_shape = (options.length,)
        self.padding, self.masked = options.padding, options.masked
        self.embedding = nn.Embedding(options.vocabulary, options.size, padding_idx=options.padding)
        self.output_shape = (self.fill(options, (options.length, options.size)),)

    def set_fixed_parameters(self) -> None:
        """The vector of the character that fills words up is zero under every initialisation scheme."""
        if self.padding is not None:
            with torch.no_grad():
                self.embedding.weight[self.padding] = 0.0

    def forward(self, x: Tensor) -> Tensor:
        words = x.flatten(0, 1)  # (B · T, length)
        lengths = None
        if self.masked and self.padding is not None:
            lengths = torch.ne(words, self.padding).sum(1)
        y = self.reduced(F.embedding(words, self.embedding.weight, self.padding), lengths)
        return y.reshape(*x.shape[:2], -1)
