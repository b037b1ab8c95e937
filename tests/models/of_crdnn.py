"""SpeechBrain's encoder, whose recurrent layers have one set of weights for both directions, as its source computes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
from proving import Case, Theirs, linear
from torch import Tensor, nn
from torch.nn import functional as F


def conv2d(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """speechbrain (9c826ef3), nnet/CNN.py, `Conv2d.forward` with padding same: (B, time, frequency, channel)."""
    x = x[..., None] if x.dim() == 3 else x
    wx = conv(F.pad(x.transpose(1, -1), (1, 1, 1, 1), mode="reflect"))
    return wx.transpose(1, -1)


class CNNBlock(nn.Module):
    """speechbrain (9c826ef3), lobes/models/CRDNN.py, `CNN_Block`; `LayerNorm` over frequency and channel; `Pooling1d`."""

    def __init__(self, inputs: int, channels: int, bands: int) -> None:
        super().__init__()
        self.conv_1, self.conv_2 = nn.Conv2d(inputs, channels, 3), nn.Conv2d(channels, channels, 3)
        self.norm_1, self.norm_2 = nn.LayerNorm((bands, channels)), nn.LayerNorm((bands, channels))

    def forward(self, x: Tensor) -> Tensor:
        x = F.leaky_relu(self.norm_1(conv2d(self.conv_1, x)))
        x = F.leaky_relu(self.norm_2(conv2d(self.conv_2, x)))
        return F.max_pool2d(x.transpose(-1, 2), (1, 2), (1, 2)).transpose(-1, 2)


class LiGRULayer(nn.Module):
    """speechbrain (9c826ef3), nnet/RNN.py, `LiGRU_Layer.forward` and `_ligru_cell`, bidirectional."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.w, self.u = nn.Linear(inputs, 2 * hidden, bias=False), nn.Linear(hidden, 2 * hidden, bias=False)
        self.norm = nn.BatchNorm1d(2 * hidden, momentum=0.05)

    def forward(self, x: Tensor) -> Tensor:
        w = self.w(torch.cat([x, x.flip(1)], 0))
        w = self.norm(w.reshape(w.shape[0] * w.shape[1], w.shape[2])).reshape(w.shape)
        ht, hiddens = w.new_zeros(w.shape[0], w.shape[2] // 2), []
        for k in range(w.shape[1]):
            at, zt = (w[:, k] + self.u(ht)).chunk(2, 1)
            zt = torch.sigmoid(zt)
            ht = zt * ht + (1 - zt) * torch.relu(at)
            hiddens.append(ht)
        forwards, backwards = torch.stack(hiddens, 1).chunk(2, 0)
        return torch.cat([forwards, backwards.flip(1)], 2)


class Crdnn(nn.Module):
    """speechbrain (9c826ef3), lobes/models/CRDNN.py, `CRDNN.forward`, `DNN_Block`; with a head, recipes/TIMIT/ASR/CTC."""

    def __init__(self, outputs: int | None) -> None:
        super().__init__()
        self.cnn = nn.Sequential(CNNBlock(1, 3, 8), CNNBlock(3, 4, 4))
        self.rnn = nn.Sequential(LiGRULayer(8, 5), LiGRULayer(10, 5))
        self.linears = nn.ModuleList([nn.Linear(10, 6), nn.Linear(6, 6)])
        self.norms = nn.ModuleList(nn.BatchNorm1d(6) for _ in range(2))
        self.output = None if outputs is None else nn.Linear(6, outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.cnn(x)
        if self.output is not None:  # time_pooling
            x = F.max_pool2d(x.transpose(-1, 1), (1, 2), (1, 2)).transpose(-1, 1)
        x = self.rnn(x.reshape(x.shape[0], x.shape[1], x.shape[2] * x.shape[3]))
        for product, norm in zip(self.linears, self.norms, strict=True):
            x = F.leaky_relu(norm(product(x).transpose(-1, 1)).transpose(1, -1))
        return x if self.output is None else self.output(x).log_softmax(-1)


RUNNING: Final = ("weight", "bias", "running_mean", "running_var")


def _crdnn(theirs: Theirs) -> Mapping[str, Tensor]:
    found: dict[str, Tensor] = {}
    first = 17 + ("output.weight" in theirs.left)  # behind a pool over time
    for block in range(2):
        for index in range(2):
            place, ours = f"cnn.{block}", 8 * block + 3 * index
            # there a kernel lies along frequency, then time, and a norm's numbers along frequency, then channel
            found[f"layers.{ours}.conv.weight"] = theirs[f"{place}.conv_{index + 1}.weight"].transpose(2, 3)
            found[f"layers.{ours}.conv.bias"] = theirs[f"{place}.conv_{index + 1}.bias"]
            for name in ("weight", "bias"):
                found[f"layers.{ours + 1}.norm.{name}"] = theirs[f"{place}.norm_{index + 1}.{name}"].T.flatten()
    for layer in range(2):
        place, cell = f"rnn.{layer}", f"layers.{first + layer}"
        into = theirs.gates(f"{place}.w.weight", "hz", "zh")
        if layer == 0:  # features lie along frequency, then channel, there
            into = into.unflatten(1, (2, 4)).transpose(1, 2).flatten(1)
        found[f"{cell}.cell.weight_ih"] = into
        found[f"{cell}.cell.weight_hh"] = theirs.gates(f"{place}.u.weight", "hz", "zh")
        for name in RUNNING:
            value = theirs.gates(f"{place}.norm.{name}", "hz", "zh")
            found[f"{cell}.cell.norm.{name}"] = value
            if name.startswith("running"):
                found[f"{cell}.reverse_cell.norm.{name}"] = value.clone()
    for index in range(2):
        found |= linear(theirs, f"linears.{index}", f"layers.{first + 2 + index}.linear")
        found |= {f"layers.{first + 2 + index}.norm.{name}": theirs[f"norms.{index}.{name}"] for name in RUNNING}
    if "output.weight" in theirs.left:
        found |= linear(theirs, "output", "head.linear")
    return found


CRDNN_MISTAKES: Final[Mapping[str, Mapping[str, Any]]] = {
    "zeros around": {"layers.3.beyond": "zeros"},
    "another slope": {"layers.5.function": "relu"},
    "a larger number in a norm": {"layers.4.norm.eps": 1e-2},
    "a candidate within bounds": {"cell.nonlinearity": "tanh"},
}


def _speech(outputs: int | None) -> Case:
    first = 17 + (outputs is not None)
    return Case(
        theirs=lambda: Crdnn(outputs),
        ours=_crdnn,
        changes={
            "input.size": 8,
            "hidden_size": 5,
            **{f"layers.{index}.channels": channels for index, channels in ((0, 3), (3, 3), (8, 4), (11, 4))},
            f"layers.{first}.repeat": 2,
            f"layers.{first + 1}.size": 6,
            f"layers.{first + 2}.size": 6,
            **({} if outputs is None else {"head.size": outputs}),
        },
        mistakes=CRDNN_MISTAKES,
        after=lambda y: y if outputs is None else y.log_softmax(-1),
        lengths=(7, 4, 2, 6),  # torch mirrors no sequence of one step
    )


CASES: Final = {"crdnn": _speech(None), "crdnn@timit": _speech(7)}
