"""Models that forecast series, each as its source computes it, and how its parameters become ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import torch
from proving import Case, Theirs, linear, of_torch
from torch import Tensor, nn


class LSTNet(nn.Module):
    """laiguokun/LSTNet (001bec3), models/LSTNet.py, lines 6 to 80; `pt` is a whole number there, as of Python 2."""

    def __init__(self, series: int, channels: int, hidden: int, skipped: int, share: bool = False) -> None:
        super().__init__()
        self.skip, self.hw, self.share = 3, 4, share
        self.conv1 = nn.Conv2d(1, channels, kernel_size=(3, series))
        self.GRU1 = nn.GRU(channels, hidden)
        self.GRUskip = nn.GRU(channels, skipped)
        self.linear1 = nn.Linear(hidden + self.skip * skipped, series)
        self.highway = nn.Linear(self.hw, 1)

    def forward(self, x: Tensor) -> Tensor:
        batch, steps, series = x.shape
        c = torch.relu(self.conv1(x.unsqueeze(1))).squeeze(3)  # (B, channels, T - 2)
        _, r = self.GRU1(c.permute(2, 0, 1))
        pt = (steps - 3) // self.skip
        s = c[:, :, -pt * self.skip :].reshape(batch, -1, pt, self.skip)
        _, s = self.GRUskip(s.permute(2, 0, 3, 1).reshape(pt, batch * self.skip, -1))
        res = self.linear1(torch.cat((r.squeeze(0), s.reshape(batch, -1)), 1))
        z = self.highway(x[:, -self.hw :].permute(0, 2, 1).reshape(-1, self.hw))
        res = res + z.view(-1, series)
        return torch.sigmoid(res) if self.share else res


def _lstnet(theirs: Theirs) -> Mapping[str, Tensor]:
    """The one linear map of both recurrent parts is two here."""
    of_recurrent, of_days = theirs["linear1.weight"].split([6, 6], 1)
    return {
        "layers.0.conv.weight": theirs["conv1.weight"].squeeze(1).transpose(1, 2),
        "layers.0.conv.bias": theirs["conv1.bias"],
        "layers.3.conv.weight": theirs["highway.weight"].unsqueeze(0),
        "layers.3.conv.bias": theirs["highway.bias"],
        "heads.recurrent.linear.weight": of_recurrent,
        "heads.recurrent.linear.bias": theirs["linear1.bias"],
        "heads.days.linear.weight": of_days,
        **of_torch(theirs, "GRU1", "layers.1.cell"),
        **of_torch(theirs, "GRUskip", "layers.2.layers.0.cell"),
    }


LSTNET: Final = Case(
    theirs=lambda: LSTNet(4, 6, 6, 2),
    ours=_lstnet,
    changes={
        "input": 4,
        "layers.conv.channels": 6,
        "layers.conv.kernel_size": 3,
        "layers.recurrent.hidden_size": 6,
        "layers.days.period": 3,
        "layers.days.layers.0.hidden_size": 2,
        "layers.linear.steps": 4,
        "heads.recurrent.size": 4,
        "heads.days.size": 4,
    },
    mistakes={
        "no activation": {"layers.conv.activation": "none"},
        "the days behind the recurrent layer": {"layers.days.from": "recurrent"},
        "the recurrent layer's mean": {"heads.recurrent.pool": "mean"},
        "the mean of all days": {"heads.days.pool": "mean"},
        "the largest of the linear part": {"heads.linear.pool": "max"},
        "another window": {"layers.conv.padding": [1, 1]},
    },
    lengths=(13, 9, 6, 12),  # behind the convolution no whole number of periods, see the spec
)
TRAFFIC: Final = replace(LSTNET, theirs=lambda: LSTNet(4, 6, 6, 2, share=True), after=torch.sigmoid)


class DilatedRNN(nn.Module):
    """code-terminator/DilatedRNN (247a989), models/drnn.py and models/classification_models.py; TensorFlow's BasicRNNCell.

    The cell has one matrix for [x, h]. A layer pads its list of steps with zeros, puts `rate` neighbours into the batch,
    and takes them out again behind it.
    """

    def __init__(self, hidden: int, dilations: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.dilations = dilations
        inputs = (1, *(hidden for _ in dilations[1:]))
        self.kernels = nn.ParameterList(torch.empty(size + hidden, hidden) for size in inputs)
        self.biases = nn.ParameterList(torch.empty(hidden) for _ in dilations)
        self.weights = nn.Parameter(torch.empty(hidden, classes))
        self.bias = nn.Parameter(torch.empty(classes))

    def forward(self, x: Tensor) -> Tensor:
        steps = list(x.unbind(1))
        for rate, kernel, bias in zip(self.dilations, self.kernels, self.biases, strict=True):
            count, padded = len(steps), list(steps)
            while len(padded) % rate:
                padded.append(torch.zeros_like(steps[0]))
            h = x.new_zeros(rate * len(x), len(bias))
            steps = []
            for at in range(0, len(padded), rate):
                h = torch.tanh(torch.cat([torch.cat(padded[at : at + rate]), h], 1) @ kernel + bias)
                steps += h.chunk(rate)
            steps = steps[:count]
        return steps[-1] @ self.weights + self.bias


SHORT: Final = (1, 2, 3, 4, 2, 3, 4, 2, 3)
"""Dilations that are shorter than the sequences here, which the source asks for."""


def _dilated(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = {"head.linear.weight": theirs["weights"].T, "head.linear.bias": theirs["bias"]}
    for layer in range(len(SHORT)):
        place = f"layers.{layer}.layers.0.cell" if layer else "layers.0.cell"
        size = 5 if layer else 1
        kernel = theirs[f"kernels.{layer}"].T
        ours |= {f"{place}.weight_ih": kernel[:, :size], f"{place}.weight_hh": kernel[:, size:]}
        ours[f"{place}.bias"] = theirs[f"biases.{layer}"]
    return ours


DILATED: Final = Case(
    theirs=lambda: DilatedRNN(5, SHORT, 4),
    ours=_dilated,
    changes={
        "hidden_size": 5,
        "head.size": 4,
        **{f"layers.{layer}.layers.0.hidden_size": 5 for layer in range(1, 9)},
        **{f"layers.{layer}.dilation": SHORT[layer] for layer in range(1, 9)},
    },
    mistakes={
        "a dilation one longer": {"layers.3.dilation": 5},
        "a dilation one shorter": {"layers.1.dilation": 3, "layers.2.dilation": 2},
        "another nonlinearity": {"layers.8.layers.0.cell.nonlinearity": "relu"},
        "the mean of the steps": {"head.pool": "mean"},
    },
    lengths=(13, 9, 5, 6),
)


class Decoded(nn.Module):
    """Nixtla/neuralforecast 3.3.0, models/lstm.py (and gru.py, rnn.py), `forward` without exogenous inputs, all steps of it;
    `MLP` of common/_modules.py with two layers.
    """

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.hist_encoder = getattr(nn, kind)(input_size=1, hidden_size=5, num_layers=2, batch_first=True)
        self.layers = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Dropout(0.0), nn.Linear(4, 1))

    def forward(self, encoder_input: Tensor) -> Tensor:
        hidden_state, _ = self.hist_encoder(encoder_input, None)
        return self.layers(hidden_state)


def _decoded(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = linear(theirs, "layers.0", "head.linears.0") | linear(theirs, "layers.3", "head.linears.1")
    for layer in range(2):
        ours |= of_torch(theirs, "hist_encoder", f"layers.{layer}.cell", layer)
    return ours


def _forecast(kind: str) -> Case:
    return Case(
        theirs=lambda: Decoded(kind),
        ours=_decoded,
        changes={"hidden_size": 5, "head.hidden": [4]},
        mistakes={
            "another activation": {"head.activation": "tanh"},
            "time backwards": {"layers": [{}, {"reverse": True}]},
            "a residual": {"layers": [{}, {"residual": True}]},
        },
    )


class DartsRNN(nn.Module):
    """unit8co/darts (056187f), darts/models/forecasting/rnn_model.py, `_RNNModule`, of one series without a likelihood."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.rnn = getattr(nn, kind)(1, 5, 1, batch_first=True)
        self.V = nn.Linear(5, 1)

    def forward(self, x: Tensor) -> Tensor:
        out, _ = self.rnn(x)
        return self.V(out).view(len(x), -1, 1, 1).squeeze(-1)


def _darts(kind: str) -> Case:
    return Case(
        theirs=lambda: DartsRNN(kind),
        ours=lambda theirs: linear(theirs, "V", "head.linear") | of_torch(theirs, "rnn", "layers.0.cell"),
        changes={"hidden_size": 5},
        mistakes={
            "time backwards": {"layers": [{"reverse": True}]},
            "an activation of the head": {"head.activation": "tanh"},
        },
    )


CASES: Final = {
    "lstnet": LSTNET,
    "lstnet@solar": LSTNET,
    "lstnet@traffic": TRAFFIC,
    "lstnet@exchange": LSTNET,
    "dilated-rnn": DILATED,
    "neuralforecast-lstm": _forecast("LSTM"),
    "neuralforecast-lstm@gru": _forecast("GRU"),
    "neuralforecast-lstm@rnn": _forecast("RNN"),
    "darts-rnn": _darts("RNN"),
    "darts-rnn@lstm": _darts("LSTM"),
    "darts-rnn@gru": _darts("GRU"),
}
