"""Layers of flash-linear-attention: their projections, orders, scales and gates, over fla-core's own naive recurrences.

Norms, short convolutions and the rotary embedding are kernels of Triton there. Here the first two are torch's, and the
third is the restatement's, as are what a kernel does inside before its recurrence (lengths of keys, gates of the gated
delta rule) and the blocks with their MLPs around the layers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any, Final

import of_fla
import torch
from borrowed import bare, doubled, source
from torch import Tensor, nn
from torch.nn import functional as F

from packages.held import Held, of

PACKAGE: Final = "flash-linear-attention"
EPS: Final = of_fla.EPS


class RMSNorm(nn.RMSNorm):
    def __init__(self, hidden_size: int, eps: float, dtype: torch.dtype | None = None, **_: Any) -> None:
        super().__init__(hidden_size, eps=eps)


class FusedRMSNormGated(RMSNorm):
    """swish, which every one of these layers has by default."""

    def forward(self, x: Tensor, g: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(x) * F.silu(g)


class ShortConvolution(nn.Conv1d):
    def __init__(self, hidden_size: int, kernel_size: int, bias: bool, activation: str) -> None:
        super().__init__(hidden_size, hidden_size, kernel_size, groups=hidden_size, bias=bias, padding=kernel_size - 1)
        assert activation == "silu"
        self.activation, self.backend = activation, object()  # each its own, so that they are not run as one

    def forward(self, x: Tensor, **_: Any) -> tuple[Tensor, None]:  # type: ignore[override]
        return F.silu(super().forward(x.transpose(1, 2))[..., : x.shape[1]]).transpose(1, 2), None


class RotaryEmbedding(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()

    def forward(self, q: Tensor, k: Tensor, **_: Any) -> tuple[Tensor, Tensor]:
        turned = of_fla.RetNet.rotary
        return turned(self, q[0])[None], turned(self, k[0])[None]  # type: ignore[arg-type]


def naive(name: str) -> ModuleType:
    return source("fla", f"ops/{name}/naive.py")


def gla(q: Tensor, k: Tensor, v: Tensor, gk: Tensor, **_: Any) -> tuple[Tensor, None]:
    return naive("gla").naive_recurrent_gla(q, k, v, gk)[0], None


def delta_rule(q: Tensor, k: Tensor, v: Tensor, beta: Tensor, use_qk_l2norm_in_kernel: bool, **_: Any) -> Any:
    assert use_qk_l2norm_in_kernel
    q, k = (of_fla.Convolved.l2norm(x) for x in (q, k))
    by_head = (x.transpose(1, 2) for x in (q, k, v, beta))
    return naive("delta_rule").delta_rule_recurrence(*by_head)[0].transpose(1, 2), None


def gated_delta_rule(
    q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, A_log: Tensor, dt_bias: Tensor, **inside: Any
) -> Any:
    names = ("use_qk_l2norm_in_kernel", "use_gate_in_kernel", "use_beta_sigmoid_in_kernel")
    assert all(inside[name] for name in names)
    assert not inside["allow_neg_eigval"]
    q, k = (of_fla.Convolved.l2norm(x) for x in (q, k))
    g, beta = -A_log.exp() * F.softplus(g + dt_bias), beta.sigmoid()
    return naive("gated_delta_rule").naive_recurrent_gated_delta_rule(q, k, v, beta, g)[0], None


def retention(q: Tensor, k: Tensor, v: Tensor, **_: Any) -> tuple[Tensor, None]:
    by_head = (x.transpose(1, 2) for x in (q, k, v))
    return naive("retention").naive_retention(*by_head).transpose(1, 2), None


RULES: Final[Mapping[str, Callable[..., Any]]] = {
    "gla": gla,
    "delta_rule": delta_rule,
    "gated_delta_rule": gated_delta_rule,
    "retention": retention,
}


def _module(**names: Any) -> ModuleType:
    found = ModuleType("instead")
    for name, value in names.items():
        setattr(found, name, value)
    return found


def layer(file: str, name: str, rule: str, **options: Any) -> nn.Module:
    """One of its layers in evaluation, whose call gives more than its output."""
    parts = (FusedRMSNormGated, RMSNorm, ShortConvolution, RotaryEmbedding)
    instead: dict[str, Any] = {"fla.modules": _module(**{part.__name__: part for part in parts})}
    instead["fla.modules.rotary"] = instead["fla.modules"]
    instead["fla.modules.activations"] = _module(ACT2FN={"swish": F.silu}, elu_p1=None)
    instead["fla.modules.convolution"] = _module(causal_conv1d=None)
    ways = ("chunk", "fused_chunk", "fused_recurrent", "parallel")
    instead[f"fla.ops.{rule}"] = _module(**{f"{way}_{rule}": RULES[rule] for way in ways})
    instead |= dict.fromkeys(("fla.ops", "fla.ops.utils", "fla.ops.utils.index", "fla.utils", "transformers"))
    instead["transformers.activations"] = instead["fla.modules.activations"]
    with bare("fla", "fla.layers", without=instead):
        found: nn.Module = getattr(import_module(f"fla.layers.{file}"), name)(layer_idx=0, norm_eps=EPS, **options)
    return found


class Output(nn.Module):
    """What a layer gives first, with its casts to float32 made casts to float64."""

    def __init__(self, within: nn.Module) -> None:
        super().__init__()
        self.within = within

    def forward(self, x: Tensor) -> Tensor:
        with doubled():
            found: Tensor = self.within(x)[0]
        return found


NAMES: Final = (
    (r"\.within\.", "."),
    (r"\.([qkv])_conv1d\.", r".conv.\1."),
    (r"\.(g_norm_swish_gate|o_norm)\.", ".norm."),
)


def held(name: str, file: str, layer_name: str, rule: str, **options: Any) -> Held:
    case = of_fla.CASES[name]
    tied = name == "gla-lm@340m"

    def model() -> nn.Module:
        return of_fla.Lm(8, 10, [Output(layer(file, layer_name, rule, **options)) for _ in range(2)], tied)

    what = f"layers.{layer_name} over fla-core's naive recurrence"
    return Held(name, PACKAGE, what, of(case, model, nn.Module.__call__, *NAMES))


GLA: Final = {"hidden_size": 8, "num_heads": 2, "gate_low_rank_dim": 3}
HELD: Final = (
    *(held(name, "gla", "GatedLinearAttention", "gla", **GLA) for name in ("gla-lm", "gla-lm@7b", "gla-lm@340m")),
    *(
        held(name, "delta_net", "DeltaNet", "delta_rule", hidden_size=8, num_heads=2)
        for name in ("deltanet-lm", "deltanet-lm@340m")
    ),
    held(
        "gated-deltanet-lm",
        "gated_deltanet",
        "GatedDeltaNet",
        "gated_delta_rule",
        hidden_size=8,
        num_heads=2,
        head_dim=3,
    ),
    held("retnet-lm", "multiscale_retention", "MultiScaleRetention", "retention", hidden_size=8, num_heads=2),
)
