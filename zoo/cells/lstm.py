"""Long short-term memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.cells.options import LSTMOptions
from zoo.cells.weights import GatedCell, for_backward, kernel_state, last_output
from zoo.components import Shape
from zoo.engine.cell import Context, Role, States, StateSpec
from zoo.engine.precision import widened
from zoo.errors import BuildError

SHUT: Final = 1e4
"""A gate's sum beyond which its sigmoid is exactly 0 or 1 in every dtype, with an exactly zero gradient."""


class LSTM(GatedCell):
    """Long short-term memory with a forget gate; peepholes, coupled gates, norm and projection are optional.

    i = σ(W_i x + U_i h + b_i), f = σ(W_f x + U_f h + b_f), g = tanh(W_g x + U_g h + b_g),
    o = σ(W_o x + U_o h + b_o); c = f ⊙ c + i ⊙ g; h = o ⊙ tanh(c), or W_p (o ⊙ tanh(c)) with a projection; the output
    is h.

    Source: Hochreiter and Schmidhuber 1997 with the forget gate of Gers et al. 2000; the projection is that of
    arXiv:1402.1128; layout as `torch.nn.LSTM` (i, f, g, o; weight_hr (projection, hidden_size)).
    States: h (hidden_size,) or (projection,); c (hidden_size,).
    """

    torch_layout = True

    gates: tuple[str, ...] = ("i", "f", "g", "o")
    forget = "f"
    forget_gate_name, input_gate_name = "f", "i"
    fusable = True

    def __init__(self, options: LSTMOptions, input_shape: Shape, hidden_size: int) -> None:
        if options.projection is not None and options.projection >= hidden_size:
            raise BuildError(f"projection must be less than hidden_size ({hidden_size}), not {options.projection}")
        output = options.projection or hidden_size
        super().__init__(input_shape, hidden_size, output, options.bias)
        self.forget_bias = options.forget_bias
        self.weight_hr = None if options.projection is None else nn.Parameter(torch.empty(output, hidden_size))
        self.states = {"h": StateSpec((output,), zoneout=True), "c": StateSpec((hidden_size,), zoneout=True)}
        self.reset_parameters()
        self.set_fixed_parameters()

    def roles(self) -> Mapping[str, Role]:
        return super().roles() if self.weight_hr is None else {**super().roles(), "weight_hr": Role("input")}

    def set_fixed_parameters(self) -> None:
        """`forget_bias` is the sum of both biases: the first holds it, the second is zero."""
        if self.forget_bias is None:
            return
        first = self.gates.index("f") * self.hidden_size
        block = slice(first, first + self.hidden_size)
        with torch.no_grad():
            for name, value in zip(self.bias_names, (self.forget_bias, 0.0), strict=False):
                getattr(self, name)[block] = value

    def constants(self, ctx: Context) -> Any:
        W_hh = ctx.drop_weight(self.weight_hh)
        W_hr = None if self.weight_hr is None else self.weight_hr.t()
        return W_hh, W_hh.t(), W_hr, ctx.drop_state("h")

    def project(self, x: Tensor, const: Any, ctx: Context) -> Tensor:
        return ctx.linear(x, self.weight_ih, self.bias_sum())  # (B, T, 4 H)

    def step(self, u: Tensor, state: Mapping[str, Tensor], const: Any) -> States:
        _, U, W_hr, mask = const
        h = state["h"] if mask is None else state["h"] * mask
        H = self.hidden_size
        # split, not sliced: the backward of slices fills whole blocks with zeros
        gates, g, o = torch.split(torch.addmm(u, h, U), [2 * H, H, H], 1)
        i, f = torch.sigmoid(gates).chunk(2, 1)  # adjacent gates: one sigmoid
        c = torch.addcmul(f * state["c"], i, torch.tanh(g))
        h = torch.sigmoid(o) * torch.tanh(c)
        return {"h": h if W_hr is None else h @ W_hr, "c": c}

    def kernel(
        self, x: Tensor, state: Mapping[str, Tensor], weights: list[Tensor], *, biased: bool, layers: int, both: bool
    ) -> tuple[Tensor, ...]:
        before = [state["h"], state["c"]]
        return torch.lstm(x, before, weights, biased, layers, 0.0, for_backward(), both, True)

    def all_weights(self) -> list[Tensor]:
        return self.projected(super().all_weights())

    def projected(self, weights: list[Tensor]) -> list[Tensor]:
        return weights if self.weight_hr is None else [*weights, self.weight_hr]

    def fused(self, x: Tensor, state: Mapping[str, Tensor], const: Any, ctx: Context) -> tuple[Tensor, States] | None:
        weight_ih: Tensor = self.weight_ih
        if ctx.valid is not None:
            # One more input column marks padding: it shuts the input gate and opens the forget gate, so that c is
            # held there exactly, and no gradient flows. h is taken from the last valid step.
            H = self.hidden_size
            column = torch.zeros_like(weight_ih[:, :1])
            column[:H] = -SHUT
            column[H : 2 * H] = SHUT
            weight_ih = torch.cat([weight_ih, column], 1)
            x = torch.cat([x, (~ctx.valid).unsqueeze(2).to(x.dtype)], 2)
        weights = self.projected(self.kernel_weights(weight_ih, const[0]))
        before = {name: kernel_state(state[name], x) for name in ("h", "c")}
        y, h, c = self.kernel(x, before, weights, biased=bool(self.bias_names), layers=1, both=False)
        return y, {**last_output(y, h, state, ctx), "c": c.squeeze(0)}


