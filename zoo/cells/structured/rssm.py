"""The deterministic core of DreamerV3's recurrent state-space model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.cells.draws import truncated_normal_
from zoo.cells.structured.world import RSSMOptions, block_size, latent, rssm_units
from zoo.components import Shape
from zoo.engine.cell import Cell, Context, States, StateSpec

EPS: Final = 1e-4
"""Of the norms, as in the official code."""


class RSSM(Cell):
    """Deterministic core of DreamerV3's recurrent state-space model: a block-diagonal GRU.

    p = silu(w_p ⊙ N(W_p h + b_p)), q = silu(w_q ⊙ N(W_q x + b_q)), e = silu(w_e ⊙ N(W_e (a / max(1, |a|)) + b_e)),
    s = (h, p, q, e), v = silu(w_v ⊙ N(W_v s + b_v)), (r, n, z) = W_g v + b_g, z' = σ(z − 1),
    h = z' ⊙ tanh(σ(r) ⊙ n) + (1 − z') ⊙ h; the output is h.

    N(y) = y / √(mean(y²) + 10⁻⁴). The input is the latent state x and, in its last features, the action a. W_v and W_g
    are block diagonal: a block reads its own part of h, or of v, and W_v all of p, q and e beside it. Of several
    `layers`, each further one is such a layer of the v before, without p, q and e.

    Source: arXiv:2301.04104; danijar/dreamerv3, dreamerv3/rssm.py, RSSM._core, and embodied/jax/nets.py. There the
    divisor of the action counts as a constant, which shows in the gradient with respect to actions beyond 1 alone; here
    it has its own derivative. What stands around it, the latent state's prior and posterior, is not here. Parameters,
    for U units and B blocks: weight_p (U, H), weight_q (U, I - action), weight_e (U, action), bias and norm of each
    (U,); for each layer weight_v (B, H / B, H / B + 3 U), of the first, or (B, H / B, H / B), bias_v and norm_v (H,);
    weight_g (B, 3 H / B, H / B) and bias_g (3 H,), in each block r, n, z. States: h (hidden_size,).
    """

    weight_p: Tensor
    weight_q: Tensor
    weight_e: Tensor
    bias_p: Tensor
    bias_q: Tensor
    bias_e: Tensor
    norm_p: Tensor
    norm_q: Tensor
    norm_e: Tensor

    def __init__(self, options: RSSMOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__()
        H, U = hidden_size, rssm_units(options, hidden_size)
        size = block_size(options, hidden_size)
        self.input_shape, self.output_shape = input_shape, (H,)
        self.states = {"h": StateSpec((H,), zoneout=True)}
        self.hidden_size, self.blocks, self.layers = H, options.blocks, options.layers
        self.widths = [latent(options, input_shape), options.action]
        for name, width in (("p", H), ("q", self.widths[0]), ("e", options.action)):
            self.register_parameter(f"weight_{name}", nn.Parameter(torch.empty(U, width)))
            self.register_parameter(f"bias_{name}", nn.Parameter(torch.empty(U)))
            self.register_parameter(f"norm_{name}", nn.Parameter(torch.empty(U)))
        widths = [size + 3 * U, *[size] * (options.layers - 1)]
        self.weight_v = nn.ParameterList(nn.Parameter(torch.empty(self.blocks, size, width)) for width in widths)
        self.bias_v = nn.ParameterList(nn.Parameter(torch.empty(H)) for _ in widths)
        self.norm_v = nn.ParameterList(nn.Parameter(torch.empty(H)) for _ in widths)
        self.weight_g = nn.Parameter(torch.empty(self.blocks, 3 * size, size))
        self.bias_g = nn.Parameter(torch.empty(3 * H))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise the parameters.

        As the official code: products normal, cut off at two deviations, with a variance of one over their inputs, of
        all blocks together; biases zero, norms' scales 1.
        """
        for name, parameter in self.named_parameters():
            if name.startswith("weight"):
                inputs = parameter.shape[-1] * (self.blocks if parameter.dim() == 3 else 1)
                truncated_normal_(parameter, inputs**-0.5)
            else:
                nn.init.constant_(parameter, float(name.startswith("norm")))

    def constants(self, ctx: Context) -> Any:
        first, size = self.weight_v[0], self.hidden_size // self.blocks
        U = self.weight_p.shape[0]
        # of a block's own part of h, of p, and of q beside e, which do not depend on the state
        own, of_p, of_input = torch.split(first, [size, U, 2 * U], 2)
        further = (part for layer in zip(self.weight_v, self.bias_v, self.norm_v, strict=True) for part in layer)
        gates = self.weight_g, self.bias_g.view(self.blocks, -1)
        return self.weight_p, self.bias_p, self.norm_p, own, of_p, of_input.flatten(0, 1), *gates, *further

    def project(self, x: Tensor, const: Any, ctx: Context) -> Tensor:
        x, a = torch.split(x, self.widths, 2)
        a = a / a.abs().clamp(min=1)
        # exact, as the norms make as much of little as of much
        q = _active(ctx.linear(x, self.weight_q, self.bias_q, exact=True), self.norm_q.to(ctx.dtype))
        e = _active(ctx.linear(a, self.weight_e, self.bias_e, exact=True), self.norm_e.to(ctx.dtype))
        return ctx.linear(torch.cat([q, e], 2), const[5], self.bias_v[0], exact=True)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        W_p, b_p, w_p, own, of_p, _, W_g, b_g, _, _, norm, *further = const
        h = state["h"]
        p = _active(F.linear(h, W_p, b_p), w_p)
        v = _active(u + self.by_block(h, own) + F.linear(p, of_p.flatten(0, 1)), norm)
        for layer in range(self.layers - 1):
            weight, bias, norm = further[3 * layer : 3 * layer + 3]
            v = _active(self.by_block(v, weight) + bias, norm)
        gates = self.by_block(v, W_g).view(len(v), self.blocks, -1) + b_g
        r, n, z = (part.flatten(1) for part in gates.chunk(3, 2))
        return {"h": torch.lerp(h, torch.tanh(torch.sigmoid(r) * n), torch.sigmoid(z - 1))}

    def by_block(self, x: Tensor, weight: Tensor) -> Tensor:
        """x (B, H) by blocks (blocks, out, H / blocks), block beside block."""
        return torch.einsum("bki,koi->bko", x.view(len(x), self.blocks, -1), weight).flatten(1)


def _active(x: Tensor, scale: Tensor) -> Tensor:
    return F.silu(F.rms_norm(x, x.shape[-1:], scale, EPS))
