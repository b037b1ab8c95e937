"""LSTMs with one product more: on the way out, or before the gates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo.cells.memory.closed_forms import MultiplicativeOptions, ResidualOptions, check_residual
from zoo.cells.memory.early import MemoryCell
from zoo.components import Shape, features
from zoo.engine.cell import Cell, Context, Role, States, StateSpec


class ResidualLSTM(MemoryCell):
    """LSTM with peepholes whose output gate also gates a shortcut of the input.

    i = σ(W_i x + U_i h + p_i ⊙ c + b_i), f = σ(W_f x + U_f h + p_f ⊙ c + b_f),
    c = f ⊙ c + i ⊙ tanh(W_c x + U_c h + b_c), o = σ(W_o x + U_o h + p_o ⊙ c + b_o) with the new c,
    shortcut `linear`: h = o ⊙ (W_p tanh(c) + W_h x); shortcut `identity`: h = o ⊙ (W_p tanh(c) + x). The output is h.

    Source: arXiv:1701.03360, which has the identity where the widths are equal. Parameters start uniform in plus and
    minus 1/sqrt(hidden_size), as torch's LSTM. Parameters: four blocks, i, f, c, o; weight_ch (3 H,), the peepholes
    i, f, o; weight_p (H, H); weight_res (H, I), which is W_h.
    """

    gates = ("i", "f", "c", "o")
    forget = "f"
    forget_gate_name, input_gate_name = "f", "i"

    def __init__(self, options: ResidualOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size, options.bias)
        check_residual(options, input_shape, hidden_size)
        self.weight_ch = nn.Parameter(torch.empty(3 * hidden_size))
        self.weight_p = nn.Parameter(torch.empty(hidden_size, hidden_size))
        self.weight_res: nn.Parameter | None = None
        if options.shortcut == "linear":
            self.weight_res = nn.Parameter(torch.empty(hidden_size, features(input_shape)))
        self.reset_parameters()

    def roles(self) -> Mapping[str, Role]:
        found = {**super().roles(), "weight_p": Role("input")}
        return found if self.weight_res is None else {**found, "weight_res": Role("input")}

    def constants(self, ctx: Context) -> Any:
        H = self.hidden_size
        early, late = torch.split(self.weight_ch, [2 * H, H])
        return *super().constants(ctx), early.view(2, H), late, ctx.drop_weight(self.weight_p).t()

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, ...]:
        return super().project(x, const, ctx), x if self.weight_res is None else ctx.linear(x, self.weight_res)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        (s, passed), (U, mask, early, late, W_p) = u, const
        H = self.hidden_size
        h, old = (state["h"] if mask is None else state["h"] * mask), state["c"]
        gates, g, o = torch.split(torch.addmm(s, h, U), [2 * H, H, H], 1)
        gates = torch.addcmul(gates.view(len(gates), 2, H), early, old.unsqueeze(1)).flatten(1)
        i, f = torch.sigmoid(gates).chunk(2, 1)
        c = torch.addcmul(f * old, i, torch.tanh(g))
        o = torch.sigmoid(torch.addcmul(o, late, c))
        return {"h": o * torch.addmm(passed, torch.tanh(c), W_p), "c": c}


class MultiplicativeLSTM(Cell):
    """LSTM whose recurrent matrix depends on the input, by a product of x and h.

    m = (W_mx x) ⊙ (W_mh h); i = σ(W_ix x + W_im m + b_i), o = σ(W_ox x + W_om m + b_o),
    f = σ(W_fx x + W_fm m + b_f), ĥ = W_hx x + W_hm m + b_h; c = f ⊙ c + i ⊙ tanh(ĥ), h = tanh(c) ⊙ o;
    the output is h.

    Source: arXiv:1609.07959, equations (16) to (21), with biases. Parameters: weight_mx (H, I), weight_mh (H, H);
    weight_ih (4 H, I), weight_hm (4 H, H) and bias (4 H,) in blocks h, i, o, f. States: h (hidden_size,),
    c (hidden_size,).
    """

    gates = ("h", "i", "o", "f")
    forget_gate_name, input_gate_name = "f", "i"
    uses = frozenset({"weight_dropout", "recurrent_dropout"})

    def __init__(self, options: MultiplicativeOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__()
        H, width = hidden_size, features(input_shape)
        self.input_shape, self.output_shape = input_shape, (H,)
        self.states = {"h": StateSpec((H,), zoneout=True), "c": StateSpec((H,), zoneout=True)}
        self.weight_mx, self.weight_mh = nn.Parameter(torch.empty(H, width)), nn.Parameter(torch.empty(H, H))
        self.weight_ih, self.weight_hm = nn.Parameter(torch.empty(4 * H, width)), nn.Parameter(torch.empty(4 * H, H))
        self.bias = nn.Parameter(torch.empty(4 * H)) if options.bias == "one" else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Uniform in plus and minus 1/sqrt(hidden_size), as torch's LSTM."""
        bound = self.weight_mh.shape[0] ** -0.5
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def roles(self) -> Mapping[str, Role]:
        found = {"weight_mx": Role("input"), "weight_mh": Role("recurrent")}
        found |= {"weight_ih": Role("input", self.gates, "f"), "weight_hm": Role("recurrent", self.gates, "f")}
        return found if self.bias is None else {**found, "bias": Role("bias", self.gates, "f")}

    def constants(self, ctx: Context) -> Any:
        return ctx.drop_weight(self.weight_mh).t(), ctx.drop_weight(self.weight_hm).t(), ctx.drop_state("h")

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, ...]:
        return ctx.linear(x, self.weight_mx), ctx.linear(x, self.weight_ih, self.bias)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        (x_m, s), (W_mh, W_hm, mask) = u, const
        h = state["h"] if mask is None else state["h"] * mask
        H = h.shape[1]
        g, gates = torch.split(torch.addmm(s, x_m * (h @ W_mh), W_hm), [H, 3 * H], 1)
        i, o, f = torch.sigmoid(gates).chunk(3, 1)
        c = torch.addcmul(f * state["c"], i, torch.tanh(g))
        return {"h": torch.tanh(c) * o, "c": c}
