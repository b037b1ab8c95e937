"""Bugs in what a run may touch, and in what is saved and made again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import zoo.builder
from zoo.heads.tied import Tied
from zoo.inputs.features import Features
from zoo.inputs.tokens import Tokens
from zoo.layers.linear import LinearLayer

from .patching import Patch, around
from .suite import mutant


@mutant("gru", "repeatable")
def input_modified_in_place(patch: Patch) -> None:
    def wrong(self: Features, x: Tensor) -> Tensor:
        with torch.no_grad():
            x.add_(1e-3)
        return x

    patch.setattr(Features, "forward", wrong)


@mutant("gru", "repeatable")
def random_state_consumed_in_eval(patch: Patch) -> None:
    def wrong(self: Features, x: Tensor) -> Tensor:
        torch.rand(1)
        return x

    patch.setattr(Features, "forward", wrong)


@mutant("tied", "parameters")
def tied_weights_untied(patch: Patch) -> None:
    def wrong(init: Any, self: Tied, options: Any, input_shape: Any, source: Tokens) -> None:
        init(self, options, input_shape, source)
        own = nn.Embedding(source.embedding.num_embeddings, input_shape[-1])
        self.own = own
        self.source = (_Source(own),)

    class _Source:
        def __init__(self, embedding: nn.Embedding) -> None:
            self.embedding = embedding

    around(patch, Tied, "__init__", wrong)


@mutant("tied", "state_dict")
def tied_weights_remembered_instead_of_shared(patch: Patch) -> None:
    def wrong(self: Tied, x: Tensor) -> Tensor:
        if not hasattr(self, "_kept"):
            object.__setattr__(self, "_kept", self.source[0].embedding.weight.detach().clone())
        return F.linear(x, self._kept, self.bias)

    patch.setattr(Tied, "forward", wrong)


@mutant("gru", "seed")
def seed_ignored(patch: Patch) -> None:
    @contextlib.contextmanager
    def wrong(seed: int | None, device: torch.device) -> Iterator[None]:
        yield

    patch.setattr(zoo.builder, "_seeded", wrong)


@mutant("gru", "seed")
def seed_set_in_the_global_state(patch: Patch) -> None:
    @contextlib.contextmanager
    def wrong(seed: int | None, device: torch.device) -> Iterator[None]:
        if seed is not None:
            torch.manual_seed(seed)
        yield

    patch.setattr(zoo.builder, "_seeded", wrong)


@mutant("linear", "gradcheck")
def numbers_rounded_to_single_precision(patch: Patch) -> None:
    around(patch, LinearLayer, "forward", lambda f, self, x, *rest: f(self, x.float().to(x.dtype), *rest))
