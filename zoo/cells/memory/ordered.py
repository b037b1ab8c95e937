"""The LSTM with ordered neurons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo.cells.memory.closed_forms import ONLSTMOptions, chunks
from zoo.cells.memory.early import MemoryCell
from zoo.components import Shape
from zoo.engine.cell import Context, Role, States


class ONLSTM(MemoryCell):
    """LSTM with ordered neurons: master gates forget and write units in their order.

    Two master gates, ĩ = 1 − cumsum(softmax(W x + U h + b)) and f̃ = cumsum(softmax(W' x + U' h + b')), one value for
    each chunk of neurons, say which chunks are written and which are kept. As in an LSTM, f = σ(W_f x + U_f h + b_f),
    i = σ(W_i x + U_i h + b_i), o = σ(W_o x + U_o h + b_o), g = tanh(W_g x + U_g h + b_g), and

    w = f̃ ⊙ ĩ, f̂ = f ⊙ w + (f̃ − w), î = i ⊙ w + (ĩ − w), c = f̂ ⊙ c + î ⊙ g, h = o ⊙ tanh(c); the output is h.

    Source: arXiv:1810.09536; yikangshen/Ordered-Neurons, ON_LSTM.py. Parameters, for n = H / chunk_size: blocks o, c,
    i, f; weight_ih_master (2 n, I), weight_hh_master (2 n, H), bias_master (2 n,) in blocks i, f.
    """

    gates = ("o", "c", "i", "f")
    forget = "f"
    forget_gate_name, input_gate_name = "f", "i"

    def __init__(self, options: ONLSTMOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size, options.bias)
        self.chunks = chunks(options, hidden_size)
        self.weight_ih_master = nn.Parameter(torch.empty(2 * self.chunks, self.weight_ih.shape[1]))
        self.weight_hh_master = nn.Parameter(torch.empty(2 * self.chunks, hidden_size))
        self.bias_master = None if options.bias == "none" else nn.Parameter(torch.empty(2 * self.chunks))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """As the official code: uniform in plus and minus 1/sqrt(inputs) of each linear map."""
        width = self.weight_ih.shape[1]
        for name, parameter in self.named_parameters():
            inputs = width if name in ("weight_ih", "weight_ih_master", "bias_ih") else self.hidden_size
            nn.init.uniform_(parameter, -(inputs**-0.5), inputs**-0.5)

    def roles(self) -> Mapping[str, Role]:
        master = {"weight_ih_master": "input", "weight_hh_master": "recurrent", "bias_master": "bias"}
        found = {name: Role(kind, ("i", "f")) for name, kind in master.items()}  # type: ignore[arg-type]
        if self.bias_master is None:
            del found["bias_master"]
        return {**super().roles(), **found}

    def constants(self, ctx: Context) -> Any:
        weights = ctx.drop_weight(self.weight_hh_master), ctx.drop_weight(self.weight_hh)
        return torch.cat(weights).t(), ctx.drop_state("h")  # all gates by one product

    def project(self, x: Tensor, const: Any, ctx: Context) -> Tensor:
        bias, weight = self.bias_sum(), torch.cat([self.weight_ih_master, self.weight_ih])
        both = None if bias is None or self.bias_master is None else torch.cat([self.bias_master, bias])
        return ctx.linear(x, weight, both)  # (B, T, 2 n + 4 H)

    def step(self, u: Tensor, state: Mapping[str, Tensor], const: Any) -> States:
        U, mask = const
        H, n = self.hidden_size, self.chunks
        h = state["h"] if mask is None else state["h"] * mask
        master, o, g, gates = torch.split(torch.addmm(u, h, U), [2 * n, H, H, 2 * H], 1)
        levels = torch.softmax(master.view(-1, 2, n), 2).cumsum(2)
        if n < H:
            levels = levels.repeat_interleave(H // n, 2)
        master_i, master_f = 1 - levels[:, 0], levels[:, 1]
        i, f = torch.sigmoid(gates).chunk(2, 1)
        both = master_i * master_f
        f, i = torch.addcmul(master_f, both, f - 1), torch.addcmul(master_i, both, i - 1)
        c = torch.addcmul(f * state["c"], i, torch.tanh(g))
        return {"h": torch.sigmoid(o) * torch.tanh(c), "c": c}
