"""Models whose cells share parameters, as their sources compute them, and how their parameters become ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
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


CASES: Final = {
    "s5-listops": _listops(5),
    "s5-listops@imdb": _listops(6),
    "s5-cifar": _pixels(True),
    **dict.fromkeys([f"s5-cifar@{name}" for name in ("pathfinder", "path-x", "speech")], _pixels(False)),
}
