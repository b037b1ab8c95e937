"""The LSTM with a matrix memory."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.cells.matrix.options import MLSTMOptions, head_size, mlstm_key_size
from zoo.components import Shape, features
from zoo.engine.cell import Cell, Context, Role, States, StateSpec


class MLSTM(Cell):
    """LSTM with a matrix memory, exponential gates and a stabiliser, from xLSTM.

    q = W_q x + b_q, k = (W_k x + b_k) / √d, v = W_v x + b_v, o = σ(W_o x + b_o), and for each head the logarithms of
    its gates, ĩ = w_i · x + b_i and log σ(f̃), f̃ = w_f · x + b_f. In each head, with d = H / heads,

    m' = max(log σ(f̃) + m, ĩ), f = exp(log σ(f̃) + m − m'), i = exp(ĩ − m'), C = f C + i v kᵀ, n = f n + i k,
    h = o ⊙ ((C q) / max(|n · q|, exp(−m'))); the output is h, head beside head.

    m keeps the exponentials finite and cancels: C exp(m) and n exp(m) are the paper's C and n. With a `key_size`, d is
    that. With a `soft_cap` c, the gates ĩ and f̃ are bounded, g becoming c tanh(g / c). With a `norm_eps` ε, what o
    multiplies is normalised in each head to mean 0 and variance 1, with ε beside the variance, and scaled.

    Source: arXiv:2405.04517, sections 2.3 and A, with the gates of NX-AI/xlstm's large model, which read x; that model
    has `key_size`, `soft_cap` and `norm_eps`, and no bias of q, k, v, o. The official code adds 10⁻⁶ to the divisor,
    which the paper does not have: `divisor_eps`, 0 if not given.
    Parameters: weight_ih (2 H + 2 heads d, I) and bias, one for each of its rows, in blocks q, k, v, o; weight_gates
    (2 heads, I) and bias_gates (2 heads,) in blocks i, f; norm_weight (H,), which scales.
    States: C (heads, H / heads, d), n (heads, d), m (heads,).
    """

    def __init__(self, options: MLSTMOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__()
        size, heads, d = head_size(options, hidden_size), options.heads, mlstm_key_size(options, hidden_size)
        self.options, self.heads = options, heads
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        self.states = {"C": StateSpec((heads, size, d)), "n": StateSpec((heads, d)), "m": StateSpec((heads,))}
        self.widths = [heads * d, heads * d, hidden_size, hidden_size]
        """Of q, k, v and o."""
        rows = sum(self.widths)
        self.weight_ih = nn.Parameter(torch.empty(rows, features(input_shape)))
        self.bias = nn.Parameter(torch.empty(rows)) if options.bias == "one" else None
        self.weight_gates = nn.Parameter(torch.empty(2 * heads, features(input_shape)))
        self.bias_gates = nn.Parameter(torch.empty(2 * heads))
        self.norm_weight = nn.Parameter(torch.empty(hidden_size)) if options.norm_eps is not None else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise the parameters.

        As the blocks of NX-AI/xlstm: W normal with variance 2 / (5 I), that of o too, which they do not have; gates
        that see nothing yet, with input biases of deviation 0.1 and forget biases from 3 to 6 over the heads; a norm's
        scale of 1.
        """
        nn.init.normal_(self.weight_ih, std=math.sqrt(2 / (5 * self.weight_ih.shape[1])))
        if self.bias is not None:
            nn.init.zeros_(self.bias)
        initialise_gates(self.weight_gates, self.bias_gates)
        if self.norm_weight is not None:
            nn.init.ones_(self.norm_weight)

    def roles(self) -> Mapping[str, Role]:
        if len(set(self.widths)) > 1:
            return {}  # blocks of several heights
        blocks = ("q", "k", "v", "o")
        found = {"weight_ih": Role("input", blocks)}
        return found if self.bias is None else {**found, "bias": Role("bias", blocks)}

    def constants(self, ctx: Context) -> Any:
        return (self.norm_weight,)

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, ...]:
        # exact, as the output is divided by n · q, which may be next to nothing
        parts = torch.split(ctx.linear(x, self.weight_ih, self.bias, exact=True), self.widths, 2)
        gates, cap = ctx.linear(x, self.weight_gates, self.bias_gates, exact=True), self.options.soft_cap
        i, f = (gates if cap is None else cap * torch.tanh(gates / cap)).chunk(2, 2)
        q, k, v = (y.view(*y.shape[:2], self.heads, -1) for y in parts[:3])  # (B, T, heads, d)
        return q, k / math.sqrt(k.shape[3]), v, torch.sigmoid(parts[3]), i, F.logsigmoid(f)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        _, k, v, _, i, f = u
        return written(k, v, i, f, state)

    def output(self, u: Any, state: Mapping[str, Tensor], const: Any) -> Tensor:
        y, o = read(u[0], state, self.options.divisor_eps), u[3]
        if self.options.norm_eps is not None:
            y = F.layer_norm(y, y.shape[-1:], eps=self.options.norm_eps)
        flat = y.flatten(-2)
        h: Tensor = o * (flat if const[0] is None else flat * const[0])
        return h


def initialise_gates(weight: Tensor, bias: Tensor) -> None:
    """Gates (2 heads, ...) that see nothing yet: input biases of deviation 0.1, forget biases from 3 to 6."""
    heads = len(bias) // 2
    nn.init.zeros_(weight)
    with torch.no_grad():
        bias[:heads].normal_(0.0, 0.1)
        bias[heads:] = torch.linspace(3.0, 6.0, heads)


def written(k: Tensor, v: Tensor, i: Tensor, f: Tensor, state: Mapping[str, Tensor]) -> States:
    """The state after writing keys, already scaled, and values (B, heads, d), by the gates' logarithms (B, heads)."""
    m = torch.maximum(f + state["m"], i)
    f, i = torch.exp(f + state["m"] - m).unsqueeze(2), torch.exp(i - m).unsqueeze(2)
    new = (i * v).unsqueeze(3) * k.unsqueeze(2)  # (B, heads, values, keys)
    return {"C": f.unsqueeze(3) * state["C"] + new, "n": f * state["n"] + i * k, "m": m}


def read(q: Tensor, state: Mapping[str, Tensor], eps: float) -> Tensor:
    """What each head reads, (..., heads, values)."""
    q = q.to(state["n"].dtype)
    found = (state["C"] @ q.unsqueeze(-1)).squeeze(-1)
    # beyond e^80 nothing is left of the output, and an infinite divisor would have no gradient
    least = torch.maximum((state["n"] * q).sum(-1).abs(), torch.exp((-state["m"]).clamp(max=80)))
    y: Tensor = found / (least + eps).unsqueeze(-1)
    return y
