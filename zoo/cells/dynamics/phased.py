"""An LSTM whose units are updated by clocks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo.cells.dynamics.driven import gaps
from zoo.cells.dynamics.timed import PhasedLSTMOptions
from zoo.cells.weights import GatedCell
from zoo.components import Shape
from zoo.engine.cell import Context, States, StateSpec
from zoo.engine.precision import exactly


class PhasedLSTM(GatedCell):
    """Phased LSTM: each unit is updated while its own time gate is open; takes irregular time steps.

    An LSTM with peepholes proposes c̃ and h̃, and a time gate k of each unit lets them through:
    c = k ⊙ c̃ + (1 − k) ⊙ c, h = k ⊙ h̃ + (1 − k) ⊙ h; the output is h.

    i = σ(W_i x + U_i h + p_i ⊙ c + b_i), f = σ(W_f x + U_f h + p_f ⊙ c + b_f),
    c̃ = f ⊙ c + i ⊙ tanh(W_c x + U_c h + b_c), o = σ(W_o x + U_o h + p_o ⊙ c̃ + b_o), h̃ = o ⊙ tanh(c̃).
    time = time + Δt, φ = ((time − s) mod τ) / τ, k = 1 − |2 φ / r − 1| where φ < r and α φ elsewhere.

    Source: arXiv:1610.09513, equations (5) to (10); the time gate is that of the authors' code
    (dannyneil/public_plstm), |τ| and |r| included, which adds s where the paper takes it away. The paper has α in
    training only; here, as in TensorFlow's cell, a model computes the same in and out of training: leak 0 has none.
    Parameters: blocks i, f, c, o; weight_ch (3 H,) in blocks i, f, o; period, shift and ratio (H,): τ, s and r.
    States: h (hidden_size,), c (hidden_size,), time (1,), the sum of all gaps up to and with this step.
    """

    gates = ("i", "f", "c", "o")
    forget = "f"
    forget_gate_name, input_gate_name = "f", "i"
    uses = GatedCell.uses | {"dt"}

    def __init__(self, options: PhasedLSTMOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size, hidden_size, options.bias)
        self.options = options
        self.states = {
            "h": StateSpec((hidden_size,), zoneout=True),
            "c": StateSpec((hidden_size,), zoneout=True),
            "time": StateSpec((1,), exact=True),
        }
        self.weight_ch = nn.Parameter(torch.empty(3 * hidden_size)) if options.peephole else None
        self.period, self.shift, self.ratio = (nn.Parameter(torch.empty(hidden_size)) for _ in range(3))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise the parameters.

        Weights and biases as the authors' layer, plstm.py: normal with deviation 0.1, biases zero but a forget bias
        of 2. The logarithm of the period uniform, as in their freq_task.py, by default from 1 to 6, where that has 1 to
        3; the shift anywhere in the period, as TensorFlow's cell has it, where theirs is uniform up to a constant; r as
        the option says, theirs by default.
        """
        for weight in (self.weight_ih, self.weight_hh, self.weight_ch):
            if weight is not None:
                nn.init.normal_(weight, std=0.1)
        H = self.hidden_size
        for index, name in enumerate(self.bias_names):
            nn.init.zeros_(getattr(self, name))
            if index == 0:
                nn.init.constant_(getattr(self, name)[H : 2 * H], 2.0)
        with torch.no_grad():
            self.period.uniform_(math.log(self.options.period_min), math.log(self.options.period_max)).exp_()
            self.shift.uniform_().mul_(self.period)
            self.ratio.fill_(self.options.ratio)

    def constants(self, ctx: Context) -> Any:
        H = self.hidden_size
        early, late = (None, None) if self.weight_ch is None else torch.split(self.weight_ch, [2 * H, H])
        early = None if early is None else early.view(2, H)
        # after thousands of turns the phase is what is left of a large number, so all of it is exact
        pace = 1 / exactly(self.period).abs()
        clock = pace, -exactly(self.shift) * pace, exactly(self.ratio).abs()
        return ctx.drop_weight(self.weight_hh).t(), early, late, ctx.drop_state("h"), *clock

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, ...]:
        # exact, as what a unit takes in while its gate is open for a few steps stays for hundreds
        return ctx.linear(x, self.weight_ih, self.bias_sum(), exact=True), gaps(x, ctx)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        (s, dt), (U, early, late, mask, pace, shift, ratio) = u, const
        H = self.hidden_size
        old, c, time = state["h"], state["c"], state["time"] + dt
        h = old if mask is None else old * mask
        gates, g, o = torch.split(torch.addmm(s, h, U), [2 * H, H, H], 1)
        if early is not None:
            gates = torch.addcmul(gates.view(len(gates), 2, H), early, c.unsqueeze(1)).flatten(1)
        i, f = torch.sigmoid(gates).chunk(2, 1)
        proposed = torch.addcmul(f * c, i, torch.tanh(g))
        if late is not None:
            o = torch.addcmul(o, late, proposed)
        turns = torch.addcmul(shift, pace, time)
        phase = turns - torch.floor(turns)
        open_ = phase < ratio  # exact: with gaps and periods of few digits, a phase may well be the ratio itself
        phase, ratio = phase.to(old.dtype), ratio.to(old.dtype)
        k = torch.where(open_, 1 - (2 * phase / ratio - 1).abs(), self.options.leak * phase)
        moved = torch.sigmoid(o) * torch.tanh(proposed) - old
        return {"h": torch.addcmul(old, k, moved), "c": torch.addcmul(c, k, proposed - c), "time": time}
