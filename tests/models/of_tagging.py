"""Taggers that read words and their characters, each as its source computes it, with the field behind them.

Beside the score of every label what is compared is the sum over all label sequences and the score of one of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
from proving import SYMBOLS, Case, Theirs, linear, of_torch
from torch import Tensor, nn

import zoo

TAGS: Final = 4
CASES_OF_WORDS: Final = 3
SIZES: Final = {
    "input.of.words.vocabulary": SYMBOLS,
    "input.of.words.size": 5,
    "input.of.characters.vocabulary": SYMBOLS,
    "input.of.characters.size": 3,
    "input.of.characters.length": 3,
    "head.size": TAGS,
}


def labels_of(steps: int) -> Tensor:
    """The label sequence whose score is compared."""
    return torch.arange(steps) % TAGS


def with_field(model: zoo.Model, output: Tensor, lengths: Tensor) -> Tensor:
    """The scores of labels, and beside each of them the field's two numbers of its sequence."""
    head: Any = model.head
    labels = labels_of(output.shape[1]).expand(output.shape[0], -1)
    with torch.no_grad():
        numbers = [head.log_partition(output, lengths), head.score(output, labels, lengths)]
    return beside(output, numbers)


def beside(scores: Tensor, numbers: list[Tensor]) -> Tensor:
    wide = [one.reshape(-1, 1, 1).expand(-1, scores.shape[1], 1) for one in numbers]
    return torch.cat([scores, *wide], 2)


class Lstm(nn.Module):
    """glample/tagger (1c96188), nn.py, class LSTM, lines 110 to 213, for one sequence: (T, input_dim) -> (T, hidden_dim)."""

    def __init__(self, input_dim: int, hidden_dim: int) -> None:
        super().__init__()
        for gate in "ioc":
            self.register_parameter(f"w_x{gate}", nn.Parameter(torch.empty(input_dim, hidden_dim)))
            self.register_parameter(f"w_h{gate}", nn.Parameter(torch.empty(hidden_dim, hidden_dim)))
            self.register_parameter(f"b_{gate}", nn.Parameter(torch.empty(hidden_dim)))
        self.w_ci = nn.Parameter(torch.empty(hidden_dim, hidden_dim))
        self.w_co = nn.Parameter(torch.empty(hidden_dim, hidden_dim))
        self.c_0 = nn.Parameter(torch.empty(hidden_dim))
        self.h_0 = nn.Parameter(torch.empty(hidden_dim))

    def forward(self, x: Tensor) -> Tensor:
        c, h, found = self.c_0, self.h_0, []
        for x_t in x:
            i = torch.sigmoid(x_t @ self.w_xi + h @ self.w_hi + c @ self.w_ci + self.b_i)
            c = (1 - i) * c + i * torch.tanh(x_t @ self.w_xc + h @ self.w_hc + self.b_c)
            o = torch.sigmoid(x_t @ self.w_xo + h @ self.w_ho + c @ self.w_co + self.b_o)
            h = o * torch.tanh(c)
            found.append(h)
        return torch.stack(found)


class BiLstmCrf(nn.Module):
    """glample/tagger (1c96188), model.py, Model.build, lines 119 to 305, and nn.py, forward, lines 225 to 279."""

    def __init__(self, char_dim: int, char_lstm_dim: int, word_dim: int, word_lstm_dim: int) -> None:
        super().__init__()
        self.word_layer, self.char_layer = nn.Embedding(SYMBOLS, word_dim), nn.Embedding(SYMBOLS, char_dim)
        self.char_lstm_for, self.char_lstm_rev = (Lstm(char_dim, char_lstm_dim) for _ in range(2))
        inputs = word_dim + 2 * char_lstm_dim
        self.word_lstm_for, self.word_lstm_rev = (Lstm(inputs, word_lstm_dim) for _ in range(2))
        self.tanh_layer = nn.Linear(2 * word_lstm_dim, word_lstm_dim)
        self.final_layer = nn.Linear(word_lstm_dim, TAGS)
        self.transitions = nn.Parameter(torch.empty(TAGS + 2, TAGS + 2))

    def forward(self, x: Mapping[str, Tensor]) -> Tensor:
        inputs = []
        for word, characters in zip(x["words"][0], x["characters"][0], strict=True):
            # Symbol 0 fills words up; it is one of the others too where a word is drawn at random.
            spelt = self.char_layer(characters[: int((characters != 0).sum())])
            ends = self.char_lstm_for(spelt)[-1], self.char_lstm_rev(spelt.flip(0))[-1]
            inputs.append(torch.cat([self.word_layer(word), *ends]))
        y = torch.stack(inputs)
        y = torch.cat([self.word_lstm_for(y), self.word_lstm_rev(y.flip(0)).flip(0)], 1)
        scores = self.final_layer(torch.tanh(self.tanh_layer(y)))
        return beside(scores.unsqueeze(0), [self.all_paths(scores), self.real_path(scores)])

    def all_paths(self, scores: Tensor) -> Tensor:
        small = -1000.0
        b_s, e_s = scores.new_full((2, 1, TAGS + 2), small)
        b_s[0, TAGS], e_s[0, TAGS + 1] = 0.0, 0.0
        observations = torch.cat([scores, scores.new_full((len(scores), 2), small)], 1)
        observations = torch.cat([b_s, observations, e_s])
        alpha = observations[0]
        for obs in observations[1:]:
            alpha = torch.logsumexp(alpha.unsqueeze(1) + obs.unsqueeze(0) + self.transitions, 0)
        return torch.logsumexp(alpha, 0)

    def real_path(self, scores: Tensor) -> Tensor:
        tags = labels_of(len(scores))
        padded = torch.cat([torch.tensor([TAGS]), tags, torch.tensor([TAGS + 1])])
        score: Tensor = scores.gather(1, tags.unsqueeze(1)).sum() + self.transitions[padded[:-1], padded[1:]].sum()
        return score


