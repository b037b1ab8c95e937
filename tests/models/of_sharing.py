"""Models whose cells share parameters, as their sources compute them, and how their parameters become ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
from of_fla import EPS, Lm
from proving import SYMBOLS, Case, Theirs, linear
from torch import Tensor, nn
from torch.nn import functional as F

WIDTH: Final = 6


class S5SSM(nn.Module):
    """lindermanlab/S5 (3c18fdb), s5/ssm.py, `S5SSM` and `apply_ssm`: conj_sym, zoh, bidirectional, its scans step by step.

    Dense, BatchNorm and gelu are flax's, of which the last is the approximation by tanh.
    """

    def __init__(self, width: int, size: int, clip_eigs: bool) -> None:
        super().__init__()
        self.clip_eigs = clip_eigs
        self.Lambda_re, self.Lambda_im = (nn.Parameter(torch.empty(size)) for _ in range(2))
        self.B = nn.Parameter(torch.empty(size, width, 2))
        self.C1, self.C2 = (nn.Parameter(torch.empty(width, size, 2)) for _ in range(2))
        self.D = nn.Parameter(torch.empty(width))
        self.log_step = nn.Parameter(torch.empty(size, 1))

    def forward(self, u: Tensor) -> Tensor:
        real = self.Lambda_re.clamp(max=-1e-4) if self.clip_eigs else self.Lambda_re
        eigenvalues = real + 1j * self.Lambda_im
        step = torch.exp(self.log_step[:, 0])
        bar = torch.exp(eigenvalues * step)
        B_bar = (1 / eigenvalues * (bar - 1))[:, None] * (self.B[..., 0] + 1j * self.B[..., 1])
        inputs = u[0].to(B_bar.dtype) @ B_bar.T
        xs = torch.cat([self.scan(bar, inputs), self.scan(bar, inputs.flip(0)).flip(0)], -1)
        C = torch.cat([each[..., 0] + 1j * each[..., 1] for each in (self.C1, self.C2)], -1)
        return (2 * (xs @ C.T).real + self.D * u[0])[None]

    def scan(self, bar: Tensor, inputs: Tensor) -> Tensor:
        x, xs = torch.zeros_like(bar), []
        for one in inputs:
            x = bar * x + one
            xs.append(x)
        return torch.stack(xs)


class SequenceLayer(nn.Module):
    """lindermanlab/S5 (3c18fdb), s5/layers.py, with prenorm and batchnorm; activation is half_glu1 or half_glu2."""

    def __init__(self, width: int, size: int, activation: str, clip_eigs: bool) -> None:
        super().__init__()
        self.activation = activation
        self.seq, self.out2 = S5SSM(width, size, clip_eigs), nn.Linear(width, width)
        self.norm = nn.BatchNorm1d(width)

    def forward(self, x: Tensor) -> Tensor:
        skip = x
        x = self.seq(self.norm(x.mT).mT)
        x1 = F.gelu(x, approximate="tanh")
        x = (x1 if self.activation == "half_glu1" else x) * torch.sigmoid(self.out2(x1))
        return skip + x


class Classifier(nn.Module):
    """lindermanlab/S5 (3c18fdb), s5/seq_model.py, `ClassificationModel` with mode pool, before its softmax."""

    def __init__(
        self, symbols: int, size: int, activation: str, *, clip_eigs: bool = False, width: int = WIDTH
    ) -> None:
        super().__init__()
        self.symbols = symbols
        self.encoder, self.decoder = nn.Linear(symbols, width), nn.Linear(width, 3)
        self.layers = nn.Sequential(*(SequenceLayer(width, size, activation, clip_eigs) for _ in range(2)))

    def forward(self, x: Tensor) -> Tensor:
        if not x.is_floating_point():
            x = F.one_hot(x, self.symbols).double()
        return self.decoder(self.layers(self.encoder(x)).mean(1))


def _s5(gate: int) -> Any:
    """gate: the position in a block of the linear map."""

    def ours(theirs: Theirs) -> Mapping[str, Tensor]:
        found = linear(theirs, "encoder", "layers.0.linear") | linear(theirs, "decoder", "head.linear")
        for layer in range(2):
            place, block = f"layers.{layer}", f"layers.{layer + 1}.layers"
            found |= {
                f"{block}.0.norm.{name}": theirs[f"{place}.norm.{name}"]
                for name in ("weight", "bias", "running_mean", "running_var")
            }
            for name in ("Lambda_re", "Lambda_im", "B"):
                found[f"{block}.1.cell.{name}"] = theirs[f"{place}.seq.{name}"]
            found[f"{block}.1.cell.log_step"] = theirs[f"{place}.seq.log_step"][:, 0]
            found[f"{block}.1.cell.C"] = theirs[f"{place}.seq.C1"]
            found[f"{block}.1.reverse_cell.C"] = theirs[f"{place}.seq.C2"]
            found[f"{block}.2.scale"] = theirs[f"{place}.seq.D"]
            found |= linear(theirs, f"{place}.out2", f"{block}.{gate}.linear")
        return found

    return ours


S5_SMALL: Final[Mapping[str, Any]] = {
    "layers.0.size": WIDTH,
    "layers.deep.repeat": 2,
    "layers.deep.layers.gate.size": WIDTH,
    "cell.blocks": 1,
    "hidden_size": 4,
    "head.size": 3,
}
S5_MISTAKES: Final[Mapping[str, Mapping[str, Any]]] = {
    "the mean of both directions": {"merge": "mean"},
    "another discretisation": {"cell.discretisation": "bilinear"},
    "no residual": {"layers.deep.residual": False},
    "the exact gelu": {"layers.deep.layers.4.function": "gelu"},
    "past the block's own input": {"layers.deep.layers.past.from": "both"},
    "both directions multiplied": {"merge": "mul"},
    "the largest over time": {"head.pool": "max"},
}


def _listops(gate: int) -> Case:
    return Case(
        theirs=lambda: Classifier(SYMBOLS, 4, "half_glu2"),
        ours=_s5(gate),
        changes={**S5_SMALL, "input.vocabulary": SYMBOLS},
        spread=0.3,
        mistakes={**S5_MISTAKES, "the gate alone": {f"layers.deep.layers.{gate + 1}.of": ["gate", "gate"]}},
    )


def _pixels(clip_eigs: bool) -> Case:
    return Case(
        theirs=lambda: Classifier(1, 4, "half_glu1", clip_eigs=clip_eigs),
        ours=_s5(6),
        changes=S5_SMALL,
        spread=0.3,
        mistakes={**S5_MISTAKES, "another bound of Λ": {"cell.max_real": -0.2}},
    )


class Hgrn(nn.Module):
    """bc3b101, fla/layers/hgrn.py, `HGRNAttention.forward`; fla/ops/hgrn/naive.py and FusedRMSNormGated (swish)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.i_proj, self.f_proj, self.g_proj, self.o_proj = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.g_norm = nn.RMSNorm(width, eps=EPS)

    def forward(self, x: Tensor, lower_bound: Tensor, layer_idx: int) -> Tensor:
        i, f = self.i_proj(x), F.logsigmoid(self.f_proj(x))
        if layer_idx > 0:
            f = torch.logaddexp(lower_bound.log(), torch.log1p(-lower_bound) + f)
        i = F.silu(i) * (1 - f.exp())
        h, o = torch.zeros_like(i[:, 0]), []
        for t in range(i.shape[1]):
            h = f[:, t].exp() * h + i[:, t]
            o.append(h)
        return self.o_proj(self.g_norm(torch.stack(o, 1)) * F.silu(self.g_proj(x)))


