"""Language models of Mamba and Mamba-2 blocks, as their source computes them, and how its parameters become ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
from proving import SYMBOLS, Case, Theirs
from torch import Tensor, nn
from torch.nn import functional as F


class Mamba(nn.Module):
    """state-spaces/mamba (e9594ce), modules/mamba_simple.py, and `selective_scan_ref` of ops/selective_scan_interface.py."""

    def __init__(self, d_model: int, d_inner: int, d_state: int) -> None:
        super().__init__()
        self.dt_rank, self.d_state = -(-d_model // 16), d_state
        self.in_proj = nn.Linear(d_model, d_inner * 2, bias=False)
        self.conv1d = nn.Conv1d(d_inner, d_inner, 4, groups=d_inner, padding=3)
        self.x_proj = nn.Linear(d_inner, self.dt_rank + d_state * 2, bias=False)
        self.dt_proj = nn.Linear(self.dt_rank, d_inner)
        self.A_log = nn.Parameter(torch.empty(d_inner, d_state))
        self.D = nn.Parameter(torch.empty(d_inner))
        self.out_proj = nn.Linear(d_inner, d_model, bias=False)

    def forward(self, hidden_states: Tensor) -> Tensor:
        x, z = self.in_proj(hidden_states).chunk(2, -1)
        x = F.silu(self.conv1d(x.transpose(1, 2))[..., : x.shape[1]]).transpose(1, 2)
        dt, B, C = torch.split(self.x_proj(x), [self.dt_rank, self.d_state, self.d_state], -1)
        delta = F.softplus(self.dt_proj(dt))
        A = -torch.exp(self.A_log)
        state = torch.zeros_like(A)
        ys = []
        for t in range(x.shape[1]):
            deltaB_u = torch.einsum("d,n,d->dn", delta[0, t], B[0, t], x[0, t])
            state = torch.exp(torch.einsum("d,dn->dn", delta[0, t], A)) * state + deltaB_u
            ys.append(torch.einsum("dn,n->d", state, C[0, t]))
        y = torch.stack(ys)[None] + x * self.D
        return self.out_proj(y * F.silu(z))


class Mamba2(nn.Module):
    """state-spaces/mamba (e9594ce), modules/mamba2.py with one group, its scan step by step.

    RMSNormGated of ops/triton/layernorm_gated.py with norm_before_gate false multiplies by silu(z) first.
    """

    def __init__(self, d_model: int, d_inner: int, d_state: int, nheads: int) -> None:
        super().__init__()
        self.nheads = nheads
        self.widths = [d_inner, d_state, d_state]
        conv_dim = sum(self.widths)
        self.in_proj = nn.Linear(d_model, d_inner + conv_dim + nheads, bias=False)
        self.conv1d = nn.Conv1d(conv_dim, conv_dim, 4, groups=conv_dim, padding=3)
        self.dt_bias = nn.Parameter(torch.empty(nheads))
        self.A_log = nn.Parameter(torch.empty(nheads))
        self.D = nn.Parameter(torch.empty(nheads))
        self.norm = nn.Parameter(torch.empty(d_inner))
        self.out_proj = nn.Linear(d_inner, d_model, bias=False)

    def forward(self, u: Tensor) -> Tensor:
        steps = u.shape[1]
        z, xBC, dt = torch.split(self.in_proj(u), [self.widths[0], sum(self.widths), self.nheads], -1)
        xBC = F.silu(self.conv1d(xBC.transpose(1, 2)).transpose(1, 2)[:, :steps])
        x, B, C = torch.split(xBC, self.widths, -1)
        x = x.unflatten(-1, (self.nheads, -1))  # b l h p
        dt, A = F.softplus(dt + self.dt_bias), -torch.exp(self.A_log)
        state = x.new_zeros(self.nheads, x.shape[3], B.shape[2])
        ys = []
        for t in range(steps):
            new = torch.einsum("h,hp,n->hpn", dt[0, t], x[0, t], B[0, t])
            state = torch.exp(dt[0, t] * A)[:, None, None] * state + new
            ys.append(torch.einsum("hpn,n->hp", state, C[0, t]))
        y = (torch.stack(ys)[None] + x * self.D[:, None]).flatten(2) * F.silu(z)
        y = y * torch.rsqrt(y.square().mean(-1, keepdim=True) + 1e-5) * self.norm
        return self.out_proj(y)


class MambaLM(nn.Module):
    """state-spaces/mamba (e9594ce), `MixerModel` and `MambaLMHeadModel` of models/mixer_seq_simple.py, modules/block.py."""

    def __init__(self, d_model: int, mixers: list[nn.Module]) -> None:
        super().__init__()
        self.embedding = nn.Embedding(SYMBOLS, d_model)
        self.mixers = nn.ModuleList(mixers)
        self.norms = nn.ModuleList(nn.RMSNorm(d_model, eps=1e-5) for _ in mixers)
        self.norm_f = nn.RMSNorm(d_model, eps=1e-5)

    def forward(self, input_ids: Tensor) -> Tensor:
        hidden_states, residual = self.embedding(input_ids), None
        for norm, mixer in zip(self.norms, self.mixers, strict=True):
            residual = hidden_states if residual is None else hidden_states + residual
            hidden_states = mixer(norm(residual))
        assert residual is not None
        return self.norm_f(hidden_states + residual) @ self.embedding.weight.T


def _lm(theirs: Theirs, names: tuple[str, ...]) -> Mapping[str, Tensor]:
    ours = {"input.embedding.weight": theirs["embedding.weight"], "layers.2.norm.weight": theirs["norm_f.weight"]}
    for layer in range(2):
        place, cell = f"mixers.{layer}", f"layers.{layer}.layers.0.cell"
        ours[f"layers.{layer}.norm.weight"] = theirs[f"norms.{layer}.weight"]
        ours[f"layers.{layer}.layers.0.output_projection.weight"] = theirs[f"{place}.out_proj.weight"]
        ours[f"{cell}.in_proj"] = theirs[f"{place}.in_proj.weight"]
        ours[f"{cell}.conv_weight"] = theirs[f"{place}.conv1d.weight"].squeeze(1)
        ours[f"{cell}.conv_bias"] = theirs[f"{place}.conv1d.bias"]
        for name in names:
            ours[f"{cell}.{name.replace('.', '_').removesuffix('_weight')}"] = theirs[f"{place}.{name}"]
    return ours


def _mamba(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = dict(_lm(theirs, ("x_proj.weight", "A_log", "D")))
    for layer in range(2):
        for name in ("weight", "bias"):
            ours[f"layers.{layer}.layers.0.cell.dt_{name}"] = theirs[f"mixers.{layer}.dt_proj.{name}"]
    return ours


def _mamba2(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = dict(_lm(theirs, ("dt_bias", "A_log", "D")))
    for layer in range(2):
        ours[f"layers.{layer}.layers.0.cell.norm_weight"] = theirs[f"mixers.{layer}.norm"]
    return ours


SMALL: Final[Mapping[str, Any]] = {
    "input.vocabulary": SYMBOLS,
    "layers.deep.repeat": 2,
    "layers.deep.layers.0.output_projection.size": 6,
    "input.size": 6,
}
MISTAKES: Final[Mapping[str, Mapping[str, Any]]] = {
    "the norm behind the block": {"layers.deep.norm.position": "after"},
    "the norm of the sum": {"layers.deep.norm.position": "sum"},
    "no residual": {"layers.deep.residual": False},
    "a larger number in the norms": {"layers.deep.norm.eps": 1e-2},
    "time backwards": {"layers.deep.layers.0.reverse": True},
}
MAMBA: Final = Case(
    theirs=lambda: MambaLM(6, [Mamba(6, 10, 3) for _ in range(2)]),
    ours=_mamba,
    changes={**SMALL, "hidden_size": 10, "cell.state_size": 3},
    mistakes=MISTAKES,
)
MAMBA2: Final = Case(
    theirs=lambda: MambaLM(6, [Mamba2(6, 10, 3, 5) for _ in range(2)]),
    ours=_mamba2,
    changes={**SMALL, "hidden_size": 10, "cell.heads": 5, "cell.state_size": 3},
    mistakes=MISTAKES,
)

CASES: Final = {
    **dict.fromkeys(["mamba-lm", *(f"mamba-lm@{size}" for size in ("370m", "790m", "1.4b", "2.8b"))], MAMBA),
    **dict.fromkeys(["mamba2-lm", *(f"mamba2-lm@{size}" for size in ("370m", "780m", "1.3b", "2.7b"))], MAMBA2),
}
