"""Options and closed forms of layers that hold layers, or join them. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from zoo.components import Description, Options, PoolType, Shape, concatenated, count_steps, features, moving
from zoo.errors import ZooError
from zoo.layers.options import Rate, with_norm
from zoo.spec.inside import describe_layers, describe_part
from zoo.spec.model import AroundNorm, Layers, PoolOption


class BlockOptions(Options):
    """Options of a block."""

    layers: Layers = Field(description="The layers inside.")
    residual: bool = Field(True, description="Add the block's input to its output; their widths must be equal.")
    norm: AroundNorm | None = Field(
        None,
        description="A norm, with `position`: `before` is x + layers(norm(x)), `after` x + norm(layers(x)), `sum` "
        "norm(x + layers(x)).",
    )
    dropout: Rate = Field(0.0, description="Dropout rate on what the layers give, before it is added to the input.")

    @model_validator(mode="after")
    def _sum_needs_a_residual(self) -> Self:
        if self.norm is not None and self.norm.position == "sum" and not self.residual:
            raise ValueError("norm.position: sum is the norm of a sum: it needs residual: true")
        return self


class JoinOptions(Options):
    """Options of a join."""

    merge: Literal["concat", "sum", "mul"] = Field("concat", description="How the layers that it reads are combined.")


class BranchOptions(Options):
    """One of several branches."""

    layers: Layers = Field(description="The layers of the branch.")
    pool: PoolOption | None = Field(None, description="How its positions are reduced to one; flattened if not given.")


class EachOptions(Options):
    """Options of layers within each step."""

    layers: Layers | None = Field(None, description="Layers that run over the first axis of every step.")
    pool: PoolOption | None = Field(None, description="How the positions are reduced to one; flattened if not given.")
    branches: Annotated[tuple[BranchOptions, ...], Field(strict=False, min_length=1, max_length=100)] | None = Field(
        None, description="Instead of `layers` and `pool`: several of them, whose results are concatenated."
    )
    after: Layers | None = Field(
        None, description="Layers that run over the one vector of each step, behind the pool or the branches."
    )

    @model_validator(mode="after")
    def _one_of_the_two(self) -> Self:
        if (self.layers is None) == (self.branches is None):
            raise ValueError("each needs either layers or branches")
        if self.branches is not None and self.pool is not None:
            raise ValueError("each branch has a pool of its own: move pool into the branches")
        return self

    @property
    def within(self) -> tuple[tuple[str, Any, Any], ...]:
        """Each branch: where its layers stand, they themselves, and its pool."""
        if self.branches is None:
            return (("layers", self.layers, self.pool),)
        return tuple((f"branches.{i}.layers", one.layers, one.pool) for i, one in enumerate(self.branches))


def describe_block(options: BlockOptions, input_shape: Shape) -> Description | None:
    found = describe_layers(options.layers, input_shape)
    if found is None:
        return None
    if options.residual and found.output_shape != input_shape:
        raise ZooError(
            f"a residual block gives what it reads, {input_shape}, and its layers give {found.output_shape}: make the "
            "last one as wide, or set residual: false"
        )
    if options.residual and moving(found.windows):
        raise ZooError("a residual block has as many steps behind it as before: its layers change their number")
    if options.norm is None:
        return found
    return with_norm(found, options.norm.part, input_shape if options.norm.position == "before" else found.output_shape)


def describe_join(options: JoinOptions, input_shape: Sequence[Shape]) -> Description:
    first, *rest = input_shape
    if options.merge == "concat":
        return Description(output_shape=concatenated(input_shape), parameters=0)
    if any(shape != first for shape in rest):
        raise ZooError(f"merge: {options.merge} needs equal shapes, and they are {_listed(input_shape)}")
    return Description(output_shape=first, parameters=0)


def describe_each(options: EachOptions, input_shape: Shape) -> Description | None:
    if len(input_shape) < 2:
        raise ZooError(f"runs over the first axis of every step, which needs two, not shape {input_shape}")
    found = [_branch(layers, pool, input_shape, at) for at, layers, pool in options.within]
    known = [one for one in found if one is not None]
    if len(known) < len(found):
        return None
    width = sum(one.output_shape[0] for one in known)
    if options.after is not None:
        more = describe_layers(options.after, (width,), at="after")
        if more is None:
            return None
        if len(more.output_shape) != 1 or moving(more.windows):
            raise ZooError("the layers after the pool must give flat features, one vector for each step")
        known, width = (
            [*known, replace(more, macs_per_step=more.macs_per_step + more.macs_per_sequence)],
            features(more.output_shape),
        )
    return Description(
        output_shape=(width,),
        parameters=sum(one.parameters for one in known),
        buffers=sum(one.buffers for one in known),
        frozen=sum(one.frozen for one in known),
        macs_per_step=sum(one.macs_per_step for one in known),
        sequential_depth=sum(one.sequential_depth for one in known),
    )


def _branch(layers: Any, pool: Any, shape: Shape, at: str) -> Description | None:
    """Layers over the first axis of a step, and what reduces it."""
    inner = describe_layers(layers, shape[1:], at=at)
    if inner is None:
        return None
    positions = count_steps(moving(inner.windows), shape[0])
    if positions < 1:
        raise ZooError(f"a window is longer than the {shape[0]} positions of a step")
    once = inner.macs_per_step * positions + inner.macs_per_sequence
    size = positions * math.prod(inner.output_shape)
    pooled = None
    if pool is not None:
        pooled = describe_part(pool, inner.output_shape)
        if pooled is None:
            return None
        once += pooled.macs_per_step * positions + pooled.macs_per_sequence
        size = math.prod(pooled.output_shape)
    return Description(
        output_shape=(size,),
        parameters=inner.parameters + (pooled.parameters if pooled else 0),
        buffers=inner.buffers + (pooled.buffers if pooled else 0),
        frozen=inner.frozen + (pooled.frozen if pooled else 0),
        macs_per_step=once,
        sequential_depth=inner.sequential_depth * positions,
    )


def takes_final(pool: Any) -> bool:
    """Whether a pool takes the final output of each direction."""
    return pool is not None and isinstance(pool.record, PoolType) and pool.record.final


def _listed(shapes: Sequence[Shape]) -> str:
    return ", ".join(map(str, shapes))
