"""The gated recurrent unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from zoo.cells.options import GRUOptions
from zoo.cells.weights import GatedCell, for_backward, kernel_state, last_output
from zoo.components import Shape
from zoo.engine.cell import Context, States, StateSpec


class GRU(GatedCell):
    """Gated recurrent unit, reset gate after or before the recurrent product.

    r = σ(W_r x + U_r h + b_r), z = σ(W_z x + U_z h + b_z), h = (1 − z) ⊙ n + z ⊙ h; the output is h.

    reset_gate `after` (torch, cuDNN):  n = tanh(W_n x + b_n + r ⊙ (U_n h + b'_n)); with one bias, b'_n is zero.
    reset_gate `before` (Cho et al. 2014): n = tanh(W_n x + b_n + U_n (r ⊙ h)); two biases are added.

    Source: arXiv:1406.1078, equations 5 to 8 (arXiv:1412.3555 has z and 1 − z the other way round); layout as
    `torch.nn.GRU` (r, z, n). States: h (hidden_size,).
    """

    torch_layout = True

    gates = ("r", "z", "n")
    forget_gate_name = "z"

    def __init__(self, options: GRUOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size, hidden_size, options.bias)
        self.after = options.reset_gate == "after"
        self.fusable = self.after  # torch's kernels reset after the product only
        self.states = {"h": StateSpec((hidden_size,), zoneout=True)}
        self.reset_parameters()

    def constants(self, ctx: Context) -> Any:
        W_hh = ctx.drop_weight(self.weight_hh)
        return W_hh, W_hh.t(), self._candidate_bias(), ctx.drop_state("h")

    def _candidate_bias(self) -> Tensor | None:
        """The bias of the state's product in the candidate, b'_n, as (3 H,); those of r and z join the projection."""
        _, second = self.biases()
        if not self.after or second is None:
            return None
        H = self.hidden_size
        return torch.cat([torch.zeros_like(second[: 2 * H]), second[2 * H :]])

    def project(self, x: Tensor, const: Any, ctx: Context) -> Tensor:
        bias = self.bias_sum()
        if bias is not None and const[2] is not None:
            bias = bias - const[2]
        return ctx.linear(x, self.weight_ih, bias)  # (B, T, 3 H)

    def step(self, u: Tensor, state: Mapping[str, Tensor], const: Any) -> States:
        _, U, b_n, mask = const
        H = self.hidden_size
        old = state["h"]
        h = old if mask is None else old * mask
        u_gates, u_n = torch.split(u, [2 * H, H], 1)
        if self.after:
            s = h @ U if b_n is None else torch.addmm(b_n, h, U)
            s_gates, s_n = torch.split(s, [2 * H, H], 1)
            r, z = torch.sigmoid(u_gates + s_gates).chunk(2, 1)
            n = torch.tanh(torch.addcmul(u_n, r, s_n))
        else:
            r, z = torch.sigmoid(torch.addmm(u_gates, h, U[:, : 2 * H])).chunk(2, 1)
            n = torch.tanh(torch.addmm(u_n, r * h, U[:, 2 * H :]))
        return {"h": torch.addcmul(n, z, old - n)}

    def kernel(
        self, x: Tensor, state: Mapping[str, Tensor], weights: list[Tensor], *, biased: bool, layers: int, both: bool
    ) -> tuple[Tensor, ...]:
        return torch.gru(x, state["h"], weights, biased, layers, 0.0, for_backward(), both, True)

    def fused(self, x: Tensor, state: Mapping[str, Tensor], const: Any, ctx: Context) -> tuple[Tensor, States] | None:
        weights = self.kernel_weights(self.weight_ih, const[0])
        before = {"h": kernel_state(state["h"], x)}
        y, h = self.kernel(x, before, weights, biased=len(weights) == 4, layers=1, both=False)
        return y, last_output(y, h, state, ctx)
