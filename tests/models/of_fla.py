"""Language models of linear attention, as flash-linear-attention computes them, and how its parameters become ours.

Its recurrences are those of its naive.py files, one step and head after the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
from proving import SYMBOLS, Case, Theirs
from torch import Tensor, nn
from torch.nn import functional as F

EPS: Final = 1e-6
"""norm_eps of every configuration, with which models make the norms of their layers too."""


def linear(inputs: int, outputs: int) -> nn.Linear:
    return nn.Linear(inputs, outputs, bias=False)


class Attention(nn.Module):
    """What its layers share: q, k, v by head, o_norm or FusedRMSNormGated (a norm of each head, then swish of g), o_proj."""

    def __init__(self, width: int, heads: int, keys: int, values: int, gated: bool) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj = linear(width, keys), linear(width, keys)
        self.v_proj, self.o_proj = linear(width, values), linear(values, width)
        self.norm = nn.RMSNorm(values // heads, eps=EPS)
        self.g_proj = linear(width, values) if gated else None

    def by_head(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1))

    def shown(self, x: Tensor, reads: list[Tensor]) -> Tensor:
        o = self.norm(torch.stack(reads)[None])
        if self.g_proj is not None:
            o = o * F.silu(self.by_head(self.g_proj(x)))
        return self.o_proj(o.flatten(2))


class Gla(Attention):
    """bc3b101, fla/layers/gla.py, `GatedLinearAttention.forward`; fla/ops/gla/naive.py."""

    def __init__(self, width: int, heads: int, rank: int) -> None:
        super().__init__(width, heads, width // 2, width, gated=True)
        self.gk_proj = nn.Sequential(linear(width, rank), nn.Linear(rank, width // 2))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (self.by_head(proj(x))[0] for proj in (self.q_proj, self.k_proj, self.v_proj))
        gk = F.logsigmoid(self.by_head(self.gk_proj(x))[0]) / 16
        h = x.new_zeros(self.heads, k.shape[2], v.shape[2])
        reads = []
        for t in range(x.shape[1]):
            h = h * gk[t].exp()[..., None] + k[t][..., None] * v[t][:, None, :]
            reads.append(torch.einsum("hk,hkv->hv", q[t] * k.shape[2] ** -0.5, h))
        return self.shown(x, reads)


class Convolved(Attention):
    """With ShortConvolution of fla/modules/convolution.py: of each feature's own last steps, without a bias, then silu."""

    def __init__(self, width: int, heads: int, keys: int, values: int, gated: bool) -> None:
        super().__init__(width, heads, keys, values, gated)
        sizes = {"q": keys, "k": keys, "v": values}
        self.conv = nn.ModuleDict(
            {name: nn.Conv1d(size, size, 4, groups=size, bias=False, padding=3) for name, size in sizes.items()}
        )

    def short(self, name: str, x: Tensor) -> Tensor:
        y = getattr(self, f"{name}_proj")(x).transpose(1, 2)
        return self.by_head(F.silu(self.conv[name](y)[..., : x.shape[1]].transpose(1, 2)))[0]

    @staticmethod
    def l2norm(x: Tensor) -> Tensor:
        return x / torch.sqrt(x.square().sum(-1, keepdim=True) + 1e-6)


