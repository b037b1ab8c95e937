"""The simple gated units, whose input multiplies the state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.cells.gated.blocks import BlockCell, seen
from zoo.components import NoOptions, Shape
from zoo.engine.cell import Context, Role, States


class SGU(BlockCell):
    """Simple gated unit: the input multiplies the state.

    x_g = W_xh x + b_g, z_g = tanh(W_zxh (x_g ⊙ h)), z = σ'(W_xz x + W_hz h + b_z),

    n = softplus(z_g ⊙ h), h = (1 − z) ⊙ h + z ⊙ n, σ'(v) = max(0, min(1, v / 5 + 1/2)); the output is h.

    Source: arXiv:1604.02910; σ' is the hard sigmoid of the Keras of its day.
    Parameters: weight_ih (2 H, I) in blocks g, z (W_xh, W_xz); weight_hh (2 H, H) in blocks g, z (W_zxh, W_hz); bias
    (2 H,) in blocks g, z. States: h (hidden_size,).
    """

    of_x = of_h = biased = ("g", "z")
    input_gate_name = "z"
    exact = True  # of a gate that hardly opens, each unit for itself, a norm behind it makes as much as of any other

    def __init__(self, options: NoOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size)
        self.reset_parameters()

    def constants(self, ctx: Context) -> Any:
        return ctx.drop_state("h"), *ctx.drop_weight(self.weight_hh).t().chunk(2, 1)

    def project(self, x: Tensor, const: Any, ctx: Context) -> Any:
        x_g, u_z = super().project(x, const, ctx).chunk(2, 2)
        return x_g, 0.2 * u_z + 0.5  # σ' but for its bounds, of all steps at once

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        (x_g, u_z), (mask, U_g, U_z, *rest), old = u, const, state["h"]
        h = seen(old, mask)
        z = torch.addmm(u_z, h, U_z, alpha=0.2).clamp(0, 1)
        new = self.written(torch.tanh((x_g * h) @ U_g) * old, mask, *rest)
        return {"h": torch.addcmul(old, z, new - old)}

    def written(self, v: Tensor, mask: Tensor | None, *rest: Tensor) -> Tensor:
        """What is written where z is open, of z_g ⊙ h."""
        return F.softplus(v)


class DSGU(SGU):
    """Deep simple gated unit: the input multiplies the state, followed by one more product.

    x_g = W_xh x + b_g, z_g = tanh(W_zxh (x_g ⊙ h)), z = σ'(W_xz x + W_hz h + b_z),

    n = σ(W_go (z_g ⊙ h)), h = (1 − z) ⊙ h + z ⊙ n, σ'(v) = max(0, min(1, v / 5 + 1/2)); the output is h.

    Source: arXiv:1604.02910; σ' is the hard sigmoid of the Keras of its day.
    Parameters: weight_ih (2 H, I) in blocks g, z (W_xh, W_xz); weight_hh (2 H, H) in blocks g, z (W_zxh, W_hz); bias
    (2 H,) in blocks g, z; weight_go (H, H). States: h (hidden_size,).
    """

    def __init__(self, options: NoOptions, input_shape: Shape, hidden_size: int) -> None:
        BlockCell.__init__(self, input_shape, hidden_size)
        self.weight_go = nn.Parameter(torch.empty(hidden_size, hidden_size))
        self.reset_parameters()

    def roles(self) -> Mapping[str, Role]:
        return {**super().roles(), "weight_go": Role("recurrent")}

    def constants(self, ctx: Context) -> Any:
        return *super().constants(ctx), ctx.drop_weight(self.weight_go).t()

    def written(self, v: Tensor, mask: Tensor | None, *rest: Tensor) -> Tensor:
        return torch.sigmoid(seen(v, mask) @ rest[0])
