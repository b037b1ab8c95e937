"""Language models, each as its source computes it, and how its parameters become ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
from proving import SYMBOLS, Case, Theirs, linear, under_one
from torch import Tensor, nn

TOKENS: Final = {"input.vocabulary": SYMBOLS}
SCORES: Final = {"head.size": SYMBOLS}


def log_softmax(y: Tensor) -> Tensor:
    return torch.log_softmax(y, -1)


REVERSED: Final = {"a layer that runs backwards": {"layers.1.reverse": True}}


class CharRnn(nn.Module):
    """karpathy/char-rnn (6f9487a), model/LSTM.lua, lines 14 to 58: i2h and h2h are linear maps with a bias each."""

    def __init__(self, size: int, layers: int) -> None:
        super().__init__()
        self.i2h = nn.ModuleList(nn.Linear(size if i else SYMBOLS, 4 * size) for i in range(layers))
        self.h2h = nn.ModuleList(nn.Linear(size, 4 * size) for _ in range(layers))
        self.decoder = nn.Linear(size, SYMBOLS)
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        one_hot = torch.eye(SYMBOLS, dtype=self.decoder.weight.dtype)
        h = [one_hot.new_zeros(1, self.size) for _ in self.i2h]
        c = [one_hot.new_zeros(1, self.size) for _ in self.i2h]
        found = []
        for symbol in x.T:
            below = one_hot[symbol]
            for layer, (i2h, h2h) in enumerate(zip(self.i2h, self.h2h, strict=True)):
                n1, n2, n3, n4 = (i2h(below) + h2h(h[layer])).view(1, 4, self.size).unbind(1)
                in_gate, forget_gate, out_gate = torch.sigmoid(n1), torch.sigmoid(n2), torch.sigmoid(n3)
                c[layer] = forget_gate * c[layer] + in_gate * torch.tanh(n4)
                below = h[layer] = out_gate * torch.tanh(c[layer])
            found.append(torch.log_softmax(self.decoder(below), -1))
        return torch.stack(found, 1)


def _char_rnn(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = linear(theirs, "decoder", "head.linear")
    for layer in range(2):
        for part, name in (("i2h", "ih"), ("h2h", "hh")):
            ours[f"layers.{layer}.cell.weight_{name}"] = theirs.gates(f"{part}.{layer}.weight", "ifog")
            ours[f"layers.{layer}.cell.bias_{name}"] = theirs.gates(f"{part}.{layer}.bias", "ifog")
    return ours


CHAR_RNN: Final = Case(
    theirs=lambda: CharRnn(5, 2),
    ours=_char_rnn,
    changes=TOKENS | SCORES | {"hidden_size": 5},
    mistakes={"the sum of a layer and its input": {"layers.1.residual": True}, **REVERSED},
    after=log_softmax,
)


class TorchRnn(nn.Module):
    """jcjohnson/torch-rnn (6e72b86), LSTM.lua, lines 146 to 172, and LanguageModel.lua, lines 36 to 75."""

    def __init__(self, embedded: int, size: int, layers: int) -> None:
        super().__init__()
        widths = [embedded, *[size] * (layers - 1)]
        self.lookup = nn.Embedding(SYMBOLS, embedded)
        self.weight = nn.ParameterList(torch.empty(width + size, 4 * size) for width in widths)
        self.bias = nn.ParameterList(torch.empty(4 * size) for _ in widths)
        self.linear = nn.Linear(size, SYMBOLS)
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        below = self.lookup(x)
        for weight, bias in zip(self.weight, self.bias, strict=True):
            inputs = weight.shape[0] - self.size
            h = c = below.new_zeros(1, self.size)
            found = []
            for step in below.unbind(1):
                gates = bias + step @ weight[:inputs] + h @ weight[inputs:]
                i, f, o = torch.sigmoid(gates[:, : 3 * self.size]).chunk(3, 1)
                c = f * c + i * torch.tanh(gates[:, 3 * self.size :])
                h = torch.tanh(c) * o
                found.append(h)
            below = torch.stack(found, 1)
        return self.linear(below)


def _torch_rnn(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = {"input.embedding.weight": theirs["lookup.weight"], **linear(theirs, "linear", "head.linear")}
    for layer, inputs in enumerate((3, 5)):
        ours |= under_one(theirs, f"weight.{layer}", f"bias.{layer}", inputs, "ifog", f"layers.{layer}.cell", 0.0)
    return ours


TORCH_RNN: Final = Case(
    theirs=lambda: TorchRnn(3, 5, 2),
    ours=_torch_rnn,
    changes=TOKENS | SCORES | {"input.size": 3, "hidden_size": 5},
    mistakes={"the sum of a layer and its input": {"layers.1.residual": True}, **REVERSED},
)


class Rhn(nn.Module):
    """jzilly/RecurrentHighwayNetworks (9ab03a3), rhn.py, lines 36 to 59 and 163 to 180: one matrix for [x, s]."""

    def __init__(self, inputs: int, size: int, depth: int, tied: bool) -> None:
        super().__init__()
        self.embedding = nn.Parameter(torch.empty(SYMBOLS, inputs))
        rows = [inputs + size, *[size] * (depth - 1)]
        for name in "ht":
            setattr(self, f"{name}_matrix", nn.ParameterList(torch.empty(count, size) for count in rows))
            setattr(self, f"{name}_bias", nn.ParameterList(torch.empty(size) for _ in rows))
        self.softmax_w = None if tied else nn.Parameter(torch.empty(size, SYMBOLS))
        self.softmax_b = nn.Parameter(torch.empty(SYMBOLS))
        self.size, self.depth = size, depth

    def _linear(self, name: str, micro: int, args: Tensor) -> Tensor:
        matrix: Tensor = getattr(self, f"{name}_matrix")[micro]
        bias: Tensor = getattr(self, f"{name}_bias")[micro]
        return args @ matrix + bias

    def forward(self, x: Tensor) -> Tensor:
        current_state = self.embedding.new_zeros(1, self.size)
        found = []
        for inputs in self.embedding[x].unbind(1):
            for i in range(self.depth):
                args = torch.cat([inputs, current_state], 1) if i == 0 else current_state
                h, t = torch.tanh(self._linear("h", i, args)), torch.sigmoid(self._linear("t", i, args))
                current_state = (h - current_state) * t + current_state
            found.append(current_state)
        softmax_w = self.embedding.T if self.softmax_w is None else self.softmax_w
        return torch.stack(found, 1) @ softmax_w + self.softmax_b


def _rhn(theirs: Theirs) -> Mapping[str, Tensor]:
    depth = 10
    first = {name: theirs[f"{name}_matrix.0"].T for name in "ht"}
    inputs = first["h"].shape[1] - first["h"].shape[0]
    recurrent = [first[name][:, inputs:] for name in "ht"]
    recurrent += [theirs[f"{name}_matrix.{micro}"].T for micro in range(1, depth) for name in "ht"]
    ours = {
        "input.embedding.weight": theirs["embedding"],
        "layers.0.cell.weight_ih": torch.cat([first[name][:, :inputs] for name in "ht"]),
        "layers.0.cell.weight_hh": torch.cat(recurrent),
        "layers.0.cell.bias": torch.cat([theirs[f"{name}_bias.{micro}"] for micro in range(depth) for name in "ht"]),
    }
    if "softmax_w" not in theirs.left:
        return ours | {"head.bias": theirs["softmax_b"]}
    return ours | {"head.linear.weight": theirs["softmax_w"].T, "head.linear.bias": theirs["softmax_b"]}


RHN_TIED: Final = Case(
    theirs=lambda: Rhn(5, 5, 10, tied=True),
    ours=_rhn,
    changes=TOKENS | {"input.size": 5, "hidden_size": 5},
    mistakes={
        "the sum of the layer and its input": {"residual": True},
        "time backwards": {"layers": [{"reverse": True}]},
    },
)
RHN: Final = Case(
    theirs=lambda: Rhn(3, 5, 10, tied=False),
    ours=_rhn,
    changes=TOKENS | SCORES | {"input.size": 3, "hidden_size": 5},
    mistakes={"time backwards": {"layers": [{"reverse": True}]}},
)


class Jozefowicz(nn.Module):
    """rafaljozefowicz/lm (75a7fcd), language_model.py, lines 62 to 93, and model_utils.py, lines 88 to 111."""

    def __init__(self, size: int, units: int, layers: int) -> None:
        super().__init__()
        self.emb = nn.Parameter(torch.empty(SYMBOLS, size))
        self.W = nn.ParameterList(torch.empty(2 * size, 4 * units) for _ in range(layers))
        self.B = nn.ParameterList(torch.empty(4 * units) for _ in range(layers))
        self.W_P = nn.ParameterList(torch.empty(units, size) for _ in range(layers))
        self.softmax_w = nn.Parameter(torch.empty(SYMBOLS, size))
        self.softmax_b = nn.Parameter(torch.empty(SYMBOLS))

    def forward(self, x: Tensor) -> Tensor:
        inputs = self.emb[x]
        for W, B, W_P in zip(self.W, self.B, self.W_P, strict=True):
            c, m = inputs.new_zeros(1, W_P.shape[0]), inputs.new_zeros(1, W_P.shape[1])
            found = []
            for step in inputs.unbind(1):
                i, j, f, o = (torch.cat([step, m], 1) @ W + B).chunk(4, 1)
                c = torch.sigmoid(f + 1.0) * c + torch.sigmoid(i) * torch.tanh(j)
                m = torch.sigmoid(o) * torch.tanh(c) @ W_P
                found.append(m)
            inputs = torch.stack(found, 1)
        return inputs @ self.softmax_w.T + self.softmax_b


def _jozefowicz(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = {"input.embedding.weight": theirs["emb"]}
    layers = [name for name in sorted(theirs.left) if name.startswith("W.")]
    for layer in range(len(layers)):
        ours |= under_one(theirs, f"W.{layer}", f"B.{layer}", 3, "igfo", f"layers.{layer}.cell", 1.0)
        ours[f"layers.{layer}.cell.weight_hr"] = theirs[f"W_P.{layer}"].T
    return ours | {"head.linear.weight": theirs["softmax_w"], "head.linear.bias": theirs["softmax_b"]}


def _jozefowicz_case(layers: int) -> Case:
    sizes: dict[str, Any] = {"input.size": 3, "cell.projection": 3, "hidden_size": 5}
    return Case(
        theirs=lambda: Jozefowicz(3, 5, layers),
        ours=_jozefowicz,
        changes=TOKENS | SCORES | sizes,
        mistakes={"the sum of a layer and its input": {"residual": True}},
    )


JOZEFOWICZ: Final = _jozefowicz_case(1)
BIG: Final = _jozefowicz_case(2)


CASES: Final = {
    "char-rnn": CHAR_RNN,
    "lstm-2048-512": JOZEFOWICZ,
    "lstm-2048-512@big": BIG,
    "rhn-lm": RHN_TIED,
    "rhn-lm@enwik8": RHN,
    "rhn-lm@text8": RHN,
    "torch-rnn": TORCH_RNN,
}
