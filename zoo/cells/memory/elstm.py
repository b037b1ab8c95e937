"""The LSTM with elementwise recurrence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.components import NoOptions, Shape, features
from zoo.engine.cell import Cell, Context, Role, States, StateSpec


class ELSTM(Cell):
    """LSTM whose gates see only each unit's own memory.

    f = σ(F x + w_f ⊙ c + b_f), z = tanh(Z x + w_z ⊙ c + b_z), c = f ⊙ c + (1 − f) ⊙ z, and the output is
    o ⊙ c with o = σ(O x + W_o c + b_o) of the new c.

    Source: arXiv:2305.19044, section 3.1; IDSIA/rtrl-elstm, reinforcement_learning/torchbeast/layer.py, which has the
    biases; diagnostic/layers.py there has no output gate. Parameters: weight_ih (3 H, I) and
    bias (3 H,) in blocks f, z, o; weight_ch (2 H,) in blocks f, z; weight_o (H, H). States: c (hidden_size,).
    """

    gates = ("f", "z", "o")
    forget_gate_name = "f"
    uses = frozenset({"weight_dropout", "recurrent_dropout"})

    def __init__(self, options: NoOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__()
        H = hidden_size
        self.input_shape, self.output_shape = input_shape, (H,)
        self.states = {"c": StateSpec((H,), zoneout=True)}
        self.weight_ih, self.bias = (
            nn.Parameter(torch.empty(3 * H, features(input_shape))),
            nn.Parameter(torch.empty(3 * H)),
        )
        self.weight_ch, self.weight_o = nn.Parameter(torch.empty(2 * H)), nn.Parameter(torch.empty(H, H))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise the parameters.

        As the official code: F, Z, w and their biases normal with standard deviation 0.1; the output gate, which is
        one linear map of x and c there, uniform in plus and minus 1/sqrt(I + H), as `torch.nn.Linear` starts.
        """
        H, width = self.weight_o.shape[0], self.weight_ih.shape[1]
        for parameter in (self.weight_ih, self.bias, self.weight_ch):
            nn.init.normal_(parameter, std=0.1)
        bound = (width + H) ** -0.5
        for weight in (self.weight_ih.detach()[2 * H :], self.weight_o, self.bias.detach()[2 * H :]):
            nn.init.uniform_(weight, -bound, bound)

    def roles(self) -> Mapping[str, Role]:
        found = {"weight_ih": Role("input", self.gates, "f"), "bias": Role("bias", self.gates, "f")}
        return {**found, "weight_o": Role("input")}

    def constants(self, ctx: Context) -> Any:
        return ctx.drop_weight(self.weight_ch).view(2, -1), ctx.drop_state("c"), self.weight_o

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, ...]:
        H = self.output_shape[0]
        return torch.split(ctx.linear(x, self.weight_ih, self.bias), [2 * H, H], 2)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        weight, mask, _ = const
        old = state["c"]
        seen = old if mask is None else old * mask
        f, z = torch.addcmul(u[0].view(len(old), 2, -1), weight, seen.unsqueeze(1)).unbind(1)
        z = torch.tanh(z)
        return {"c": torch.addcmul(z, torch.sigmoid(f), old - z)}

    def output(self, u: Any, state: Mapping[str, Tensor], const: Any) -> Tensor:
        c = state["c"]
        return torch.sigmoid(u[1] + F.linear(c, const[2])) * c
