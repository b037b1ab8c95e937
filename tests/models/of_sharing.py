"""Models whose cells share parameters, as their sources compute them, and how their parameters become ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
from of_fla import EPS, Lm
from proving import SYMBOLS, Case, Theirs, linear
from torch import Tensor, nn
from torch.nn import functional as F

WIDTH: Final = 6


class S5SSM(nn.Module):
    """lindermanlab/S5 (3c18fdb), s5/ssm.py, `S5SSM` and `apply_ssm`: conj_sym, zoh, bidirectional, its scans step by step.

    Dense, BatchNorm and gelu are flax's, of which the last is the approximation by tanh.
    """

    def __init__(self, width: int, size: int, clip_eigs: bool) -> None:
        super().__init__()
        self.clip_eigs = clip_eigs
        self.Lambda_re, self.Lambda_im = (nn.Parameter(torch.empty(size)) for _ in range(2))
        self.B = nn.Parameter(torch.empty(size, width, 2))
        self.C1, self.C2 = (nn.Parameter(torch.empty(width, size, 2)) for _ in range(2))
        self.D = nn.Parameter(torch.empty(width))
        self.log_step = nn.Parameter(torch.empty(size, 1))

    def forward(self, u: Tensor) -> Tensor:
        real = self.Lambda_re.clamp(max=-1e-4) if self.clip_eigs else self.Lambda_re
        eigenvalues = real + 1j * self.Lambda_im
        step = torch.exp(self.log_step[:, 0])
        bar = torch.exp(eigenvalues * step)
        B_bar = (1 / eigenvalues * (bar - 1))[:, None] * (self.B[..., 0] + 1j * self.B[..., 1])
        inputs = u[0].to(B_bar.dtype) @ B_bar.T
        xs = torch.cat([self.scan(bar, inputs), self.scan(bar, inputs.flip(0)).flip(0)], -1)
        C = torch.cat([each[..., 0] + 1j * each[..., 1] for each in (self.C1, self.C2)], -1)
        return (2 * (xs @ C.T).real + self.D * u[0])[None]

    def scan(self, bar: Tensor, inputs: Tensor) -> Tensor:
        x, xs = torch.zeros_like(bar), []
        for one in inputs:
            x = bar * x + one
            xs.append(x)
        return torch.stack(xs)


class SequenceLayer(nn.Module):
    """lindermanlab/S5 (3c18fdb), s5/layers.py, with prenorm and batchnorm; activation is half_glu1 or half_glu2."""

    def __init__(self, width: int, size: int, activation: str, clip_eigs: bool) -> None:
        super().__init__()
        self.activation = activation
        self.seq, self.out2 = S5SSM(width, size, clip_eigs), nn.Linear(width, width)
        self.norm = nn.BatchNorm1d(width)

    def forward(self, x: Tensor) -> Tensor:
        skip = x
        x = self.seq(self.norm(x.mT).mT)
        x1 = F.gelu(x, approximate="tanh")
        x = (x1 if self.activation == "half_glu1" else x) * torch.sigmoid(self.out2(x1))
        return skip + x


class Classifier(nn.Module):
    """lindermanlab/S5 (3c18fdb), s5/seq_model.py, `ClassificationModel` with mode pool, before its softmax."""

    def __init__(
        self, symbols: int, size: int, activation: str, *, clip_eigs: bool = False, width: int = WIDTH
    ) -> None:
        super().__init__()
        self.symbols = symbols
        self.encoder, self.decoder = nn.Linear(symbols, width), nn.Linear(width, 3)
        self.layers = nn.Sequential(*(SequenceLayer(width, size, activation, clip_eigs) for _ in range(2)))

    def forward(self, x: Tensor) -> Tensor:
        if not x.is_floating_point():
            x = F.one_hot(x, self.symbols).double()
        return self.decoder(self.layers(self.encoder(x)).mean(1))


def _s5(gate: int) -> Any:
    """gate: the position in a block of the linear map."""

    def ours(theirs: Theirs) -> Mapping[str, Tensor]:
        found = linear(theirs, "encoder", "layers.0.linear") | linear(theirs, "decoder", "head.linear")
        for layer in range(2):
            place, block = f"layers.{layer}", f"layers.{layer + 1}.layers"
            found |= {
                f"{block}.0.norm.{name}": theirs[f"{place}.norm.{name}"]
                for name in ("weight", "bias", "running_mean", "running_var")
            }
            for name in ("Lambda_re", "Lambda_im", "B"):
                found[f"{block}.1.cell.{name}"] = theirs[f"{place}.seq.{name}"]
            found[f"{block}.1.cell.log_step"] = theirs[f"{place}.seq.log_step"][:, 0]
            found[f"{block}.1.cell.C"] = theirs[f"{place}.seq.C1"]
            found[f"{block}.1.reverse_cell.C"] = theirs[f"{place}.seq.C2"]
            found[f"{block}.2.scale"] = theirs[f"{place}.seq.D"]
            found |= linear(theirs, f"{place}.out2", f"{block}.{gate}.linear")
        return found

    return ours


S5_SMALL: Final[Mapping[str, Any]] = {
    "layers.0.size": WIDTH,
    "layers.deep.repeat": 2,
    "layers.deep.layers.gate.size": WIDTH,
    "cell.blocks": 1,
    "hidden_size": 4,
    "head.size": 3,
}
S5_MISTAKES: Final[Mapping[str, Mapping[str, Any]]] = {
    "the mean of both directions": {"merge": "mean"},
    "another discretisation": {"cell.discretisation": "bilinear"},
    "no residual": {"layers.deep.residual": False},
    "the exact gelu": {"layers.deep.layers.4.function": "gelu"},
    "past the block's own input": {"layers.deep.layers.past.from": "both"},
    "both directions multiplied": {"merge": "mul"},
    "the largest over time": {"head.pool": "max"},
}


def _listops(gate: int) -> Case:
    return Case(
        theirs=lambda: Classifier(SYMBOLS, 4, "half_glu2"),
        ours=_s5(gate),
        changes={**S5_SMALL, "input.vocabulary": SYMBOLS},
        spread=0.3,
        mistakes={**S5_MISTAKES, "the gate alone": {f"layers.deep.layers.{gate + 1}.of": ["gate", "gate"]}},
    )


def _pixels(clip_eigs: bool) -> Case:
    return Case(
        theirs=lambda: Classifier(1, 4, "half_glu1", clip_eigs=clip_eigs),
        ours=_s5(6),
        changes=S5_SMALL,
        spread=0.3,
        mistakes={**S5_MISTAKES, "another bound of Λ": {"cell.max_real": -0.2}},
    )


class Hgrn(nn.Module):
    """bc3b101, fla/layers/hgrn.py, `HGRNAttention.forward`; fla/ops/hgrn/naive.py and FusedRMSNormGated (swish)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.i_proj, self.f_proj, self.g_proj, self.o_proj = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.g_norm = nn.RMSNorm(width, eps=EPS)

    def forward(self, x: Tensor, lower_bound: Tensor, layer_idx: int) -> Tensor:
        i, f = self.i_proj(x), F.logsigmoid(self.f_proj(x))
        if layer_idx > 0:
            f = torch.logaddexp(lower_bound.log(), torch.log1p(-lower_bound) + f)
        i = F.silu(i) * (1 - f.exp())
        h, o = torch.zeros_like(i[:, 0]), []
        for t in range(i.shape[1]):
            h = f[:, t].exp() * h + i[:, t]
            o.append(h)
        return self.o_proj(self.g_norm(torch.stack(o, 1)) * F.silu(self.g_proj(x)))