class DeltaNet(Convolved):
    """bc3b101, fla/layers/delta_net.py, `DeltaNet.forward`; fla/ops/delta_rule/naive.py."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__(width, heads, width, width, gated=False)
        self.b_proj = linear(width, heads)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (self.short(name, x) for name in "qkv")
        q, k = self.l2norm(q) * q.shape[2] ** -0.5, self.l2norm(k)
        beta = self.b_proj(x).sigmoid()[0]
        S = x.new_zeros(self.heads, k.shape[2], v.shape[2])
        reads = []
        for t in range(x.shape[1]):
            value = beta[t][:, None] * (v[t] - (S * k[t][..., None]).sum(1))
            S = S + k[t][..., None] * value[:, None, :]
            reads.append(torch.einsum("hk,hkv->hv", q[t], S))
        return self.shown(x, reads)


class GatedDeltaNet(Convolved):
    """bc3b101, fla/layers/gated_deltanet.py, `GatedDeltaNet.forward`; fla/ops/gated_delta_rule/naive.py and gate.py."""

    def __init__(self, width: int, heads: int, head_dim: int) -> None:
        super().__init__(width, heads, heads * head_dim, 2 * heads * head_dim, gated=True)
        self.a_proj, self.b_proj = linear(width, heads), linear(width, heads)
        self.A_log, self.dt_bias = nn.Parameter(torch.empty(heads)), nn.Parameter(torch.empty(heads))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (self.short(name, x) for name in "qkv")
        q, k = self.l2norm(q) * q.shape[2] ** -0.5, self.l2norm(k)
        beta = self.b_proj(x).sigmoid()[0]
        g = (-self.A_log.exp() * F.softplus(self.a_proj(x) + self.dt_bias))[0]
        S = x.new_zeros(self.heads, k.shape[2], v.shape[2])
        reads = []
        for t in range(x.shape[1]):
            S = S * g[t].exp()[:, None, None]
            value = beta[t][:, None] * (v[t] - (S * k[t][..., None]).sum(1))
            S = S + k[t][..., None] * value[:, None, :]
            reads.append(torch.einsum("hk,hkv->hv", q[t], S))
        return self.shown(x, reads)


class RetNet(Attention):
    """bc3b101, fla/layers/multiscale_retention.py, `MultiScaleRetention.forward`; fla/ops/retention/naive.py.

    Its rotary embedding, fla/modules/rotary.py, turns a feature of the first half with one of the second.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__(width, heads, width, 2 * width, gated=True)

    def rotary(self, x: Tensor) -> Tensor:
        half = x.shape[2] // 2
        inv_freq = 1.0 / 10000.0 ** (torch.arange(0, 2 * half, 2, dtype=x.dtype) / (2 * half))
        freqs = torch.outer(torch.arange(len(x), dtype=x.dtype), inv_freq)[:, None]
        x1, x2 = x[..., :half], x[..., half:]
        return torch.cat([x1 * freqs.cos() - x2 * freqs.sin(), x1 * freqs.sin() + x2 * freqs.cos()], -1)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (self.by_head(proj(x))[0] for proj in (self.q_proj, self.k_proj, self.v_proj))
        q, k = self.rotary(q), self.rotary(k)
        decay = 1 - 2.0 ** (-5.0 - torch.arange(self.heads, dtype=x.dtype))
        reads = []
        for t in range(len(q)):
            read = torch.zeros_like(v[0])
            for i in range(t + 1):
                score = (q[t] * k.shape[2] ** -0.5 * k[i]).sum(-1) * decay ** (t - i)
                read = read + score[:, None] * v[i]
            reads.append(read)
        return self.shown(x, reads)


class Lm(nn.Module):
    """bc3b101, `Block`, `Model` and `ForCausalLM` of fla/models/NAME/modeling_NAME.py, `GatedMLP` of fla/modules/mlp.py."""

    def __init__(self, width: int, hidden: int, layers: list[nn.Module], tied: bool = False) -> None:
        super().__init__()
        self.embeddings = nn.Embedding(SYMBOLS, width)
        self.attn = nn.ModuleList(layers)
        self.attn_norm = nn.ModuleList(nn.RMSNorm(width, eps=EPS) for _ in layers)
        self.mlp_norm = nn.ModuleList(nn.RMSNorm(width, eps=EPS) for _ in layers)
        self.gate_proj = nn.ModuleList(linear(width, hidden) for _ in layers)
        self.up_proj = nn.ModuleList(linear(width, hidden) for _ in layers)
        self.down_proj = nn.ModuleList(linear(hidden, width) for _ in layers)
        self.norm = nn.RMSNorm(width, eps=EPS)
        self.lm_head = linear(width, SYMBOLS)
        if tied:
            self.lm_head.weight = self.embeddings.weight

    def forward(self, input_ids: Tensor) -> Tensor:
        x = self.embeddings(input_ids)
        for place, attn in enumerate(self.attn):
            x = x + attn(self.attn_norm[place](x))
            y = self.mlp_norm[place](x)
            x = x + self.down_proj[place](F.silu(self.gate_proj[place](y)) * self.up_proj[place](y))
        return self.lm_head(self.norm(x))


