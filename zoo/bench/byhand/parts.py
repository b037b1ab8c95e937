"""What several of the models written by hand share: packing, a norm of valid steps, and whose weight is whose."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

_OF_LSTM: Final = re.compile(r"((?:weight|bias)_[ih]h)_l0(_reverse)?")


class ByHand(nn.Module):
    """A model in plain PyTorch, as somebody would write it who has no library for it.

    Attributes:
        places: Where in the zoo's model the modules of this one are, by the beginnings of their names.
    """

    places: Mapping[str, str]

    def take(self, weights: Mapping[str, Tensor]) -> dict[str, str]:
        """Take over the weights of the zoo's model, and say which of its parameters each of the own ones is.

        Windows over two axes stand here as (height, width), there as (time, features), which is (width, height).
        """
        found = {name: self._place(name) for name, _ in self.named_parameters()}
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                parameter.copy_(aligned(weights[found[name]], parameter))
        return found

    def _place(self, name: str) -> str:
        beginning = max((one for one in self.places if name.startswith(one)), key=len)
        rest = name.removeprefix(beginning)
        of_lstm = _OF_LSTM.fullmatch(rest)
        if of_lstm:
            rest = f"{'reverse_cell' if of_lstm[2] else 'cell'}.{of_lstm[1]}"
        return self.places[beginning] + rest


def aligned(theirs: Tensor, like: Tensor) -> Tensor:
    """A weight of the zoo's model, or its gradient, in the form that it has in a model by hand."""
    return theirs.transpose(2, 3) if theirs.dim() == 4 else theirs.view_as(like)


def packed(lstm: nn.LSTM, x: Tensor, lengths: Tensor | None) -> Tensor:
    """An LSTM over sequences of several lengths, in the layout that it has, zero in padding."""
    if lengths is None:
        output: Tensor = lstm(x)[0]
        return output
    first = lstm.batch_first
    steps = x.shape[1 if first else 0]
    ran, _ = lstm(pack_padded_sequence(x, lengths, batch_first=first, enforce_sorted=False))
    output, _ = pad_packed_sequence(ran, batch_first=first, total_length=steps)
    return output


def at_valid(function: Callable[[Tensor], Tensor], x: Tensor, valid: Tensor | None) -> Tensor:
    """What a function of rows (N, C) makes of the steps (..., C) that are valid; zero elsewhere."""
    if valid is None:
        return function(x.flatten(0, -2)).view(x.shape)
    found = torch.zeros_like(x)
    found[valid] = function(x[valid])
    return found


def ctc(scores: Tensor, symbols: Tensor, blank: int, lengths: Tensor | None) -> Tensor:
    """The mean over sequences of -log P, for scores (T, B, size) and symbols (B, S)."""
    steps, batch = scores.shape[:2]
    ends = torch.full((batch,), steps) if lengths is None else lengths
    counts = torch.full((batch,), symbols.shape[1])
    each = F.ctc_loss(F.log_softmax(scores, -1), symbols, ends, counts, blank=blank, reduction="none")
    return each.mean()
