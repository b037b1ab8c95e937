"""Channel mixes: an MLP, a gated MLP, and RWKV's, which also sees the step before."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.components import Shape, chosen
from zoo.engine import sequence
from zoo.engine.cell import States, StateSpec
from zoo.engine.layer import Layer, LayerOutput, Run
from zoo.layers.activations import activate
from zoo.layers.mixes.options import ChannelMixOptions, GatedMLPOptions, MLPLayerOptions


class MLPLayer(Layer):
    """y = V f(U x + b) + c, (B, T, F) -> (B, T, F)."""

    def __init__(self, options: MLPLayerOptions, input_shape: Shape) -> None:
        super().__init__()
        (width,) = self.output_shape = input_shape
        self.activation, self.dropout = options.activation, options.dropout
        self.into = nn.Linear(width, options.hidden, bias=options.bias)
        self.out = nn.Linear(options.hidden, width, bias=options.bias)
        self._chosen = chosen(options, "bias")

    def extra_repr(self) -> str:
        return self._chosen

    def forward(self, x: Tensor, state: Mapping[str, Tensor], run: Run) -> LayerOutput:
        inner = F.dropout(activate(self.activation, self.into(x)), self.dropout, self.training)
        return LayerOutput(sequence.zero_where(self.out(inner), run.valid), {})


class GatedMLP(Layer):
    """y = V (f(W x) · U x), (B, T, F) -> (B, T, F); with f = silu the SwiGLU of Shazeer 2020, arXiv:2002.05202."""

    def __init__(self, options: GatedMLPOptions, input_shape: Shape) -> None:
        super().__init__()
        (width,) = self.output_shape = input_shape
        self.activation, self.dropout = options.activation, options.dropout
        self.gate = nn.Linear(width, options.hidden, bias=options.bias)
        self.into = nn.Linear(width, options.hidden, bias=options.bias)
        self.out = nn.Linear(options.hidden, width, bias=options.bias)
        self._chosen = chosen(options, "bias")

    def extra_repr(self) -> str:
        return self._chosen

    def forward(self, x: Tensor, state: Mapping[str, Tensor], run: Run) -> LayerOutput:
        inner = activate(self.activation, self.gate(x)) * self.into(x)
        inner = F.dropout(inner, self.dropout, self.training)
        return LayerOutput(sequence.zero_where(self.out(inner), run.valid), {})


class ChannelMix(Layer):
    """RWKV-4's channel mixing (Peng et al. 2023, arXiv:2305.13048, equations 16 to 18).

    With x'_t the step before and μ a share for each feature: k = max(U (μ_k x + (1 − μ_k) x'), 0)², and
    y = σ(W (μ_r x + (1 − μ_r) x')) · V k; without `receptance` y = V k, as in RWKV-7 (arXiv:2503.14456).
    """

    def __init__(self, options: ChannelMixOptions, input_shape: Shape) -> None:
        super().__init__()
        (self.width,) = self.output_shape = input_shape
        self.mix_k = nn.Parameter(torch.full(input_shape, 0.5))
        self.mix_r = nn.Parameter(torch.full(input_shape, 0.5)) if options.receptance else None
        self.key = nn.Linear(self.width, options.hidden, bias=False)
        self.receptance = nn.Linear(self.width, self.width, bias=False) if options.receptance else None
        self.value = nn.Linear(options.hidden, self.width, bias=False)

    def init_state(self, batch: int, *, device: torch.device, dtype: torch.dtype) -> States:
        return {"previous": torch.zeros((batch, self.width), device=device, dtype=StateSpec(()).dtype(dtype))}

    def forward(self, x: Tensor, state: Mapping[str, Tensor], run: Run) -> LayerOutput:
        held = state["previous"]
        before = torch.cat([held.to(x.dtype).unsqueeze(1), x[:, :-1]], 1)  # (B, T, F)
        if run.reset is not None:
            before = sequence.zero_where(before, ~run.reset)
        k = torch.relu(self.key(torch.lerp(before, x, self.mix_k.to(x.dtype)))).square()
        y = self.value(k)
        if self.receptance is not None and self.mix_r is not None:
            y = torch.sigmoid(self.receptance(torch.lerp(before, x, self.mix_r.to(x.dtype)))) * y
        y = sequence.zero_where(y, run.valid)
        after = sequence.at_last(x, run.lengths)
        if run.lengths is not None:  # a sequence that has ended keeps what it held
            after = sequence.where_sequences(run.lengths > 0, after, held.to(x.dtype))
        states = {"previous": x.to(held.dtype)} if run.all_states else None
        return LayerOutput(y, {"previous": after.to(held.dtype)}, None, states)
