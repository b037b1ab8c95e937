"""The time mixing of the fourth RWKV."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import torch
from torch import Tensor, nn

from zoo.cells.matrix.fast_weights import RWKV4Options
from zoo.components import Shape, features
from zoo.engine.cell import Cell, Context, States, StateSpec

LEAST: Final = -1e38
"""The initial value of the running exponent, as in the official kernel: nothing has been seen."""


class RWKV4(Cell):
    """Time mixing of RWKV-4: a decaying mean of values, weighted by exponentials of keys.

    x_n = μ_n ⊙ x_t + (1 − μ_n) ⊙ x_{t−1} for n of k, v, r; k = W_k x_k, v = W_v x_v, r = W_r x_r, and

    y = σ(r) ⊙ (exp(pp) ⊙ aa + exp(u + k) ⊙ v) / (exp(pp) ⊙ bb + exp(u + k)), then pp' = max(pp + w, k),
    aa = exp(pp + w − pp') ⊙ aa + exp(k − pp') ⊙ v, bb = exp(pp + w − pp') ⊙ bb + exp(k − pp'), with
    w = −exp(time_decay), u = time_first; the output is y.

    pp, the largest exponent so far, keeps all others from overflowing, and cancels: exp(pp) ⊙ aa and exp(pp) ⊙ bb are
    the paper's sums.

    Source: arXiv:2305.13048, section 3 and appendix D; BlinkDL/RWKV-LM, RWKV-v4/src/model.py and cuda/wkv_cuda.cu. The
    official layer's last product is left to `output_projection`. Parameters: time_mix_k, time_mix_v, time_mix_r (I,),
    which are μ; key, value, receptance (H, I); time_decay and time_first (H,). States: y, aa, bb and pp (H,), where y
    only carries the output: it cannot be had from the new state.
    """

    window = 1

    def __init__(self, options: RWKV4Options, input_shape: Shape, hidden_size: int) -> None:
        super().__init__()
        width = features(input_shape)
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        empty = StateSpec((hidden_size,), learned=False)
        self.states = {"y": empty, "aa": empty, "bb": empty, "pp": replace(empty, initial_value=LEAST)}
        self.depth = options.depth
        self.time_mix_k, self.time_mix_v, self.time_mix_r = (nn.Parameter(torch.empty(width)) for _ in range(3))
        self.key, self.value, self.receptance = (nn.Parameter(torch.empty(hidden_size, width)) for _ in range(3))
        self.time_decay = nn.Parameter(torch.empty(hidden_size))
        self.time_first = nn.Parameter(torch.empty(hidden_size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise the parameters.

        As the official code, where `depth` stands for both its measures of a layer's place, which differ by less
        than one layer: keys and receptance zero, values orthogonal, decays and mixing spread over the features.
        """
        size, width = self.value.shape
        place = torch.arange(width) / width
        unit = torch.arange(size)
        with torch.no_grad():
            self.time_mix_k.copy_(place ** (1 - self.depth))
            self.time_mix_v.copy_(place ** (1 - self.depth) + 0.3 * self.depth)
            self.time_mix_r.copy_(place ** (0.5 * (1 - self.depth)))
            self.time_decay.copy_(-5 + 8 * (unit / max(1, size - 1)) ** (0.7 + 1.3 * self.depth))
            self.time_first.copy_(math.log(0.3) + 0.5 * ((unit + 1) % 3 - 1))
        nn.init.zeros_(self.key)
        nn.init.zeros_(self.receptance)
        nn.init.orthogonal_(self.value, gain=math.sqrt(max(1.0, size / width)))

    def constants(self, ctx: Context) -> Any:
        return -torch.exp(self.time_decay.to(ctx.dtype)), self.time_first.to(ctx.dtype)

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, ...]:
        x = x.to(ctx.dtype)
        now, before = x[:, 1:], ctx.past(x, 1)
        change = now - before
        k, v, r = (
            ctx.linear(torch.addcmul(before, mix.to(ctx.dtype), change), weight)
            for mix, weight in (
                (self.time_mix_k, self.key),
                (self.time_mix_v, self.value),
                (self.time_mix_r, self.receptance),
            )
        )
        return k, v, torch.sigmoid(r)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        (k, v, r), (w, first) = u, const
        aa, bb, pp = state["aa"], state["bb"], state["pp"]
        own = first + k
        top = torch.maximum(pp, own)
        old, new = torch.exp(pp - top), torch.exp(own - top)
        y = r * torch.addcmul(new * v, old, aa) / torch.addcmul(new, old, bb)
        decayed = pp + w
        top = torch.maximum(decayed, k)
        old, new = torch.exp(decayed - top), torch.exp(k - top)
        return {"y": y, "aa": torch.addcmul(new * v, old, aa), "bb": torch.addcmul(new, old, bb), "pp": top}
