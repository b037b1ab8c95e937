"""NX-AI's xlstm: the plain torch of both its cells, without the layers around them."""

from __future__ import annotations

import torch
from torch import Tensor

from oracles.copied import BATCH, STEPS, Copied, Numbers, Oracle, loaded, source


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
    """Its step divides by max(|n · q|, exp(−m)) and a number near zero besides; cap and norm are of its large model."""
    from xlstm.blocks.mlstm.backends import recurrent_step_stabilized_simple

    parts = source("xlstm", "xlstm_large/components.py")
    chosen = given.options
    heads, keys = chosen.heads, given.start["n"][0].numel()
    rows = given.x @ given.p["weight_ih"].T + given.p.get("bias", torch.zeros(()))
    q, k, v, o = rows.split([keys, keys, given.hidden, given.hidden], 2)
    gates = parts.soft_cap(given.x @ given.p["weight_gates"].T + given.p["bias_gates"], chosen.soft_cap)
    i, f = gates.chunk(2, 2)
    norm = torch.nn.Flatten(2)
    if chosen.norm_eps is not None:
        norm = parts.MultiHeadLayerNorm(heads, given.hidden // heads, chosen.norm_eps, force_float32_reductions=False)
        loaded(norm, {"weight": given.p["norm_weight"]})

    def head(y: Tensor, t: int) -> Tensor:
        return y[:, t].reshape(BATCH, heads, 1, -1)

    C, n, m = given.start["C"].mT, given.start["n"][..., None], given.start["m"][..., None, None]
    outputs = []
    for t in range(STEPS):
        h, (C, n, m) = recurrent_step_stabilized_simple(
            C, n, m, head(q, t), head(k, t), head(v, t), head(i, t), head(f, t), eps=chosen.divisor_eps
        )
        outputs.append(torch.sigmoid(o[:, t]) * norm(h.transpose(1, 2)).squeeze(1))
    return torch.stack(outputs, 1), {"C": C.mT, "n": n[..., 0], "m": m[..., 0, 0]}


def mlstm_block(given: Copied) -> Numbers:
    """Its layer step by step, whose last product is set to the identity; its norm's weight stands beside a one."""
    from xlstm.blocks.mlstm.layer import mLSTMLayer, mLSTMLayerConfig

    width, chosen, p = given.x.shape[2], given.options, given.p
    config = mLSTMLayerConfig(
        conv1d_kernel_size=chosen.kernel,
        qkv_proj_blocksize=chosen.block_size,
        num_heads=chosen.heads,
        proj_factor=given.hidden / width,
        round_proj_up_to_multiple_of=1,
        embedding_dim=width,
        context_length=STEPS,
    )
    layer = mLSTMLayer(config)
    layer.proj_down = torch.nn.Identity()
    weights = {"proj_up.weight": p["weight_in"], "learnable_skip": p["skip"]}
    weights |= {"conv1d.conv.weight": p["conv_weight"][:, None], "conv1d.conv.bias": p["conv_bias"]}
    weights |= {f"{name}_proj.weight": value for name, value in zip("qkv", p["weight_qkv"], strict=True)}
    for part in ("weight", "bias"):
        i, f = p[f"{part}_gates"].chunk(2)
        weights |= {f"mlstm_cell.igate.{part}": i, f"mlstm_cell.fgate.{part}": f}
    loaded(layer, {**weights, "mlstm_cell.outnorm.weight": p["norm_weight"] - 1})
    state = (given.start["C"].mT, given.start["n"][..., None], given.start["m"][..., None, None])
    found = {"mlstm_state": state, "conv_state": None}
    outputs = []
    for x in given.x.split(1, 1):
        y, found = layer.step(x, **found)
        outputs.append(y)
    C, n, m = found["mlstm_state"]
    return torch.cat(outputs, 1), {"C": C.mT, "n": n[..., 0], "m": m[..., 0, 0]}


LARGE = {"heads": 2, "key_size": 2, "bias": "none", "soft_cap": 1.0, "norm_eps": 1e-6, "divisor_eps": 1e-6}
BLOCK = {"heads": 2, "block_size": 3, "kernel": 3, "divisor_eps": 1e-6}
ORACLES = (
    Oracle("slstm", "xlstm", "the vanilla sLSTM of xlstm", slstm, {"heads": 2}, hidden=6, started=False),
    Oracle("mlstm", "xlstm", "the recurrent step of xlstm's mLSTM", mlstm, {"heads": 2}, hidden=6),
    Oracle("mlstm", "xlstm", "the same step with the cap and the norm of its large model", mlstm, LARGE, hidden=6),
    Oracle("mlstm-block", "xlstm", "the layer of xlstm's mLSTM block, step by step", mlstm_block, BLOCK, hidden=12),
)
