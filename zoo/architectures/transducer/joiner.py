"""The joiner of a transducer: every step of the encoder with every step of the predictor."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.architectures.transducer.options import JoinerOptions
from zoo.layers.activations import activate


class Joiner(nn.Module):
    """f (B, T, D), g (B, U, E) -> scores (B, T, U, V) = W_o φ(W_f f + b_f + W_g g + b_g) + b_o.

    With `merge: concat` W_f and W_g are the halves of one matrix, with one bias. Without a size there is neither:
    φ reads f + g, or f and g side by side. Each side is mapped once, and not once for each pair.

    Sources: Graves 2012, arXiv:1211.3711; the sum of two maps as in Graves, Mohamed and Hinton 2013, arXiv:1303.5778.
    """

    def __init__(self, options: JoinerOptions, ahead: int, told: int, outputs: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.merge, self.activation, self.dropout = options.merge, options.activation, dropout
        self.widths = (ahead, told)
        self.encoder: nn.Linear | None = None
        self.predictor: nn.Linear | None = None
        self.both: nn.Linear | None = None
        width = options.size
        if width is None:
            width = ahead + told if self.merge == "concat" else ahead
        elif self.merge == "sum":
            self.encoder, self.predictor = nn.Linear(ahead, width), nn.Linear(told, width)
        else:
            self.both = nn.Linear(ahead + told, width)
        self.output = nn.Linear(width, outputs)

    def extra_repr(self) -> str:
        shown = [f"merge={self.merge!r}", f"activation={self.activation!r}"]
        return ", ".join([*shown, f"dropout={self.dropout}"] if self.dropout else shown)

    def forward(self, encoded: Tensor, predicted: Tensor) -> Tensor:
        ahead, told = self.sides(encoded, predicted)
        ahead, told = ahead.unsqueeze(2), told.unsqueeze(1)  # (B, T, 1, W), (B, 1, U, W)
        hidden = activate(self.activation, ahead + told)
        return self.output(F.dropout(hidden, self.dropout, self.training))  # type: ignore[no-any-return]

    def sides(self, encoded: Tensor, predicted: Tensor) -> tuple[Tensor, Tensor]:
        """What each side adds to the hidden layer, before its activation."""
        if self.encoder is not None and self.predictor is not None:
            return self.encoder(encoded), self.predictor(predicted)
        if self.both is not None:
            first, second = torch.split(self.both.weight, list(self.widths), 1)
            return F.linear(encoded, first, self.both.bias), F.linear(predicted, second)
        if self.merge == "concat":  # beside zeros, so that their sum is both side by side
            ahead, told = self.widths
            return F.pad(encoded, (0, told)), F.pad(predicted, (ahead, 0))
        return encoded, predicted
