"""What the cells of linear attention share: queries, keys, values, a short convolution, the output's norm and gate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.cells.matrix.fast_weights import KeyedOptions
from zoo.cells.matrix.options import head_size
from zoo.components import Shape, features
from zoo.engine.cell import Cell, Context, StateSpec


class LinearAttention(Cell):
    """A memory S of keys' rows and values' columns for each head.

    The output is RMSNorm(Sᵀ q / √d_k) of each head, head beside head, times silu(W_g x) where there is an output gate.

    Parameters: weight_qkv (2 heads d_k + H, I) in blocks q, k, v, each head beside head; conv_weight, one row for each
    of its rows, the present step last, or None; norm_weight (d_v,), for all heads; weight_g (H, I) or None.
    States: S (heads, d_k, d_v), with d_v = H / heads.

    `project` gives q, then silu(W_g x) where there is a gate, then what the cell's own `step` takes.
    """

    def __init__(
        self, options: KeyedOptions, input_shape: Shape, hidden_size: int, key_size: int, *, gated: bool
    ) -> None:
        super().__init__()
        width, size = features(input_shape), head_size(options, hidden_size)
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        self.states = {"S": StateSpec((options.heads, key_size, size))}
        self.heads, self.key_size = options.heads, key_size
        self.window = max(0, options.kernel - 1)
        self.norm_eps = options.norm_eps
        rows = 2 * options.heads * key_size + hidden_size
        self.weight_qkv = nn.Parameter(torch.empty(rows, width))
        self.conv_weight = nn.Parameter(torch.empty(rows, options.kernel)) if options.kernel else None
        self.weight_g = nn.Parameter(torch.empty(hidden_size, width)) if gated else None
        self.norm_weight = nn.Parameter(torch.empty(size))

    def reset_parameters(self) -> None:
        """Initialise the parameters.

        As the official layers: products and convolution as torch starts them, uniform in plus and minus
        1/sqrt(inputs), a norm's scale of 1.
        """
        for parameter in self.parameters():
            if parameter.dim() == 2:
                bound = 1 / math.sqrt(parameter.shape[1])
                nn.init.uniform_(parameter, -bound, bound)
        nn.init.ones_(self.norm_weight)

    def constants(self, ctx: Context) -> Any:
        return (self.norm_weight,)

    def mixed(self, x: Tensor, ctx: Context) -> tuple[Tensor, Tensor]:
        """W x of queries, keys and values behind the convolution (B, T, rows), and x without the window (B, T, I)."""
        # exact, as what is read is brought to one size, however little it is
        y, now = ctx.linear(x, self.weight_qkv, exact=True), x[:, self.window :]
        if self.conv_weight is None:
            return y, now
        mixed = self.conv_weight[:, -1] * y[:, self.window :]
        for k in range(1, self.window + 1):
            mixed = mixed + self.conv_weight[:, -1 - k] * ctx.past(y, k)
        return mixed, now

    def by_head(self, y: Tensor, ctx: Context) -> tuple[Tensor, Tensor, Tensor]:
        """q, k (B, T, heads, d_k) and v (B, T, heads, d_v) of the rows of `mixed`, in the state's precision."""
        keys = self.heads * self.key_size
        parts = torch.split(y.to(ctx.dtype), [keys, keys, self.output_shape[0]], 2)
        q, k, v = (part.view(*part.shape[:2], self.heads, -1) for part in parts)
        return q, k, v

    def read(self, q: Tensor, now: Tensor, ctx: Context) -> tuple[Tensor, ...]:
        """What the output takes: the scaled query, and the gate if there is one."""
        q = q / math.sqrt(self.key_size)
        return (q,) if self.weight_g is None else (q, F.silu(ctx.linear(now, self.weight_g, exact=True)))

    def output(self, u: Any, state: Mapping[str, Tensor], const: Any) -> Tensor:
        o = (u[0].unsqueeze(-2) @ state["S"]).squeeze(-2)
        o = F.rms_norm(o.to(const[0].dtype), o.shape[-1:], const[0], self.norm_eps).flatten(-2)
        return o if self.weight_g is None else o * u[1]
