"""Cells that torchrecurrent has too, each library in its own layout.

Those of `PEERS` have the same weights, at all sizes: before anything is timed, outputs and gradients are compared.
`OTHERS` are all that it has besides, with as many biases as ours, give or take one that it cannot leave out; that the
numbers are equal where torchrecurrent's are right, tests/cells/oracles shows.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

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

    Attributes:
        cell: As a spec has it.
        module: Its name in torchrecurrent.
        options: What that is built with.
        names: From our parameters to theirs.
        constants: Their parameters that are constants here and not trained.
        square: Whether theirs takes only as many inputs as it has units.
        wide: What stands in the cell, or in the spec, with the hidden size.
    """

    name: str
    cell: Mapping[str, object]
    module: str
    options: Mapping[str, object] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=lambda: TWO_BIASES)
    constants: tuple[str, ...] = ()
    square: bool = False
    wide: tuple[Literal["context_size", "output_projection"], ...] = ()


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

OTHERS: Final = (
    Peer("antisymmetric", {"kind": "antisymmetric"}, "AntisymmetricRNN", ONE),
    Peer("antisymmetric-gated", {"kind": "antisymmetric", "gated": True}, "GatedAntisymmetricRNN", ONE),
    Peer("atr", {"kind": "atr"}, "ATR"),
    Peer("br", {"kind": "br"}, "BR", ONE),
    Peer("cfn", {"kind": "cfn"}, "CFN", ONE),
    Peer("cornn", {"kind": "cornn"}, "coRNN", ONE),
    Peer("dsgu", {"kind": "dsgu"}, "DSGU", ONE),
    Peer("fastgrnn", {"kind": "fastgrnn"}, "FastGRNN", ONE),
    Peer("fastrnn", {"kind": "fastrnn"}, "FastRNN", ONE),
    Peer("intersection", {"kind": "intersection"}, "IntersectionRNN", ONE, square=True),
    Peer("lem", {"kind": "lem"}, "LEM", ONE),
    Peer("lightru", {"kind": "lightru"}, "LightRU", ONE),
    Peer("lstm-1997", {"kind": "lstm-1997", "squashing": "tanh"}, "OriginalLSTM", ONE),
    Peer("memory-control-lstm", {"kind": "memory-control-lstm"}, "MCLSTM", ONE),
    Peer("minimalrnn", {"kind": "minimalrnn"}, "MinimalRNN"),
    Peer("miru1", {"kind": "miru1"}, "MiRU1", ONE),
    Peer("miru2", {"kind": "miru2"}, "MiRU2", ONE),
    Peer("multiplicative-lstm", {"kind": "multiplicative-lstm"}, "MultiplicativeLSTM", ONE),
    Peer("mut1", {"kind": "mut1"}, "MUT1", ONE),
    Peer("mut2", {"kind": "mut2"}, "MUT2", ONE),
    Peer("mut3", {"kind": "mut3"}, "MUT3", ONE),
    Peer("nas", {"kind": "nas"}, "NAS", {"bias": False, **ONE}),
    Peer("nbr", {"kind": "nbr"}, "NBR", ONE),
    Peer("ran", {"kind": "ran"}, "RAN", ONE),
    Peer("residual-lstm", {"kind": "residual-lstm"}, "ResLSTM", ONE),
    Peer("scrn", {"kind": "scrn"}, "SCRN", ONE, wide=("context_size", "output_projection")),
    Peer("sgrn", {"kind": "sgrn", "bias": "two"}, "SGRN"),
    Peer("sgu", {"kind": "sgu"}, "SGU", ONE),
    Peer("star", {"kind": "star"}, "STAR", ONE),
    Peer("taugru", {"kind": "taugru"}, "tauGRU", ONE),
    Peer("tgru", {"kind": "tgru"}, "TGRU", ONE),
    Peer("tlstm", {"kind": "tlstm"}, "TLSTM", ONE),
    Peer("trnn", {"kind": "trnn"}, "TRNN"),
    Peer("ugrnn", {"kind": "ugrnn"}, "UGRNN", ONE),
    Peer("unicornn", {"kind": "unicornn"}, "UnICORNN", ONE),
    Peer("wmc-lstm", {"kind": "wmc-lstm"}, "WMCLSTM", ONE),
)


def heats() -> tuple[Heat, ...]:
    found = [
        _heat(peer, size, 1, "training", same=False)
        for peer in OTHERS
        for size in ("toy", "small", "medium-64")
        if not peer.square or SIZES[size].input == SIZES[size].hidden
    ]
    for peer in PEERS:
        found += [_heat(peer, size, 1, "training") for size in ("toy", "small", "medium")]
        found += [_heat(peer, size, 3, "training") for size in ("toy", "small", "medium-64")]
        found += [_heat(peer, size, layers, "forward") for size in ("toy", "small") for layers in (1, 3)]
        found.append(_long(peer, "long-128"))
    return (*found, _long(PEERS[0], "long"))


def _heat(peer: Peer, size: str, layers: int, kind: Kind, *, same: bool = True) -> Heat:
    def make(of: Size) -> tuple[Contestant, Contestant]:
        return contestants(peer, of, layers) if same else alike(peer, of, layers)

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
        same=same,
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


def alike(peer: Peer, size: Size, layers: int) -> tuple[Contestant, Contestant]:
    """Both, with weights of their own."""
    cell = {**peer.cell, **({"context_size": size.hidden} if "context_size" in peer.wide else {})}
    projection = size.hidden if "output_projection" in peer.wide else None
    ours = built(cell, size, layers=layers, output_projection=projection)
    return of_zoo(ours), of_module(_theirs(peer, size, layers), time_first=True)


def _theirs(peer: Peer, size: Size, layers: int) -> Any:
    made = getattr(importlib.import_module("torchrecurrent"), peer.module)
    return made(size.input, size.hidden, layers, **peer.options)


def contestants(peer: Peer, size: Size, layers: int) -> tuple[Contestant, Contestant]:
    """Both, with the weights of ours."""
    import torch

    model = built(peer.cell, size, layers=layers)
    theirs = _theirs(peer, size, layers)
    weights = model.state_dict()
    with torch.no_grad():
        for index, cell in enumerate(theirs.cells):
            for own, other in peer.names.items():
                getattr(cell, other).copy_(weights[f"layers.{index}.cell.{own}"])
            for constant in peer.constants:
                getattr(cell, constant).requires_grad_(False)
    return of_zoo(model), of_module(theirs, time_first=True)
