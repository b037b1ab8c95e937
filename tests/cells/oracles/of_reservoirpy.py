"""reservoirpy's reservoir, which knows no batch: one row after the other."""

from __future__ import annotations

import torch

from oracles.copied import Copied, Numbers, Oracle


def esn(given: Copied) -> Numbers:
    from reservoirpy.nodes import Reservoir

    W, W_in, bias = (given.p[name].numpy() for name in ("W", "W_in", "bias"))
    rows, last = [], []
    for x, start in zip(given.x, given.start["x"], strict=True):
        node = Reservoir(W=W, Win=W_in, bias=bias, lr=given.options.leak)
        node.initialize(x.numpy())
        node.state = {"out": start.numpy()}
        rows.append(torch.from_numpy(node.run(x.numpy())))
        last.append(torch.from_numpy(node.state["out"]))
    return torch.stack(rows), {"x": torch.stack(last)}


ORACLES = (Oracle("esn", "reservoirpy", "reservoirpy.nodes.Reservoir", esn, {"leak": 0.3}),)
