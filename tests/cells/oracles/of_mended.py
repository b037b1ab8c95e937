"""torchrecurrent's cells with one error each, put right in their own source while they run.

What is wrong is shown in tests/cells/wrong; here, that nothing else is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

from oracles.copied import DOUBLE, Copied, Numbers, Oracle, stepped
from oracles.of_torchrecurrent import by_letter, joined, module_of, shared
from zoo.testing import planted


@dataclass(frozen=True)
class Error:
    """Where a function of theirs is, its words, and those that its paper has in their place."""

    where: str
    wrong: str
    right: str


def lem(given: Copied) -> Numbers:
    """Ours has blocks 1, 2, z, y, where 1 is z's step; theirs has first the step of y, their h, then that of z."""
    of_x, of_h, bias = (by_letter(given, name, "12zy") for name in ("weight_ih", "weight_hh", "bias"))
    weights = {"weight_ih": joined(of_x, "21zy"), "weight_hh": joined(of_h, "21z"), "weight_ch": of_h["y"]}
    weights["bias_ih"] = joined(bias, "21zy")
    return stepped(given, module_of("LEMCell", given, weights, dt=given.options.dt), "y", "z")


def nas(given: Copied) -> Numbers:
    return stepped(given, module_of("NASCell", given, given.p), "h", "c")


def gated_antisymmetric(given: Copied) -> Numbers:
    """Ours is h, z and has a bias for each; theirs is z, h, with one more for both, of which the candidate's is all."""
    of_x, bias = (by_letter(given, name, "hz") for name in ("weight_ih", "bias"))
    weights = {"weight_ih": joined(of_x, "zh"), "weight_hh": given.p["weight_hh"], "bias_hh": bias["h"]}
    weights["bias_ih"] = torch.cat([bias["z"] - bias["h"], torch.zeros_like(bias["h"])])
    options = {"epsilon": given.options.epsilon, "gamma": given.options.gamma}
    return stepped(given, module_of("GatedAntisymmetricRNNCell", given, weights, **options), "h")


def fastgrnn(given: Copied) -> Numbers:
    weights = {name: value for name, value in given.p.items() if name != "bias"}
    return stepped(given, module_of("FastGRNNCell", given, {**weights, **shared(given.p["bias"])}), "h")


def sgu(given: Copied) -> Numbers:
    weights = {"weight_ih": given.p["weight_ih"], "weight_hh": given.p["weight_hh"], "bias_ih": given.p["bias"]}
    return stepped(given, module_of("SGUCell", given, weights), "h")


def _scrn(given: Copied, of_output: Tensor) -> Numbers:
    """What it puts out and feeds back, beside its context; of_output (H, H) is U of its second layer, f(U h + V s),
    and its V is zero."""
    weights = {
        "weight_ih": torch.cat([given.p["B"], given.p["A"]]),
        "weight_hh": torch.cat([given.p["R"], of_output]),
        "weight_ch": torch.cat([given.p["P"], torch.zeros_like(given.p["P"])]),
        "alpha": torch.tensor(given.options.alpha, dtype=DOUBLE),
    }
    module, state, outputs = module_of("SCRNCell", given, weights), (given.start["h"], given.start["s"]), []
    for x in given.x.unbind(1):
        state = module(x, state)
        outputs.append(torch.cat(state, 1))
    return torch.stack(outputs, 1), {"h": state[0], "s": state[1]}


def scrn(given: Copied) -> Numbers:
    """Once mended, it puts out its hidden units, as ours, whatever its second layer is."""
    return _scrn(given, torch.zeros_like(given.p["R"]))


def scrn_as_it_is(given: Copied) -> Numbers:
    """Its hidden units as its second layer tells them, whose U is a rotation by a few degrees: they can be had back."""
    turn = torch.linalg.matrix_exp(0.1 * (given.p["R"] - given.p["R"].T))
    y, _ = _scrn(given, turn)
    h, s = y.chunk(2, 2)
    return torch.cat([torch.atanh(h) @ turn, s], 2), {}


_CELLS: Final = "torchrecurrent.cells"
ERRORS: Final = {
    "lem": Error(f"{_CELLS}.lem_cell:LEMCell.forward", "b_c @ self.weight_ch.t()", "new_c @ self.weight_ch.t()"),
    "nas": Error(
        f"{_CELLS}.nas_cell:NASCell.forward",
        "torch.relu(g3)",
        "torch.relu((b_inp @ self.weight_ih.t()).chunk(8, 1)[3] * (b_h @ self.weight_hh.t()).chunk(8, 1)[3])",
    ),
    "antisymmetric": Error(
        f"{_CELLS}.antisymmetricrnn_cell:GatedAntisymmetricRNNCell.forward",
        "torch.sigmoid(weight_ih_1 +",
        "torch.sigmoid(weight_ih_1 + self.bias_hh +",
    ),
    "fastgrnn": Error(f"{_CELLS}.fastrnn_cell:FastGRNNCell.forward", "gate = self.act(", "gate = torch.sigmoid("),
    "scrn": Error(
        f"{_CELLS}.scrn_cell:SCRNCell.forward",
        "torch.tanh(hidden_layer @ weight_hh_2.t() + bias_hh_2 + gcs2)",
        "hidden_layer",
    ),
    "sgu": Error(
        f"{_CELLS}.sgu_cell:SGUCell.forward",
        "z_t = self.gate_act(",
        "z_t = (lambda v: torch.clamp(0.2 * v + 0.5, 0.0, 1.0))(",
    ),
}


def mended(kind: str, theirs: Callable[[Copied], Numbers]) -> Callable[[Copied], Numbers]:
    """The same, with the error of that cell put right while it runs."""
    error = ERRORS[kind]

    def right(given: Copied) -> Numbers:
        with planted(error.where, error.wrong, error.right):
            return theirs(given)

    return right


def _mended(kind: str, name: str, error: str, theirs: Callable[[Copied], Numbers], **options: Any) -> Oracle:
    what = f"torchrecurrent.{name}, put right: {error}"
    return Oracle(kind, "torchrecurrent", what, mended(kind, theirs), options)


ORACLES = (
    _mended("lem", "LEMCell", "y moves by the new z", lem, dt=0.5),
    _mended("nas", "NASCell", "the fourth block is relu(x * h)", nas),
    _mended("scrn", "SCRNCell", "it recurs on its hidden units", scrn, context_size=5, alpha=0.75),
    _mended(
        "antisymmetric",
        "GatedAntisymmetricRNNCell",
        "the gate has the recurrent bias too",
        gated_antisymmetric,
        gated=True,
        epsilon=0.5,
        gamma=0.25,
    ),
)
