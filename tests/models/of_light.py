"""Language models of light recurrences, SRU and minimal units, as their sources compute them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

import torch
from proving import SYMBOLS, Case, Theirs, linear
from torch import Tensor, nn


class MinimalUnit(nn.Module):
    """lucidrains/minGRU-pytorch (38b26e1), minGRU.py and minLSTM.py, by their sequential paths, from zero."""

    def __init__(self, dim: int, dim_inner: int, gates: int) -> None:
        super().__init__()
        self.to_gates = nn.Linear(dim, dim_inner * (1 + gates), bias=False)
        self.to_out = nn.Linear(dim_inner, dim, bias=False)
        self.parts = 1 + gates

    def forward(self, x: Tensor) -> Tensor:
        hidden, *gates = self.to_gates(x).chunk(self.parts, -1)
        hidden = torch.where(hidden >= 0, hidden + 0.5, hidden.sigmoid())
        gates = [gate.sigmoid() for gate in gates]
        kept, new = (1 - gates[0], gates[0]) if self.parts == 2 else (gate / sum(gates) for gate in gates)
        out = torch.zeros_like(hidden[:, 0])
        found = []
        for t in range(x.shape[1]):
            out = kept[:, t] * out + new[:, t] * hidden[:, t]
            found.append(out)
        return self.to_out(torch.stack(found, 1))


class MinLM(nn.Module):
    """lucidrains/minGRU-pytorch (38b26e1), minLM.py, `minLM.__init__` and `forward` without convolutions.

    torch.nn.RMSNorm without a number of its own adds the precision of what it reads, which is float32 there.
    """

    def __init__(self, dim: int, dim_inner: int, ff: int, depth: int, gates: int) -> None:
        super().__init__()

        def norm() -> nn.RMSNorm:
            return nn.RMSNorm(dim, eps=torch.finfo(torch.float32).eps)

        self.token_emb = nn.Embedding(SYMBOLS, dim)
        self.units = nn.ModuleList(MinimalUnit(dim, dim_inner, gates) for _ in range(depth))
        self.norms = nn.ModuleList(norm() for _ in range(depth))
        self.ff_norms = nn.ModuleList(norm() for _ in range(depth))
        self.ffs = nn.ModuleList(nn.Sequential(nn.Linear(dim, ff), nn.GELU(), nn.Linear(ff, dim)) for _ in range(depth))
        self.norm = norm()
        self.to_logits = nn.Linear(dim, SYMBOLS, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.token_emb(x)
        for norm, unit, ff_norm, ff in zip(self.norms, self.units, self.ff_norms, self.ffs, strict=True):
            x = unit(norm(x)) + x
            x = ff(ff_norm(x)) + x
        return self.to_logits(self.norm(x))


def _min_lm(order: str, ours_order: str) -> Any:
    def ours(theirs: Theirs) -> Mapping[str, Tensor]:
        found = {
            "input.embedding.weight": theirs["token_emb.weight"],
            "layers.2.norm.weight": theirs["norm.weight"],
            "head.linear.weight": theirs["to_logits.weight"],
        }
        for layer in range(2):
            mixer, mlp = f"layers.{layer}.layers.0", f"layers.{layer}.layers.1"
            found[f"{mixer}.norm.weight"] = theirs[f"norms.{layer}.weight"]
            found[f"{mixer}.layers.0.cell.weight_ih"] = theirs.gates(
                f"units.{layer}.to_gates.weight", order, ours_order
            )
            found[f"{mixer}.layers.0.output_projection.weight"] = theirs[f"units.{layer}.to_out.weight"]
            found[f"{mlp}.norm.weight"] = theirs[f"ff_norms.{layer}.weight"]
            found |= linear(theirs, f"ffs.{layer}.0", f"{mlp}.layers.0.into")
            found |= linear(theirs, f"ffs.{layer}.2", f"{mlp}.layers.0.out")
        return found

    return ours


def _minimal(gates: int, order: str, ours_order: str) -> Case:
    return Case(
        theirs=lambda: MinLM(5, 6, 7, 2, gates),
        ours=_min_lm(order, ours_order),
        changes={
            "input.vocabulary": SYMBOLS,
            "input.size": 5,
            "hidden_size": 6,
            "layers.deep.repeat": 2,
            "layers.deep.layers.0.layers.0.output_projection.size": 5,
            "layers.deep.layers.1.layers.0.hidden": 7,
            "head.size": SYMBOLS,
        },
        mistakes={
            "the candidate itself": {"cell.candidate": "linear"},
            "the norm behind the unit": {"layers.deep.layers.0.norm.position": "after"},
            "no residual around the MLP": {"layers.deep.layers.1.residual": False},
            "another activation": {"layers.deep.layers.1.layers.0.activation": "silu"},
            "a larger number in a norm": {"layers.deep.layers.0.norm.eps": 1e-2},
        },
    )


class SruCell(nn.Module):
    """asappresearch/sru (9ddc8da), sru/modules.py, `SRUCell`, and `elementwise_recurrence_naive` of sru/ops.py."""

    def __init__(self, size: int, hidden: int, scale: float, v1: bool) -> None:
        super().__init__()
        self.hidden, self.scale_x = hidden, scale
        self.weight = nn.Parameter(torch.empty(size, hidden * (3 if size == hidden else 4)))
        self.weight_c = None if v1 else nn.Parameter(torch.empty(2 * hidden))
        self.bias = nn.Parameter(torch.empty(2 * hidden))

    def forward(self, x: Tensor) -> Tensor:
        U = (x @ self.weight)[0].view(x.shape[1], self.hidden, -1)
        weight_c = torch.zeros_like(self.bias) if self.weight_c is None else self.weight_c
        forget_wc, reset_wc = weight_c.view(2, -1)
        forget_bias, reset_bias = self.bias.view(2, -1)
        x_prime = x[0] * self.scale_x if U.shape[2] == 3 else U[..., 3]
        c = x.new_zeros(self.hidden)
        found = []
        for t in range(x.shape[1]):
            forget = (U[t, :, 1] + forget_bias + c * forget_wc).sigmoid()
            reset = (U[t, :, 2] + reset_bias + c * reset_wc).sigmoid()
            c = U[t, :, 0] + (c - U[t, :, 0]) * forget
            found.append(x_prime[t] + (c - x_prime[t]) * reset)
        return torch.stack(found)[None]


class SruLm(nn.Module):
    """asappresearch/sru (9ddc8da), language_model/train_lm.py and train_enwik8.py, `Model`.

    The first has v1 and no scale of the highway, the second neither; a scale is that of a highway's bias of -3.
    """

    def __init__(self, sizes: list[int], tied: bool) -> None:
        super().__init__()
        self.embedding_layer = nn.Embedding(SYMBOLS, sizes[0])
        scale = 1.0 if tied else math.sqrt(1 + math.exp(-3.0) * 2)
        self.rnn_lst = nn.ModuleList(SruCell(size, hidden, scale, tied) for size, hidden in pairwise(sizes))
        self.output_layer = nn.Linear(sizes[-1], SYMBOLS)
        if tied:
            self.output_layer.weight = self.embedding_layer.weight

    def forward(self, x: Tensor) -> Tensor:
        y = self.embedding_layer(x)
        for rnn in self.rnn_lst:
            y = rnn(y)
        return self.output_layer(y)


def _sru(theirs: Theirs) -> Mapping[str, Tensor]:
    """Its products stand unit by unit, ours gate by gate."""
    found = {"input.embedding.weight": theirs["embedding_layer.weight"]}
    if "output_layer.weight" in theirs.left:
        found |= linear(theirs, "output_layer", "head.linear")
    else:
        found["head.bias"] = theirs["output_layer.bias"]
    for layer in range(2):
        bias, weight = theirs[f"rnn_lst.{layer}.bias"], theirs[f"rnn_lst.{layer}.weight"]
        by_unit = weight.view(len(weight), len(bias) // 2, -1)
        found[f"layers.{layer}.cell.weight_ih"] = by_unit.permute(2, 1, 0).flatten(0, 1)
        found[f"layers.{layer}.cell.bias"] = bias
        if f"rnn_lst.{layer}.weight_c" in theirs.left:
            found[f"layers.{layer}.cell.weight_c"] = theirs[f"rnn_lst.{layer}.weight_c"]
    return found


DEEP: Final[Mapping[str, Any]] = {"input.vocabulary": SYMBOLS, "layers.deep.repeat": 2, "hidden_size": 5}
OTHERS: Final[Mapping[str, Any]] = {
    "a residual besides": {"layers.deep.residual": True},
    "time backwards": {"layers.deep.reverse": True},
}
SRU: Final = Case(
    theirs=lambda: SruLm([5, 5, 5], tied=True),
    ours=_sru,
    changes={**DEEP, "input.size": 5},
    mistakes={**OTHERS, "a scale of the highway": {"cell.skip": "scaled"}, "no highway": {"cell.skip": "none"}},
)
SRU_CHAR: Final = Case(
    theirs=lambda: SruLm([4, 5, 5], tied=False),
    ours=_sru,
    changes={**DEEP, "input.size": 4, "head.size": SYMBOLS},
    mistakes={
        "no scale of the highway": {"cell.skip": "plain"},
        "the scale of another bias": {"cell.highway_bias": 0.0},
        "the second layer backwards": {"layers.deep.reverse": True},
    },
)

CASES: Final = {
    "mingru-lm": _minimal(1, "hz", "zh"),
    "mingru-lm@minlstm": _minimal(2, "hfi", "fih"),
    **dict.fromkeys(["sru-lm", "sru-lm@5-layers", "sru-lm@4-layers"], SRU),
    "sru-lm@3-layers": SRU,
    "sru-char": SRU_CHAR,
    "sru-char@10-layers": SRU_CHAR,
}
