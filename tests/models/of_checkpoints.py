"""Models whose weights are in packages of the index: their source's forward pass, and how its parameters become ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import torch
from proving import Case, Theirs, linear, of_torch
from torch import Tensor, nn
from torch.nn import functional as F


class ChemNet(nn.Module):
    """fcd_torch 1.0.7, utils.py, `load_imported_model`, and torch_layers.py, of the layers that stand in its file."""

    def __init__(self, symbols: int, channels: int, first: int, second: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv1d(width, channels, 4, stride=2, bias=False) for width in (symbols, channels))
        self.rnns = nn.ModuleList(
            (nn.LSTM(channels, first, batch_first=True), nn.LSTM(first, second, batch_first=True))
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x.transpose(1, 2)
        for conv, (before, behind) in zip(self.convs, ((1, 1), (1, 2)), strict=True):  # as of 350 and 175 steps
            x = F.selu(conv(F.pad(x, (before, behind))))
        x = x.transpose(1, 2)
        for rnn in self.rnns:
            x, _ = rnn(x.flip(1))
        return x[:, -1]


def _chemnet(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = {f"layers.{layer}.conv.weight": theirs[f"convs.{layer}.weight"] for layer in range(2)}
    return ours | of_torch(theirs, "rnns.0", "layers.2.cell") | of_torch(theirs, "rnns.1", "layers.3.cell")


class GRUModel(nn.Module):
    """medaka 2.2.2, architectures/gru.py, without the softmax behind it."""

    def __init__(self, features: int, size: int) -> None:
        super().__init__()
        self.gru = nn.GRU(features, size, num_layers=2, bidirectional=True, batch_first=True)
        self.linear = nn.Linear(2 * size, 5)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.linear(self.gru(x)[0])
        return found


def _medaka(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = linear(theirs, "linear", "head.linear")
    for layer in range(2):
        ours |= of_torch(theirs, "gru", f"layers.{layer}.cell", layer)
        ours |= of_torch(theirs, "gru", f"layers.{layer}.reverse_cell", layer, "_reverse")
    return ours


class MHCnuggets(nn.Module):
    """mhcnuggets 2.4.1, src/models.py, `mhcnuggets_lstm`, with Keras's LSTM: gates i, f, c, o, one bias."""

    def __init__(self, features: int, size: int) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.empty(features, 4 * size))
        self.recurrent_kernel = nn.Parameter(torch.empty(size, 4 * size))
        self.bias = nn.Parameter(torch.empty(4 * size))
        self.dense_1, self.dense_2 = nn.Linear(size, 6), nn.Linear(6, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = c = x.new_zeros(1, len(self.recurrent_kernel))
        for step in x.unbind(1):
            i, f, g, o = (step @ self.kernel + h @ self.recurrent_kernel + self.bias).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        found: Tensor = torch.sigmoid(self.dense_2(torch.tanh(self.dense_1(h))))
        return found


def _mhcnuggets(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = linear(theirs, "dense_1", "head.linears.0") | linear(theirs, "dense_2", "head.linears.1")
    cell = {"weight_ih": theirs["kernel"].T, "weight_hh": theirs["recurrent_kernel"].T, "bias": theirs["bias"]}
    return ours | {f"layers.0.cell.{name}": value for name, value in cell.items()}


MHCNUGGETS: Final = Case(
    theirs=lambda: MHCnuggets(4, 5),
    ours=_mhcnuggets,
    changes={"input": 4, "hidden_size": 5, "head.hidden": [6]},
    mistakes={
        "another activation": {"head.activation": "relu"},
        "gates of another activation": {"cell.recurrent_activation": "hard_sigmoid_0.2"},
        "the mean of all steps": {"head.pool": "mean"},
    },
    after=torch.sigmoid,
)
CHEMNET: Final = Case(
    theirs=lambda: ChemNet(6, 3, 4, 5),
    ours=_chemnet,
    changes={
        "input": 6,
        "layers.0.channels": 3,
        "layers.1.channels": 3,
        "layers.2.hidden_size": 4,
        "layers.3.hidden_size": 5,
    },
    mistakes={
        "an elu": {"layers.0.activation": "elu"},
        "zeros in front of the second convolution": {"layers.1.padding": [2, 1]},
        "the first LSTM forwards": {"layers.2.reverse": False},
        "the second LSTM backwards": {"layers.3.reverse": True},
        "the mean of all steps": {"head.pool": "mean"},
    },
    lengths=(22, 18, 14, 10),
)
MEDAKA: Final = Case(
    theirs=lambda: GRUModel(4, 5),
    ours=_medaka,
    changes={"input": 4, "hidden_size": 5},
    mistakes={
        "the gate that resets before the product": {"cell.reset_gate": "before"},
        "the sum of a layer and its input": {"layers.1.residual": True},
    },
)
CASES: Final = {"chemnet": CHEMNET, "medaka": MEDAKA, "medaka@256": MEDAKA, "mhcnuggets": MHCNUGGETS}