def _lm(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = {"input.embedding.weight": theirs["embeddings.weight"], "layers.2.norm.weight": theirs["norm.weight"]}
    if "lm_head.weight" in theirs.left:
        ours["head.linear.weight"] = theirs["lm_head.weight"]
    for layer in range(2):
        mixer, mlp = f"layers.{layer}.layers.0", f"layers.{layer}.layers.1"
        cell, attn = f"{mixer}.layers.0.cell", f"attn.{layer}"
        ours[f"{mixer}.norm.weight"] = theirs[f"attn_norm.{layer}.weight"]
        ours[f"{mlp}.norm.weight"] = theirs[f"mlp_norm.{layer}.weight"]
        for name, part in (("gate", "gate"), ("into", "up"), ("out", "down")):
            ours[f"{mlp}.layers.0.{name}.weight"] = theirs[f"{part}_proj.{layer}.weight"]
        ours[f"{mixer}.layers.0.output_projection.weight"] = theirs[f"{attn}.o_proj.weight"]
        ours[f"{cell}.weight_qkv"] = torch.cat([theirs[f"{attn}.{name}_proj.weight"] for name in "qkv"])
        ours[f"{cell}.norm_weight"] = theirs[f"{attn}.norm.weight"]
        if f"{attn}.conv.q.weight" in theirs.left:
            parts = [theirs[f"{attn}.conv.{name}.weight"].squeeze(1) for name in "qkv"]
            ours[f"{cell}.conv_weight"] = torch.cat(parts)
        if f"{attn}.g_proj.weight" in theirs.left:
            ours[f"{cell}.weight_g"] = theirs[f"{attn}.g_proj.weight"]
        ours |= {f"{cell}.{name}": value for name, value in _own(theirs, attn).items()}
    return ours


def _own(theirs: Theirs, attn: str) -> dict[str, Tensor]:
    """What one kind of layer has alone."""
    if f"{attn}.gk_proj.0.weight" in theirs.left:
        down, up = theirs[f"{attn}.gk_proj.0.weight"], theirs[f"{attn}.gk_proj.1.weight"]
        return {"gk_down": down, "gk_up": up, "gk_bias": theirs[f"{attn}.gk_proj.1.bias"]}
    if f"{attn}.a_proj.weight" in theirs.left:
        both = torch.cat([theirs[f"{attn}.a_proj.weight"], theirs[f"{attn}.b_proj.weight"]])
        return {"weight_ab": both, **{name: theirs[f"{attn}.{name}"] for name in ("A_log", "dt_bias")}}
    if f"{attn}.b_proj.weight" in theirs.left:
        return {"weight_beta": theirs[f"{attn}.b_proj.weight"]}
    return {}


SMALL: Final[Mapping[str, Any]] = {
    "input.vocabulary": SYMBOLS,
    "input.size": 8,
    "layers.deep.repeat": 2,
    "layers.deep.layers.0.layers.0.output_projection.size": 8,
    "layers.deep.layers.1.layers.0.hidden": 10,
    "cell.heads": 2,
}
UNTIED: Final = {"head.size": SYMBOLS}
MISTAKES: Final[Mapping[str, Mapping[str, Any]]] = {
    "the norm behind the memory": {"layers.deep.layers.0.norm.position": "after"},
    "no residual around the gated MLP": {"layers.deep.layers.1.residual": False},
    "another activation of the gated MLP": {"layers.deep.layers.1.layers.0.activation": "gelu"},
    "a larger number in a norm": {"layers.deep.layers.1.norm.eps": 1e-2},
    "a larger number in the norm of the memory": {"cell.norm_eps": 1e-2},
    "time backwards": {"layers.deep.layers.0.layers.0.reverse": True},
}
NEGATIVE: Final = {"strengths of up to two": {"cell.allow_neg_eigval": True}}


def case(layer: Any, hidden_size: int, mistakes: Mapping[str, Any], *, tied: bool = False, **changes: Any) -> Case:
    own = {"hidden_size": hidden_size, **{f"cell.{name}": value for name, value in changes.items()}}
    return Case(
        theirs=lambda: Lm(8, 10, [layer() for _ in range(2)], tied),
        ours=_lm,
        changes={**SMALL, **({} if tied else UNTIED), **own},
        mistakes={**MISTAKES, **mistakes},
    )


NORMALISER: Final = {"forget gates half as strong": {"cell.gate_normaliser": 32.0}}
GLA: Final = case(lambda: Gla(8, 2, 3), 8, NORMALISER, gate_rank=3)
DELTANET: Final = case(lambda: DeltaNet(8, 2), 8, NEGATIVE)
CASES: Final = {
    "gla-lm": GLA,
    "gla-lm@7b": GLA,
    "gla-lm@340m": case(lambda: Gla(8, 2, 3), 8, NORMALISER, tied=True, gate_rank=3),
    "deltanet-lm": DELTANET,
    "deltanet-lm@340m": DELTANET,
    "gated-deltanet-lm": case(lambda: GatedDeltaNet(8, 2, 3), 12, NEGATIVE),
    "retnet-lm": case(lambda: RetNet(8, 2), 16, {}),
}
