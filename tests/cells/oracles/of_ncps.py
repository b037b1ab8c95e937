"""ncps: its cells of liquid and closed-form continuous time, one step at a time, each row with a gap of its own."""

from __future__ import annotations

import torch
from torch import Tensor

from oracles.copied import Copied, Numbers, Oracle, loaded


def cfc(given: Copied) -> Numbers:
    from ncps.torch import CfCCell

    chosen = given.options
    cell = CfCCell(
        given.x.shape[2],
        given.hidden,
        mode=chosen.mode,
        backbone_activation=chosen.backbone_activation,
        backbone_units=chosen.backbone_units,
        backbone_layers=chosen.backbone_layers,
    )
    weights = {"backbone.0.weight": torch.cat([given.p["weight_ih"], given.p["weight_hh"]], 1)}
    weights["backbone.0.bias"] = given.p["bias"]
    for name, value in given.p.items():  # a layer of theirs and its activation are two modules
        if name.startswith("backbone."):
            _, index, last = name.split(".")
            weights[f"backbone.{2 * (int(index) + 1)}.{last}"] = value
    if chosen.mode == "pure":
        weights |= {"ff1.weight": given.p["heads.weight"], "ff1.bias": given.p["heads.bias"]}
        weights |= {"w_tau": given.p["w_tau"][None], "A": given.p["A"][None]}
    else:
        for last in ("weight", "bias"):
            heads = zip(("ff1", "ff2", "time_a", "time_b"), given.blocks(f"heads.{last}", 4), strict=True)
            weights |= {f"{name}.{last}": value for name, value in heads}
    loaded(cell, weights)
    h, outputs = given.start["h"], []
    for x, gap in zip(given.x.unbind(1), given.dt.unbind(1), strict=True):
        y, h = cell(x, h, gap[:, None])
        outputs.append(y)
    return torch.stack(outputs, 1), {"h": h}


def ltc(given: Copied) -> Numbers:
    """The 1e-8 that both add to a denominator is beside cm / Δ there and beside cm here: none, and they are equal."""
    from ncps.torch import LTCCell
    from ncps.wirings import FullyConnected

    wiring = FullyConnected(given.hidden)
    cell = LTCCell(wiring, given.x.shape[2], ode_unfolds=given.options.unfolds, implicit_param_constraints=True)
    masks = {name: value for name, value in cell.state_dict().items() if name.endswith("sparsity_mask")}
    loaded(cell, {**given.p, **masks})
    v, outputs = given.start["v"], []
    for x, gap in zip(given.x.unbind(1), given.dt.unbind(1), strict=True):
        y, v = cell(x, v, gap[:, None])
        outputs.append(y)
    return torch.stack(outputs, 1), {"v": v}


def _small(drawn: Tensor) -> Tensor:
    return 0.5 * drawn


ORACLES = (
    Oracle("cfc", "ncps", "ncps.torch.CfCCell", cfc, {"backbone_units": 6}, dt=True),
    Oracle(
        "cfc",
        "ncps",
        "ncps.torch.CfCCell, no_gate, two layers",
        cfc,
        {"backbone_units": 6, "backbone_layers": 2, "mode": "no_gate"},
        dt=True,
    ),
    Oracle(
        "cfc",
        "ncps",
        "ncps.torch.CfCCell, pure",
        cfc,
        {"backbone_units": 6, "mode": "pure"},
        dt=True,
        drawn={"A": _small},
    ),
    Oracle("ltc", "ncps", "ncps.torch.LTCCell, fully connected", ltc, dt=True),
)
