"""The head that gives a density of real numbers: mixtures of normal distributions."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.components import Shape, chosen
from zoo.errors import InputError
from zoo.heads.base import Head, Lengths, cleared, draw, mean_of, refuse, wide
from zoo.heads.options import MixtureDensityOptions, density_outputs
from zoo.heads.targets import rows_of, valid_steps

HALF_LOG_TAU = 0.5 * math.log(2 * math.pi)


class Mixtures(NamedTuple):
    """Parameters of a density.

    Attributes:
        log_weights: Of components, (..., K), or of those of each number, (..., D, K).
        means: (..., D, K).
        log_scales: Logarithms of standard deviations, (..., D, K).
        correlation: Between the two numbers of a bivariate density, (..., K); None for others.
        end: Logit of the last number, a yes or no, (...); None without.
    """

    log_weights: Tensor
    means: Tensor
    log_scales: Tensor
    correlation: Tensor | None
    end: Tensor | None


class MixtureDensity(Head):
    """(..., F) -> the parameters of a density, (..., outputs), by one linear map.

    With K components and D numbers the outputs are, in this order, each as logarithms of weights before their softmax,
    means, logarithms of standard deviations:

        independent   each number is a mixture of its own: (D, 3, K), so 3 K D
        diagonal      one mixture of vectors, whose numbers are independent within a component: K, (D, K), (D, K)
        bivariate     one mixture of pairs with a correlation, the tanh of K more: K, (2, K), (2, K), K
        end           one more, last: the logit of a yes or no beside the numbers, such as the end of a stroke

    A target is (..., D), with `end` (..., D + 1) whose last number is 0 or 1. The loss is the mean over valid steps of
    -log p(target). `decode` gives the means of the likeliest component. At a temperature τ `sample` divides the
    logarithms of weights by τ, and the variances are multiplied by it.

    Source: Bishop 1994 for the idea; `bivariate` with `end` is Graves 2013, arXiv:1308.0850, equations 15 to 26,
    `independent` and the temperature are Ha and Schmidhuber 2018, arXiv:1803.10122, and their code (rnn/rnn.py).
    """

    gives = "density"

    def __init__(self, options: MixtureDensityOptions, input_shape: Shape, source: nn.Module) -> None:
        super().__init__()
        self.components, self.size = options.components, options.size
        self.form, self.end = options.form, options.end
        self.linear = nn.Linear(math.prod(input_shape), density_outputs(options))
        self.axes = len(input_shape)
        self._chosen = chosen(options)

    def extra_repr(self) -> str:
        return ", ".join(filter(None, (f"components={self.components}, size={self.size}", self._chosen)))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.linear(x.flatten(-self.axes))
        return y

    def mixtures(self, output: Tensor) -> Mixtures:
        """The parameters of the density that an output stands for.

        Args:
            output: What `forward` gave.

        Returns:
            Them by name.
        """
        K, D = self.components, self.size
        output = wide(output)
        end = output[..., -1] if self.end else None
        body = output[..., :-1] if self.end else output
        correlation, leading = None, body.shape[:-1]
        if self.form == "independent":
            weights, means, scales = body.reshape(*leading, D, 3, K).unbind(-2)
        else:
            widths = [K, D * K, D * K, *([K] if self.form == "bivariate" else [])]
            weights, means, scales, *more = torch.split(body, widths, -1)
            means, scales = means.reshape(*leading, D, K), scales.reshape(*leading, D, K)
            correlation = torch.tanh(more[0]) if more else None
        return Mixtures(F.log_softmax(weights, -1), means, scales, correlation, end)

    def log_prob(self, output: Tensor, target: Tensor) -> Tensor:
        """The logarithm of the density at a target.

        Args:
            output: What `forward` gave, (..., outputs).
            target: Of shape (..., size), or one more with `end`.

        Returns:
            Of shape (...).
        """
        found = self.mixtures(output)
        numbers = target[..., : self.size].unsqueeze(-1).to(found.means.dtype)
        z = (numbers - found.means) * torch.exp(-found.log_scales)  # (..., D, K)
        if found.correlation is None:
            each = -0.5 * z.square() - found.log_scales - HALF_LOG_TAU
        else:
            each = self._bivariate(found, z)
        if self.form == "independent":
            total = torch.logsumexp(found.log_weights + each, -1).sum(-1)
        else:
            total = torch.logsumexp(found.log_weights + each.sum(-2), -1)
        if found.end is not None:
            yes = target[..., -1].to(total.dtype)
            total = total - F.binary_cross_entropy_with_logits(found.end, yes, reduction="none")
        return total

    def _bivariate(self, found: Mixtures, z: Tensor) -> Tensor:
        """Graves's equations 24 and 25, (..., 1, K)."""
        assert found.correlation is not None
        rho = found.correlation
        first, second = z.unbind(-2)
        rest = 1 - rho.square()
        square = first.square() + second.square() - 2 * rho * first * second
        logs = -square / (2 * rest) - found.log_scales.sum(-2) - 0.5 * torch.log(rest) - 2 * HALF_LOG_TAU
        return logs.unsqueeze(-2)

    def loss(
        self, output: Tensor, target: Tensor, lengths: Lengths = None, *, target_lengths: Lengths = None
    ) -> Tensor:
        refuse(target_lengths)
        expected = (*rows_of(output), self.size + self.end)
        if not isinstance(target, Tensor) or tuple(target.shape) != expected or not target.is_floating_point():
            shown = f"{target.dtype} of shape {tuple(target.shape)}" if isinstance(target, Tensor) else type(target)
            raise InputError(f"target must be real numbers of shape {expected}, not {shown}")
        valid = valid_steps(output, lengths)
        return mean_of(-self.log_prob(cleared(output, valid), cleared(target, valid)), valid)

    def decode(self, output: Tensor, lengths: Lengths = None) -> Tensor:
        found = self.mixtures(output)
        index = self._by_number(found.log_weights.argmax(-1))
        best = found.means.gather(-1, index).squeeze(-1)
        if found.end is not None:
            best = torch.cat([best, (found.end > 0).to(best.dtype).unsqueeze(-1)], -1)
        valid = valid_steps(output, lengths)
        return cleared(best, valid)

    def sample(self, output: Tensor, generator: torch.Generator | None = None, temperature: float = 1.0) -> Tensor:
        found = self.mixtures(output)
        index = self._by_number(draw(found.log_weights, generator, temperature))
        means, scales = (one.gather(-1, index).squeeze(-1) for one in (found.means, found.log_scales.exp()))
        where = means.device if generator is None else generator.device
        noise = torch.randn(means.shape, generator=generator, device=where, dtype=means.dtype).to(means.device)
        if found.correlation is not None:
            rho = found.correlation.gather(-1, index[..., 0, :]).squeeze(-1)
            second = rho * noise[..., 0] + torch.sqrt(1 - rho.square()) * noise[..., 1]
            noise = torch.stack([noise[..., 0], second], -1)
        drawn = means + math.sqrt(temperature) * scales * noise
        if found.end is None:
            return drawn
        both = torch.stack([torch.zeros_like(found.end), found.end], -1)
        return torch.cat([drawn, draw(both, generator, temperature).to(drawn.dtype).unsqueeze(-1)], -1)

    def _by_number(self, index: Tensor) -> Tensor:
        """Which component each number is from, (..., D, 1): its own, or that of all."""
        if self.form == "independent":
            return index.unsqueeze(-1)
        return index[..., None, None].expand(*index.shape, self.size, 1)