class Hgrn2(nn.Module):
    """bc3b101, fla/layers/hgrn2.py, `HGRN2Attention.forward`; fla/ops/gla/naive.py; rms_norm_linear, its eps by default."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj, self.f_proj, self.i_proj, self.o_proj = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.g_norm = nn.RMSNorm(width, eps=1e-5)

    def forward(self, x: Tensor, lower_bound: Tensor, layer_idx: int) -> Tensor:
        q, g = F.silu(self.q_proj(x)), F.logsigmoid(self.f_proj(x))
        if layer_idx > 0:
            g = torch.logaddexp(lower_bound.log(), torch.log1p(-lower_bound) + g)
        k = 1 - g.exp()
        q, k, g, i = (one[0].unflatten(-1, (self.heads, -1)) for one in (q, k, g, self.i_proj(x)))
        h, o = x.new_zeros(self.heads, k.shape[2], i.shape[2]), []
        for t in range(x.shape[1]):
            h = h * g[t].exp()[..., None] + k[t][..., None] * i[t][:, None, :]
            o.append(torch.einsum("hk,hkv->hv", q[t] * k.shape[2] ** -0.5, h))
        return self.o_proj(self.g_norm(torch.stack(o).flatten(1)[None]))


class Bounded(Lm):
    """bc3b101, `HGRNModel` of fla/models/hgrn/modeling_hgrn.py, and likewise of hgrn2: one table for all layers."""

    def __init__(self, width: int, hidden: int, layers: list[nn.Module]) -> None:
        super().__init__(width, hidden, layers)
        self.lower_bounds = nn.Parameter(torch.empty(len(layers), width))

    def forward(self, input_ids: Tensor) -> Tensor:
        lower_bounds = self.lower_bounds.softmax(0)
        lower_bounds = lower_bounds.cumsum(0) - lower_bounds[0]
        x = self.embeddings(input_ids)
        for place, attn in enumerate(self.attn):
            x = x + attn(self.attn_norm[place](x), lower_bounds[place], place)
            y = self.mlp_norm[place](x)
            x = x + self.down_proj[place](F.silu(self.gate_proj[place](y)) * self.up_proj[place](y))
        return self.lm_head(self.norm(x))


def _bounded(names: str, product: str) -> Any:
    """The names of its products in the order of our blocks, and ours of their matrix."""

    def ours(theirs: Theirs) -> Mapping[str, Tensor]:
        found = {"input.embedding.weight": theirs["embeddings.weight"], "head.linear.weight": theirs["lm_head.weight"]}
        found["layers.3.norm.weight"] = theirs["norm.weight"]
        for layer in range(3):
            mixer, mlp, attn = f"layers.{layer}.layers.0", f"layers.{layer}.layers.1", f"attn.{layer}"
            cell = f"{mixer}.layers.0.cell"
            found[f"{mixer}.norm.weight"] = theirs[f"attn_norm.{layer}.weight"]
            found[f"{mlp}.norm.weight"] = theirs[f"mlp_norm.{layer}.weight"]
            for part, name in (("gate", "gate"), ("into", "up"), ("out", "down")):
                found[f"{mlp}.layers.0.{part}.weight"] = theirs[f"{name}_proj.{layer}.weight"]
            found[f"{mixer}.layers.0.output_projection.weight"] = theirs[f"{attn}.o_proj.weight"]
            found[f"{cell}.{product}"] = torch.cat([theirs[f"{attn}.{name}_proj.weight"] for name in names])
            found[f"{cell}.norm_weight"] = theirs[f"{attn}.g_norm.weight"]
            found[f"{cell}.bound"] = theirs["lower_bounds"][layer]
        return found

    return ours


DEEP_SMALL: Final[Mapping[str, Any]] = {
    "input.vocabulary": SYMBOLS,
    "input.size": 8,
    "hidden_size": 8,
    "head.size": SYMBOLS,
    "layers.deep.repeat": 3,
    "layers.deep.layers.0.layers.0.output_projection.size": 8,
    "layers.deep.layers.1.layers.0.hidden": 10,
}
DEEP_MISTAKES: Final[Mapping[str, Mapping[str, Any]]] = {
    "the norm behind the memory": {"layers.deep.layers.0.norm.position": "after"},
    "no residual around the gated MLP": {"layers.deep.layers.1.residual": False},
    "another activation of the gated MLP": {"layers.deep.layers.1.layers.0.activation": "gelu"},
    "a larger number in a norm": {"layers.deep.layers.1.norm.eps": 1e-2},
    "a larger number in the norm of the memory": {"cell.norm_eps": 1e-2},
    "time backwards": {"layers.deep.layers.0.layers.0.reverse": True},
}
HGRN: Final = Case(
    theirs=lambda: Bounded(8, 10, [Hgrn(8) for _ in range(3)]),
    ours=_bounded("ifg", "weight_ih"),
    changes=DEEP_SMALL,
    mistakes=DEEP_MISTAKES,
)
HGRN2: Final = Case(
    theirs=lambda: Bounded(8, 10, [Hgrn2(8, 2) for _ in range(3)]),
    ours=_bounded("qfi", "weight_qkv"),
    changes={**DEEP_SMALL, "cell.heads": 2, "cell.key_size": 4},
    mistakes=DEEP_MISTAKES,
)


CASES: Final = {
    "s5-listops": _listops(5),
    "s5-listops@imdb": _listops(6),
    "s5-cifar": _pixels(True),
    **dict.fromkeys([f"s5-cifar@{name}" for name in ("pathfinder", "path-x", "speech")], _pixels(False)),
    "hgrn-lm": HGRN,
    **dict.fromkeys(["hgrn2-lm", "hgrn2-lm@340m"], HGRN2),
}
