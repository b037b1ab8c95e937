"""RWKV-4, as its source computes it, and how its parameters become ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import torch
from proving import SYMBOLS, Case, Theirs
from torch import Tensor, nn


class TimeMix(nn.Module):
    """BlinkDL/RWKV-LM (524481d), RWKV-v4/src/model.py, `RWKV_TimeMix`, and the sums of arXiv:2305.13048, equation 14.

    Its kernel keeps a running exponent beside these sums, which changes nothing at small numbers.
    """

    def __init__(self, n_embd: int) -> None:
        super().__init__()
        self.time_decay, self.time_first = (nn.Parameter(torch.empty(n_embd)) for _ in range(2))
        self.time_mix_k, self.time_mix_v, self.time_mix_r = (nn.Parameter(torch.empty(1, 1, n_embd)) for _ in range(3))
        self.time_shift = nn.ZeroPad2d((0, 0, 1, -1))
        self.key, self.value, self.receptance, self.output = (nn.Linear(n_embd, n_embd, bias=False) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        xx = self.time_shift(x)
        k = self.key(x * self.time_mix_k + xx * (1 - self.time_mix_k))
        v = self.value(x * self.time_mix_v + xx * (1 - self.time_mix_v))
        r = torch.sigmoid(self.receptance(x * self.time_mix_r + xx * (1 - self.time_mix_r)))
        w = -torch.exp(self.time_decay)
        y = torch.zeros_like(v)
        for t in range(x.shape[1]):
            own = torch.exp(self.time_first + k[0, t])
            before = [torch.exp(w * (t - 1 - i) + k[0, i]) for i in range(t)]
            above = sum((e * v[0, i] for i, e in enumerate(before)), own * v[0, t])
            y[0, t] = above / sum(before, own)
        return self.output(r * y)


class ChannelMix(nn.Module):
    """BlinkDL/RWKV-LM (524481d), RWKV-v4/src/model.py, `RWKV_ChannelMix`."""

    def __init__(self, n_embd: int, hidden: int) -> None:
        super().__init__()
        self.time_mix_k, self.time_mix_r = (nn.Parameter(torch.empty(1, 1, n_embd)) for _ in range(2))
        self.time_shift = nn.ZeroPad2d((0, 0, 1, -1))
        self.key = nn.Linear(n_embd, hidden, bias=False)
        self.receptance = nn.Linear(n_embd, n_embd, bias=False)
        self.value = nn.Linear(hidden, n_embd, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        xx = self.time_shift(x)
        k = torch.square(torch.relu(self.key(x * self.time_mix_k + xx * (1 - self.time_mix_k))))
        return torch.sigmoid(self.receptance(x * self.time_mix_r + xx * (1 - self.time_mix_r))) * self.value(k)


class Rwkv(nn.Module):
    """BlinkDL/RWKV-LM (524481d), RWKV-v4/src/model.py, `Block` and `GPT`."""

    def __init__(self, n_embd: int, hidden: int, n_layer: int) -> None:
        super().__init__()
        self.emb = nn.Embedding(SYMBOLS, n_embd)
        self.ln0, self.ln_out = nn.LayerNorm(n_embd), nn.LayerNorm(n_embd)
        self.ln1 = nn.ModuleList(nn.LayerNorm(n_embd) for _ in range(n_layer))
        self.ln2 = nn.ModuleList(nn.LayerNorm(n_embd) for _ in range(n_layer))
        self.att = nn.ModuleList(TimeMix(n_embd) for _ in range(n_layer))
        self.ffn = nn.ModuleList(ChannelMix(n_embd, hidden) for _ in range(n_layer))
        self.head = nn.Linear(n_embd, SYMBOLS, bias=False)

    def forward(self, idx: Tensor) -> Tensor:
        x = self.ln0(self.emb(idx))
        for ln1, att, ln2, ffn in zip(self.ln1, self.att, self.ln2, self.ffn, strict=True):
            x = x + att(ln1(x))
            x = x + ffn(ln2(x))
        return self.head(self.ln_out(x))


def _norm(theirs: Theirs, name: str, ours: str) -> dict[str, Tensor]:
    return {f"{ours}.norm.{part}": theirs[f"{name}.{part}"] for part in ("weight", "bias")}


def _rwkv(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = {"input.embedding.weight": theirs["emb.weight"], "head.linear.weight": theirs["head.weight"]}
    ours |= _norm(theirs, "ln0", "layers.0") | _norm(theirs, "ln_out", "layers.3")
    for layer in range(2):
        mix, channel = f"layers.{layer + 1}.layers.0", f"layers.{layer + 1}.layers.1"
        ours |= _norm(theirs, f"ln1.{layer}", mix) | _norm(theirs, f"ln2.{layer}", channel)
        for name in ("time_mix_k", "time_mix_v", "time_mix_r", "time_decay", "time_first"):
            ours[f"{mix}.layers.0.cell.{name}"] = theirs[f"att.{layer}.{name}"].flatten()
        for name in ("key", "value", "receptance"):
            ours[f"{mix}.layers.0.cell.{name}"] = theirs[f"att.{layer}.{name}.weight"]
            ours[f"{channel}.layers.0.{name}.weight"] = theirs[f"ffn.{layer}.{name}.weight"]
        ours[f"{mix}.layers.0.output_projection.weight"] = theirs[f"att.{layer}.output.weight"]
        for name in ("k", "r"):
            ours[f"{channel}.layers.0.mix_{name}"] = theirs[f"ffn.{layer}.time_mix_{name}"].flatten()
    return ours


RWKV: Final = Case(
    theirs=lambda: Rwkv(5, 7, 2),
    ours=_rwkv,
    changes={
        "input.vocabulary": SYMBOLS,
        "input.size": 5,
        "hidden_size": 5,
        "layers.deep.repeat": 2,
        "layers.deep.layers.0.layers.0.output_projection.size": 5,
        "layers.deep.layers.1.layers.0.hidden": 7,
        "head.size": SYMBOLS,
    },
    mistakes={
        "the norm behind the time mixing": {"layers.deep.layers.0.norm.position": "after"},
        "the norm of the sum": {"layers.deep.layers.1.norm.position": "sum"},
        "no residual around the channel mixing": {"layers.deep.layers.1.residual": False},
        "a residual around both": {"layers.deep.residual": True},
        "time backwards": {"layers.deep.layers.0.layers.0.reverse": True},
    },
)

CASES: Final = dict.fromkeys(["rwkv4-lm", *(f"rwkv4-lm@{size}" for size in ("430m", "1b5", "3b", "7b", "14b"))], RWKV)
