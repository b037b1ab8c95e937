"""The spatiotemporal LSTM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.cells.spatial.options import STLSTMOptions, maps
from zoo.components import Shape
from zoo.engine.cell import Cell, Context, States, StateSpec
from zoo.engine.precision import in_full, widened


class STLSTM(Cell):
    """Spatiotemporal LSTM over maps (PredRNN): one memory goes up through all layers, then on in time.

    i = σ(W_xi ∗ x + W_hi ∗ h), f = σ(W_xf ∗ x + W_hf ∗ h + 1), c = f ⊙ c + i ⊙ tanh(W_xg ∗ x + W_hg ∗ h),
    j = σ(W_xj ∗ x + W_mj ∗ m), k = σ(W_xk ∗ x + W_mk ∗ m + 1), m = k ⊙ m + j ⊙ tanh(W_xn ∗ x + W_mn ∗ m), o = σ(W_xo
    ∗ x + W_ho ∗ h + W_co ∗ c + W_mo ∗ m), h = o ⊙ tanh(W_c ∗ c + W_m ∗ m); the output is h.

    ∗ is a convolution over rows and columns, with zeros around the maps; W_c and W_m are of size one. A further layer
    has the h of the one below for its x and goes on with the m that this one has just made, and the first has the m of
    the last layer at the step before. Each layer has a c and an h of its own; the last layer's h is the output.

    Source: the paper of 2017, section 3.2, with thuml/predrnn-pytorch, core/layers/SpatioTemporalLSTMCell.py and
    core/models/predrnn.py, where a forget gate has a constant 1 in place of a bias, and no other gate has any; the
    code's layer norms, which its models of moving MNIST do without, are not here. The paper's j, k and n are i', f' and
    g'. Parameters, for F channels of h and C of x, a list with one for each layer: weight_x (7 F, C or F, kernel,
    kernel) in blocks i, f, g, j, k, n, o; weight_h (4 F, F, kernel, kernel) in blocks i, f, g, o; weight_m (3 F, F,
    kernel, kernel) in blocks j, k, n; weight_o (F, 2 F, kernel, kernel), W_co beside W_mo; weight_last (F, 2 F, 1, 1),
    W_c beside W_m. States: h and c (layers, F, rows, columns); m (F, rows, columns).
    """

    def __init__(self, options: STLSTMOptions, input_shape: Shape, hidden_size: int) -> None:
        super().__init__()
        channels, rows, columns = maps(input_shape)
        size, kernel = hidden_size, (options.kernel, options.kernel)
        self.input_shape, self.output_shape = input_shape, (size, rows, columns)
        self.hidden_size, self.layers, self.padding = size, options.layers, options.kernel // 2
        own = (options.layers, *self.output_shape)
        shapes = {"h": own, "c": own, "m": self.output_shape}
        self.states = {name: StateSpec(shape, zoneout=True) for name, shape in shapes.items()}

        def weights(out: int, *widths: int, kernel: tuple[int, int] = kernel) -> nn.ParameterList:
            return nn.ParameterList(nn.Parameter(torch.empty(out * size, width, *kernel)) for width in widths)

        every = [size] * options.layers
        self.weight_x = weights(7, channels, *every[1:])
        self.weight_h, self.weight_m = weights(4, *every), weights(3, *every)
        self.weight_o = weights(1, *(2 * width for width in every))
        self.weight_last = weights(1, *(2 * width for width in every), kernel=(1, 1))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """As the official code, which leaves it to torch: uniform in plus and minus 1/sqrt(inputs of a convolution)."""
        for parameter in self.parameters():
            bound = parameter[0].numel() ** -0.5
            nn.init.uniform_(parameter, -bound, bound)

    def constants(self, ctx: Context) -> Any:
        each = zip(self.weight_h, self.weight_m, self.weight_o, self.weight_last, strict=True)
        further = [weight for index, weight in enumerate(self.weight_x) if index]
        return *(weight for layer in each for weight in layer), *further

    def project(self, x: Tensor, const: Any, ctx: Context) -> Tensor:
        flat = x.flatten(0, 1)
        with in_full(x.device.type):  # exact: c and m keep an error for long, and their neighbours take it up
            y = F.conv2d(widened(flat), widened(self.weight_x[0]), padding=self.padding)
        return y.view(*x.shape[:2], *y.shape[1:])

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        m, pad = state["m"], self.padding
        hs: list[Tensor] = []
        cs: list[Tensor] = []
        for layer, (h, c) in enumerate(zip(state["h"].unbind(1), state["c"].unbind(1), strict=True)):
            of_h, of_m, of_o, of_last = const[4 * layer : 4 * layer + 4]
            seen = F.conv2d(hs[-1], const[4 * self.layers + layer - 1], padding=pad) if layer else u
            below, above, o = torch.split(seen, [3 * self.hidden_size, 3 * self.hidden_size, self.hidden_size], 1)
            gates, more = torch.split(F.conv2d(h, of_h, padding=pad), [3 * self.hidden_size, self.hidden_size], 1)
            c = _kept(below + gates, c)
            m = _kept(above + F.conv2d(m, of_m, padding=pad), m)
            both = torch.cat([c, m], 1)
            o = torch.sigmoid(o + more + F.conv2d(both, of_o, padding=pad))
            hs.append(o * torch.tanh(F.conv2d(both, of_last)))
            cs.append(c)
        return {"h": torch.stack(hs, 1), "c": torch.stack(cs, 1), "m": m}

    def output(self, u: Any, state: Mapping[str, Tensor], const: Any) -> Tensor:
        return state["h"].select(-4, -1)


def _kept(sums: Tensor, old: Tensor) -> Tensor:
    """A memory that is forgotten and written, of the sums of its three gates."""
    i, f, g = sums.chunk(3, 1)
    return torch.addcmul(torch.sigmoid(i) * torch.tanh(g), torch.sigmoid(f + 1), old)
