"""Bugs in what a run may touch, and in what is saved and made again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import zoo.engine.constants
import zoo.engine.recurrence
import zoo.model.build
import zoo.model.embedding
import zoo.model.layout
import zoo.model.outputs
import zoo.model.stack
from zoo.heads.tied import Tied
from zoo.inputs.features import Features
from zoo.inputs.tokens import Tokens
from zoo.layers.linear import LinearLayer
from zoo.model.factory import Building
from zoo.model.stack import StackModel

from .own import Timed
from .patching import Patch, around
from .suite import mutant


@mutant("gru", "repeatable")
def input_modified_in_place(patch: Patch) -> None:
    def wrong(zero_where: Any, x: Tensor, valid: Tensor | None) -> Tensor:
        with torch.no_grad():
            found: Tensor = zero_where(x.add_(1e-3), valid)
        return found

    around(patch, zoo.model.embedding, "zero_where", wrong)  # a component's own writing is refused by the run itself


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
    building(patch, lambda dtype, seed: Building(dtype, None))


@mutant("gru", "seed")
def seed_set_in_the_global_state(patch: Patch) -> None:
    @contextlib.contextmanager
    def wrong(dtype: torch.dtype, seed: int | None) -> Iterator[None]:
        if seed is not None:
            torch.manual_seed(seed)
        with Building(dtype, None):
            yield

    building(patch, wrong)


@mutant("gru", "seed")
def seed_set_in_the_global_state_for_a_while(patch: Patch) -> None:
    @contextlib.contextmanager
    def wrong(dtype: torch.dtype, seed: int | None) -> Iterator[None]:
        with torch.random.fork_rng([], enabled=seed is not None), Building(dtype, None):
            if seed is not None:
                torch.manual_seed(seed)
            yield

    building(patch, wrong)


@mutant("gru", "seed")
def default_dtype_set_for_a_while(patch: Patch) -> None:
    @contextlib.contextmanager
    def wrong(dtype: torch.dtype, seed: int | None) -> Iterator[None]:
        before = torch.get_default_dtype()
        torch.set_default_dtype(dtype)
        try:
            with Building(dtype, seed):
                yield
        finally:
            torch.set_default_dtype(before)

    building(patch, wrong)


@mutant("tied", "seed")
def random_numbers_drawn_beside_the_seed(patch: Patch) -> None:
    """A generator for one kind of tensor is missed: as where a scheme draws by another function than the others."""
    around(patch, Building, "_from_seed", lambda f, self, seed, func, args, kwargs: kwargs)


def building(patch: Patch, wrong: Any) -> None:
    patch.setattr(zoo.model.build, "Building", wrong)


# What is returned, and what stays.


def returned(patch: Patch, wrong: Any) -> None:
    """Tensors leave a model as this gives them."""
    patch.setattr(zoo.model.outputs, "apart", lambda found, given, module: wrong([*found], [*given]))


@mutant("mingru", "memory")
def output_and_state_in_one_memory(patch: Patch) -> None:
    returned(patch, lambda found, given: found)


@mutant("lru", "memory")
def state_that_holds_all_steps(patch: Patch) -> None:
    def wrong(found: list[Tensor], given: list[Tensor]) -> list[Tensor]:
        return [t if t.untyped_storage().nbytes() > t.nbytes else t.clone() for t in found]

    returned(patch, wrong)


@mutant("both-learned", "memory")
def initial_state_that_is_the_parameter(patch: Patch) -> None:
    def wrong(self: StackModel, batch: int) -> Any:
        device, dtype = self._place()
        return self._layout.outward(self.layers.init_state(batch, device=device, dtype=dtype))

    patch.setattr(StackModel, "init_state", wrong)
    patch.setattr(zoo.model.layout, "layout_of", lambda layers: zoo.model.layout.NamedLayout())
    patch.setattr(zoo.model.stack, "layout_of", lambda layers: zoo.model.layout.NamedLayout())


@mutant("timed", "memory")
def state_handed_on_as_it_came(patch: Patch) -> None:
    def wrong(step: Any, self: Any, u: Any, state: Any, const: Any) -> Any:
        return {**step(self, u, state, const), "last": state["last"].detach()}

    around(patch, Timed, "step", wrong)
    returned(
        patch,
        lambda found, given: [t if any(t.data_ptr() == g.data_ptr() for g in given) else t.clone() for t in found],
    )


@mutant("lstm", "memory")
def states_of_all_steps_beside_the_output(patch: Patch) -> None:
    def wrong(found: list[Tensor], given: list[Tensor]) -> list[Tensor]:
        return [t if t.dim() == found[0].dim() else t.clone() for t in found]

    returned(patch, wrong)


@mutant("lru", "streaming")
def constants_cached_in_the_cell(patch: Patch) -> None:
    def wrong(right: Any, cell: Any, ctx: Any) -> Any:
        if not zoo.engine.constants._blocks.get():
            return right(cell, ctx)
        if not hasattr(cell, "kept"):
            cell.kept = right(cell, ctx)
        return cell.kept

    around(patch, zoo.engine.recurrence, "constants", wrong)


@mutant("lru", "streaming")
def a_block_that_does_not_end(patch: Patch) -> None:
    patch.setattr(zoo.engine.constants._Block, "end", lambda self: None)


@mutant("lru", "streaming")
def parameters_loaded_in_a_block_not_seen(patch: Patch) -> None:
    patch.setattr(zoo.engine.constants, "_same", lambda one, other: True)


@mutant("linear", "gradcheck")
def numbers_rounded_to_single_precision(patch: Patch) -> None:
    around(patch, LinearLayer, "forward", lambda f, self, x, *rest: f(self, x.float().to(x.dtype), *rest))
