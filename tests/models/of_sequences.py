"""Published parts of sequence to sequence models, written from their sources: encoders, and what stands behind one."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

import torch
from of_convolutions import normed
from proving import SYMBOLS, Case, Theirs, linear
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


class Predictor(nn.Module):
    """torchaudio 2.11.0, models/rnnt.py: _CustomLSTM (53-131) and _Predictor (286-378), with emformer_rnnt_base's eps."""

    def __init__(self, symbols: int, size: int, units: int, outputs: int, layers: int) -> None:
        super().__init__()
        self.embedding, self.input_layer_norm = nn.Embedding(symbols, size), nn.LayerNorm(size)
        widths = [size, *[units] * (layers - 1)]
        self.x2g = nn.ModuleList(nn.Linear(width, 4 * units, bias=False) for width in widths)
        self.p2g = nn.ModuleList(nn.Linear(units, 4 * units, bias=False) for _ in widths)
        self.c_norm = nn.ModuleList(nn.LayerNorm(units, eps=1e-3) for _ in widths)
        self.g_norm = nn.ModuleList(nn.LayerNorm(4 * units, eps=1e-3) for _ in widths)
        self.linear, self.output_layer_norm = nn.Linear(units, outputs), nn.LayerNorm(outputs)

    def forward(self, symbols: Tensor) -> Tensor:
        x = self.input_layer_norm(self.embedding(symbols))
        for x2g, p2g, c_norm, g_norm in zip(self.x2g, self.p2g, self.c_norm, self.g_norm, strict=True):
            h = c = x.new_zeros(1, p2g.in_features)
            found = []
            for gates in x2g(x).unbind(1):
                i, f, g, o = g_norm(gates + p2g(h)).chunk(4, 1)
                c = c_norm(f.sigmoid() * c + i.sigmoid() * g.tanh())
                h = o.sigmoid() * c.tanh()
                found.append(h)
            x = torch.stack(found, 1)
        return self.output_layer_norm(self.linear(x))


def _predictor(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = {"input.embedding.weight": theirs["embedding.weight"], **linear(theirs, "linear", "layers.4.linear")}
    ours |= linear(theirs, "input_layer_norm", "layers.0.norm") | linear(theirs, "output_layer_norm", "layers.4.norm")
    for layer in range(3):
        cell = f"layers.{layer + 1}.cell"
        ours |= {f"{cell}.weight_ih": theirs[f"x2g.{layer}.weight"], f"{cell}.weight_hh": theirs[f"p2g.{layer}.weight"]}
        ours |= linear(theirs, f"g_norm.{layer}", f"{cell}.norm_sum") | linear(
            theirs, f"c_norm.{layer}", f"{cell}.norm_c"
        )
    return ours


PREDICTOR: Final = Case(
    theirs=lambda: Predictor(SYMBOLS, 5, 5, 4, 3),
    ours=_predictor,
    changes={"input.vocabulary": SYMBOLS, "input.size": 5, "hidden_size": 5, "layers.2.size": 4},
    mistakes={
        "the usual eps": {"cell.norm_eps": 1e-5},
        "a sum of layers": {"layers.1.residual": True},
        "norms with another eps behind": {"layers.2.norm": {"kind": "layer", "eps": 0.1}},
    },
)


CASES: Final[dict[str, Case]] = {
    "emformer-predictor": PREDICTOR,
    "las-listener": LISTENER,
    "tacotron2-postnet": POSTNET,
}
