"""Language models of mLSTM layers, as NX-AI's xlstm computes them, and how its parameters become ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
from proving import SYMBOLS, Case, Theirs
from torch import Tensor, nn
from torch.nn import functional as F


def recurrent(q: Tensor, k: Tensor, v: Tensor, i: Tensor, f: Tensor) -> Tensor:
    """Of q, k, v (T, heads, size) and gates before their activation (T, heads), what is read (T, heads, size).

    NX-AI/mlstm_kernels (39d3c61), torch/recurrent/native_step.py from the zeros of native_sequence.py; NX-AI/xlstm
    (032a6fb), blocks/mlstm/backends.py, `recurrent_step_stabilized_simple`, divides k and not q, which is the same.
    """
    steps, heads, size = k.shape
    c, n, m = v.new_zeros(heads, size, v.shape[2]), v.new_zeros(heads, size), v.new_zeros(heads)
    hs = []
    for t in range(steps):
        log_f = F.logsigmoid(f[t])
        m_new = torch.maximum(log_f + m, i[t])
        f_act, i_act = torch.exp(log_f + m - m_new)[:, None], torch.exp(i[t] - m_new)[:, None]
        c = f_act[..., None] * c + i_act[..., None] * k[t][:, :, None] * v[t][:, None, :]
        n, m = f_act * n + i_act * k[t], m_new
        q_scaled = q[t] * size**-0.5
        denominator = torch.maximum((q_scaled * n).sum(1).abs(), torch.exp(-m)) + 1e-6
        hs.append(torch.einsum("hk,hkv->hv", q_scaled, c) / denominator[:, None])
    return torch.stack(hs)


def soft_cap(values: Tensor, cap_value: float) -> Tensor:
    """NX-AI/xlstm (032a6fb), xlstm_large/components.py."""
    return cap_value * torch.tanh(values / cap_value)


class LargeLayer(nn.Module):
    """NX-AI/xlstm (032a6fb), xlstm_large/model.py, `mLSTMLayer`, and `MultiHeadLayerNorm` of components.py."""

    def __init__(self, width: int, heads: int, qk: int, cap: float) -> None:
        super().__init__()
        self.heads, self.cap = heads, cap
        self.q, self.k = nn.Linear(width, qk, bias=False), nn.Linear(width, qk, bias=False)
        self.v, self.ogate_preact = nn.Linear(width, width, bias=False), nn.Linear(width, width, bias=False)
        self.igate_preact, self.fgate_preact = nn.Linear(width, heads), nn.Linear(width, heads)
        self.multihead_norm = nn.Parameter(torch.empty(width))
        self.out_proj = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (y(x)[0].unflatten(-1, (self.heads, -1)) for y in (self.q, self.k, self.v))
        i, f = (soft_cap(gate(x)[0], self.cap) for gate in (self.igate_preact, self.fgate_preact))
        h = recurrent(q, k, v, i, f)
        centred = h - h.mean(-1, keepdim=True)
        h = centred * torch.rsqrt(h.var(-1, keepdim=True, unbiased=False) + 1e-6)
        return self.out_proj(torch.sigmoid(self.ogate_preact(x)) * (h.flatten(1) * self.multihead_norm))


class Large(nn.Module):
    """NX-AI/xlstm (032a6fb), xlstm_large/model.py, `mLSTMBlock`, `FeedForward`, `xLSTMLargeBlockStack`, `xLSTMLarge`."""

    def __init__(self, width: int, hidden: int, layers: list[nn.Module], cap: float) -> None:
        super().__init__()
        self.cap = cap
        self.embedding = nn.Embedding(SYMBOLS, width)
        self.mlstm = nn.ModuleList(layers)
        self.norm_mlstm = nn.ModuleList(nn.RMSNorm(width, eps=1e-6) for _ in layers)
        self.norm_ffn = nn.ModuleList(nn.RMSNorm(width, eps=1e-6) for _ in layers)
        self.proj_up_gate = nn.ModuleList(nn.Linear(width, hidden, bias=False) for _ in layers)
        self.proj_up = nn.ModuleList(nn.Linear(width, hidden, bias=False) for _ in layers)
        self.proj_down = nn.ModuleList(nn.Linear(hidden, width, bias=False) for _ in layers)
        self.out_norm = nn.RMSNorm(width, eps=1e-6)
        self.lm_head = nn.Linear(width, SYMBOLS, bias=False)

    def forward(self, idx: Tensor) -> Tensor:
        x = self.embedding(idx)
        for place, mlstm in enumerate(self.mlstm):
            x = x + mlstm(self.norm_mlstm[place](x))
            y = self.norm_ffn[place](x)
            x = x + self.proj_down[place](F.silu(self.proj_up_gate[place](y)) * self.proj_up[place](y))
        return soft_cap(self.lm_head(self.out_norm(x)), self.cap)


class BlockLayer(nn.Module):
    """NX-AI/xlstm (032a6fb), blocks/mlstm/layer.py, `mLSTMLayer`, and cell.py, `mLSTMCell`; components/conv.py,
    linear_headwise.py and ln.py, whose weights stand beside a one.
    """

    def __init__(self, width: int, inner: int, heads: int, block: int) -> None:
        super().__init__()
        self.inner, self.heads = inner, heads
        self.proj_up = nn.Linear(width, 2 * inner, bias=False)
        self.conv1d = nn.Conv1d(inner, inner, 4, groups=inner, padding=3)
        self.q_proj, self.k_proj, self.v_proj = (
            nn.Parameter(torch.empty(inner // block, block, block)) for _ in range(3)
        )
        self.igate, self.fgate = nn.Linear(3 * inner, heads), nn.Linear(3 * inner, heads)
        self.outnorm = nn.Parameter(torch.empty(inner))
        self.learnable_skip = nn.Parameter(torch.empty(inner))
        self.proj_down = nn.Linear(inner, width, bias=False)

    @staticmethod
    def headwise(x: Tensor, weight: Tensor) -> Tensor:
        return torch.einsum("...hd,hod->...ho", x.unflatten(-1, (len(weight), -1)), weight).flatten(-2)

    def forward(self, x: Tensor) -> Tensor:
        x_mlstm, z = self.proj_up(x).split(self.inner, -1)
        conv = F.silu(self.conv1d(x_mlstm.transpose(1, 2))[..., : x.shape[1]].transpose(1, 2))
        q, k, v = (
            self.headwise(conv, self.q_proj),
            self.headwise(conv, self.k_proj),
            self.headwise(x_mlstm, self.v_proj),
        )
        gates = torch.cat([q, k, v], -1)
        q, k, v = (y[0].unflatten(-1, (self.heads, -1)) for y in (q, k, v))
        h = recurrent(q, k, v, self.igate(gates)[0], self.fgate(gates)[0])
        h = F.group_norm(h.flatten(1), self.heads, weight=1.0 + self.outnorm, eps=1e-5)[None]
        return self.proj_down((h + self.learnable_skip * conv) * F.silu(z))


class Blocks(nn.Module):
    """NX-AI/xlstm (032a6fb), blocks/xlstm_block.py, xlstm_block_stack.py and xlstm_lm_model.py, without sLSTM blocks."""

    def __init__(self, width: int, layers: list[nn.Module], tied: bool) -> None:
        super().__init__()
        self.token_embedding = nn.Embedding(SYMBOLS, width)
        self.xlstm = nn.ModuleList(layers)
        self.xlstm_norm = nn.ParameterList(torch.empty(width) for _ in layers)
        self.post_blocks_norm = nn.Parameter(torch.empty(width))
        self.lm_head = nn.Linear(width, SYMBOLS, bias=False)
        if tied:
            self.lm_head.weight = self.token_embedding.weight

    def forward(self, idx: Tensor) -> Tensor:
        x = self.token_embedding(idx)
        for norm, xlstm in zip(self.xlstm_norm, self.xlstm, strict=True):
            x = x + xlstm(F.layer_norm(x, norm.shape, weight=1.0 + norm, eps=1e-5))
        x = F.layer_norm(x, self.post_blocks_norm.shape, weight=1.0 + self.post_blocks_norm, eps=1e-5)
        return self.lm_head(x)


def _large(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = {
        "input.embedding.weight": theirs["embedding.weight"],
        "layers.2.norm.weight": theirs["out_norm.weight"],
        "head.linear.weight": theirs["lm_head.weight"],
    }
    for layer in range(2):
        mixer, mlp = f"layers.{layer}.layers.0", f"layers.{layer}.layers.1"
        cell, mlstm = f"{mixer}.layers.0.cell", f"mlstm.{layer}"
        ours[f"{mixer}.norm.weight"] = theirs[f"norm_mlstm.{layer}.weight"]
        ours[f"{mlp}.norm.weight"] = theirs[f"norm_ffn.{layer}.weight"]
        for name, part in (("gate", "proj_up_gate"), ("into", "proj_up"), ("out", "proj_down")):
            ours[f"{mlp}.layers.0.{name}.weight"] = theirs[f"{part}.{layer}.weight"]
        ours[f"{mixer}.layers.0.output_projection.weight"] = theirs[f"{mlstm}.out_proj.weight"]
        parts = [theirs[f"{mlstm}.{name}.weight"] for name in ("q", "k", "v", "ogate_preact")]
        ours[f"{cell}.weight_ih"] = torch.cat(parts)
        ours |= _gates(theirs, mlstm, cell, "gate_preact")
        ours[f"{cell}.norm_weight"] = theirs[f"{mlstm}.multihead_norm"]
    return ours


def _blocks(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = {
        "input.embedding.weight": theirs["token_embedding.weight"],
        "layers.2.norm.weight": 1.0 + theirs["post_blocks_norm"],
    }
    if "lm_head.weight" in theirs.left:
        ours["head.linear.weight"] = theirs["lm_head.weight"]
    for layer in range(2):
        block, xlstm = f"layers.{layer}", f"xlstm.{layer}"
        cell = f"{block}.layers.0.cell"
        ours[f"{block}.norm.weight"] = 1.0 + theirs[f"xlstm_norm.{layer}"]
        ours[f"{block}.layers.0.output_projection.weight"] = theirs[f"{xlstm}.proj_down.weight"]
        ours[f"{cell}.weight_in"] = theirs[f"{xlstm}.proj_up.weight"]
        ours[f"{cell}.conv_weight"] = theirs[f"{xlstm}.conv1d.weight"].squeeze(1)
        ours[f"{cell}.conv_bias"] = theirs[f"{xlstm}.conv1d.bias"]
        ours[f"{cell}.weight_qkv"] = torch.stack([theirs[f"{xlstm}.{name}_proj"] for name in "qkv"])
        ours |= _gates(theirs, xlstm, cell, "gate")
        ours[f"{cell}.norm_weight"] = 1.0 + theirs[f"{xlstm}.outnorm"]
        ours[f"{cell}.skip"] = theirs[f"{xlstm}.learnable_skip"]
    return ours


def _gates(theirs: Theirs, place: str, cell: str, name: str) -> dict[str, Tensor]:
    return {
        f"{cell}.{part}_gates": torch.cat([theirs[f"{place}.{which}{name}.{part}"] for which in "if"])
        for part in ("weight", "bias")
    }


MISTAKES: Final[Mapping[str, Mapping[str, Any]]] = {
    "another number in the divisor": {"cell.divisor_eps": 1e-2},
    "a larger number in the norm of a head": {"cell.norm_eps": 1e-2},
}
LARGE: Final = Case(
    theirs=lambda: Large(8, 10, [LargeLayer(8, 2, 6, 1.5) for _ in range(2)], 3.0),
    ours=_large,
    changes={
        "input.vocabulary": SYMBOLS,
        "input.size": 8,
        "hidden_size": 8,
        "cell.heads": 2,
        "cell.key_size": 3,
        "cell.soft_cap": 1.5,
        "layers.deep.repeat": 2,
        "layers.deep.layers.0.layers.0.output_projection.size": 8,
        "layers.deep.layers.1.layers.0.hidden": 10,
        "head.size": SYMBOLS,
        "head.soft_cap": 3.0,
    },
    mistakes={
        **MISTAKES,
        "gates under another cap": {"cell.soft_cap": 15.0},
        "logits under another cap": {"head.soft_cap": 30.0},
        "the norm behind the memory": {"layers.deep.layers.0.norm.position": "after"},
        "no residual around the gated MLP": {"layers.deep.layers.1.residual": False},
        "another activation of the gated MLP": {"layers.deep.layers.1.layers.0.activation": "gelu"},
        "a larger number in a norm": {"layers.deep.layers.1.norm.eps": 1e-2},
        "time backwards": {"layers.deep.layers.0.layers.0.reverse": True},
    },
)


def blocks(*, tied: bool = False) -> Case:
    return Case(
        theirs=lambda: Blocks(6, [BlockLayer(6, 12, 2, 3) for _ in range(2)], tied),
        ours=_blocks,
        changes={
            "input.vocabulary": SYMBOLS,
            "input.size": 6,
            "hidden_size": 12,
            "cell.heads": 2,
            "cell.block_size": 3,
            "layers.deep.repeat": 2,
            "layers.deep.layers.0.output_projection.size": 6,
            **({} if tied else {"head.size": SYMBOLS}),
        },
        mistakes={
            **MISTAKES,
            "the norm behind the block": {"layers.deep.norm.position": "after"},
            "the norm of the sum": {"layers.deep.norm.position": "sum"},
            "no residual": {"layers.deep.residual": False},
            "a larger number in a norm": {"layers.deep.norm.eps": 1e-2},
            "time backwards": {"layers.deep.layers.0.reverse": True},
        },
    )


CASES: Final = {
    "xlstm-7b": LARGE,
    "xlstm-lm": blocks(),
    "xlstm-lm@350m": blocks(),
    "xlstm-lm@tied": blocks(tied=True),
}
