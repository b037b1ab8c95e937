"""The LSTM with a matrix memory."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.cells.matrix.options import MLSTMOptions, head_size
from zoo.components import Shape, features
from zoo.engine.cell import Cell, Context, Role, States, StateSpec


class MLSTM(Cell):
    """LSTM with a matrix memory, exponential gates and a stabiliser, from xLSTM.

    q = W_q x + b_q, k = (W_k x + b_k) / √d, v = W_v x + b_v, o = σ(W_o x + b_o), and for each head the logarithms of
    its gates, ĩ = w_i · x + b_i and log σ(f̃), f̃ = w_f · x + b_f. In each head, with d = H / heads,

    m' = max(log σ(f̃) + m, ĩ), f = exp(log σ(f̃) + m − m'), i = exp(ĩ − m'), C = f C + i v kᵀ, n = f n + i k,
    h = o ⊙ ((C q) / max(|n · q|, exp(−m'))); the output is h, head beside head.

    m keeps the exponentials finite and cancels: C exp(m) and n exp(m) are the paper's C and n.

    Source: arXiv:2405.04517, sections 2.3 and A, with the gates of NX-AI/xlstm's large model, which read x, but without
    its soft cap on them. The official code adds 10⁻⁶ to the divisor, which the paper does not have, and nor has this.
    Parameters: weight_ih (4 H, I) and bias (4 H,) in blocks q, k, v, o; weight_gates (2 heads, I) and bias_gates
    (2 heads,) in blocks i, f.
    States: C (heads, d, d), n (heads, d), m (heads,).
    """

    def __init__(self, options: MLSTMOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__()
        d, heads = head_size(options, hidden_size), options.heads
        self.heads = heads
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        self.states = {"C": StateSpec((heads, d, d)), "n": StateSpec((heads, d)), "m": StateSpec((heads,))}
        self.weight_ih = nn.Parameter(torch.empty(4 * hidden_size, features(input_shape)))
        self.bias = nn.Parameter(torch.empty(4 * hidden_size))
        self.weight_gates = nn.Parameter(torch.empty(2 * heads, features(input_shape)))
        self.bias_gates = nn.Parameter(torch.empty(2 * heads))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise the parameters.

        As the blocks of NX-AI/xlstm: W normal with variance 2 / (5 I), that of o too, which they do not have; gates
        that see nothing yet, with input biases of deviation 0.1 and forget biases from 3 to 6 over the heads.
        """
        nn.init.normal_(self.weight_ih, std=math.sqrt(2 / (5 * self.weight_ih.shape[1])))
        nn.init.zeros_(self.bias)
        nn.init.zeros_(self.weight_gates)
        with torch.no_grad():
            self.bias_gates[: self.heads].normal_(0.0, 0.1)
            self.bias_gates[self.heads :] = torch.linspace(3.0, 6.0, self.heads)

    def roles(self) -> Mapping[str, Role]:
        blocks = ("q", "k", "v", "o")
        return {"weight_ih": Role("input", blocks), "bias": Role("bias", blocks)}

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, ...]:
        # exact, as the output is divided by n · q, which may be next to nothing
        q, k, v, o = ctx.linear(x, self.weight_ih, self.bias, exact=True).chunk(4, 2)
        i, f = ctx.linear(x, self.weight_gates, self.bias_gates, exact=True).chunk(2, 2)
        q, k, v = (y.view(*y.shape[:2], self.heads, -1) for y in (q, k, v))  # (B, T, heads, d)
        return q, k / math.sqrt(k.shape[3]), v, torch.sigmoid(o), i, F.logsigmoid(f)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        _, k, v, _, i, f = u
        m = torch.maximum(f + state["m"], i)
        f, i = torch.exp(f + state["m"] - m).unsqueeze(2), torch.exp(i - m).unsqueeze(2)
        written = (i * v).unsqueeze(3) * k.unsqueeze(2)  # (B, heads, d, d)
        return {"C": f.unsqueeze(3) * state["C"] + written, "n": f * state["n"] + i * k, "m": m}

    def output(self, u: Any, state: Mapping[str, Tensor], const: Any) -> Tensor:
        q, o = u[0].to(state["n"].dtype), u[3]
        read = (state["C"] @ q.unsqueeze(-1)).squeeze(-1)
        # beyond e^80 nothing is left of the output, and an infinite divisor would have no gradient
        least = torch.maximum((state["n"] * q).sum(-1).abs(), torch.exp((-state["m"]).clamp(max=80)))
        h: Tensor = o * (read / least.unsqueeze(-1)).flatten(-2)
        return h
