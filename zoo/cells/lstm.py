"""Long short-term memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.cells.options import LSTMOptions
from zoo.cells.weights import GatedCell, for_backward, kernel_state, last_output
from zoo.components import Shape, chosen
from zoo.engine.cell import Context, Role, States, StateSpec
from zoo.engine.precision import widened
from zoo.errors import BuildError

SHUT: Final = 1e4
"""A gate's sum beyond which its sigmoid is exactly 0 or 1 in every dtype, with an exactly zero gradient."""


def _ramp(x: Tensor, *, slope: float) -> Tensor:
    return (slope * x + 0.5).clamp(0, 1)


ACTIVATIONS: Final[Mapping[str, Callable[[Tensor], Tensor]]] = {
    "sigmoid": torch.sigmoid,
    "hard_sigmoid": partial(_ramp, slope=1 / 6),  # not torch's own, which has no second derivative
    "hard_sigmoid_0.2": partial(_ramp, slope=0.2),
}
"""Of the gates, by the names of the option."""


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
    """An LSTM with peepholes, coupled gates, layer normalisation, other gates or clips, in any combination.

    peephole: i and f also see p ⊙ c, o sees p ⊙ c of the new c; full: a matrix P c in place of p ⊙ c. coupled:
    i = 1 − f, so that the blocks are f, g, o. gate_norm layer: W x and U h are each normalised over all blocks together
    before the biases are added, and h = o ⊙ tanh(N(c)); sum: N(W x + U h + b) over all blocks together, and the new c
    is N(f ⊙ c + i ⊙ g), which is carried. Their eps is norm_eps. recurrent_activation: its function in place of σ.
    cell_clip: the new c is clipped before o and h see it, and before its norm; proj_clip: h is, behind the projection.

    Sources: Gers, Schraudolph and Schmidhuber 2002, JMLR 3 (peepholes); arXiv:1603.01360, section 2.1, and
    glample/tagger, nn.py, LSTM (full peepholes, beside coupled gates, which are written f = 1 − i there);
    arXiv:1503.04069 (coupled gates); arXiv:1607.06450, supplement (norm), and pytorch/audio, models/rnnt.py,
    _CustomLSTM (norm of the sum); TensorFlow's LSTMCell, as allenai/bilm-tf
    calls it (clips). Further parameters: weight_ch, H for each gate in order, or (H, H) for each; norm_ih, norm_hh and
    norm_c, or norm_sum and norm_c, each with weight and bias.
    """

    fusable = False

    def __init__(self, options: LSTMOptions, input_shape: Shape, hidden_size: int) -> None:
        self.gates = ("f", "g", "o") if options.coupled else ("i", "f", "g", "o")
        super().__init__(options, input_shape, hidden_size)
        self.early = len(self.gates) - 2
        """The blocks that stand before g, which are gates of the old c."""
        self.full = options.peephole == "full"
        wide = ((self.early + 1) * hidden_size, *[hidden_size] * self.full)
        self.weight_ch = nn.Parameter(torch.empty(wide)) if options.peephole else None
        self.activation = ACTIVATIONS[options.recurrent_activation]
        self.cell_clip, self.proj_clip = options.cell_clip, options.proj_clip
        self.norm_ih: nn.LayerNorm | None = None
        self.norm_hh: nn.LayerNorm | None = None
        self.norm_c: nn.LayerNorm | None = None
        self.norm_sum: nn.LayerNorm | None = None
        self.eps = options.norm_eps or 1e-5
        rows = len(self.gates) * hidden_size
        if options.gate_norm == "layer":
            self.norm_ih, self.norm_hh = nn.LayerNorm(rows, self.eps), nn.LayerNorm(rows, self.eps)
        elif options.gate_norm == "sum":
            self.norm_sum = nn.LayerNorm(rows, self.eps)
        if options.gate_norm != "none":
            self.norm_c = nn.LayerNorm(hidden_size, self.eps)
        self.reset_parameters()
        self.set_fixed_parameters()

    def reset_parameters(self) -> None:
        super().reset_parameters()
        for norm in self.children():
            if isinstance(norm, nn.LayerNorm):
                norm.reset_parameters()

    def roles(self) -> Mapping[str, Role]:
        found = super().roles()
        seen = tuple(gate for gate in self.gates if gate != "g")
        return {**found, "weight_ch": Role("recurrent", seen, "f")} if self.full else found

    def constants(self, ctx: Context) -> Any:
        _, U, W_hr, mask = super().constants(ctx)
        peep_early, peep_o = None, None
        if self.weight_ch is not None:
            H = self.hidden_size
            peep_early, peep_o = torch.split(self.weight_ch, [self.early * H, H])
            if self.full:
                peep_early, peep_o = peep_early.t(), peep_o.t()
            elif self.early > 1:  # not (1, H) for one gate: torch's compiler gets the gradient of that wrong
                peep_early = peep_early.view(self.early, H)
        products = self.norm_hh if self.norm_sum is None else self.norm_sum
        return U, W_hr, mask, peep_early, peep_o, *_affine(products), *_affine(self.norm_c)

    def project(self, x: Tensor, const: Any, ctx: Context) -> Tensor:
        if self.norm_ih is None:
            return super().project(x, const, ctx)
        weight, beta = widened(_affine(self.norm_ih))
        u = F.layer_norm(ctx.linear(x, self.weight_ih), self.norm_ih.normalized_shape, weight, beta, self.eps)
        bias = self.bias_sum()
        return u if bias is None else u + bias

    def step(self, u: Tensor, state: Mapping[str, Tensor], const: Any) -> States:
        U, W_hr, mask, peep_early, peep_o, *norms = const
        H = self.hidden_size
        h = state["h"] if mask is None else state["h"] * mask
        old = state["c"]
        summed = self.norm_sum is not None
        if norms[0] is None or summed:
            s = torch.addmm(u, h, U)
            s = s if norms[0] is None else self.normed(s, *norms[:2])
        else:
            s = u + self.normed(h @ U, *norms[:2])
        gates, g, o = torch.split(s, [self.early * H, H, H], 1)
        if peep_early is not None:
            gates = self.peeped(gates, peep_early, old)
        *input_gate, f = self.activation(gates).chunk(self.early, 1)
        i = input_gate[0] if input_gate else 1 - f
        c = _clipped(torch.addcmul(f * old, i, torch.tanh(g)), self.cell_clip)
        c = self.normed(c, *norms[2:]) if summed else c
        if peep_o is not None:
            o = torch.addmm(o, c, peep_o) if self.full else torch.addcmul(o, peep_o, c)
        h = self.activation(o) * torch.tanh(c if norms[2] is None or summed else self.normed(c, *norms[2:]))
        return {"h": h if W_hr is None else _clipped(h @ W_hr, self.proj_clip), "c": c}

    def normed(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Layer norm of x (B, N) over N."""
        return F.layer_norm(x, weight.shape, weight, bias, self.eps)

    def peeped(self, gates: Tensor, peepholes: Tensor, c: Tensor) -> Tensor:
        """The sums of the gates before g, with what they see of the old c."""
        if self.full:
            return torch.addmm(gates, c, peepholes)
        if self.early == 1:
            return torch.addcmul(gates, peepholes, c)
        return torch.addcmul(gates.view(len(gates), self.early, self.hidden_size), peepholes, c.unsqueeze(1)).flatten(1)


def _clipped(x: Tensor, bound: float | None) -> Tensor:
    return x if bound is None else x.clamp(-bound, bound)


def _affine(norm: nn.LayerNorm | None) -> tuple[Tensor | None, Tensor | None]:
    return (None, None) if norm is None else (norm.weight, norm.bias)


def make(options: LSTMOptions, input_shape: Shape, hidden_size: int) -> LSTM:
    """The cell of these options: torch's own, or one with what torch has no kernel for."""
    plain = not chosen(options, "bias", "projection", "forget_bias")  # which torch's LSTM has too
    return (LSTM if plain else LSTMVariant)(options, input_shape, hidden_size)