class Hgrn2(nn.Module):
    """bc3b101, fla/layers/hgrn2.py, `HGRN2Attention.forward`; fla/ops/gla/naive.py; rms_norm_linear, its eps by default."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj, self.f_proj, self.i_proj, self.o_proj = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.g_norm = nn.RMSNorm(width, eps=1e-5)

    def forward(self, x: Tensor, lower_bound: Tensor, layer_idx: int) -> Tensor:
        q, g = F.silu(self.q_proj(x)), F.logsigmoid(self.f_proj(x))
        if layer_idx > 0:
            g = torch.logaddexp(lower_bound.log(), torch.log1p(-lower_bound) + g)
        k = 1 - g.exp()
        q, k, g, i = (one[0].unflatten(-1, (self.heads, -1)) for one in (q, k, g, self.i_proj(x)))
        h, o = x.new_zeros(self.heads, k.shape[2], i.shape[2]), []
        for t in range(x.shape[1]):
            h = h * g[t].exp()[..., None] + k[t][..., None] * i[t][:, None, :]
            o.append(torch.einsum("hk,hkv->hv", q[t] * k.shape[2] ** -0.5, h))
        return self.o_proj(self.g_norm(torch.stack(o).flatten(1)[None]))


class Bounded(Lm):
    """bc3b101, `HGRNModel` of fla/models/hgrn/modeling_hgrn.py, and likewise of hgrn2: one table for all layers."""

    def __init__(self, width: int, hidden: int, layers: list[nn.Module]) -> None:
        super().__init__(width, hidden, layers)
        self.lower_bounds = nn.Parameter(torch.empty(len(layers), width))

    def forward(self, input_ids: Tensor) -> Tensor:
        lower_bounds = self.lower_bounds.softmax(0)
        lower_bounds = lower_bounds.cumsum(0) - lower_bounds[0]
        x = self.embeddings(input_ids)
        for place, attn in enumerate(self.attn):
            x = x + attn(self.attn_norm[place](x), lower_bounds[place], place)
            y = self.mlp_norm[place](x)
            x = x + self.down_proj[place](F.silu(self.gate_proj[place](y)) * self.up_proj[place](y))
        return self.lm_head(self.norm(x))


def _bounded(names: str, product: str) -> Any:
    """The names of its products in the order of our blocks, and ours of their matrix."""

    def ours(theirs: Theirs) -> Mapping[str, Tensor]:
        found = {"input.embedding.weight": theirs["embeddings.weight"], "head.linear.weight": theirs["lm_head.weight"]}
        found["layers.3.norm.weight"] = theirs["norm.weight"]
        for layer in range(3):
            mixer, mlp, attn = f"layers.{layer}.layers.0", f"layers.{layer}.layers.1", f"attn.{layer}"
            cell = f"{mixer}.layers.0.cell"
            found[f"{mixer}.norm.weight"] = theirs[f"attn_norm.{layer}.weight"]
            found[f"{mlp}.norm.weight"] = theirs[f"mlp_norm.{layer}.weight"]
            for part, name in (("gate", "gate"), ("into", "up"), ("out", "down")):
                found[f"{mlp}.layers.0.{part}.weight"] = theirs[f"{name}_proj.{layer}.weight"]
            found[f"{mixer}.layers.0.output_projection.weight"] = theirs[f"{attn}.o_proj.weight"]
            found[f"{cell}.{product}"] = torch.cat([theirs[f"{attn}.{name}_proj.weight"] for name in names])
            found[f"{cell}.norm_weight"] = theirs[f"{attn}.g_norm.weight"]
            found[f"{cell}.bound"] = theirs["lower_bounds"][layer]
        return found

    return ours


DEEP_SMALL: Final[Mapping[str, Any]] = {
    "input.vocabulary": SYMBOLS,
    "input.size": 8,
    "hidden_size": 8,
    "head.size": SYMBOLS,
    "layers.deep.repeat": 3,
    "layers.deep.layers.0.layers.0.output_projection.size": 8,
    "layers.deep.layers.1.layers.0.hidden": 10,
}
DEEP_MISTAKES: Final[Mapping[str, Mapping[str, Any]]] = {
    "the norm behind the memory": {"layers.deep.layers.0.norm.position": "after"},
    "no residual around the gated MLP": {"layers.deep.layers.1.residual": False},
    "another activation of the gated MLP": {"layers.deep.layers.1.layers.0.activation": "gelu"},
    "a larger number in a norm": {"layers.deep.layers.1.norm.eps": 1e-2},
    "a larger number in the norm of the memory": {"cell.norm_eps": 1e-2},
    "time backwards": {"layers.deep.layers.0.layers.0.reverse": True},
}
HGRN: Final = Case(
    theirs=lambda: Bounded(8, 10, [Hgrn(8) for _ in range(3)]),
    ours=_bounded("ifg", "weight_ih"),
    changes=DEEP_SMALL,
    mistakes=DEEP_MISTAKES,
)
HGRN2: Final = Case(
    theirs=lambda: Bounded(8, 10, [Hgrn2(8, 2) for _ in range(3)]),
    ours=_bounded("qfi", "weight_qkv"),
    changes={**DEEP_SMALL, "cell.heads": 2, "cell.key_size": 4},
    mistakes=DEEP_MISTAKES,
)


def conv2d(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """speechbrain (9c826ef3), nnet/CNN.py, `Conv2d.forward` with padding same: (B, time, frequency, channel)."""
    x = x[..., None] if x.dim() == 3 else x
    wx = conv(F.pad(x.transpose(1, -1), (1, 1, 1, 1), mode="reflect"))
    return wx.transpose(1, -1)


class CNNBlock(nn.Module):
    """speechbrain (9c826ef3), lobes/models/CRDNN.py, `CNN_Block`; `LayerNorm` over frequency and channel; `Pooling1d`."""

    def __init__(self, inputs: int, channels: int, bands: int) -> None:
        super().__init__()
        self.conv_1, self.conv_2 = nn.Conv2d(inputs, channels, 3), nn.Conv2d(channels, channels, 3)
        self.norm_1, self.norm_2 = nn.LayerNorm((bands, channels)), nn.LayerNorm((bands, channels))

    def forward(self, x: Tensor) -> Tensor:
        x = F.leaky_relu(self.norm_1(conv2d(self.conv_1, x)))
        x = F.leaky_relu(self.norm_2(conv2d(self.conv_2, x)))
        return F.max_pool2d(x.transpose(-1, 2), (1, 2), (1, 2)).transpose(-1, 2)


class LiGRULayer(nn.Module):
    """speechbrain (9c826ef3), nnet/RNN.py, `LiGRU_Layer.forward` and `_ligru_cell`, bidirectional."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.w, self.u = nn.Linear(inputs, 2 * hidden, bias=False), nn.Linear(hidden, 2 * hidden, bias=False)
        self.norm = nn.BatchNorm1d(2 * hidden, momentum=0.05)

    def forward(self, x: Tensor) -> Tensor:
        w = self.w(torch.cat([x, x.flip(1)], 0))
        w = self.norm(w.reshape(w.shape[0] * w.shape[1], w.shape[2])).reshape(w.shape)
        ht, hiddens = w.new_zeros(w.shape[0], w.shape[2] // 2), []
        for k in range(w.shape[1]):
            at, zt = (w[:, k] + self.u(ht)).chunk(2, 1)
            zt = torch.sigmoid(zt)
            ht = zt * ht + (1 - zt) * torch.relu(at)
            hiddens.append(ht)
        forwards, backwards = torch.stack(hiddens, 1).chunk(2, 0)
        return torch.cat([forwards, backwards.flip(1)], 2)


class Crdnn(nn.Module):
    """speechbrain (9c826ef3), lobes/models/CRDNN.py, `CRDNN.forward`, `DNN_Block`; with a head, recipes/TIMIT/ASR/CTC."""

    def __init__(self, outputs: int | None) -> None:
        super().__init__()
        self.cnn = nn.Sequential(CNNBlock(1, 3, 8), CNNBlock(3, 4, 4))
        self.rnn = nn.Sequential(LiGRULayer(8, 5), LiGRULayer(10, 5))
        self.linears = nn.ModuleList([nn.Linear(10, 6), nn.Linear(6, 6)])
        self.norms = nn.ModuleList(nn.BatchNorm1d(6) for _ in range(2))
        self.output = None if outputs is None else nn.Linear(6, outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.cnn(x)
        if self.output is not None:  # time_pooling
            x = F.max_pool2d(x.transpose(-1, 1), (1, 2), (1, 2)).transpose(-1, 1)
        x = self.rnn(x.reshape(x.shape[0], x.shape[1], x.shape[2] * x.shape[3]))
        for product, norm in zip(self.linears, self.norms, strict=True):
            x = F.leaky_relu(norm(product(x).transpose(-1, 1)).transpose(1, -1))
        return x if self.output is None else self.output(x).log_softmax(-1)


RUNNING: Final = ("weight", "bias", "running_mean", "running_var")


def _crdnn(theirs: Theirs) -> Mapping[str, Tensor]:
    found: dict[str, Tensor] = {}
    first = 17 + ("output.weight" in theirs.left)  # behind a pool over time
    for block in range(2):
        for index in range(2):
            place, ours = f"cnn.{block}", 8 * block + 3 * index
            # there a kernel lies along frequency, then time, and a norm's numbers along frequency, then channel
            found[f"layers.{ours}.conv.weight"] = theirs[f"{place}.conv_{index + 1}.weight"].transpose(2, 3)
            found[f"layers.{ours}.conv.bias"] = theirs[f"{place}.conv_{index + 1}.bias"]
            for name in ("weight", "bias"):
                found[f"layers.{ours + 1}.norm.{name}"] = theirs[f"{place}.norm_{index + 1}.{name}"].T.flatten()
    for layer in range(2):
        place, cell = f"rnn.{layer}", f"layers.{first + layer}"
        into = theirs.gates(f"{place}.w.weight", "hz", "zh")
        if layer == 0:  # features lie along frequency, then channel, there
            into = into.unflatten(1, (2, 4)).transpose(1, 2).flatten(1)
        found[f"{cell}.cell.weight_ih"] = into
        found[f"{cell}.cell.weight_hh"] = theirs.gates(f"{place}.u.weight", "hz", "zh")
        for name in RUNNING:
            value = theirs.gates(f"{place}.norm.{name}", "hz", "zh")
            found[f"{cell}.cell.norm.{name}"] = value
            if name.startswith("running"):
                found[f"{cell}.reverse_cell.norm.{name}"] = value.clone()
    for index in range(2):
        found |= linear(theirs, f"linears.{index}", f"layers.{first + 2 + index}.linear")
        found |= {f"layers.{first + 2 + index}.norm.{name}": theirs[f"norms.{index}.{name}"] for name in RUNNING}
    if "output.weight" in theirs.left:
        found |= linear(theirs, "output", "head.linear")
    return found


CRDNN_MISTAKES: Final[Mapping[str, Mapping[str, Any]]] = {
    "zeros around": {"layers.3.beyond": "zeros"},
    "another slope": {"layers.5.function": "relu"},
    "a larger number in a norm": {"layers.4.norm.eps": 1e-2},
    "a candidate within bounds": {"cell.nonlinearity": "tanh"},
}


def _speech(outputs: int | None) -> Case:
    first = 17 + (outputs is not None)
    return Case(
        theirs=lambda: Crdnn(outputs),
        ours=_crdnn,
        changes={
            "input.size": 8,
            "hidden_size": 5,
            **{f"layers.{index}.channels": channels for index, channels in ((0, 3), (3, 3), (8, 4), (11, 4))},
            f"layers.{first}.repeat": 2,
            f"layers.{first + 1}.size": 6,
            f"layers.{first + 2}.size": 6,
            **({} if outputs is None else {"head.size": outputs}),
        },
        mistakes=CRDNN_MISTAKES,
        after=lambda y: y if outputs is None else y.log_softmax(-1),
        lengths=(7, 4, 2, 6),  # torch mirrors no sequence of one step
    )


CASES: Final = {
    "s5-listops": _listops(5),
    "s5-listops@imdb": _listops(6),
    "s5-cifar": _pixels(True),
    **dict.fromkeys([f"s5-cifar@{name}" for name in ("pathfinder", "path-x", "speech")], _pixels(False)),
    "hgrn-lm": HGRN,
    "crdnn": _speech(None),
    "crdnn@timit": _speech(7),
    **dict.fromkeys(["hgrn2-lm", "hgrn2-lm@340m"], HGRN2),
}
