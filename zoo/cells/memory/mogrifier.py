"""The mogrifier LSTM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo.cells.draws import CUT, truncated_normal_
from zoo.cells.memory.closed_forms import MogrifierOptions
from zoo.cells.memory.early import MemoryCell
from zoo.components import Shape, features
from zoo.engine.cell import Context, States


class Mogrifier(MemoryCell):
    """Mogrifier LSTM: input and state gate each other in rounds before each step.

    Before an LSTM's step, x' = x and h' = h gate each other by turns, for so many `rounds`, first
    x' = 2 σ(Q h' + b_q) ⊙ x' with matrix and bias of each odd round's own, then
    h' = 2 σ(R x' + b_r) ⊙ h' with those of each even round. Then

    i = σ(W_i x' + U_i h' + b_i), f = σ(W_f x' + U_f h' + b_f), o = σ(W_o x' + U_o h' + b_o),
    g = tanh(W_g x' + U_g h' + b_g); c = f ⊙ c + i ⊙ g, h = o ⊙ tanh(c); the output is h.

    Source: arXiv:1909.01792, equations (1) and (2); deepmind/lamb, tiled_lstm.py, which has the biases of Q and R, but
    can cap the input gate too. Parameters: four blocks, i, f, g, o; weight_q.j (I, H) and bias_q.j (I,), weight_r.j
    (H, I) and bias_r.j (H,). With a rank k, Q and R are products: weight_q.j (I, k) with right_q.j (k, H), weight_r.j
    (H, k) with right_r.j (k, I).
    """

    gates = ("i", "f", "g", "o")
    forget = "f"
    forget_gate_name, input_gate_name = "f", "i"

    def __init__(self, options: MogrifierOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size, options.bias)
        H, width, rank = hidden_size, features(input_shape), options.rank
        self.rounds = options.rounds
        for name, rows, columns, count in (("q", width, H, (self.rounds + 1) // 2), ("r", H, width, self.rounds // 2)):
            self.register_module(f"weight_{name}", _list(count, rows, rank or columns))
            self.register_module(f"right_{name}", _list(count if rank else 0, rank or 0, columns))
            self.register_module(f"bias_{name}", _list(count, rows))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise the parameters.

        Q and R as the official code: normal with variance 1 / inputs, cut off at two deviations, their biases zero;
        with a rank k, both factors normal with deviation (inputs k)^(−1/4) before they are cut off so. The LSTM as
        torch's, which is a choice: there, its start is a setting of each experiment.
        """
        super().reset_parameters()
        for name, inputs in (("q", self.hidden_size), ("r", self.weight_ih.shape[1])):
            rights = list(getattr(self, f"right_{name}"))
            for left in getattr(self, f"weight_{name}"):
                truncated_normal_(left, CUT * (inputs * left.shape[1]) ** -0.25 if rights else inputs**-0.5)
            for right in rights:
                truncated_normal_(right, CUT * (inputs * right.shape[0]) ** -0.25)
            for bias in getattr(self, f"bias_{name}"):
                nn.init.zeros_(bias)

    def constants(self, ctx: Context) -> Any:
        maps = [part for turn in range(self.rounds) for part in self._round(turn, ctx)]
        return *super().constants(ctx), self.weight_ih.t(), self.bias_sum(), *maps

    def _round(self, turn: int, ctx: Context) -> tuple[Tensor, Tensor, Tensor | None]:
        """Bias and the one or two factors, transposed, of one round; what meets h is recurrent."""
        name, j = "qr"[turn % 2], turn // 2
        bias, left = getattr(self, f"bias_{name}")[j], getattr(self, f"weight_{name}")[j]
        rights = getattr(self, f"right_{name}")
        if not len(rights):
            return bias, (ctx.drop_weight(left) if name == "q" else left).t(), None
        right = rights[j]
        return bias, left.t(), (ctx.drop_weight(right) if name == "q" else right).t()

    def project(self, x: Tensor, const: Any, ctx: Context) -> Tensor:
        return x  # every product of x depends on h

    def step(self, u: Tensor, state: Mapping[str, Tensor], const: Any) -> States:
        U, mask, W, bias, *maps = const
        x, h = u, state["h"] if mask is None else state["h"] * mask
        for turn in range(self.rounds):
            b, left, right = maps[3 * turn : 3 * turn + 3]
            seen = h if turn % 2 == 0 else x
            gate = 2 * torch.sigmoid(torch.addmm(b, seen if right is None else seen @ right, left))
            x, h = (gate * x, h) if turn % 2 == 0 else (x, gate * h)
        s = torch.addmm(x @ W if bias is None else torch.addmm(bias, x, W), h, U)
        H = self.hidden_size
        gates, g, o = torch.split(s, [2 * H, H, H], 1)
        i, f = torch.sigmoid(gates).chunk(2, 1)
        c = torch.addcmul(f * state["c"], i, torch.tanh(g))
        return {"h": torch.sigmoid(o) * torch.tanh(c), "c": c}


def _list(count: int, *shape: int) -> nn.ParameterList:
    return nn.ParameterList(nn.Parameter(torch.empty(shape)) for _ in range(count))
