"""LSTMs with one product more: on the way out, or before the gates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import Tensor, nn

from zoo.cells.memory.closed_forms import MultiplicativeOptions, ResidualOptions, check_residual
from zoo.cells.memory.early import MemoryCell
from zoo.components import Shape, features
from zoo.engine.cell import Cell, Context, Role, States, StateSpec

MATRICES: Final = ("mx", "mh", "ih", "hm")
"""Of the multiplicative LSTM, by the names of its weights and gains."""
SHORTEST: Final = 1e-12
"""The least square of a row's length that it is divided by, as in TensorFlow."""


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

    With `weight_norm` each row of the four matrices is divided by its length, √(max(‖w‖², 10⁻¹²)), and multiplied by
    its gain.

    Source: arXiv:1609.07959, equations (16) to (21), with biases; the norm as in
    openai/generating-reviews-discovering-sentiment, encoder.py, mlstm, which has it by columns of matrices that stand
    on the right. Parameters: weight_mx (H, I), weight_mh (H, H); weight_ih (4 H, I), weight_hm (4 H, H) and bias (4 H,)
    in blocks h, i, o, f; gain_mx and gain_mh (H,), gain_ih and gain_hm (4 H,). States: h (hidden_size,),
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
        self.weight_norm = options.weight_norm
        for name in MATRICES:
            rows = len(getattr(self, f"weight_{name}"))
            self.register_parameter(f"gain_{name}", nn.Parameter(torch.empty(rows)) if self.weight_norm else None)
        self.reset_parameters()
        self.set_fixed_parameters()

    def reset_parameters(self) -> None:
        """Initialise the parameters.

        Uniform in plus and minus 1/sqrt(hidden_size), as torch's LSTM; gains are the lengths of the rows as they start,
        so that nothing is changed at first.
        """
        bound = self.weight_mh.shape[0] ** -0.5
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def set_fixed_parameters(self) -> None:
        """Gains are the lengths of rows, however those were drawn."""
        if self.weight_norm:
            with torch.no_grad():
                for name in MATRICES:
                    getattr(self, f"gain_{name}").copy_(
                        torch.linalg.vector_norm(getattr(self, f"weight_{name}"), dim=1)
                    )

    def roles(self) -> Mapping[str, Role]:
        found = {"weight_mx": Role("input"), "weight_mh": Role("recurrent")}
        found |= {"weight_ih": Role("input", self.gates, "f"), "weight_hm": Role("recurrent", self.gates, "f")}
        return found if self.bias is None else {**found, "bias": Role("bias", self.gates, "f")}

    def constants(self, ctx: Context) -> Any:
        dropped = {name: ctx.drop_weight(getattr(self, f"weight_{name}")) for name in ("mh", "hm")}
        W_mh, W_hm = (self.normed(name, weight).t() for name, weight in dropped.items())
        if not self.weight_norm:
            return W_mh, W_hm, ctx.drop_state("h"), None, None
        return W_mh, W_hm, ctx.drop_state("h"), self.normed("mx", self.weight_mx), self.normed("ih", self.weight_ih)

    def normed(self, name: str, weight: Tensor) -> Tensor:
        """A matrix of these rows, each of the length that its gain says, where there are gains."""
        if not self.weight_norm:
            return weight
        squares = weight.square().sum(1).clamp(min=SHORTEST)
        gain: Tensor = getattr(self, f"gain_{name}")
        return weight * (gain * torch.rsqrt(squares)).unsqueeze(1)

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, ...]:
        W_mx, W_ih = const[3:] if self.weight_norm else (self.weight_mx, self.weight_ih)
        return ctx.linear(x, W_mx), ctx.linear(x, W_ih, self.bias)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        (x_m, s), (W_mh, W_hm, mask, _, _) = u, const
        h = state["h"] if mask is None else state["h"] * mask
        H = h.shape[1]
        g, gates = torch.split(torch.addmm(s, x_m * (h @ W_mh), W_hm), [H, 3 * H], 1)
        i, o, f = torch.sigmoid(gates).chunk(3, 1)
        c = torch.addcmul(f * state["c"], i, torch.tanh(g))
        return {"h": torch.tanh(c) * o, "c": c}
