"""Convolutions in front of recurrent layers, each model as its source computes it, and how its parameters become ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
from proving import SYMBOLS, Case, Theirs, linear, of_torch
from torch import Tensor, nn
from torch.nn import functional as F


def normed(theirs: Theirs, name: str, ours: str) -> dict[str, Tensor]:
    parts = ("weight", "bias", "running_mean", "running_var")
    return {f"{ours}.{part}": theirs[f"{name}.{part}"] for part in parts}


def both(theirs: Theirs, name: str, ours: str, layer: int = 0) -> dict[str, Tensor]:
    found = of_torch(theirs, name, f"{ours}.cell", layer)
    return found | of_torch(theirs, name, f"{ours}.reverse_cell", layer, "_reverse")


def swapped(theirs: Theirs, name: str, ours: str, bias: bool = True) -> dict[str, Tensor]:
    """A two-dimensional kernel over height and width, or frequency and time: ours has time first."""
    found = {f"{ours}.conv.weight": theirs[f"{name}.weight"].transpose(2, 3)}
    return found | ({f"{ours}.conv.bias": theirs[f"{name}.bias"]} if bias else {})


class Silero(nn.Module):
    """silero-vad 6.2.3, tinygrad_model.py, with its input already continued by mirroring, and without the sigmoid."""

    def __init__(self) -> None:
        super().__init__()
        self.stft_conv = nn.Conv1d(1, 6, 4, 2, bias=False)
        self.conv1 = nn.Conv1d(3, 4, 3, 1, 1)
        self.conv2 = nn.Conv1d(4, 2, 3, 2, 1)
        self.conv3 = nn.Conv1d(2, 3, 3, 2, 1)
        self.conv4 = nn.Conv1d(3, 5, 3, 1, 1)
        self.lstm_cell = nn.LSTMCell(5, 5)
        self.final_conv = nn.Conv1d(5, 1, 1)

    def forward(self, chunks: Tensor) -> Tensor:
        state, found = None, []
        for chunk in chunks.unbind(1):
            x = self.stft_conv(chunk.unsqueeze(1))
            x = (x[:, :3] ** 2 + x[:, 3:] ** 2).sqrt()
            for conv in (self.conv1, self.conv2, self.conv3, self.conv4):
                x = conv(x).relu()
            state = self.lstm_cell(x.squeeze(-1), state)
            found.append(self.final_conv(state[0].unsqueeze(-1).relu()).squeeze(1))
        return torch.stack(found, 1)


def _silero(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = {"layers.0.conv.weight": theirs["stft_conv.weight"].unsqueeze(2)}
    for number in range(1, 5):
        ours[f"layers.{number + 1}.conv.weight"] = theirs[f"conv{number}.weight"].unsqueeze(2)
        ours[f"layers.{number + 1}.conv.bias"] = theirs[f"conv{number}.bias"]
    parts = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    ours |= {f"layers.7.cell.{part}": theirs[f"lstm_cell.{part}"] for part in parts}
    ours["head.linear.weight"] = theirs["final_conv.weight"].squeeze(2)
    return ours | {"head.linear.bias": theirs["final_conv.bias"]}


SILERO: Final = Case(
    theirs=Silero,
    ours=_silero,
    changes={
        "input": 10,
        "hidden_size": 5,
        "layers.0.channels": 6,
        "layers.0.kernel_size": [1, 4],
        "layers.0.stride": [1, 2],
        "layers.2.channels": 4,
        "layers.3.channels": 2,
        "layers.4.channels": 3,
        "layers.5.channels": 5,
    },
    mistakes={
        "another activation behind the LSTM": {"layers.8.function": "tanh"},
        "a convolution without an activation": {"layers.3.activation": "none"},
        "time backwards": {"layers.7.reverse": True},
    },
)


class DeepSpeech2(nn.Module):
    """SeanNaren/deepspeech.pytorch (b88a631), deepspeech_pytorch/model.py, `BatchRNN`, `Lookahead` and `DeepSpeech`.

    Its bound of 20 is lower here, so that numbers of this size reach it.
    """

    def __init__(self, size: int, bidirectional: bool) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(1, 2, (5, 3), stride=(2, 2), padding=(2, 1)),
            nn.BatchNorm2d(2),
            nn.Hardtanh(0, 1.5),
            nn.Conv2d(2, 3, (3, 5), stride=(2, 1), padding=(1, 2)),
            nn.BatchNorm2d(3),
            nn.Hardtanh(0, 1.5),
        )
        self.rnns = nn.ModuleList(nn.LSTM(i, size, bidirectional=bidirectional) for i in (9, size))
        self.norms = nn.ModuleList(nn.BatchNorm1d(size) for _ in range(2))
        self.final = nn.Linear(size, SYMBOLS, bias=False)
        self.lookahead = None if bidirectional else nn.Conv1d(size, size, 3, groups=size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x.transpose(1, 2).unsqueeze(1))  # (N, C, D, T)
        x = x.flatten(1, 2).permute(2, 0, 1)
        for layer, rnn in enumerate(self.rnns):
            if layer:
                x = self.norms[layer - 1](x[:, 0])[:, None]
            x, _ = rnn(x)
            if rnn.bidirectional:
                x = x.view(x.shape[0], x.shape[1], 2, -1).sum(2)
        if self.lookahead is not None:
            x = self.lookahead(F.pad(x.permute(1, 2, 0), (0, 2))).permute(2, 0, 1)
            x = F.hardtanh(x, 0, 0.5)
        return self.final(self.norms[1](x[:, 0]))[None]


def _deep_speech_2(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = swapped(theirs, "conv.0", "layers.0") | normed(theirs, "conv.1", "layers.0.norm")
    ours |= swapped(theirs, "conv.3", "layers.2") | normed(theirs, "conv.4", "layers.2.norm")
    ahead = "lookahead.weight" in theirs.left
    for layer in range(2):
        place = f"layers.{5 + layer}"
        ours |= of_torch(theirs, f"rnns.{layer}", f"{place}.cell")
        if not ahead:
            ours |= of_torch(theirs, f"rnns.{layer}", f"{place}.reverse_cell", suffix="_reverse")
        if layer:
            ours |= normed(theirs, f"norms.{layer - 1}", f"{place}.norm")
    if ahead:
        ours["layers.7.weight"] = theirs["lookahead.weight"].squeeze(1)
    ours |= normed(theirs, "norms.1", "layers.9.norm" if ahead else "layers.7.norm")
    return ours | {"head.linear.weight": theirs["final.weight"]}


SMALL_PLANES: Final = {
    "input": 9,
    "hidden_size": 5,
    "head.size": SYMBOLS,
    "layers.0.channels": 2,
    "layers.0.kernel_size": [3, 5],
    "layers.2.channels": 3,
    "layers.2.kernel_size": [5, 3],
    "layers.1.max_value": 1.5,
    "layers.6.repeat": 1,
    "layers.3.max_value": 1.5,
}
UNBOUNDED: Final = {f"layer {layer} without a bound": {f"layers.{layer}.max_value": 1e30} for layer in (1, 3)}
DEEP_SPEECH_2: Final = Case(
    theirs=lambda: DeepSpeech2(5, bidirectional=True),
    ours=_deep_speech_2,
    changes=SMALL_PLANES,
    mistakes={**UNBOUNDED, "directions averaged": {"layers.5.merge": "mean"}},
    lengths=(13, 4, 9, 8),
)


class TacotronEncoder(nn.Module):
    """torchaudio 2.11.0, models/tacotron2.py, lines 349 to 418, and the embedding of `Tacotron2`."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(SYMBOLS, size)
        self.convolutions = nn.ModuleList(
            nn.Sequential(nn.Conv1d(size, size, 5, padding=2), nn.BatchNorm1d(size)) for _ in range(3)
        )
        self.lstm = nn.LSTM(size, size // 2, 1, batch_first=True, bidirectional=True)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embedding(tokens).transpose(1, 2)
        for conv in self.convolutions:
            x = F.relu(conv(x))
        return self.lstm(x.transpose(1, 2))[0]


def _tacotron(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = {"input.embedding.weight": theirs["embedding.weight"], **both(theirs, "lstm", "layers.3")}
    for layer in range(3):
        ours |= linear(theirs, f"convolutions.{layer}.0", f"layers.{layer}.conv")
        ours |= normed(theirs, f"convolutions.{layer}.1", f"layers.{layer}.norm")
    return ours


TACOTRON: Final = Case(
    theirs=lambda: TacotronEncoder(6),
    ours=_tacotron,
    changes={"input.vocabulary": SYMBOLS, "input.size": 6, "layers.0.channels": 6, "layers.1.hidden_size": 3},
    mistakes={"no activation": {"layers.0.activation": "none"}, "zeros before": {"layers.0.padding": "causal"}},
)


class RNNoise(nn.Module):
    """xiph/rnnoise (70f1d25), torch/rnnoise/rnnoise.py; with memory, the convolutions of src/rnn.c and src/nnet.c."""

    def __init__(self, memory: bool) -> None:
        super().__init__()
        self.memory = memory
        self.conv1, self.conv2 = nn.Conv1d(4, 3, 3), nn.Conv1d(3, 5, 3)
        self.gru1, self.gru2, self.gru3 = (nn.GRU(5, 5, batch_first=True) for _ in range(3))
        self.dense_out, self.vad_dense = nn.Linear(20, 2), nn.Linear(20, 1)

    def _conv(self, conv: nn.Conv1d, x: Tensor) -> Tensor:
        if not self.memory:
            return torch.tanh(conv(x.transpose(1, 2)).transpose(1, 2))
        mem, found = x.new_zeros(1, 2, x.shape[2]), []
        for frame in x.split(1, 1):
            tmp = torch.cat([mem, frame], 1)
            found.append(torch.tanh(conv(tmp.transpose(1, 2)).transpose(1, 2)))
            mem = tmp[:, 1:]
        return torch.cat(found, 1)

    def forward(self, features: Tensor) -> Tensor:
        tmp = self._conv(self.conv2, self._conv(self.conv1, features))
        gru1_out, _ = self.gru1(tmp)
        gru2_out, _ = self.gru2(gru1_out)
        gru3_out, _ = self.gru3(gru2_out)
        out_cat = torch.cat([tmp, gru1_out, gru2_out, gru3_out], -1)
        return torch.sigmoid(torch.cat([self.dense_out(out_cat), self.vad_dense(out_cat)], -1))


def _rnnoise(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = linear(theirs, "conv1", "layers.0.conv") | linear(theirs, "conv2", "layers.1.conv")
    for layer in (1, 2, 3):
        ours |= of_torch(theirs, f"gru{layer}", f"layers.{layer + 1}.cell")
    ours |= linear(theirs, "dense_out", "heads.gains.linear")
    return ours | linear(theirs, "vad_dense", "heads.voice.linear")


def _of_rnnoise(memory: bool) -> Case:
    changes = {"input": 4, "hidden_size": 5, "layers.0.channels": 3, "layers.1.channels": 5, "heads.gains.size": 2}
    mistakes: dict[str, Mapping[str, Any]] = {
        "an order of the joined layers": {"layers.5.of": ["first", "conv", "second", "third"]},
        "no activation": {"layers.1.activation": "none"},
    }
    lengths = (9, 5, 6)
    return Case(theirs=lambda: RNNoise(memory), ours=_rnnoise, changes=changes, mistakes=mistakes, lengths=lengths)


class BDA(nn.Module):
    """mjhydri/BeatNet (ab5f986), src/BeatNet/model.py, lines 12 to 54, from a state of zeros."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(1, 2, 4)
        self.linear0 = nn.Linear(2 * 3, 5)
        self.lstm = nn.LSTM(5, 5, 2, batch_first=True)
        self.linear = nn.Linear(5, 3)

    def forward(self, data: Tensor) -> Tensor:
        x = data.reshape(-1, data.shape[2]).unsqueeze(0).transpose(0, 1)
        x = F.max_pool1d(F.relu(self.conv1(x)), 2)
        x = self.linear0(x.flatten(1)).reshape(*data.shape[:2], -1)
        return self.linear(self.lstm(x)[0])


def _beatnet(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = {"layers.0.conv.weight": theirs["conv1.weight"].unsqueeze(2), "layers.0.conv.bias": theirs["conv1.bias"]}
    ours |= linear(theirs, "linear0", "layers.3.linear") | linear(theirs, "linear", "head.linear")
    return ours | of_torch(theirs, "lstm", "layers.4.cell") | of_torch(theirs, "lstm", "layers.5.cell", 1)


BEATNET: Final = Case(
    theirs=BDA,
    ours=_beatnet,
    changes={"input": 10, "hidden_size": 5, "layers.0.kernel_size": [1, 4], "layers.3.size": 5},
    mistakes={
        "no activation": {"layers.0.activation": "none"},
        "the sum of a layer and its input": {"layers.5.residual": True},
    },
)


class Bonito(nn.Module):
    """nanoporetech/bonito (1eb0c1c), bonito/crf/model.py, `rnn_encoder`; bonito/nn.py, `RNNWrapper`, `LinearCRFEncoder`."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv1d(1, 2, 5, 1, 2), nn.Conv1d(2, 3, 5, 1, 2), nn.Conv1d(3, 4, 7, 3, 3)])
        self.rnns = nn.ModuleList(nn.LSTM(4, 4) for _ in range(5))
        self.linear = nn.Linear(4, SYMBOLS)

    def forward(self, x: Tensor) -> Tensor:
        x = x.transpose(1, 2)
        for conv in self.convs:
            x = F.silu(conv(x))
        x = x.permute(2, 0, 1)
        for i, rnn in enumerate(self.rnns):
            x = rnn(x.flip(0))[0].flip(0) if (5 - i) % 2 else rnn(x)[0]
        return (torch.tanh(self.linear(x)) * 5.0).transpose(0, 1)


def _bonito(theirs: Theirs) -> Mapping[str, Tensor]:
    """The second bias of its LSTM is kept at zero there: here it is any number, and ours the sum."""
    ours = linear(theirs, "linear", "layers.8.linear")
    for layer in range(3):
        ours |= linear(theirs, f"convs.{layer}", f"layers.{layer}.conv")
    for layer in range(5):
        place = f"layers.{3 + layer}.cell"
        found = of_torch(theirs, f"rnns.{layer}", place)
        found[f"{place}.bias"] = found.pop(f"{place}.bias_ih") + found.pop(f"{place}.bias_hh")
        ours |= found
    return ours


BONITO: Final = Case(
    theirs=Bonito,
    ours=_bonito,
    changes={
        "hidden_size": 4,
        "layers.0.channels": 2,
        "layers.1.channels": 3,
        "layers.2.channels": 4,
        "layers.2.kernel_size": 7,
        "layers.2.stride": 3,
        "layers.8.size": SYMBOLS,
    },
    mistakes={
        "the first layer forwards": {"layers.3.reverse": False},
        "another factor": {"layers.9.factor": 1.0},
        "another activation": {"layers.2.activation": "relu"},
    },
    lengths=(20, 4, 11),
)

CASES: Final = {
    "silero-vad": SILERO,
    "silero-vad@8k": SILERO,
    "deep-speech-2": DEEP_SPEECH_2,
    "tacotron2-encoder": TACOTRON,
    "rnnoise": _of_rnnoise(memory=True),
    "rnnoise@training": _of_rnnoise(memory=False),
    "beatnet": BEATNET,
    "bonito": BONITO,
}
