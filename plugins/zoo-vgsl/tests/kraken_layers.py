"""What kraken's layers compute, restated in plain torch from github.com/mittagessen/kraken, 67df280.

kraken/lib/vgsl/model.py: build_conv, build_maxpool, build_reshape, build_rnn, build_dropout, build_output.
kraken/lib/vgsl/layers.py: ActConv2D, MaxPool, Reshape, TransposedSummarizingRNN, LinSoftmax. Tensors are (N, C, H, W).
"""

import re

import torch
from torch import nn


class Conv(nn.Module):
    def __init__(self, channels, block):
        super().__init__()
        found = re.match(r"C(s|t|r|l|lr)(?:{\w+})?(\d+),(\d+),(\d+)(?:,(\d+),(\d+))?$", block)
        self.act, y, x, self.out, *stride = found.groups()
        y, x, self.out = int(y), int(x), int(self.out)
        stride = tuple(int(s) for s in stride if s) or (1, 1)
        self.co = nn.Conv2d(channels, self.out, (y, x), stride, padding=((y - 1) // 2, (x - 1) // 2))

    def forward(self, x):
        y = self.co(x)
        functions = {"t": torch.tanh, "r": torch.relu, "lr": nn.LeakyReLU()}
        return functions[self.act](y) if self.act in functions else y  # a sigmoid is left to the loss


class Pool(nn.Module):
    def __init__(self, channels, block):
        super().__init__()
        y, x, *stride = (int(n) for n in re.findall(r"\d+", re.sub(r"{\w+}", "", block)))
        self.out, self.layer = channels, nn.MaxPool2d((y, x), tuple(stride) or (y, x))

    def forward(self, x):
        return self.layer(x)


class Reshape(nn.Module):
    def __init__(self, channels, block):
        super().__init__()
        numbers = [int(n) for n in re.findall(r"\d+", re.sub(r"{\w+}", "", block))]
        places = {0: 0, 1: 2, 2: 3, 3: 1}
        self.source, self.high, self.low = places[numbers[0]], places[numbers[3]], places[numbers[4]]
        self.parts = tuple(n or -1 for n in numbers[1:3])
        self.out = None

    def forward(self, x):
        x = x.reshape(*x.shape[: self.source], *self.parts, *x.shape[self.source + 1 :])
        source, target = (self.source, self.high) if self.high != self.source else (self.source + 1, self.low)
        order = list(range(5))
        while source != target:  # neighbour by neighbour, as kraken rotates its list
            way = 1 if target > source else -1
            order[source], order[source + way] = order[source + way], order[source]
            source += way
        x = x.permute(order)
        return x.reshape(*x.shape[:target], x.shape[target] * x.shape[target + 1], *x.shape[target + 2 :])


class RNN(nn.Module):
    def __init__(self, channels, block):
        super().__init__()
        found = re.match(r"[LG](f|r|b)(x|y)(s)?(?:{\w+})?(\d+)$", block)
        direction, axis, self.last, size = found.groups()
        self.down, both = axis == "y", direction == "b"
        # An LSTM for G too, and forward for r: what the code does, not what the page says.
        self.layer = nn.LSTM(channels, int(size), bidirectional=both, batch_first=True)
        self.out = int(size) * (1 + both)

    def forward(self, x):
        x = x.permute(2, 0, 3, 1)  # (H, N, W, C)
        if self.down:
            x = x.transpose(0, 2)
        y = self.layer(x.flatten(0, 1))[0].reshape(*x.shape[:3], self.out)
        if self.last:
            y = y[:, :, -1:]
        if self.down:
            y = y.transpose(0, 2)
        return y.permute(1, 3, 0, 2)


class Output(nn.Module):
    def __init__(self, channels, block):
        super().__init__()
        self.out = int(re.search(r"\d+$", block)[0])
        self.lin = nn.Linear(channels, self.out)

    def forward(self, x):
        return self.lin(x.transpose(1, 3)).transpose(1, 3)


class Nothing(nn.Module):
    """Dropout, in evaluation."""

    def __init__(self, channels, block):
        super().__init__()
        self.out = channels

    def forward(self, x):
        return x


BY_BEGINNING = {"Do": Nothing, "C": Conv, "Mp": Pool, "S": Reshape, "L": RNN, "G": RNN, "O": Output}


def network(line):
    """The layers of a line in their order, with channels as kraken counts them, from an image of zeros."""
    first, *blocks = line.strip()[1:-1].split()
    _, height, _, channels = (int(n) for n in first.split(","))
    shape = torch.zeros(1, channels, height, 40, dtype=torch.float64)
    layers = []
    for block in blocks:
        kind = next(kind for beginning, kind in BY_BEGINNING.items() if block.startswith(beginning))
        layers.append(kind(shape.shape[1], block).double())
        with torch.no_grad():
            shape = layers[-1](shape)
    return nn.Sequential(*layers)
