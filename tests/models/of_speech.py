"""Models of speech, each as its source computes it, and how its parameters become ours."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

import torch
from proving import SYMBOLS, Case, Theirs, linear, of_torch, under_one
from torch import Tensor, nn


def log_softmax(y: Tensor) -> Tensor:
    return torch.log_softmax(y, -1)


class FullyConnected(nn.Module):
    """torchaudio 2.11.0, models/deepspeech.py, lines 14 to 26."""

    def __init__(self, n_feature: int, n_hidden: int) -> None:
        super().__init__()
        self.fc = nn.Linear(n_feature, n_hidden)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.hardtanh(nn.functional.relu(self.fc(x)), 0, 20)


class DeepSpeech(nn.Module):
    """torchaudio 2.11.0, models/deepspeech.py, lines 40 to 89."""

    def __init__(self, n_feature: int, n_hidden: int, n_class: int) -> None:
        super().__init__()
        self.n_hidden = n_hidden
        self.fc1 = FullyConnected(n_feature, n_hidden)
        self.fc2 = FullyConnected(n_hidden, n_hidden)
        self.fc3 = FullyConnected(n_hidden, n_hidden)
        self.bi_rnn = nn.RNN(n_hidden, n_hidden, num_layers=1, nonlinearity="relu", bidirectional=True)
        self.fc4 = FullyConnected(n_hidden, n_hidden)
        self.out = nn.Linear(n_hidden, n_class)

    def forward(self, x: Tensor) -> Tensor:
        x = self.fc3(self.fc2(self.fc1(x.unsqueeze(1))))
        x, _ = self.bi_rnn(x.squeeze(1).transpose(0, 1))
        x = x[:, :, : self.n_hidden] + x[:, :, self.n_hidden :]
        return nn.functional.log_softmax(self.out(self.fc4(x)).permute(1, 0, 2), dim=2)


def _deep_speech(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = linear(theirs, "out", "head.linear")
    for name, layer in (("fc1", 0), ("fc2", 1), ("fc3", 2), ("fc4", 4)):
        ours |= linear(theirs, f"{name}.fc", f"layers.{layer}.linear")
    ours |= of_torch(theirs, "bi_rnn", "layers.3.cell")
    return ours | of_torch(theirs, "bi_rnn", "layers.3.reverse_cell", suffix="_reverse")


def _linear_sizes(sizes: Mapping[int, int]) -> dict[str, int]:
    return {f"layers.{layer}.size": size for layer, size in sizes.items()}


UNCLIPPED: Final = {f"layer {layer} without a bound": {f"layers.{layer}.max_value": 1e30} for layer in (0, 1, 2, 4)}
DEEP_SPEECH: Final = Case(
    theirs=lambda: DeepSpeech(4, 6, 5),
    ours=_deep_speech,
    changes={"input": 4, "head.size": 5, "layers.3.hidden_size": 6} | _linear_sizes(dict.fromkeys((0, 1, 2, 4), 6)),
    mistakes={
        **UNCLIPPED,
        "another recurrent activation": {"layers.3.cell.nonlinearity": "tanh"},
        "directions averaged": {"layers.3.merge": "mean"},
        "directions multiplied": {"layers.3.merge": "mul"},
    },
    after=log_softmax,
    scale=40.0,
)


class MozillaDeepSpeech(nn.Module):
    """mozilla/DeepSpeech, training/deepspeech_training/train.py, `dense`, `rnn_impl_lstmblockfusedcell`, `create_model`.

    TensorFlow's BlockLSTM has one matrix for [x, h], and its gates in the order i, g (ci), f, o, as its documentation says.
    """

    def __init__(self, sizes: tuple[int, ...], units: int) -> None:
        super().__init__()
        shapes = [*pairwise(sizes[:4]), (units, sizes[4]), (sizes[4], sizes[5])]
        self.weights = nn.ParameterList(torch.empty(shape) for shape in shapes)
        self.bias = nn.ParameterList(torch.empty(shape[1]) for shape in shapes)
        self.kernel = nn.Parameter(torch.empty(sizes[3] + units, 4 * units))
        self.lstm_bias = nn.Parameter(torch.empty(4 * units))

    def _dense(self, name: int, x: Tensor, relu: bool = True) -> Tensor:
        output = x @ self.weights[name] + self.bias[name]
        return torch.minimum(torch.relu(output), torch.tensor(20.0, dtype=x.dtype)) if relu else output

    def forward(self, x: Tensor) -> Tensor:
        layer_3 = self._dense(2, self._dense(1, self._dense(0, x)))
        h = cs = x.new_zeros(1, len(self.lstm_bias) // 4)
        output = []
        for step in layer_3.unbind(1):
            i, ci, f, o = (torch.cat([step, h], 1) @ self.kernel + self.lstm_bias).chunk(4, 1)
            cs = torch.tanh(ci) * torch.sigmoid(i) + cs * torch.sigmoid(f)
            h = torch.tanh(cs) * torch.sigmoid(o)
            output.append(h)
        return self._dense(4, self._dense(3, torch.stack(output, 1)), relu=False)


def _mozilla(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = {"head.linear.weight": theirs["weights.4"].T, "head.linear.bias": theirs["bias.4"]}
    for name, layer in enumerate((0, 1, 2, 4)):
        ours[f"layers.{layer}.linear.weight"] = theirs[f"weights.{name}"].T
        ours[f"layers.{layer}.linear.bias"] = theirs[f"bias.{name}"]
    return ours | under_one(theirs, "kernel", "lstm_bias", 5, "igfo", "layers.3.cell", 0.0)


MOZILLA: Final = Case(
    theirs=lambda: MozillaDeepSpeech((4, 6, 8, 5, 7, 3), 9),
    ours=_mozilla,
    changes={"input": 4, "head.size": 3, "layers.3.hidden_size": 9} | _linear_sizes({0: 6, 1: 8, 2: 5, 4: 7}),
    mistakes={
        # The last of these layers is fed by an LSTM, whose output is below 1, and never reaches its bound.
        **dict(list(UNCLIPPED.items())[:3]),
        "no activation behind the LSTM": {"layers.4.activation": "none"},
        "time backwards": {"layers.3.reverse": True},
    },
    scale=40.0,
)


class Predictor(nn.Module):
    """mlcommons/training, rnn_speech_recognition/pytorch/rnnt/model.py, `predict` without its first step; common/rnn.py."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(SYMBOLS, size)
        self.lstm = nn.LSTM(size, size, 2)

    def forward(self, y: Tensor) -> Tensor:
        g, _ = self.lstm(self.embed(y).transpose(0, 1))
        return g.transpose(0, 1)


