"""fla-core's naive functions: the recurrences alone, in plain torch. What a layer of theirs does before and after
(products, a short convolution, norms, gates) needs Triton there, and is torch's here.

Each file is read by itself, since the package imports Triton; their casts to float32 are made casts to float64.
"""

from __future__ import annotations

from types import ModuleType

import torch
import torch.nn.functional as F
from torch import Tensor

from oracles.copied import Copied, Numbers, Oracle, doubled, source


def naive(name: str) -> ModuleType:
    return source("fla", f"ops/{name}/naive.py")


def hgrn(given: Copied) -> Numbers:
    i, f, g = (given.x @ given.p["weight_ih"].T).chunk(3, 2)
    bound = given.options.lower_bound
    kept = bound + (1 - bound) * torch.sigmoid(f)
    with doubled():
        written = (1 - kept) * F.silu(i)
        y, h = naive("hgrn").naive_recurrent_hgrn(written, kept.log(), given.start["h"], output_final_state=True)
    return F.rms_norm(y, y.shape[-1:], given.p["norm_weight"], 1e-5) * F.silu(g), {"h": h}


def _qkv(given: Copied, *, activated: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values (B, T, heads, size) behind the convolution, which sees zeros before the first step."""
    y = given.x @ given.p["weight_qkv"].T
    if "conv_weight" in given.p:
        kernel = given.p["conv_weight"][:, None]  # (rows, 1, kernel)
        padded = F.pad(y.transpose(1, 2), (kernel.shape[2] - 1, 0))
        y = F.conv1d(padded, kernel, groups=len(kernel)).transpose(1, 2)
    y = F.silu(y) if activated else y
    keys = given.options.heads * given.start["S"].shape[2]
    q, k, v = (
        part.reshape(*part.shape[:2], given.options.heads, -1) for part in torch.split(y, [keys, keys, given.hidden], 2)
    )
    return q, k, v


def _unit(x: Tensor) -> Tensor:
    """Of length 1, as their layers have it in the kernel."""
    return x / (x.square().sum(-1, keepdim=True) + 1e-6).sqrt()


def _read(given: Copied, o: Tensor) -> Tensor:
    o = F.rms_norm(o, o.shape[-1:], given.p["norm_weight"], 1e-5).flatten(2)
    return o * F.silu(given.x @ given.p["weight_g"].T) if "weight_g" in given.p else o


def gla(given: Copied) -> Numbers:
    q, k, v = _qkv(given, activated=False)
    gate = given.x @ given.p["gk_down"].T @ given.p["gk_up"].T + given.p["gk_bias"]
    log_decay = F.logsigmoid(gate).view_as(k) / given.options.gate_normaliser
    with doubled():
        o, S = naive("gla").naive_recurrent_gla(q, k, v, log_decay, given.start["S"], output_final_state=True)
    return _read(given, o), {"S": S}


def deltanet(given: Copied) -> Numbers:
    q, k, v = (part.transpose(1, 2) for part in _qkv(given, activated=True))
    beta = torch.sigmoid(given.x @ given.p["weight_beta"].T).transpose(1, 2)
    with doubled():
        o, S = naive("delta_rule").delta_rule_recurrence(_unit(q), _unit(k), v, beta, given.start["S"])
    return _read(given, o.transpose(1, 2)), {"S": S}


def gated_deltanet(given: Copied) -> Numbers:
    q, k, v = _qkv(given, activated=True)
    a, b = (given.x @ given.p["weight_ab"].T).chunk(2, 2)
    log_decay = -given.p["A_log"].exp() * F.softplus(a + given.p["dt_bias"])
    with doubled():
        o, S = naive("gated_delta_rule").naive_recurrent_gated_delta_rule(
            _unit(q), _unit(k), v, torch.sigmoid(b), log_decay, initial_state=given.start["S"], output_final_state=True
        )
    return _read(given, o), {"S": S}


def _turned(x: Tensor) -> Tensor:
    """Positions count from 0; the two halves of a head are real and imaginary part of numbers that turn."""
    real, imaginary = x.chunk(2, 3)
    slower = 10000.0 ** -torch.linspace(0, 1, real.shape[3] + 1, dtype=x.dtype)[:-1]
    angle = torch.arange(x.shape[1], dtype=x.dtype)[:, None, None] * slower
    z = torch.complex(real, imaginary) * torch.polar(torch.ones_like(angle), angle)
    return torch.cat([z.real, z.imag], 3)


def retnet(given: Copied) -> Numbers:
    q, k, v = _qkv(given, activated="conv_weight" in given.p)
    q, k = _turned(q), _turned(k)
    with doubled():
        o = naive("retention").naive_retention(*(part.transpose(1, 2) for part in (q, k, v)))
    return _read(given, o.transpose(1, 2)), {}


def hgrn2(given: Copied) -> Numbers:
    q, f, v = _qkv(given, activated=False)
    bound = given.options.lower_bound
    kept = bound + (1 - bound) * torch.sigmoid(f)
    with doubled():
        o, S = naive("gla").naive_recurrent_gla(
            F.silu(q), 1 - kept, v, kept.log(), given.start["S"], output_final_state=True
        )
    o = o.flatten(2)
    return F.rms_norm(o, o.shape[-1:], given.p["norm_weight"], 1e-5), {"S": S}


def _naive(kind: str, function: str, theirs: object, options: dict[str, object], **more: object) -> Oracle:
    return Oracle(kind, "fla-core", f"{function}, the recurrence alone", theirs, options, **more)  # type: ignore[arg-type]


HEADED: dict[str, object] = {"heads": 2, "key_size": 3}
ORACLES = (
    _naive("hgrn", "fla.ops.hgrn.naive.naive_recurrent_hgrn", hgrn, {"lower_bound": 0.25}),
    _naive("gla", "fla.ops.gla.naive.naive_recurrent_gla", gla, {**HEADED, "gate_rank": 2}, hidden=6),
    _naive("deltanet", "fla.ops.delta_rule.naive.delta_rule_recurrence", deltanet, HEADED, hidden=6),
    _naive(
        "gated-deltanet",
        "fla.ops.gated_delta_rule.naive.naive_recurrent_gated_delta_rule",
        gated_deltanet,
        HEADED,
        hidden=6,
    ),
    *(
        _naive(
            "retnet",
            "fla.ops.retention.naive.naive_retention",
            retnet,
            {"heads": 2, "key_size": 4, "kernel": kernel},
            hidden=6,
            started=False,
            hides=frozenset({"S"}),
        )
        for kernel in (0, 3)
    ),
    _naive(
        "hgrn2",
        "fla.ops.gla.naive.naive_recurrent_gla",
        hgrn2,
        {"heads": 2, "key_size": 3, "kernel": 3, "lower_bound": 0.25},
        hidden=6,
    ),
)
