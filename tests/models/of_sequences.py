"""Published parts of sequence to sequence models, written from their sources: encoders, and what stands behind one."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

import torch
from of_convolutions import normed
from proving import Case, Theirs, linear
from torch import Tensor, nn


class Postnet(nn.Module):
    """torchaudio 2.11.0, models/tacotron2.py: _Postnet (256-324), and the sum in Tacotron2.forward (1005-1006)."""

    def __init__(self, mels: int, size: int) -> None:
        super().__init__()
        widths = [mels, *[size] * 4, mels]
        self.convolutions = nn.ModuleList(
            nn.Sequential(nn.Conv1d(one, other, 5, padding=2), nn.BatchNorm1d(other)) for one, other in pairwise(widths)
        )

    def forward(self, mel_specgram: Tensor) -> Tensor:
        x = mel_specgram.transpose(1, 2)
        for i, conv in enumerate(self.convolutions):
            x = torch.tanh(conv(x)) if i < len(self.convolutions) - 1 else conv(x)
        return mel_specgram + x.transpose(1, 2)


def _postnet(theirs: Theirs) -> Mapping[str, Tensor]:
    ours: dict[str, Tensor] = {}
    for layer in range(5):
        ours |= linear(theirs, f"convolutions.{layer}.0", f"layers.0.layers.{layer}.conv")
        ours |= normed(theirs, f"convolutions.{layer}.1", f"layers.0.layers.{layer}.norm")
    return ours


POSTNET: Final = Case(
    theirs=lambda: Postnet(4, 6),
    ours=_postnet,
    changes={"input": 4, "layers.0.layers.0.channels": 6, "layers.0.layers.1.channels": 4},
    mistakes={
        "tanh behind the last one": {"layers.0.layers.1.activation": "tanh"},
        "without the sum": {"layers.0.residual": False},
        "zeros before": {"layers.0.layers.0.padding": "causal"},
    },
)


class Listener(nn.Module):
    """Chan et al. 2016, arXiv:1508.01211, equations 3 to 5: h_i^j = pBLSTM(h_(i-1)^j, [h_(2i)^(j-1), h_(2i+1)^(j-1)]).

    Its cell is that of Hochreiter and Schmidhuber with a forget gate, one bias for each gate.
    """

    def __init__(self, features: int, units: int) -> None:
        super().__init__()
        self.units = units
        widths = (features, 4 * units, 4 * units, 4 * units)
        self.weights = nn.ParameterList(
            nn.Parameter(torch.empty(4 * units, width + units)) for width in widths for _ in range(2)
        )
        self.biases = nn.ParameterList(nn.Parameter(torch.empty(4 * units)) for _ in range(8))

    def _lstm(self, x: Tensor, which: int) -> Tensor:
        h = c = x.new_zeros(1, self.units)
        found = []
        for step in x.unbind(1):
            i, f, g, o = (torch.cat([step, h], 1) @ self.weights[which].T + self.biases[which]).chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            found.append(h)
        return torch.stack(found, 1)

    def forward(self, x: Tensor) -> Tensor:
        for j in range(4):
            if j > 0:
                pairs = x.shape[1] // 2
                x = torch.cat([x[:, : 2 * pairs : 2], x[:, 1 : 2 * pairs : 2]], 2)
            x = torch.cat([self._lstm(x, 2 * j), self._lstm(x.flip(1), 2 * j + 1).flip(1)], 2)
        return x


def _listener(theirs: Theirs) -> Mapping[str, Tensor]:
    ours: dict[str, Tensor] = {}
    for j, place in enumerate((0, 2, 4, 6)):
        for way, name in enumerate(("cell", "reverse_cell")):
            both, cell = theirs[f"weights.{2 * j + way}"], f"layers.{place}.{name}"
            inputs = both.shape[1] - both.shape[0] // 4
            ours |= {f"{cell}.weight_ih": both[:, :inputs], f"{cell}.weight_hh": both[:, inputs:]}
            ours[f"{cell}.bias"] = theirs[f"biases.{2 * j + way}"]
    return ours


LISTENER: Final = Case(
    theirs=lambda: Listener(5, 3),
    ours=_listener,
    changes={"input": 5, "hidden_size": 3},
    mistakes={
        "hard gates": {"cell.recurrent_activation": "hard_sigmoid"},
        "a bounded cell": {"cell.cell_clip": 0.1},
    },
    lengths=(17, 8, 9, 14),
)


CASES: Final[dict[str, Case]] = {"las-listener": LISTENER, "tacotron2-postnet": POSTNET}
