"""The LSTM with a matrix memory and what its block has around it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.cells.matrix.mlstm import initialise_gates, read, written
from zoo.cells.matrix.options import MLSTMBlockOptions, head_size, mlstm_block_size
from zoo.components import Shape, features
from zoo.engine.cell import Cell, Context, States, StateSpec
from zoo.engine.precision import in_full


class MLSTMBlock(Cell):
    """mLSTM with the convolution, the norm, the skip and the gate of its block.

    u = W_u x, z = W_z x, a = silu(Σ_j c_j ⊙ u_{t−j} + b_c), q = W_q a, k = W_k a, v = W_v u, g = (q, k, v), and for
    each head the logarithms of its gates, ĩ = w_i · g + b_i and log σ(f̃), f̃ = w_f · g + b_f. In each head, with
    d = H / heads,

    m' = max(log σ(f̃) + m, ĩ), f = exp(log σ(f̃) + m − m'), i = exp(ĩ − m'), C = f C + i v kᵀ / √d, n = f n + i k / √d,
    h = Norm((C q) / max(|n · q|, exp(−m'))); the output is (h + s ⊙ a) ⊙ silu(z), head beside head.

    Norm(y) = w ⊙ (y − mean(y)) / √(mean((y − mean(y))²) + ε) in each head, where ε is `norm_eps` and w norm_weight.
    W_q, W_k and W_v are block diagonal, with blocks of `block_size` features, s is skip, c_j a column of conv_weight.

    Source: arXiv:2405.04517, sections 2.4 and A, figure 11; NX-AI/xlstm, blocks/mlstm/layer.py and cell.py. That
    block's last product is left to `output_projection`. H, the hidden_size, is its inner width, twice that of its input
    by default. The official code adds 10⁻⁶ to the divisor, which the paper does not have: `divisor_eps`, 0 if not
    given. Parameters: weight_in (2 H, I) in blocks u, z; conv_weight (H, kernel), the present step last, and conv_bias
    (H,), which is b_c; weight_qkv (3, H / block_size, block_size, block_size), W_q, W_k and W_v block after block, rows
    of outputs; weight_gates (2 heads, 3 H) and bias_gates (2 heads,) in blocks i, f; norm_weight and skip (H,).
    States: C (heads, d, d), n (heads, d), which is never learned, m (heads,).
    """

    def __init__(self, options: MLSTMBlockOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__()
        d, heads, block = head_size(options, hidden_size), options.heads, mlstm_block_size(options, hidden_size)
        self.options, self.heads, self.window = options, heads, options.kernel - 1
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        # q and k start so small that |n · q| is below exp(−m): nothing would reach a learned n
        n = StateSpec((heads, d), learned=False)
        self.states = {"C": StateSpec((heads, d, d)), "n": n, "m": StateSpec((heads,))}
        self.weight_in = nn.Parameter(torch.empty(2 * hidden_size, features(input_shape)))
        self.conv_weight = nn.Parameter(torch.empty(hidden_size, options.kernel))
        self.conv_bias = nn.Parameter(torch.empty(hidden_size))
        self.weight_qkv = nn.Parameter(torch.empty(3, hidden_size // block, block, block))
        self.weight_gates = nn.Parameter(torch.empty(2 * heads, 3 * hidden_size))
        self.bias_gates = nn.Parameter(torch.empty(2 * heads))
        self.norm_weight = nn.Parameter(torch.empty(hidden_size))
        self.skip = nn.Parameter(torch.empty(hidden_size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise the parameters.

        As the official code: W normal with variance 2 / (5 I), those that give q, k and v too; the convolution as torch
        starts it; gates that see nothing yet, with input biases of deviation 0.1 and forget biases from 3 to 6 over the
        heads; scales of the norm and of the skip 1.
        """
        deviation = math.sqrt(2 / (5 * self.weight_in.shape[1]))
        nn.init.normal_(self.weight_in, std=deviation)
        nn.init.normal_(self.weight_qkv, std=deviation)
        bound = 1 / math.sqrt(self.conv_weight.shape[1])
        nn.init.uniform_(self.conv_weight, -bound, bound)
        nn.init.uniform_(self.conv_bias, -bound, bound)
        initialise_gates(self.weight_gates, self.bias_gates)
        nn.init.ones_(self.norm_weight)
        nn.init.ones_(self.skip)

    def constants(self, ctx: Context) -> Any:
        return self.norm_weight, self.skip

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, ...]:
        of_u, of_z = self.weight_in.chunk(2)
        # exact, as the output is divided by n · q, which may be next to nothing
        u, z = ctx.linear(x, of_u, exact=True), ctx.linear(x[:, self.window :], of_z, exact=True)
        now = u[:, self.window :]
        mixed = self.conv_bias + self.conv_weight[:, -1] * now
        for j in range(1, self.window + 1):
            mixed = mixed + self.conv_weight[:, -1 - j] * ctx.past(u, j)
        a = F.silu(mixed.to(ctx.dtype))
        with in_full(x.device.type):
            q, k, v = (_blocks(y.to(ctx.dtype), w) for y, w in zip((a, a, now), self.weight_qkv, strict=True))
        i, f = ctx.linear(torch.cat([q, k, v], 2), self.weight_gates, self.bias_gates, exact=True).chunk(2, 2)
        q, k, v = (y.view(*y.shape[:2], self.heads, -1) for y in (q, k, v))  # (B, T, heads, d)
        return q, k / math.sqrt(k.shape[3]), v, i, F.logsigmoid(f), a, F.silu(z)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        _, k, v, i, f, _, _ = u
        return written(k, v, i, f, state)

    def output(self, u: Any, state: Mapping[str, Tensor], const: Any) -> Tensor:
        a, gate = u[5:]
        h = read(u[0], state, self.options.divisor_eps)
        h = F.layer_norm(h, h.shape[-1:], eps=self.options.norm_eps).flatten(-2)
        y: Tensor = (h * const[0] + const[1] * a) * gate
        return y


def _blocks(x: Tensor, weight: Tensor) -> Tensor:
    """A block-diagonal product: x (B, T, H), weight (blocks, outputs, inputs) of one size."""
    y = torch.einsum("btgi,goi->btgo", x.view(*x.shape[:2], len(weight), -1), weight.to(x.dtype))
    return y.flatten(2)