class LSTMVariant(LSTM):
    """An LSTM with peepholes, coupled gates or layer normalisation, in any combination.

    peephole: i and f also see p ⊙ c, o sees p ⊙ c of the new c. coupled: i = 1 − f, so that the blocks are f, g, o.
    gate_norm layer: W x and U h are each normalised over all blocks together before the biases are added, and
    h = o ⊙ tanh(N(c)).

    Sources: Gers, Schraudolph and Schmidhuber 2002, JMLR 3 (peepholes); arXiv:1503.04069 (coupled gates);
    arXiv:1607.06450, supplement (norm). Further parameters: weight_ch, H for each gate in order; norm_ih, norm_hh and
    norm_c, each with weight and bias.
    """

    fusable = False

    def __init__(self, options: LSTMOptions, input_shape: Shape, hidden_size: int) -> None:
        self.gates = ("f", "g", "o") if options.coupled else ("i", "f", "g", "o")
        super().__init__(options, input_shape, hidden_size)
        self.early = len(self.gates) - 2
        """The blocks that stand before g, which are gates of the old c."""
        self.weight_ch = nn.Parameter(torch.empty((self.early + 1) * hidden_size)) if options.peephole else None
        self.norm_ih: nn.LayerNorm | None = None
        self.norm_hh: nn.LayerNorm | None = None
        self.norm_c: nn.LayerNorm | None = None
        if options.gate_norm == "layer":
            rows = (len(self.gates) * hidden_size,)
            self.norm_ih, self.norm_hh = nn.LayerNorm(rows), nn.LayerNorm(rows)
            self.norm_c = nn.LayerNorm(hidden_size)
        self.reset_parameters()
        self.set_fixed_parameters()

    def reset_parameters(self) -> None:
        super().reset_parameters()
        for norm in self.children():
            if isinstance(norm, nn.LayerNorm):
                norm.reset_parameters()

    def constants(self, ctx: Context) -> Any:
        _, U, W_hr, mask = super().constants(ctx)
        peep_early, peep_o = None, None
        if self.weight_ch is not None:
            H = self.hidden_size
            peep_early, peep_o = torch.split(self.weight_ch, [self.early * H, H])
            # Not (1, H) for one gate: torch's compiler gets the gradient of that wrong.
            peep_early = peep_early if self.early == 1 else peep_early.view(self.early, H)
        return U, W_hr, mask, peep_early, peep_o, *_affine(self.norm_hh), *_affine(self.norm_c)

    def project(self, x: Tensor, const: Any, ctx: Context) -> Tensor:
        if self.norm_ih is None:
            return super().project(x, const, ctx)
        weight, beta = widened(_affine(self.norm_ih))
        u = F.layer_norm(ctx.linear(x, self.weight_ih), self.norm_ih.normalized_shape, weight, beta)
        bias = self.bias_sum()
        return u if bias is None else u + bias

    def step(self, u: Tensor, state: Mapping[str, Tensor], const: Any) -> States:
        U, W_hr, mask, peep_early, peep_o, *norms = const
        H = self.hidden_size
        h = state["h"] if mask is None else state["h"] * mask
        old = state["c"]
        s = torch.addmm(u, h, U) if norms[0] is None else u + F.layer_norm(h @ U, norms[0].shape, *norms[:2])
        gates, g, o = torch.split(s, [self.early * H, H, H], 1)
        if peep_early is not None and self.early == 1:
            gates = torch.addcmul(gates, peep_early, old)
        elif peep_early is not None:
            gates = torch.addcmul(gates.view(len(gates), self.early, H), peep_early, old.unsqueeze(1)).flatten(1)
        *input_gate, f = torch.sigmoid(gates).chunk(self.early, 1)
        i = input_gate[0] if input_gate else 1 - f
        c = torch.addcmul(f * old, i, torch.tanh(g))
        if peep_o is not None:
            o = torch.addcmul(o, peep_o, c)
        h = torch.sigmoid(o) * torch.tanh(c if norms[2] is None else F.layer_norm(c, norms[2].shape, *norms[2:]))
        return {"h": h if W_hr is None else h @ W_hr, "c": c}


def _affine(norm: nn.LayerNorm | None) -> tuple[Tensor | None, Tensor | None]:
    return (None, None) if norm is None else (norm.weight, norm.bias)


def make(options: LSTMOptions, input_shape: Shape, hidden_size: int) -> LSTM:
    """The cell of these options: torch's own, or one with what torch has no kernel for."""
    plain = not (options.peephole or options.coupled or options.gate_norm != "none")
    return (LSTM if plain else LSTMVariant)(options, input_shape, hidden_size)
