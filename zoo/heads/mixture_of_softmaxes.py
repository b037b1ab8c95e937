"""The head that mixes several softmaxes, whose matrix of log probabilities may have any rank."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.components import Shape, chosen
from zoo.engine.tracing import is_tracing
from zoo.heads.base import Classifier, Gives, wide
from zoo.heads.options import MixtureOfSoftmaxesOptions
from zoo.inputs.tokens import Tokens


class MixtureOfSoftmaxes(Classifier):
    """(..., F) -> log Σ_k π_k softmax(E h_k + b), (..., size), with π = softmax(V x) and h_k = tanh(W_k x + c_k).

    Source: Yang et al. 2018, arXiv:1711.03953, equation 2 and section 2.3; layers and dropout as in the official code
    (zihangdai/mos, model.py). That adds 1e-8 to each probability before its logarithm, and this does not.
    """

    gives: Gives = "log_probs"

    def __init__(self, options: MixtureOfSoftmaxesOptions, input_shape: Shape, source: nn.Module) -> None:
        super().__init__()
        self.components, self.dropout, self.variational = options.components, options.dropout, options.variational
        self.source: tuple[Tokens, ...] = ()
        if options.tied:
            if not isinstance(source, Tokens):
                raise TypeError("a tied head needs an input that embeds symbols")
            # In a tuple, so that the embedding stays the input's alone: in parameters(), in state_dict and on disk.
            self.source = (source,)
            size, self.width = source.embedding.weight.shape
        else:
            assert options.size is not None
            assert options.latent is not None
            size, self.width = options.size, options.latent
        self.prior = nn.Linear(input_shape[-1], options.components, bias=False)
        self.latent = nn.Linear(input_shape[-1], options.components * self.width)
        self.decoder = None if options.tied else nn.Linear(self.width, size, bias=options.bias)
        self.bias = nn.Parameter(torch.zeros(size)) if options.tied and options.bias else None
        self._chosen = chosen(options, "size", "latent", "bias")

    def extra_repr(self) -> str:
        return ", ".join(filter(None, (f"components={self.components}", self._chosen)))

    def forward(self, x: Tensor) -> Tensor:
        latent = self._dropped(torch.tanh(self.latent(x)))
        latent = latent.reshape(*latent.shape[:-1], self.components, self.width)
        logits = F.linear(latent, self.source[0].embedding.weight, self.bias) if self.source else self._decoded(latent)
        return _mixed(wide(self.prior(x)), wide(logits)).to(logits.dtype)

    def _decoded(self, latent: Tensor) -> Tensor:
        assert self.decoder is not None
        logits: Tensor = self.decoder(latent)
        return logits

    def _dropped(self, latent: Tensor) -> Tensor:
        """With `variational` one mask for a whole sequence, as the official code has it."""
        if not (self.variational and self.training and latent.dim() == 3):
            return F.dropout(latent, self.dropout, self.training)
        mask = F.dropout(torch.ones_like(latent[:, :1]), self.dropout)
        return latent * mask


def _mixed(prior: Tensor, logits: Tensor) -> Tensor:
    """log Σ_k softmax(prior)_k softmax(logits)_k, for (..., K) and (..., K, V).

    The sum of probabilities is a product of matrices, a fraction of the work of a sum of their logarithms, and as exact
    unless a probability is so small that it, or what it is divided by in the gradient, leaves the range of the numbers.
    """
    if not is_tracing() and not logits.is_meta:
        mixed = (prior.softmax(-1).unsqueeze(-2) @ logits.softmax(-1)).squeeze(-2)
        if bool(mixed.detach().amin() > torch.finfo(mixed.dtype).tiny ** 0.75):
            return mixed.log()
    each = F.log_softmax(logits, -1)
    return torch.logsumexp(each + F.log_softmax(prior, -1).unsqueeze(-1), -2)
