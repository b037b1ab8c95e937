"""Models of images, mixtures, DNA and movements, each as its source computes it, and how its parameters become ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
from of_convolutions import both, normed, swapped
from proving import SYMBOLS, Case, Theirs, linear
from torch import Tensor, nn
from torch.nn import functional as F


class OfImages(nn.Module):
    """meijieru/crnn.pytorch (3cc7904), models/crnn.py; JaidedAI/EasyOCR (c4f3cd7), model/vgg_model.py and modules.py.

    x: The columns of grey images, (1, T, 1, height).
    """

    def __init__(self, widths: tuple[int, ...], normed: tuple[int, ...], bare: tuple[int, ...], easy: bool) -> None:
        super().__init__()
        self.easy = easy
        pairs = zip((1, *widths[:-1]), widths, (3,) * 6 + (2,), strict=True)
        self.convs = nn.ModuleList(
            nn.Conv2d(i, o, k, 1, k // 2 if k == 3 else 0, bias=n not in bare) for n, (i, o, k) in enumerate(pairs)
        )
        self.norms = nn.ModuleDict({str(n): nn.BatchNorm2d(widths[n]) for n in normed})
        pool = (lambda: nn.MaxPool2d((2, 1))) if easy else (lambda: nn.MaxPool2d((2, 2), (2, 1), (0, 1)))
        self.pools = nn.ModuleDict({"0": nn.MaxPool2d(2, 2), "1": nn.MaxPool2d(2, 2), "3": pool(), "5": pool()})
        self.rnns = nn.ModuleList(nn.LSTM(i, 5, bidirectional=True, batch_first=True) for i in (widths[-1], 5))
        self.linears = nn.ModuleList([nn.Linear(10, 5), nn.Linear(10, 5 if easy else SYMBOLS)])
        self.prediction = nn.Linear(5, SYMBOLS) if easy else None

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 1)  # (b, c, h, w)
        for n, conv in enumerate(self.convs):
            x = conv(x)
            x = self.norms[str(n)](x) if str(n) in self.norms else x
            x = F.relu(x)
            x = self.pools[str(n)](x) if str(n) in self.pools else x
        if self.easy:
            x = F.adaptive_avg_pool2d(x.permute(0, 3, 1, 2), (x.shape[1], 1)).squeeze(3)
        else:
            x = x.squeeze(2).permute(0, 2, 1)
        for rnn, embedding in zip(self.rnns, self.linears, strict=True):
            x = embedding(rnn(x)[0])
        return x if self.prediction is None else self.prediction(x)


def _of_images(theirs: Theirs) -> Mapping[str, Tensor]:
    easy = "prediction.weight" in theirs.left
    ours: dict[str, Tensor] = {}
    for n, layer in enumerate((0, 2, 4, 5, 7, 8, 10)):
        ours |= swapped(theirs, f"convs.{n}", f"layers.{layer}", bias=f"convs.{n}.bias" in theirs.left)
        if f"norms.{n}.weight" in theirs.left:
            ours |= normed(theirs, f"norms.{n}", f"layers.{layer}.norm")
    first = 13 if easy else 12
    ours |= both(theirs, "rnns.0", f"layers.{first}") | both(theirs, "rnns.1", f"layers.{first + 1}")
    ours |= linear(theirs, "linears.0", f"layers.{first}.output_projection")
    if easy:
        ours |= linear(theirs, "linears.1", f"layers.{first + 1}.output_projection")
    return ours | linear(theirs, "prediction" if easy else "linears.1", "head.linear")


def _images(widths: tuple[int, ...], first: int, **more: Any) -> dict[str, Any]:
    changes: dict[str, Any] = {
        f"layers.{layer}.channels": w for layer, w in zip((0, 2, 4, 5, 7, 8, 10), widths, strict=True)
    }
    return changes | {"hidden_size": 5, "head.size": SYMBOLS, f"layers.{first}.output_projection": 5} | more


WIDTHS: Final = (2, 3, 4, 4, 3, 3, 6)
CRNN: Final = Case(
    theirs=lambda: OfImages(WIDTHS, (2, 4, 6), (), easy=False),
    ours=_of_images,
    changes=_images(WIDTHS, 12),
    mistakes={
        "no activation": {"layers.5.activation": "none"},
        "no activation at the end": {"layers.10.activation": "none"},
    },
    lengths=(23, 12, 16),
)
EASYOCR: Final = Case(
    theirs=lambda: OfImages(WIDTHS, (4, 5), (4, 5), easy=True),
    ours=_of_images,
    changes=_images(WIDTHS, 13) | {"layers.14.output_projection": 5},
    mistakes={"no activation": {"layers.10.activation": "none"}, "the largest row": {"layers.11.kind": "max_pool"}},
    lengths=(23, 12, 16),
)


class OpenUnmix(nn.Module):
    """sigsep/open-unmix-pytorch (fb672c9), openunmix/model.py, of spectra that are cut, without the mixture's product."""

    def __init__(self, read: int, written: int, size: int) -> None:
        super().__init__()
        self.fc1, self.bn1 = nn.Linear(2 * read, size, bias=False), nn.BatchNorm1d(size)
        self.lstm = nn.LSTM(size, size // 2, 3, bidirectional=True)
        self.fc2, self.bn2 = nn.Linear(2 * size, size, bias=False), nn.BatchNorm1d(size)
        self.fc3, self.bn3 = nn.Linear(size, 2 * written, bias=False), nn.BatchNorm1d(2 * written)
        self.input_mean, self.input_scale = (nn.Parameter(torch.empty(read)) for _ in range(2))
        self.output_scale, self.output_mean = (nn.Parameter(torch.empty(written)) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        x = x[0].reshape(x.shape[1], 1, 2, -1)  # (frames, samples, channels, bins)
        frames = len(x)
        x = (x + self.input_mean) * self.input_scale
        x = torch.tanh(self.bn1(self.fc1(x.reshape(frames, -1)))).reshape(frames, 1, -1)
        x = torch.cat([x, self.lstm(x)[0]], -1)
        x = F.relu(self.bn2(self.fc2(x.reshape(frames, -1))))
        x = self.bn3(self.fc3(x)).reshape(frames, 1, 2, -1)
        return F.relu(x * self.output_scale + self.output_mean).reshape(1, frames, -1)


def _open_unmix(theirs: Theirs) -> Mapping[str, Tensor]:
    """Its mean is added before its scale is multiplied."""
    scale = theirs["input_scale"]
    ours = {"layers.0.scale": scale, "layers.0.shift": theirs["input_mean"] * scale}
    ours |= {"layers.8.scale": theirs["output_scale"], "layers.8.shift": theirs["output_mean"]}
    for number, layer in ((1, 1), (2, 6), (3, 7)):
        ours[f"layers.{layer}.linear.weight"] = theirs[f"fc{number}.weight"]
        ours |= normed(theirs, f"bn{number}", f"layers.{layer}.norm")
    for layer in range(3):
        ours |= both(theirs, "lstm", f"layers.{2 + layer}", layer)
    return ours


OPEN_UNMIX: Final = Case(
    theirs=lambda: OpenUnmix(5, 7, 10),
    ours=_open_unmix,
    changes={"input": 10, "hidden_size": 5, "layers.1.size": 10, "layers.6.size": 10, "layers.7.size": 14},
    mistakes={
        "another order of the skip": {"layers.5.of": ["deep", "squashed"]},
        "no activation": {"layers.6.activation": "none"},
        "another activation": {"layers.9.function": "elu"},
    },
)


class DeepConvLSTM(nn.Module):
    """sussexwearlab/DeepConvLSTM (ea25e34), DeepConvLSTM.ipynb; Lasagne (5d3c63c), layers/recurrent.py, lines 1017 to 1054.

    Lasagne's convolution turns its filters round.
    """

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(i, 4, (3, 1)) for i in (1, 4, 4, 4))
        self.w_in = nn.ParameterList(torch.empty(i, 20) for i in (12, 5))
        self.w_hid = nn.ParameterList(torch.empty(5, 20) for _ in range(2))
        self.b = nn.ParameterList(torch.empty(20) for _ in range(2))
        self.w_cell = nn.ParameterList(torch.empty(3, 5) for _ in range(2))
        self.prob = nn.Linear(5, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = x.unsqueeze(1)
        for conv in self.convs:
            x = F.relu(F.conv2d(x, conv.weight.flip(2, 3), conv.bias))
        x = x.transpose(1, 2).flatten(2)
        for w_in, w_hid, b, (to_in, to_forget, to_out) in zip(self.w_in, self.w_hid, self.b, self.w_cell, strict=True):
            hid = cell = x.new_zeros(1, 5)
            found = []
            for step in x.unbind(1):
                ingate, forgetgate, cell_input, outgate = (step @ w_in + b + hid @ w_hid).chunk(4, 1)
                ingate = torch.sigmoid(ingate + cell * to_in)
                forgetgate = torch.sigmoid(forgetgate + cell * to_forget)
                cell = forgetgate * cell + ingate * torch.tanh(cell_input)
                hid = torch.sigmoid(outgate + cell * to_out) * torch.tanh(cell)
                found.append(hid)
            x = torch.stack(found, 1)
        return self.prob(x[:, -1])


def _deepconvlstm(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = linear(theirs, "prob", "head.linear")
    for layer in range(4):
        ours[f"layers.{layer}.conv.weight"] = theirs[f"convs.{layer}.weight"].flip(2, 3)
        ours[f"layers.{layer}.conv.bias"] = theirs[f"convs.{layer}.bias"]
    for layer in range(2):
        place = f"layers.{5 + layer}.cell"
        ours[f"{place}.weight_ih"] = theirs[f"w_in.{layer}"].T
        ours[f"{place}.weight_hh"] = theirs[f"w_hid.{layer}"].T
        ours[f"{place}.bias"] = theirs[f"b.{layer}"]
        ours[f"{place}.weight_ch"] = theirs[f"w_cell.{layer}"].flatten()
    return ours


DEEPCONVLSTM: Final = Case(
    theirs=DeepConvLSTM,
    ours=_deepconvlstm,
    changes={"input": 3, "hidden_size": 5, "head.size": 4, "layers.0.channels": 4, "layers.0.kernel_size": [3, 1]},
    mistakes={"no activation": {"layers.0.activation": "none"}, "time backwards": {"layers.3.reverse": True}},
    lengths=(14, 9, 11),
)

CASES: Final = {"crnn": CRNN, "easyocr": EASYOCR, "open-unmix": OPEN_UNMIX, "deepconvlstm": DEEPCONVLSTM}
