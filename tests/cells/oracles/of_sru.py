"""asappresearch's sru: its plain Python. Importing it compiles C++ and scripts functions, neither of which it needs."""

from __future__ import annotations

import warnings
from typing import Any
from unittest.mock import patch

import torch

from oracles.copied import Copied, Numbers, Oracle, loaded


def _cell() -> Any:
    with (
        patch("torch.utils.cpp_extension.load"),
        patch("torch.jit.script", lambda function: function),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        from sru import SRUCell
    return SRUCell


def sru(given: Copied) -> Numbers:
    """Their columns are those of one unit beside each other: c, f, r and, where widths differ, x of the first unit."""
    chosen, width = given.options, given.x.shape[2]
    blocks = given.p["weight_ih"].view(-1, given.hidden, width)
    module = _cell()(
        width,
        given.hidden,
        highway_bias=chosen.highway_bias,
        has_skip_term=chosen.skip != "none",
        rescale=chosen.skip == "scaled",
        v1=not chosen.peephole,
    )
    weights = {
        "weight": blocks.permute(2, 1, 0).reshape(width, -1),
        "weight_c": given.p.get("weight_c", torch.zeros(2 * given.hidden)),
        "bias": given.p["bias"],
    }
    scale = (1 + 2 * torch.tensor(chosen.highway_bias, dtype=given.x.dtype).exp()).sqrt()
    weights["scale_x"] = scale[None] if chosen.skip == "scaled" else torch.ones(1)  # which they round to float32
    loaded(module, weights)
    with torch.enable_grad(), warnings.catch_warnings():  # without gradients it would run what was not compiled
        warnings.simplefilter("ignore")
        y, c = module(given.x.transpose(0, 1), given.start["c"])
    return y.detach().transpose(0, 1), {"c": c.detach()}


HIDES = frozenset({"r"})
ORACLES = (
    Oracle("sru", "sru", "sru.SRUCell", sru, hides=HIDES),
    Oracle("sru", "sru", "sru.SRUCell as wide as its input", sru, {"highway_bias": -1.0}, 5, hides=HIDES),
    Oracle("sru", "sru", "sru.SRUCell without skip term", sru, {"skip": "none"}, hides=HIDES),
    Oracle("sru", "sru", "sru.SRUCell, v1", sru, {"peephole": False, "skip": "plain"}, 5),
)
