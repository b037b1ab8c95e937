"""Language models of Merity et al. and their heirs, each as its source computes it, and how its parameters become ours."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

import torch
from proving import SYMBOLS, Case, Theirs, of_torch
from torch import Tensor, nn
from torch.nn import functional as F

TOKENS: Final = {"input.vocabulary": SYMBOLS}


class AwdLstm(nn.Module):
    """salesforce/awd-lstm-lm (1d466ec), model.py, lines 17 to 45 and 68 to 96; and its decoder, splitcross.py, line 39.

    fastai's old/fastai/lm_rnn.py, lines 69 to 79 and 96 to 120, is the same with a decoder without a bias.
    """

    def __init__(self, sizes: tuple[int, ...], bias: bool = True) -> None:
        super().__init__()
        self.encoder = nn.Embedding(SYMBOLS, sizes[0])
        self.rnns = nn.ModuleList(nn.LSTM(i, o, 1) for i, o in pairwise(sizes))
        self.decoder = nn.Linear(sizes[-1], SYMBOLS, bias=bias)
        self.decoder.weight = self.encoder.weight

    def forward(self, x: Tensor) -> Tensor:
        raw_output = self.encoder(x.T)
        for rnn in self.rnns:
            raw_output, _ = rnn(raw_output)
        return F.linear(raw_output, self.decoder.weight, self.decoder.bias).transpose(0, 1)


def _awd_lstm(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = {"input.embedding.weight": theirs["encoder.weight"]}
    for layer in range(3):
        ours |= of_torch(theirs, f"rnns.{layer}", f"layers.{layer}.cell")
    return ours | ({"head.bias": theirs["decoder.bias"]} if "decoder.bias" in theirs.left else {})


AWD_SIZES: Final = (
    TOKENS | {"input.size": 3} | {f"layers.{index}.hidden_size": size for index, size in enumerate((5, 4, 3))}
)
REVERSED: Final = {"a layer that runs backwards": {"layers.1.reverse": True}}
AWD_LSTM: Final = Case(theirs=lambda: AwdLstm((3, 5, 4, 3)), ours=_awd_lstm, changes=AWD_SIZES, mistakes=REVERSED)
ULMFIT: Final = Case(
    theirs=lambda: AwdLstm((3, 5, 4, 3), bias=False), ours=_awd_lstm, changes=AWD_SIZES, mistakes=REVERSED
)


class QRNNLayer(nn.Module):
    """salesforce/pytorch-qrnn (1634991), torchqrnn/qrnn.py, lines 46 to 111, with forget_mult.py, lines 78 to 91."""

    def __init__(self, inputs: int, size: int, window: int) -> None:
        super().__init__()
        self.window = window
        self.linear = nn.Linear(window * inputs, 3 * size)

    def forward(self, x: Tensor) -> Tensor:
        source = x if self.window == 1 else torch.cat([x, torch.cat([x[:1] * 0, x[:-1]])], 2)
        z, f, o = self.linear(source).chunk(3, 2)
        z, f = torch.tanh(z), torch.sigmoid(f)
        c, past = [], None
        for new, forget in zip(f * z, f, strict=True):
            past = new if past is None else new + (1 - forget) * past
            c.append(past)
        return torch.sigmoid(o) * torch.stack(c)


class AwdQrnn(nn.Module):
    """salesforce/awd-lstm-lm (1d466ec), model.py, lines 27 to 45 and 68 to 96."""

    def __init__(self, sizes: tuple[int, ...]) -> None:
        super().__init__()
        self.encoder = nn.Embedding(SYMBOLS, sizes[0])
        pairs = pairwise(sizes)
        self.rnns = nn.ModuleList(QRNNLayer(i, o, 2 if layer == 0 else 1) for layer, (i, o) in enumerate(pairs))
        self.decoder = nn.Linear(sizes[-1], SYMBOLS)
        self.decoder.weight = self.encoder.weight

    def forward(self, x: Tensor) -> Tensor:
        raw_output = self.encoder(x.T)
        for rnn in self.rnns:
            raw_output = rnn(raw_output)
        return self.decoder(raw_output).transpose(0, 1)


def _awd_qrnn(theirs: Theirs) -> Mapping[str, Tensor]:
    """Its f is 1 − f here: the rows of f with the other sign."""
    ours = {"input.embedding.weight": theirs["encoder.weight"], "head.bias": theirs["decoder.bias"]}
    for layer in range(4):
        for name, part in (("weight_ih", "weight"), ("bias", "bias")):
            z, f, o = theirs[f"rnns.{layer}.linear.{part}"].chunk(3)
            ours[f"layers.{layer}.cell.{name}"] = torch.cat([z, -f, o])
    return ours


AWD_QRNN: Final = Case(
    theirs=lambda: AwdQrnn((3, 5, 4, 6, 3)),
    ours=_awd_qrnn,
    changes=TOKENS
    | {"input.size": 3}
    | {f"layers.{index}.hidden_size": size for index, size in enumerate((5, 4, 6, 3))},
    mistakes={"a layer that runs backwards": {"layers.2.reverse": True}},
)

CASES: Final = {
    "awd-lstm": AWD_LSTM,
    "awd-lstm@wikitext-2": AWD_LSTM,
    "awd-lstm-char": AWD_LSTM,
    "awd-lstm-char@enwik8": AWD_LSTM,
    "awd-qrnn": AWD_QRNN,
    "awd-qrnn@wikitext-2": AWD_QRNN,
    "ulmfit": ULMFIT,
    "ulmfit@fastai-1": AWD_LSTM,
}
