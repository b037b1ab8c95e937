"""RWKV-7, as its source computes it, and how its parameters become ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
from proving import SYMBOLS, Case, Theirs
from torch import Tensor, nn
from torch.nn import functional as F

MIXES: Final = "rwkvag"


class TimeMix(nn.Module):
    """BlinkDL/RWKV-LM (524481d), RWKV-v7/rwkv_v7_demo.py, `RWKV_Tmix_x070` and the `RWKV7_OP` without a kernel.

    The first layer has no v0, v1 and v2 here, which are not used there.
    """

    def __init__(self, C: int, H: int, ranks: Mapping[str, int], first: bool) -> None:
        super().__init__()
        self.H, self.first = H, first
        self.x = nn.ParameterDict({name: nn.Parameter(torch.empty(1, 1, C)) for name in MIXES})
        low: dict[str, nn.Parameter] = {}
        for name, rank in ranks.items():
            if name == "v" and first:
                continue
            low |= {f"{name}1": nn.Parameter(torch.empty(C, rank)), f"{name}2": nn.Parameter(torch.empty(rank, C))}
            if name != "g":
                low[f"{name}0"] = nn.Parameter(torch.empty(1, 1, C))
        self.low = nn.ParameterDict(low)
        self.k_k, self.k_a = nn.Parameter(torch.empty(1, 1, C)), nn.Parameter(torch.empty(1, 1, C))
        self.r_k = nn.Parameter(torch.empty(H, C // H))
        self.time_shift = nn.ZeroPad2d((0, 0, 1, -1))
        self.receptance, self.key, self.value, self.output = (nn.Linear(C, C, bias=False) for _ in range(4))
        self.ln_x = nn.GroupNorm(H, C, eps=64e-5)

    def op(self, r: Tensor, w: Tensor, k: Tensor, v: Tensor, a: Tensor, b: Tensor) -> Tensor:
        B, T, C = r.shape
        N = C // self.H
        r, k, v, a, b, w = (y.view(B, T, self.H, N) for y in (r, k, v, a, b, w))
        w = torch.exp(-torch.exp(w))
        out = torch.zeros_like(v)
        state = v.new_zeros(B, self.H, N, N)
        for t in range(T):
            kk, rr, vv = k[:, t].view(B, self.H, 1, N), r[:, t].view(B, self.H, N, 1), v[:, t].view(B, self.H, N, 1)
            aa, bb = a[:, t].view(B, self.H, N, 1), b[:, t].view(B, self.H, 1, N)
            state = state * w[:, t, :, None, :] + state @ aa @ bb + vv @ kk
            out[:, t] = (state @ rr).view(B, self.H, N)
        return out.view(B, T, C)

    def forward(self, x: Tensor, v_first: Tensor | None) -> tuple[Tensor, Tensor]:
        B, T, C = x.shape
        xx, p = self.time_shift(x) - x, self.low
        xr, xw, xk, xv, xa, xg = (x + xx * self.x[name] for name in MIXES)
        r, k, v = self.receptance(xr), self.key(xk), self.value(xv)
        w = -F.softplus(-(p["w0"] + torch.tanh(xw @ p["w1"]) @ p["w2"])) - 0.5
        if v_first is None:
            v_first = v
        else:
            v = v + (v_first - v) * torch.sigmoid(p["v0"] + (xv @ p["v1"]) @ p["v2"])
        a = torch.sigmoid(p["a0"] + (xa @ p["a1"]) @ p["a2"])
        g = torch.sigmoid(xg @ p["g1"]) @ p["g2"]
        kk = F.normalize((k * self.k_k).view(B, T, self.H, -1), dim=-1, p=2.0).view(B, T, C)
        k = k * (1 + (a - 1) * self.k_a)
        y = self.ln_x(self.op(r, w, k, v, -kk, kk * a).view(B * T, C)).view(B, T, C)
        bonus = (r.view(B, T, self.H, -1) * k.view(B, T, self.H, -1) * self.r_k).sum(-1, keepdim=True)
        y = y + (bonus * v.view(B, T, self.H, -1)).view(B, T, C)
        return self.output(y * g), v_first


class ChannelMix(nn.Module):
    """BlinkDL/RWKV-LM (524481d), RWKV-v7/rwkv_v7_demo.py, `RWKV_CMix_x070`."""

    def __init__(self, C: int, hidden: int) -> None:
        super().__init__()
        self.x_k = nn.Parameter(torch.empty(1, 1, C))
        self.time_shift = nn.ZeroPad2d((0, 0, 1, -1))
        self.key, self.value = nn.Linear(C, hidden, bias=False), nn.Linear(hidden, C, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        xx = self.time_shift(x) - x
        return self.value(torch.relu(self.key(x + xx * self.x_k)) ** 2)


class Rwkv7(nn.Module):
    """BlinkDL/RWKV-LM (524481d), RWKV-v7/rwkv_v7_demo.py, `Block` and `RWKV`."""

    def __init__(self, C: int, H: int, hidden: int, layers: int, ranks: Mapping[str, int]) -> None:
        super().__init__()
        self.emb = nn.Embedding(SYMBOLS, C)
        self.ln0, self.ln_out = nn.LayerNorm(C), nn.LayerNorm(C)
        self.ln1 = nn.ModuleList(nn.LayerNorm(C) for _ in range(layers))
        self.ln2 = nn.ModuleList(nn.LayerNorm(C) for _ in range(layers))
        self.att = nn.ModuleList(TimeMix(C, H, ranks, first=layer == 0) for layer in range(layers))
        self.ffn = nn.ModuleList(ChannelMix(C, hidden) for _ in range(layers))
        self.head = nn.Linear(C, SYMBOLS, bias=False)

    def forward(self, idx: Tensor) -> Tensor:
        x, v_first = self.ln0(self.emb(idx)), None
        for ln1, att, ln2, ffn in zip(self.ln1, self.att, self.ln2, self.ffn, strict=True):
            xx, v_first = att(ln1(x), v_first)
            x = x + xx
            x = x + ffn(ln2(x))
        return self.head(self.ln_out(x))


def _norm(theirs: Theirs, name: str, ours: str) -> dict[str, Tensor]:
    return {f"{ours}.norm.{part}": theirs[f"{name}.{part}"] for part in ("weight", "bias")}


def _time_mix(theirs: Theirs, att: str, cell: str) -> dict[str, Tensor]:
    ours = {f"{cell}.mix": torch.cat([theirs[f"{att}.x.{name}"].view(1, -1) for name in MIXES])}
    for name in ("w0", "w1", "w2", "a0", "a1", "a2", "v0", "v1", "v2", "g1", "g2"):
        if f"{att}.low.{name}" in theirs.left:
            value = theirs[f"{att}.low.{name}"]
            ours[f"{cell}.{name}"] = value.flatten() if name.endswith("0") else value
    for name in ("receptance", "key", "value"):
        ours[f"{cell}.{name}"] = theirs[f"{att}.{name}.weight"]
    for name in ("k_k", "k_a"):
        ours[f"{cell}.{name}"] = theirs[f"{att}.{name}"].flatten()
    ours |= {f"{cell}.ln_{part}": theirs[f"{att}.ln_x.{part}"] for part in ("weight", "bias")}
    return {**ours, f"{cell}.r_k": theirs[f"{att}.r_k"]}


def _channel_mix(theirs: Theirs, layer: int, block: str) -> dict[str, Tensor]:
    ours = {f"{block}.layers.0.{name}.weight": theirs[f"ffn.{layer}.{name}.weight"] for name in ("key", "value")}
    ours |= _norm(theirs, f"ln2.{layer}", block)
    # a share of the step before there, and of this one here
    return {**ours, f"{block}.layers.0.mix_k": 1 - theirs[f"ffn.{layer}.x_k"].flatten()}


def _rwkv7(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = {"input.embedding.weight": theirs["emb.weight"], "head.linear.weight": theirs["head.weight"]}
    ours |= _norm(theirs, "ln0", "layers.0") | _norm(theirs, "ln_out", "layers.10")
    ours |= _norm(theirs, "ln1.0", "layers.1") | _time_mix(theirs, "att.0", "layers.2.cell")
    ours["layers.5.linear.weight"] = theirs["att.0.output.weight"]
    ours |= _channel_mix(theirs, 0, "layers.7")
    for layer in (1, 2):
        block = f"layers.{layer + 7}.layers"
        ours |= _norm(theirs, f"ln1.{layer}", f"{block}.0.layers.0")
        ours |= _time_mix(theirs, f"att.{layer}", f"{block}.0.layers.2.cell")
        ours[f"{block}.0.layers.2.output_projection.weight"] = theirs[f"att.{layer}.output.weight"]
        ours |= _channel_mix(theirs, layer, f"{block}.1")
    return ours


LATER: Final = "layers.deep.layers.0.layers.2"
RANKS: Final = {"cell.heads": 2, "cell.decay_rank": 3, "cell.rate_rank": 2, "cell.gate_rank": 4}
SMALL: Final[Mapping[str, Any]] = {
    "input.vocabulary": SYMBOLS,
    "input.size": 6,
    "hidden_size": 6,
    "layers.mixed.size": 6,
    "layers.beside.layers.0.hidden": 7,
    "layers.deep.repeat": 2,
    f"{LATER}.output_projection.size": 6,
    f"{LATER}.cell.value_rank": 5,
    "layers.deep.layers.1.layers.0.hidden": 7,
    "head.size": SYMBOLS,
    **{f"{place}.{name}": value for place in ("layers.first", LATER) for name, value in RANKS.items()},
}
RWKV7: Final = Case(
    theirs=lambda: Rwkv7(6, 2, 7, 3, {"w": 3, "a": 2, "v": 5, "g": 4}),
    ours=_rwkv7,
    changes=SMALL,
    spread=0.8,
    mistakes={
        "the output of the first layer in place of its values": {"layers.value.index": 0},
        "the values of the first layer in place of its output": {"layers.4.index": 1},
        "no residual around the time mixing": {"layers.deep.layers.0.residual": False},
        "a larger number in a norm": {"layers.deep.layers.0.layers.0.norm": {"kind": "layer", "eps": 1e-2}},
        "the norm of the sum": {"layers.deep.layers.1.norm.position": "sum"},
        "no residual around the channel mixing": {"layers.beside.residual": False},
        "a residual around both": {"layers.deep.residual": True},
        "time backwards": {f"{LATER}.reverse": True},
    },
)
CASES: Final = dict.fromkeys(["rwkv7-lm", "rwkv7-lm@pile", "rwkv7-lm@0.4b", "rwkv7-lm@1.5b"], RWKV7)
