"""A stranger's plugin, for what no built-in component does."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, field_validator

import zoo
from zoo.components import Description, Shape


class Inner(BaseModel):
    model_config = {"extra": "forbid"}
    depth: int = Field(1, ge=1)


class HeadsOptions(zoo.Options):
    heads: Annotated[int, zoo.Count] = Field(2, ge=1)
    modes: Annotated[tuple[Literal["slow", "fast"], ...], Field(strict=False)] = ()
    inner: Inner = Inner(depth=1)


class FragileOptions(zoo.Options):
    size: int = 1

    @field_validator("size")
    @classmethod
    def _broken(cls, value: int) -> int:
        raise KeyError("oops")


class Acme:
    """Cells: `plain` can drop nothing, `heads` needs a width that its heads divide, the others are broken."""

    @zoo.hookimpl
    def zoo_cells(self) -> list[zoo.CellType]:
        build = "spec_acme:nothing"
        return [
            zoo.CellType(name="plain", build=build, describe="spec_acme:describe_plain"),
            zoo.CellType(name="heads", build=build, describe="spec_acme:describe_heads", options=HeadsOptions),
            zoo.CellType(name="silent", build=build, traits=zoo.Traits(streamable=False)),
            zoo.CellType(name="broken", build=build, describe="spec_acme:describe_broken"),
            zoo.CellType(name="fragile", build=build, options=FragileOptions),
        ]

    @zoo.hookimpl
    def zoo_layers(self) -> list[zoo.LayerType]:
        return [zoo.LayerType(name="quadruple", build="spec_acme:nothing", describe="spec_acme:describe_quadruple")]


def describe_plain(options: zoo.NoOptions, shape: Shape, hidden_size: int) -> Description:
    return Description(output_shape=(hidden_size,), parameters=shape[0] * hidden_size, state={"h": (hidden_size,)})


def describe_heads(options: HeadsOptions, shape: Shape, hidden_size: int) -> Description:
    if hidden_size % options.heads:
        raise zoo.ZooError(f"hidden_size ({hidden_size}) must be a multiple of heads ({options.heads})")
    return describe_plain(zoo.NoOptions(), shape, hidden_size)


def describe_broken(options: zoo.NoOptions, shape: Shape, hidden_size: int) -> Description:
    raise IndexError("list index out of range")


def describe_quadruple(options: zoo.NoOptions, shape: Shape) -> Description:
    return Description(output_shape=(4 * shape[0],), parameters=0)
