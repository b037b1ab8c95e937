"""NX-AI's xlstm: the plain torch of both its cells, without the layers around them."""

from __future__ import annotations

import torch
from torch import Tensor

from oracles.copied import BATCH, STEPS, Copied, Numbers, Oracle


def slstm(given: Copied) -> Numbers:
    from xlstm.blocks.slstm.src.vanilla import slstm_forward, slstm_pointwise_function_registry

    heads, size = given.options.heads, given.hidden // given.options.heads
    R = given.p["weight_hh"].view(4, heads, size, size).transpose(0, 1).reshape(heads, 4 * size, size)
    names = ("y", "c", "n", "m")
    start = torch.stack([given.start[name] for name in names])
    Wx = (given.x @ given.p["weight_ih"].T).transpose(0, 1)
    states, _, _ = slstm_forward(Wx, start, R, given.p["bias"], slstm_pointwise_function_registry["slstm"])
    final = {name: states[k, -1] for k, name in enumerate(names)}
    return states[0, 1:].transpose(0, 1), final


def mlstm(given: Copied) -> Numbers:
    """Its step divides by max(|n · q|, exp(−m)) and a number near zero besides, which is given as zero."""
    from xlstm.blocks.mlstm.backends import recurrent_step_stabilized_simple

    heads = given.options.heads
    q, k, v, o = (given.x @ given.p["weight_ih"].T + given.p["bias"]).chunk(4, 2)
    i, f = (given.x @ given.p["weight_gates"].T + given.p["bias_gates"]).chunk(2, 2)

    def head(y: Tensor, t: int) -> Tensor:
        return y[:, t].reshape(BATCH, heads, 1, -1)

    C, n, m = given.start["C"].mT, given.start["n"][..., None], given.start["m"][..., None, None]
    outputs = []
    for t in range(STEPS):
        h, (C, n, m) = recurrent_step_stabilized_simple(
            C, n, m, head(q, t), head(k, t), head(v, t), head(i, t), head(f, t), eps=0.0
        )
        outputs.append(torch.sigmoid(o[:, t]) * h.flatten(1))
    return torch.stack(outputs, 1), {"C": C.mT, "n": n[..., 0], "m": m[..., 0, 0]}


ORACLES = (
    Oracle("slstm", "xlstm", "the vanilla sLSTM of xlstm", slstm, {"heads": 2}, hidden=6, started=False),
    Oracle("mlstm", "xlstm", "the recurrent step of xlstm's mLSTM", mlstm, {"heads": 2}, hidden=6),
)
