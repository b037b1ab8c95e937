"""Cells whose candidate sees the input alone: CFN, LightRU, MinimalRNN and STAR."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo.cells.gated.blocks import BlockCell, seen
from zoo.cells.gated.relatives import STAROptions
from zoo.components import NoOptions, Shape
from zoo.engine.cell import Context, Role, States


class CFN(BlockCell):
    """Chaos-free network: without an input, every state decays to zero.

    θ = σ(W_θ x + U_θ h + b_θ), η = σ(W_η x + U_η h + b_η), h = θ ⊙ tanh(h) + η ⊙ tanh(W_h x); the output is h.

    Source: arXiv:1612.06212, with W for its V and W. Parameters: weight_ih (3 H, I) in blocks θ,
    η, h; weight_hh (2 H, H) and bias (2 H,) in blocks θ, η. States: h (hidden_size,).
    """

    of_x = ("theta", "eta", "h")
    of_h = biased = ("theta", "eta")
    forget_gate_name = "theta"

    def __init__(self, options: NoOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weights uniform in plus and minus 0.07, b_θ = 1 and b_η = −1, as in the paper's experiments, section 3."""
        nn.init.uniform_(self.weight_ih, -0.07, 0.07)
        nn.init.uniform_(self.weight_hh, -0.07, 0.07)
        b_theta, b_eta = self.blocks_of("bias")
        nn.init.ones_(b_theta)
        nn.init.constant_(b_eta, -1.0)

    def project(self, x: Tensor, const: Any, ctx: Context) -> Any:
        H = self.hidden_size
        u_gates, n = torch.split(super().project(x, const, ctx), [2 * H, H], 2)
        return u_gates, torch.tanh(n)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        (u_gates, n), (U, mask), old = u, const, state["h"]
        theta, eta = torch.sigmoid(torch.addmm(u_gates, seen(old, mask), U)).chunk(2, 1)
        return {"h": torch.addcmul(eta * n, theta, torch.tanh(old))}


class LightRU(BlockCell):
    """Light recurrent unit: one gate, and a candidate that sees only the input.

    f = σ(W_f x + U_f h + b_f), h = (1 − f) ⊙ h + f ⊙ tanh(W_h x); the output is h.

    Source: Ye et al. 2024, Electronics 13(16) 3204, where it is called LRU. Parameters: weight_ih (2 H, I) in blocks f,
    h; weight_hh (H, H) and bias (H,) of f. States: h (hidden_size,).
    """

    of_x = ("f", "h")
    of_h = biased = ("f",)
    input_gate_name = "f"

    def __init__(self, options: NoOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size)
        self.reset_parameters()

    def project(self, x: Tensor, const: Any, ctx: Context) -> Any:
        u_f, n = super().project(x, const, ctx).chunk(2, 2)
        return u_f, torch.tanh(n)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        (u_f, n), (U, mask), old = u, const, state["h"]
        f = torch.sigmoid(torch.addmm(u_f, seen(old, mask), U))
        return {"h": torch.addcmul(old, f, n - old)}


class MinimalRNN(BlockCell):
    """MinimalRNN: a gate between the old state and a map of the input.

    z = tanh(W x + b_z), u = σ(U_h h + U_z z + b_u), h = u ⊙ h + (1 − u) ⊙ z; the output is h.

    Source: arXiv:1711.06788, where z may be any function of x.
    Parameters: weight_ih (H, I), weight_zh (H, H) is U_z, weight_hh (H, H) is U_h, bias (2 H,) in blocks z, u.
    States: h (hidden_size,).
    """

    of_x = ("z",)
    of_h = ("u",)
    biased = ("z", "u")
    forget_gate_name = "u"

    def __init__(self, options: NoOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size)
        self.weight_zh = nn.Parameter(torch.empty(hidden_size, hidden_size))
        self.reset_parameters()

    def roles(self) -> Mapping[str, Role]:
        return {**super().roles(), "weight_zh": self.role("input", ("u",))}

    def project(self, x: Tensor, const: Any, ctx: Context) -> Any:
        b_z, b_u = self.bias.chunk(2)
        z = torch.tanh(ctx.linear(x, self.weight_ih, b_z))
        return ctx.linear(z, self.weight_zh, b_u), z

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        (u_u, z), (U, mask), old = u, const, state["h"]
        forget = torch.sigmoid(torch.addmm(u_u, seen(old, mask), U))
        return {"h": torch.addcmul(z, forget, old - z)}


class STAR(BlockCell):
    """Stackable recurrent cell: one gate, and gradients that keep their magnitude through many layers.

    k = W_k x + U_k h + b_k, z = tanh(W_z x + b_z), h = tanh((1 − σ(k)) ⊙ h + σ(k + β) ⊙ z); the output is h.

    The paper has no β; the official code has 1.

    Source: arXiv:1911.11033; 0zgur0/STAR_Network, star.py, whose f is −k here.
    Parameters: weight_ih (2 H, I) and bias (2 H,) in blocks k, z; weight_hh (H, H) of k. States: h (hidden_size,).
    """

    of_x = biased = ("k", "z")
    of_h = ("k",)
    input_gate_name = "k"

    def __init__(self, options: STAROptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__(input_shape, hidden_size)
        self.beta, self.longest = options.beta, options.longest
        self.reset_parameters()
        self.set_fixed_parameters()

    def reset_parameters(self) -> None:
        """As the official code: each matrix orthogonal, b_z = 0 and b_k = −1."""
        for block in (*self.blocks_of("weight_ih"), self.weight_hh):
            nn.init.orthogonal_(block)
        b_k, b_z = self.blocks_of("bias")
        nn.init.constant_(b_k, -1.0)
        nn.init.zeros_(b_z)

    def set_fixed_parameters(self) -> None:
        """Chrono initialisation, as the official code: b_k = −log u, u uniform in [1, longest], and b_z = 0."""
        if self.longest is not None:
            b_k, b_z = self.blocks_of("bias")
            b_k.uniform_(1.0, float(self.longest)).log_().neg_()
            nn.init.zeros_(b_z)

    def project(self, x: Tensor, const: Any, ctx: Context) -> Any:
        u_k, z = super().project(x, const, ctx).chunk(2, 2)
        return u_k, torch.tanh(z)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        (u_k, z), (U, mask), old = u, const, state["h"]
        k = torch.addmm(u_k, seen(old, mask), U)
        if self.beta == 0:
            return {"h": torch.tanh(torch.addcmul(old, torch.sigmoid(k), z - old))}
        return {"h": torch.tanh(torch.addcmul(torch.sigmoid(-k) * old, torch.sigmoid(k + self.beta), z))}
