"""Symbols, each as a vector of zeros with a one in its place."""

from __future__ import annotations

import torch
from torch import Tensor

from zoo.inputs.base import Input
from zoo.inputs.options import OneHotOptions


class OneHot(Input):
    """x (B, T), integers from 0 to vocabulary - 1 -> (B, T, vocabulary), zeros and ones."""

    like: Tensor

    def __init__(self, options: OneHotOptions) -> None:
        super().__init__()
        self.input_shape = ()
        self.output_shape = (options.vocabulary,)
        self.vocabulary = options.vocabulary
        # There is no parameter here that would follow the model's dtype; this follows, and has no numbers to save.
        self.register_buffer("like", torch.empty(0), persistent=False)

    def extra_repr(self) -> str:
        return f"vocabulary={self.vocabulary}"

    def forward(self, x: Tensor) -> Tensor:
        # As torch.nn.functional.one_hot, which makes 64 bit integers on the way, eight times the memory.
        return (x.unsqueeze(-1) == torch.arange(self.output_shape[0], device=x.device)).to(self.like.dtype)