def _lstm(theirs: Theirs, name: str, ours: str, back: str = "") -> dict[str, Tensor]:
    """Its one gate is the input's; ours is the forget gate, 1 - i, whose sum has the other sign."""
    rows = {
        kind: torch.cat([-theirs[f"{name}.w_{kind}i"].T, theirs[f"{name}.w_{kind}c"].T, theirs[f"{name}.w_{kind}o"].T])
        for kind in "xh"
    }
    cell, start = f"{ours}.{back}cell", f"{ours}.{back}initial"
    return {
        f"{cell}.weight_ih": rows["x"],
        f"{cell}.weight_hh": rows["h"],
        f"{cell}.weight_ch": torch.cat([-theirs[f"{name}.w_ci"].T, theirs[f"{name}.w_co"].T]),
        f"{cell}.bias": torch.cat([-theirs[f"{name}.b_i"], theirs[f"{name}.b_c"], theirs[f"{name}.b_o"]]),
        f"{start}.c": theirs[f"{name}.c_0"],
        f"{start}.h": theirs[f"{name}.h_0"],
    }


def _bilstm_crf(theirs: Theirs) -> Mapping[str, Tensor]:
    return {
        "input.of.words.embedding.weight": theirs["word_layer.weight"],
        "input.of.characters.embedding.weight": theirs["char_layer.weight"],
        **_lstm(theirs, "char_lstm_for", "input.of.characters.layers.0"),
        **_lstm(theirs, "char_lstm_rev", "input.of.characters.layers.0", "reverse_"),
        **_lstm(theirs, "word_lstm_for", "layers.0"),
        **_lstm(theirs, "word_lstm_rev", "layers.0", "reverse_"),
        **linear(theirs, "tanh_layer", "layers.1.linear"),
        **linear(theirs, "final_layer", "head.linear"),
        "head.transitions": theirs["transitions"],
    }


class BiRecurrentConvCrf(nn.Module):
    """XuezheMax/NeuroNLP2 (a693dc3), neuronlp2/models/sequence_labeling.py, lines 12 to 104 and 195 to 212.

    ChainCRF is that of neuronlp2/nn/modules/crf.py, lines 12 to 128.
    """

    def __init__(self, word_dim: int, char_dim: int, num_filters: int, hidden_size: int) -> None:
        super().__init__()
        self.word_embedd, self.char_embedd = nn.Embedding(SYMBOLS, word_dim), nn.Embedding(SYMBOLS, char_dim)
        self.conv1d = nn.Conv1d(char_dim, num_filters, 3, padding=2)
        self.rnn = nn.LSTM(word_dim + num_filters, hidden_size, batch_first=True, bidirectional=True)
        self.state_nn = nn.Linear(2 * hidden_size, TAGS + 1)
        self.trans_matrix = nn.Parameter(torch.empty(TAGS + 1, TAGS + 1))

    def forward(self, x: Mapping[str, Tensor]) -> Tensor:
        word, char = self.word_embedd(x["words"]), self.char_embedd(x["characters"])
        sizes = char.shape
        char, _ = self.conv1d(char.view(sizes[0] * sizes[1], *sizes[2:]).transpose(1, 2)).max(dim=2)
        char = torch.tanh(char).view(sizes[0], sizes[1], -1)
        output, _ = self.rnn(torch.cat([word, char], 2))
        scores = self.state_nn(output)
        energy = (self.trans_matrix + scores.unsqueeze(2))[0]  # (T, from, to)
        partition, score, before = energy[0, -1], energy.new_zeros(()), TAGS
        for t, label in enumerate(labels_of(len(energy)).tolist()):
            if t:
                partition = torch.logsumexp(energy[t] + partition.unsqueeze(1), 0)
            score, before = score + energy[t, before, label], label
        return beside(scores, [torch.logsumexp(partition, 0), score])


def _bilstm_cnn_crf(theirs: Theirs) -> Mapping[str, Tensor]:
    return {
        "input.of.words.embedding.weight": theirs["word_embedd.weight"],
        "input.of.characters.embedding.weight": theirs["char_embedd.weight"],
        **linear(theirs, "conv1d", "input.of.characters.layers.1.conv"),
        **of_torch(theirs, "rnn", "layers.0.cell"),
        **of_torch(theirs, "rnn", "layers.0.reverse_cell", suffix="_reverse"),
        **linear(theirs, "state_nn", "head.linear"),
        "head.transitions": theirs["trans_matrix"],
    }