def _predictor(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = {"input.embedding.weight": theirs["embed.weight"]}
    for layer in range(2):
        ours |= of_torch(theirs, "lstm", f"layers.{layer}.cell", layer)
    return ours


PREDICTOR: Final = Case(
    theirs=lambda: Predictor(5),
    ours=_predictor,
    changes={"input.vocabulary": SYMBOLS, "input.size": 5, "hidden_size": 5},
    mistakes={"the sum of a layer and its input": {"residual": True}, "time backwards": {"layers.1.reverse": True}},
)


class G2pM(nn.Module):
    """The package g2pM 0.1.2.5, g2pM.py, lines 46 to 187: the scores of every character."""

    def __init__(self, embedded: int, size: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.embeddings = nn.Parameter(torch.empty(SYMBOLS, embedded))
        for suffix in ("", "_reverse"):
            for name, shape in (
                ("weight_ih", (4 * size, embedded)),
                ("weight_hh", (4 * size, size)),
                ("bias_ih", (4 * size,)),
                ("bias_hh", (4 * size,)),
            ):
                self.register_parameter(f"{name}_l0{suffix}", nn.Parameter(torch.empty(shape)))
        self.fc = nn.ModuleList([nn.Linear(2 * size, hidden), nn.Linear(hidden, classes)])
        self.size = size

    def _direction(self, inputs: Tensor, suffix: str) -> Tensor:
        w_ih, w_hh, b_ih, b_hh = (
            getattr(self, f"{name}_l0{suffix}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        h = c = inputs.new_zeros(1, self.size)
        found = []
        for step in inputs.unbind(1):
            sums = step @ w_ih.T + b_ih + h @ w_hh.T + b_hh
            i, f = torch.sigmoid(sums[:, : 2 * self.size]).chunk(2, 1)
            g, o = sums[:, 2 * self.size :].chunk(2, 1)
            c = f * c + i * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            found.append(h)
        return torch.stack(found, 1)

    def forward(self, x: Tensor) -> Tensor:
        fw_hiddens = self._direction(self.embeddings[x], "")
        bw_hiddens = self._direction(self.embeddings[x.flip(1)], "_reverse").flip(1)
        return self.fc[1](torch.relu(self.fc[0](torch.cat([fw_hiddens, bw_hiddens], 2))))


def _g2pm(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = {"input.embedding.weight": theirs["embeddings"]}
    for suffix, place in (("", "cell"), ("_reverse", "reverse_cell")):
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            ours[f"layers.0.{place}.{name}"] = theirs[f"{name}_l0{suffix}"]
    return ours | linear(theirs, "fc.0", "head.linears.0") | linear(theirs, "fc.1", "head.linears.1")


G2PM: Final = Case(
    theirs=lambda: G2pM(3, 4, 5, 6),
    ours=_g2pm,
    changes={"input.vocabulary": SYMBOLS, "input.size": 3, "hidden_size": 4, "head.size": 6, "head.hidden": [5]},
    mistakes={"another activation": {"head.activation": "tanh"}, "no activation": {"head.activation": "none"}},
)

CASES: Final = {
    "deep-speech": DEEP_SPEECH,
    "g2pm": G2PM,
    "mozilla-deepspeech": MOZILLA,
    "rnnt-predictor": PREDICTOR,
}
