"""torch's own modules, as oracles of the cells that it has too, and of those made of parts that it has."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from oracles.copied import DOUBLE, Copied, Numbers, Oracle, loaded, stepped


def _layer(given: Copied, module: nn.RNNBase) -> nn.RNNBase:
    names = {"weight_ih": "weight_ih_l0", "weight_hh": "weight_hh_l0", "weight_hr": "weight_hr_l0"}
    names |= {"bias_ih": "bias_ih_l0", "bias_hh": "bias_hh_l0"}
    loaded(module, {names[name]: value for name, value in given.p.items()})
    return module


def rnn(given: Copied) -> Numbers:
    module = nn.RNN(given.x.shape[2], given.hidden, batch_first=True, nonlinearity=given.options.nonlinearity)
    y, h = _layer(given, module)(given.x, given.start["h"][None])
    return y, {"h": h[0]}


def lstm(given: Copied) -> Numbers:
    module = nn.LSTM(given.x.shape[2], given.hidden, batch_first=True, proj_size=given.options.projection or 0)
    y, (h, c) = _layer(given, module)(given.x, (given.start["h"][None], given.start["c"][None]))
    return y, {"h": h[0], "c": c[0]}


def gru(given: Copied) -> Numbers:
    module = nn.GRU(given.x.shape[2], given.hidden, batch_first=True)
    y, h = _layer(given, module)(given.x, given.start["h"][None])
    return y, {"h": h[0]}


def orthogonal(given: Copied) -> Numbers:
    """torch's own parametrisation of orthogonal matrices makes Q; modReLU by its definition around it."""
    size, maps = given.hidden, {"exp": "matrix_exp", "cayley": "cayley"}
    linear: Any = nn.Linear(size, size, bias=False, dtype=DOUBLE)
    which = maps[given.options.parametrisation]
    nn.utils.parametrizations.orthogonal(linear, orthogonal_map=which, use_trivialization=False)
    triangle = torch.zeros(size, size, dtype=DOUBLE)
    triangle[tuple(torch.triu_indices(size, size, 1))] = given.p["A"]
    # torch reads the triangle below the diagonal, whose A − Aᵀ is ours turned; its Cayley transform is that of −A / 2
    scale = -1.0 if which == "matrix_exp" else 2.0
    linear.parametrizations.weight.original.detach().copy_(scale * triangle.T)
    Q = linear.weight

    def step(x: Tensor, h: Tensor) -> Tensor:
        a = x @ given.p["weight_ih"].T + h @ Q
        return torch.sign(a) * torch.relu(a.abs() + given.p["b"])

    return stepped(given, step, "h")


ORACLES = (
    Oracle("rnn", "torch", "torch.nn.RNN", rnn),
    Oracle("rnn", "torch", "torch.nn.RNN with relu", rnn, {"nonlinearity": "relu"}),
    Oracle("lstm", "torch", "torch.nn.LSTM", lstm),
    Oracle("lstm", "torch", "torch.nn.LSTM with proj_size", lstm, {"projection": 3}),
    Oracle("gru", "torch", "torch.nn.GRU", gru),
    Oracle("orthogonal", "torch", "torch.nn.utils.parametrizations.orthogonal by the exponential", orthogonal),
    Oracle(
        "orthogonal",
        "torch",
        "torch.nn.utils.parametrizations.orthogonal by the Cayley transform",
        orthogonal,
        {"parametrisation": "cayley"},
    ),
)
