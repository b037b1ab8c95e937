"""Cells that torchrecurrent has too, with the same weights, each library in its own layout.

To add a cell that both have, add a line to `PEERS`: before anything is timed, outputs and gradients are compared.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from zoo.bench.contests import Heat
from zoo.bench.suites.pairs import KINDS, Kind, paired
from zoo.bench.works import SIZES, Contestant, Size, built, of_module, of_zoo

NEEDS: Final = ("torchrecurrent",)
GOAL: Final = {"toy": 1.8, "small": 1.4, "medium": 1.2, "medium-64": 1.2}
"""At least so many times as fast, for training."""
LONG_GOAL: Final = 5.0
"""The same at T = 2048 with an input that needs a gradient."""

TWO_BIASES: Final = {name: name for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
ONE_BIAS: Final = {"weight_ih": "weight_ih", "weight_hh": "weight_hh", "bias": "bias_ih"}
ONE: Final = {"recurrent_bias": False}


@dataclass(frozen=True, slots=True)
class Peer:
    """One cell in both libraries.

    cell: as a spec has it. module: its name in torchrecurrent. options: what that is built with. names: from our
    parameters to theirs. constants: their parameters that are constants here and not trained.
    """

    name: str
    cell: Mapping[str, object]
    module: str
    options: Mapping[str, object] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=lambda: TWO_BIASES)
    constants: tuple[str, ...] = ()


PEERS: Final = (
    Peer("mgu", {"kind": "mgu", "bias": "two"}, "MGU"),
    Peer("janet", {"kind": "janet", "bias": "two"}, "JANET", constants=("beta",)),
    Peer("ligru", {"kind": "ligru", "norm": "none"}, "LiGRU", ONE, ONE_BIAS),
    Peer(
        "indrnn",
        {"kind": "indrnn", "nonlinearity": "tanh"},
        "IndRNN",
        ONE,
        {"weight_ih": "weight_ih", "weight_hh": "vector_u", "bias": "bias_ih"},
    ),
    Peer(
        "peephole-lstm",
        {"kind": "lstm", "peephole": True},
        "PeepholeLSTM",
        names={**TWO_BIASES, "weight_ch": "weight_ph"},
    ),
)


def heats() -> tuple[Heat, ...]:
    found = []
    for peer in PEERS:
        found += [_heat(peer, size, 1, "training") for size in ("toy", "small", "medium")]
        found += [_heat(peer, size, 3, "training") for size in ("toy", "small", "medium-64")]
        found += [_heat(peer, size, layers, "forward") for size in ("toy", "small") for layers in (1, 3)]
        found.append(_long(peer, "long-128"))
    return (*found, _long(PEERS[0], "long"))


def _heat(peer: Peer, size: str, layers: int, kind: Kind) -> Heat:
    def make(of: Size) -> tuple[Contestant, Contestant]:
        return contestants(peer, of, layers)

    assert kind in KINDS
    return paired(
        f"peers/{peer.name}/{size}/x{layers}",
        SIZES[size],
        f"torchrecurrent {peer.module}",
        make,
        kind=kind,
        sign="as fast",
        goal=GOAL[size] if kind == "training" else None,
        needs=NEEDS,
    )


def _long(peer: Peer, size: str) -> Heat:
    def make(of: Size) -> tuple[Contestant, Contestant]:
        return contestants(peer, of, 1)

    return paired(
        f"peers/{peer.name}/{size}/x1-input-gradient",
        SIZES[size],
        f"torchrecurrent {peer.module}",
        make,
        sign="as fast",
        goal=LONG_GOAL,
        input_gradient=True,
        needs=NEEDS,
    )


def contestants(peer: Peer, size: Size, layers: int) -> tuple[Contestant, Contestant]:
    """Both, with the weights of ours."""
    import torch

    model = built(peer.cell, size, layers=layers)
    theirs: Any = getattr(importlib.import_module("torchrecurrent"), peer.module)(
        size.input, size.hidden, layers, **peer.options
    )
    weights = model.state_dict()
    with torch.no_grad():
        for index, cell in enumerate(theirs.cells):
            for own, other in peer.names.items():
                getattr(cell, other).copy_(weights[f"layers.{index}.cell.{own}"])
            for constant in peer.constants:
                getattr(cell, constant).requires_grad_(False)
    return of_zoo(model), of_module(theirs, time_first=True)