class KerasLstm(nn.Module):
    """keras-team/keras 2.1.2, keras/layers/recurrent.py, LSTMCell.call, for one sequence; its gates are i, f, c, o."""

    def __init__(self, inputs: int, units: int) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.empty(inputs, 4 * units))
        self.recurrent_kernel = nn.Parameter(torch.empty(units, 4 * units))
        self.bias = nn.Parameter(torch.empty(4 * units))

    def forward(self, x: Tensor) -> Tensor:
        h = c = x.new_zeros(len(self.recurrent_kernel))
        found = []
        for x_t in x:
            z0, z1, z2, z3 = (x_t @ self.kernel + h @ self.recurrent_kernel + self.bias).chunk(4)
            i, f, o = (torch.clamp(0.2 * z + 0.5, 0, 1) for z in (z0, z1, z3))
            c = f * c + i * torch.tanh(z2)
            h = o * torch.tanh(c)
            found.append(h)
        return torch.stack(found)


class BlstmCnn(nn.Module):
    """kamalkraj/Named-Entity-Recognition-with-Bidirectional-LSTM-CNNs (199b65f), nn.py, lines 100 to 114."""

    def __init__(self, word: int, char: int, filters: int, units: int, labels: int) -> None:
        super().__init__()
        self.words, self.char_embedding = nn.Embedding(SYMBOLS, word), nn.Embedding(SYMBOLS, char)
        self.conv1d = nn.Conv1d(char, filters, 3, padding=1)
        self.forward_layer, self.backward_layer = (KerasLstm(word + CASES_OF_WORDS + filters, units) for _ in range(2))
        self.dense = nn.Linear(2 * units, labels)

    def forward(self, x: Mapping[str, Tensor]) -> Tensor:
        char = self.char_embedding(x["characters"][0]).transpose(1, 2)
        char = torch.tanh(self.conv1d(char)).max(2)[0]
        casing = torch.eye(CASES_OF_WORDS, dtype=char.dtype)[x["casing"][0]]
        y = torch.cat([self.words(x["words"][0]), casing, char], 1)
        y = torch.cat([self.forward_layer(y), self.backward_layer(y.flip(0)).flip(0)], 1)
        return torch.softmax(self.dense(y), 1).unsqueeze(0)


def _blstm_cnn(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = {
        "input.of.words.embedding.weight": theirs["words.weight"],
        "input.of.characters.embedding.weight": theirs["char_embedding.weight"],
        **linear(theirs, "conv1d", "input.of.characters.layers.1.conv"),
        **linear(theirs, "dense", "head.linear"),
    }
    for name, cell in (("forward_layer", "cell"), ("backward_layer", "reverse_cell")):
        ours[f"layers.0.{cell}.weight_ih"] = theirs[f"{name}.kernel"].T
        ours[f"layers.0.{cell}.weight_hh"] = theirs[f"{name}.recurrent_kernel"].T
        ours[f"layers.0.{cell}.bias"] = theirs[f"{name}.bias"]
    return ours


CASES: Final[Mapping[str, Case]] = {
    "bilstm-crf": Case(
        theirs=lambda: BiLstmCrf(3, 2, 5, 4),
        ours=_bilstm_crf,
        changes=SIZES | {"input.of.characters.layers.0.hidden_size": 2, "hidden_size": 4, "layers.1.size": 4},
        mistakes={
            "the padding of words is read": {"input.of.characters.masked": False},
            "the mean of a word's letters": {"input.of.characters.pool": "mean"},
            "no tanh": {"layers.1.activation": "none"},
        },
        gives=with_field,
    ),
    "bilstm-cnn-crf": Case(
        theirs=lambda: BiRecurrentConvCrf(5, 3, 2, 4),
        ours=_bilstm_cnn_crf,
        changes=SIZES | {"input.of.characters.layers.1.channels": 2, "hidden_size": 4},
        mistakes={
            "words padded on one side": {"input.of.characters.layers.1.padding": [4, 0]},
            "the mean over a word": {"input.of.characters.pool": "mean"},
            "a relu": {"input.of.characters.layers.1.activation": "relu"},
        },
        gives=with_field,
    ),
    "blstm-cnn-ner": Case(
        theirs=lambda: BlstmCnn(5, 3, 2, 4, TAGS),
        ours=_blstm_cnn,
        changes=SIZES
        | {"input.of.characters.layers.1.channels": 2, "hidden_size": 4, "input.of.casing.vocabulary": CASES_OF_WORDS},
        mistakes={
            "the mean over a word": {"input.of.characters.pool": "mean"},
            "the hard sigmoid of Keras 3": {"cell.recurrent_activation": "hard_sigmoid"},
            "a relu": {"input.of.characters.layers.1.activation": "relu"},
        },
        after=lambda y: torch.softmax(y, -1),
    ),
}
