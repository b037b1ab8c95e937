"""The LSTM as it was first, and LSTMs whose gates see the memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo.cells.memory.closed_forms import LSTM1997Options, MemoryControlOptions, WMCLSTMOptions
from zoo.cells.options import Biases
from zoo.cells.weights import GatedCell
from zoo.components import Shape
from zoo.engine.cell import Context, States, StateSpec


class MemoryCell(GatedCell):
    """Gated blocks beside a memory c: what the cells of this family share.

    States: h (hidden_size,), c (hidden_size,). The constants begin with the recurrent weights, transposed, and the mask
    of h; the projection is that of all blocks.
    """

    exact = False  # of the input's products, see `Context.linear`

    def __init__(self, input_shape: Shape, hidden_size: int, bias: Biases) -> None:
        super().__init__(input_shape, hidden_size, hidden_size, bias)
        self.states = {"h": StateSpec((hidden_size,), zoneout=True), "c": StateSpec((hidden_size,), zoneout=True)}

    def constants(self, ctx: Context) -> Any:
        return ctx.drop_weight(self.weight_hh).t(), ctx.drop_state("h")

    def project(self, x: Tensor, const: Any, ctx: Context) -> Any:
        return ctx.linear(x, self.weight_ih, self.bias_sum(), exact=self.exact)


class LSTM1997(MemoryCell):
    """The original LSTM of 1997: input and output gates, no forget gate.

    y_in = σ(W_in x + U_in h + b_in), y_out = σ(W_out x + U_out h + b_out),
    c = c + y_in ⊙ g(W_c x + U_c h + b_c), h = y_out ⊙ h(c); the output is h.

    squashing `paper`: g(a) = 4 σ(a) − 2 and h(a) = 2 σ(a) − 1. squashing `tanh`: tanh for both.

    Source: Hochreiter and Schmidhuber 1997, section 4 and appendix A.1, with memory cell blocks of size 1. Its learning
    rule cuts gradients off at the gates' inputs; here they are exact. Parameters: three blocks, in, c, out.
    """

    gates = ("in", "c", "out")
    input_gate_name = "in"
    exact = True  # c forgets nothing, and no error either

    def __init__(self, options: LSTM1997Options, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size, options.bias)
        self.plain = options.squashing == "tanh"
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise the parameters.

        Weights and biases uniform in plus and minus 0.1, as in the paper's experiment 5. Weights start so in its
        experiments 3 to 6, and in plus and minus 0.2 in 1 and 2 (tables 10 and 11). Some biases it sets by hand, each
        cell's lower than the last one's: of output gates from −1 or −2 in experiments 1 and 3, of input gates from −1,
        −3 or −2 in 3, 4 and 6, where it found that their values hardly matter.
        """
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -0.1, 0.1)

    def step(self, u: Tensor, state: Mapping[str, Tensor], const: Any) -> States:
        U, mask = const
        h = state["h"] if mask is None else state["h"] * mask
        i, g, o = torch.addmm(u, h, U).chunk(3, 1)
        # 4 σ(a) - 2 is 2 tanh(a / 2)
        scale = 1 if self.plain else 2
        c = torch.addcmul(state["c"], torch.sigmoid(i), torch.tanh(g if self.plain else g / 2), value=scale)
        return {"h": torch.sigmoid(o) * torch.tanh(c if self.plain else c / 2), "c": c}


class WMCLSTM(MemoryCell):
    """LSTM with working memory connections: gates see a tanh of a map of the memory.

    An LSTM with working memory connections: i = σ(W_i x + U_i h + tanh(V_i c) + b_i),
    f = σ(W_f x + U_f h + tanh(V_f c) + b_f), g = tanh(W_g x + U_g h + b_g), c = f ⊙ c + i ⊙ g,
    o = σ(W_o x + U_o h + tanh(V_o c) + b_o) with the new c, h = o ⊙ tanh(c); the output is h.

    Source: arXiv:2109.00020. Parameters start uniform in plus and minus 1/sqrt(hidden_size), as torch's LSTM.
    Parameters: four blocks, i, f, g, o, and weight_ch (3 H, H) in blocks i, f, o.
    """

    gates = ("i", "f", "g", "o")
    forget = "f"
    forget_gate_name, input_gate_name = "f", "i"

    def __init__(self, options: WMCLSTMOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size, options.bias)
        self.weight_ch = nn.Parameter(torch.empty(3 * hidden_size, hidden_size))
        self.reset_parameters()

    def constants(self, ctx: Context) -> Any:
        H = self.hidden_size
        V, V_o = torch.split(ctx.drop_weight(self.weight_ch), [2 * H, H])
        return *super().constants(ctx), V.t(), V_o.t(), ctx.drop_state("c")

    def step(self, u: Tensor, state: Mapping[str, Tensor], const: Any) -> States:
        U, mask, V, V_o, mask_c = const
        H = self.hidden_size
        h, c = (state["h"] if mask is None else state["h"] * mask), state["c"]
        gates, g, o = torch.split(torch.addmm(u, h, U), [2 * H, H, H], 1)
        i, f = torch.sigmoid(gates + torch.tanh((c if mask_c is None else c * mask_c) @ V)).chunk(2, 1)
        c = torch.addcmul(f * c, i, torch.tanh(g))
        o = torch.sigmoid(o + torch.tanh((c if mask_c is None else c * mask_c) @ V_o))
        return {"h": o * torch.tanh(c), "c": c}


class MemoryControlLSTM(GatedCell):
    """LSTM with separate output and feedback vectors computed from its memory.

    f = σ(W_f x + U_f v + b_f), i = σ(W_i x + U_i v + b_i), o = σ(W_o x + U_o v + b_o),
    m = σ(W_m x + U_m v + b_m), n = tanh(W_n x + U_n v + b_n); c = f ⊙ c + i ⊙ n, h = o ⊙ tanh(c), and
    v = m ⊙ tanh(c) is what the gates see at the next step; the output is h.

    Source: NIPS 2017 time series workshop, sequence modelling with a memory control vector. Parameters start uniform in
    plus and minus 1/sqrt(hidden_size), as torch's LSTM. Parameters: five blocks, f, i, o, m, n.
    States: h (hidden_size,), which is put out and not read again; v (hidden_size,), c (hidden_size,).
    """

    gates = ("f", "i", "o", "m", "n")
    forget = "f"
    forget_gate_name, input_gate_name = "f", "i"

    def __init__(self, options: MemoryControlOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size, hidden_size, options.bias)
        zoned = StateSpec((hidden_size,), zoneout=True)
        self.states = {"h": StateSpec((hidden_size,), learned=False), "v": zoned, "c": zoned}
        self.reset_parameters()

    def constants(self, ctx: Context) -> Any:
        return ctx.drop_weight(self.weight_hh).t(), ctx.drop_state("v")

    def project(self, x: Tensor, const: Any, ctx: Context) -> Tensor:
        return ctx.linear(x, self.weight_ih, self.bias_sum())  # (B, T, 5 H)

    def step(self, u: Tensor, state: Mapping[str, Tensor], const: Any) -> States:
        U, mask = const
        H = self.hidden_size
        v = state["v"] if mask is None else state["v"] * mask
        gates, n = torch.split(torch.addmm(u, v, U), [4 * H, H], 1)
        f, i, o, m = torch.sigmoid(gates).chunk(4, 1)
        c = torch.addcmul(f * state["c"], i, torch.tanh(n))
        seen = torch.tanh(c)
        return {"h": o * seen, "v": m * seen, "c": c}
