"""Norms over the features of each step. Each is called with x (B, T, F) and which steps are valid (B, T), or None."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.components import Shape
from zoo.engine.precision import HALF, apply_held, widened
from zoo.engine.sequence import where_steps, zero_where
from zoo.engine.tracing import is_tracing
from zoo.layers.options import BatchNormOptions, LayerNormOptions, NormOptions


class LayerNorm(nn.LayerNorm):
    """(B, T, F) -> (B, T, F): zero mean and unit variance at each step, then scale and shift (arXiv:1607.06450)."""

    def __init__(self, options: LayerNormOptions, input_shape: Shape) -> None:
        super().__init__(input_shape[-1], eps=options.eps, bias=options.bias)

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        if self.weight.dtype in HALF:  # beside wider numbers too, which a cell's sums are
            wide = F.layer_norm(x.float(), self.normalized_shape, widened(self.weight), widened(self.bias), self.eps)
            return wide.to(x.dtype)
        return super().forward(x)


class RMSNorm(nn.RMSNorm):
    """(B, T, F) -> (B, T, F): unit mean square at each step, then scale (arXiv:1910.07467)."""

    def __init__(self, options: NormOptions, input_shape: Shape) -> None:
        super().__init__(input_shape[-1], eps=options.eps)

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        return super().forward(x)


class BatchNorm(nn.BatchNorm1d):
    """(B, T, F) -> (B, T, F): each feature by its mean and variance, then scale and shift (arXiv:1502.03167).

    In training, mean and variance are those of all valid steps of the batch, and running ones are kept; outside
    training the running ones serve, so that sequences and steps are independent. Where nothing is valid, or one step
    only, the variance is 0 and the result is the shift.
    """

    def __init__(self, options: BatchNormOptions, input_shape: Shape) -> None:
        super().__init__(input_shape[-1], eps=options.eps, momentum=options.momentum)

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        mean, var = self.running_mean, self.running_var
        assert mean is not None
        assert var is not None
        if x.dim() == 3 and x.dtype == self.weight.dtype == mean.dtype and not (is_tracing() or x.is_meta):
            if not self.training:
                return self._by_kernel(x, self.weight, mean=mean, var=var)
            count = x.shape[0] * x.shape[1] if valid is None else int(valid.sum())
            if count > 1:
                return self._trained(x, valid, count)
        if self.training:
            mean, var = self._of_batch(x, valid)
        scale = self.weight * torch.rsqrt(var + self.eps)
        return (x * scale + (self.bias - mean * scale)).to(x.dtype)

    def _trained(self, x: Tensor, valid: Tensor | None, count: int) -> Tensor:
        """By torch's kernel, which takes several times less than its parts do one by one.

        It knows of no padding. With the mean of the valid steps in place of it, n of N steps, the mean over all is the
        same, and the variance n / N of that of the valid ones: ε and the scale are made to fit.
        """
        if valid is None or count == x.shape[0] * x.shape[1]:
            share = float(self._share())
            return self._by_kernel(x, self.weight, mean=self.running_mean, var=self.running_var, share=share)
        part = count / (x.shape[0] * x.shape[1])
        x = where_steps(valid, x, (zero_where(x, valid).sum((0, 1)) / count).expand_as(x))
        with torch.no_grad():
            var, mean = torch.var_mean(x, (0, 1), correction=0)
            self._remember(mean, var / part * (count / (count - 1)))
        return self._by_kernel(x, self.weight * part**0.5, eps=self.eps * part)

    def _by_kernel(
        self,
        x: Tensor,
        weight: Tensor,
        *,
        mean: Tensor | None = None,
        var: Tensor | None = None,
        share: float = 0.0,
        eps: float | None = None,
    ) -> Tensor:
        """Features stand second for it, in whatever order they lie in memory."""
        channels_first = x.transpose(1, 2)
        rows = channels_first if channels_first.is_contiguous() else x.flatten(0, 1)
        training = self.training
        y = torch.batch_norm(rows, weight, self.bias, mean, var, training, share, eps or self.eps, False)
        return y.transpose(1, 2) if rows is channels_first else y.view(x.shape)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Running means stay at least float32: in half precision they would soon not move any more."""
        move = super()._apply
        apply_held(self, lambda: move(fn, recurse))  # type: ignore[no-untyped-call]
        return self

    def _of_batch(self, x: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor]:
        assert self.running_mean is not None
        assert self.running_var is not None
        wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
        if valid is None:
            count: Tensor | int = x.shape[0] * x.shape[1]
            var, mean = torch.var_mean(wide, (0, 1), correction=0)
            unbiased: Tensor | float = count / max(count - 1, 1)
        else:
            count = valid.sum().clamp(min=1).to(wide.dtype)
            mean = zero_where(wide, valid).sum((0, 1)) / count
            var = zero_where((wide - mean).square(), valid).sum((0, 1)) / count
            unbiased = count / (count - 1).clamp(min=1)
        with torch.no_grad():
            self._remember(mean.detach(), var.detach() * unbiased)
        return mean, var

    def _remember(self, mean: Tensor, var: Tensor) -> None:
        """Move the running figures towards those of a batch, whose variance is the unbiased one."""
        assert self.running_mean is not None
        assert self.running_var is not None
        share = self._share()
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), share)
        self.running_var.lerp_(var.to(self.running_var.dtype), share)

    def _share(self) -> Any:
        """One batch more: its share of the running figures."""
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        # Without a momentum, as torch's update_bn leaves it, the running figures are the mean over all batches.
        share: Any = self.momentum
        if share is None and self.running_mean is not None:
            share = 1 / self.num_batches_tracked.to(self.running_mean.dtype)
        return share
