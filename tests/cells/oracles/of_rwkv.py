"""BlinkDL's own package, rwkv: the time mixing of its fourth and its seventh model, token by token.

What a file of it defines depends on the environment, so that each is read by itself and without scripting.
"""

from __future__ import annotations

import os
from types import ModuleType
from unittest.mock import patch

import torch
import torch.nn.functional as F
from torch import Tensor

from oracles.copied import Copied, Numbers, Oracle, doubled, source


def _plain(function: object) -> object:
    return function


def _model(seventh: bool) -> ModuleType:
    """Its one file, as the environment makes it define the fourth or the seventh; torch's switches stay as they were."""
    switches = [(torch.backends.cudnn, name) for name in ("benchmark", "allow_tf32")]
    before = [getattr(owner, name) for owner, name in switches]
    of_products = torch.backends.cuda.matmul.allow_tf32
    try:
        with (
            patch.dict(os.environ, {"RWKV_V7_ON": "1" if seventh else "0", "RWKV_JIT_ON": "0", "RWKV_CUDA_ON": "0"}),
            patch("torch.jit.script", _plain),
            patch("torch.jit.script_method", _plain),
            patch("torch.jit.ScriptModule", torch.nn.Module),
            patch("torch._C._jit_set_autocast_mode"),
            patch("builtins.print"),
        ):
            return source("rwkv", "model.py")
    finally:
        for (owner, name), value in zip(switches, before, strict=True):
            setattr(owner, name, value)
        torch.backends.cuda.matmul.allow_tf32 = of_products


def rwkv4(given: Copied) -> Numbers:
    """It norms what comes in, here to no scale, which is then what ours is given; its last product is the identity."""
    mixing = _model(False).RWKV.att_one
    p, width = given.p, given.x.shape[2]
    zero, one = torch.zeros(width, dtype=given.x.dtype), torch.ones(width, dtype=given.x.dtype)
    same, none = torch.eye(given.hidden, dtype=given.x.dtype), [None] * 16
    mixes = [p[f"time_mix_{name}"] for name in "kvr"]
    rest = [-p["time_decay"].exp(), p["time_first"], p["key"].T, p["value"].T, p["receptance"].T, same]
    rows, finals = [], []
    for row in range(len(given.x)):
        before, aa, bb, pp = zero, *(given.start[name][row] for name in ("aa", "bb", "pp"))
        outputs = []
        for x in given.x[row]:
            with doubled(), patch.object(F, "layer_norm", lambda y, *_, **__: y):
                y, before, aa, bb, pp = mixing(None, x, before, aa, bb, pp, one, zero, *mixes, *rest, *none)
            outputs.append(y - x)  # it adds its input
        rows.append(torch.stack(outputs))
        finals.append({"aa": aa, "bb": bb, "pp": pp})
    final = {name: torch.stack([f[name] for f in finals]) for name in ("aa", "bb", "pp")}
    y = torch.stack(rows)
    return y, {**final, "y": y[:, -1]}


def rwkv7(given: Copied) -> Numbers:
    """Its e^(−1/2) has six digits, and so has the agreement."""
    mixing = _model(True).RWKV_x070_TMix_one
    p, heads = given.p, given.options.heads
    size, same = given.hidden // heads, torch.eye(given.hidden, dtype=given.x.dtype)
    low = [p[name] for name in ("w0", "w1", "w2", "a0", "a1", "a2")]
    gate = [p[name] for name in ("g1", "g2", "k_k", "k_a")]
    products = [p[name].T for name in ("receptance", "key", "value")]
    rows: list[Tensor] = []
    finals: list[Tensor] = []
    for x_of_row, S in zip(given.x, given.start["S"], strict=True):
        before, outputs = torch.zeros_like(x_of_row[0]), []
        for x in x_of_row:
            with doubled():
                y, before, S, _ = mixing(
                    0, heads, size, x, before, None, S, *p["mix"], *low, None, None, None, *gate,
                    p["r_k"].flatten(), *products, same, p["ln_weight"], p["ln_bias"],
                )  # fmt: skip
            outputs.append(y)
        rows.append(torch.stack(outputs))
        finals.append(S)
    return torch.stack(rows), {"S": torch.stack(finals)}


RANKS = {"heads": 2, "decay_rank": 2, "rate_rank": 3, "gate_rank": 2}
ORACLES = (
    Oracle("rwkv4", "rwkv", "rwkv.model.RWKV.att_one without its norm", rwkv4, input=5),
    Oracle("rwkv7", "rwkv", "rwkv.model.RWKV_x070_TMix_one", rwkv7, RANKS, input=6, hidden=6, tolerance=2e-5),
)
