"""The simplified structured state space."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.cells.draws import truncated_normal_
from zoo.cells.linear.pairs import into_pairs, real_part
from zoo.cells.linear.spaces import S5Options, check_s5
from zoo.components import Shape, features
from zoo.engine.cell import Cell, Context, StateSpec


class S5(Cell):
    """Simplified structured state space: one complex diagonal recurrence for all features.

    h = Λ̄ h + B̄ x, y = 2 Re(C̃ h) + D ⊙ x; the output is y, as wide as x. With Δ = exp(log_step),

    zoh: Λ̄ = exp(Λ Δ), B̄ = Λ⁻¹ (Λ̄ − I) B̃; bilinear: Λ̄ = (I − (Δ/2) Λ)⁻¹ (I + (Δ/2) Λ), B̄ = (I − (Δ/2) Λ)⁻¹ Δ B̃.

    Λ, Λ̄, Δ and log_step are diagonal matrices, kept as vectors, and exp is that of matrices; Λ, B̃ and C̃ are complex.
    I is the identity matrix. Half of each pair of conjugate states is kept, hence the 2: hidden_size is half of the
    paper's state size. Without `feedthrough` D ⊙ x is missing, and Re Λ is at most `max_real`, where that
    is given, as −10⁻⁴ by clip_eigs of the official code.

    Source: arXiv:2208.04933, sections 3 and B.1; lindermanlab/S5, s5/ssm.py, without the activation around it.
    Parameters: Lambda_re and Lambda_im (N,), B̃ as B (N, I, 2) and C̃ as C (I, N, 2) with real and imaginary part last,
    D (I,), log_step (N,), with N the hidden size. States: h (N,), complex.
    """

    def __init__(self, options: S5Options, input_shape: Shape, hidden_size: int) -> None:
        super().__init__()
        check_s5(options, hidden_size)
        width = features(input_shape)
        self.input_shape = self.output_shape = input_shape
        self.states = {"h": StateSpec((hidden_size,), complex=True, zoneout=True)}
        self.options = options
        self.Lambda_re = nn.Parameter(torch.empty(hidden_size))
        self.Lambda_im = nn.Parameter(torch.empty(hidden_size))
        self.B = nn.Parameter(torch.empty(hidden_size, width, 2))
        self.C = nn.Parameter(torch.empty(width, hidden_size, 2))
        self.D = nn.Parameter(torch.empty(width)) if options.feedthrough else None
        self.log_step = nn.Parameter(torch.empty(hidden_size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise the parameters.

        As the official code: Λ of the normal part of HiPPO-LegS, a block of it several times; B and C drawn as real
        and complex matrices (truncated normal, of unit variance over the whole state) and brought into its
        eigenvectors' basis; D normal; steps log-uniform.
        """
        if self.B.is_meta:
            return  # nothing to write to: the eigenvectors of a large matrix would be for nothing
        blocks, width = self.options.blocks, self.B.shape[1]
        size = self.log_step.shape[0] // blocks
        eigenvalues, vectors = _hippo(2 * size)
        eigenvalues = eigenvalues[:size].repeat(blocks).to(self.B.device)
        kept = vectors[:, :size].to(self.B.device)  # (2 size, size)
        deviation = 1 / math.sqrt(2 * size * blocks)
        with torch.no_grad():
            self.Lambda_re.copy_(eigenvalues.real)
            self.Lambda_im.copy_(eigenvalues.imag)
            B = _truncated(self.B, (blocks, 2 * size, width), deviation).to(kept.dtype)
            self.B.copy_(torch.view_as_real((kept.mH @ B).flatten(0, 1)))
            C = torch.view_as_complex(_truncated(self.C, (width, blocks, 2 * size, 2), deviation).double())
            self.C.copy_(torch.view_as_real((C @ kept).flatten(1)))
            self.log_step.uniform_(math.log(self.options.dt_min), math.log(self.options.dt_max))
        if self.D is not None:
            nn.init.normal_(self.D)

    def constants(self, ctx: Context) -> Any:
        # Λ̄ is close to the unit circle, where half precision has too few digits
        step = self.log_step.to(ctx.dtype).exp()
        real = self.Lambda_re.to(ctx.dtype)
        real = real.clamp(max=self.options.max_real) if self.options.max_real is not None else real
        eigenvalue = torch.complex(real, self.Lambda_im.to(ctx.dtype))
        turn = eigenvalue * step
        if self.options.discretisation == "zoh":
            decay, scale = torch.exp(turn), torch.expm1(turn) / eigenvalue
        else:
            inverse = 1 / (1 - turn / 2)
            decay, scale = inverse * (1 + turn / 2), inverse * step
        B = scale.unsqueeze(1) * torch.view_as_complex(self.B.to(ctx.dtype))
        return decay, into_pairs(torch.view_as_real(B)), 2 * real_part(self.C)

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, ...]:
        Bx = ctx.linear(x, const[1])  # (B, T, 2 N)
        Bx = torch.view_as_complex(Bx.view(*Bx.shape[:2], -1, 2))
        return (Bx,) if self.D is None else (Bx, self.D * x.to(ctx.dtype))

    def linear_recurrence(self, u: Any, const: Any) -> Mapping[str, tuple[Tensor, Tensor]]:
        return {"h": (const[0], u[0])}

    def output(self, u: Any, state: Mapping[str, Tensor], const: Any) -> Tensor:
        y: Tensor = F.linear(torch.view_as_real(state["h"]).flatten(-2), const[2])
        return y if self.D is None else y + u[1]


def _hippo(size: int) -> tuple[Tensor, Tensor]:
    """Eigenvalues and eigenvectors of HiPPO-LegS plus the product that makes it normal.

    Returns:
        Eigenvalues (size,), those with negative imaginary parts first, and eigenvectors (size, size), complex128.
    """
    n = torch.arange(size, dtype=torch.float64, device="cpu")
    root = torch.sqrt(2 * n + 1)
    hippo = torch.diag(n) - torch.tril(root.outer(root))
    low_rank = torch.sqrt(n + 0.5)
    normal = hippo + low_rank.outer(low_rank)
    imaginary, vectors = torch.linalg.eigh(-1j * normal)
    return torch.complex(normal.diagonal().mean().expand(size), imaginary), vectors


def _truncated(like: Tensor, shape: tuple[int, ...], deviation: float) -> Tensor:
    """Truncated normal numbers of this shape, in the dtype and on the device of a parameter."""
    return truncated_normal_(torch.empty(shape, dtype=like.dtype, device=like.device), deviation)
