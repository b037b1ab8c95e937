"""A plugin with a cell whose options are of every kind that pydantic knows bounds for, each of which acts."""

from __future__ import annotations

import enum
from typing import Annotated, Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from torch import Tensor, nn

import zoo


class Curve(enum.Enum):
    TANH = "tanh"
    SINE = "sine"


class Noise(zoo.Options):
    """A model inside the options."""

    size: float = Field(0.5, ge=0, le=1)
    on: bool = True


class Item(zoo.Options):
    weight: float = Field(0.5, ge=0, le=1)


class ManyOptions(zoo.Options):
    """Options that all act, each in its own way."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"route": "ring", "radius": 2, "turns": 3}]},
    )

    share: float = Field(0.5, ge=0, le=1)
    open: float = Field(0.5, gt=0, lt=1)
    odd: int = Field(3, ge=1)
    grid: int = Field(8, ge=8, multiple_of=4)
    fine: float = Field(0.5, ge=0, multiple_of=0.25)
    maybe: float | None = Field(None, ge=2, le=3)
    inner: Annotated[int, Field(ge=1, le=2)] | None = None
    letter: Literal["a", "b", "c"] = "a"
    fixed: Literal["only"] = "only"
    curve: Curve = Curve.TANH
    word: str = Field("ab", min_length=2, max_length=2)
    code: str = Field("x-1", pattern=r"x-\d", examples=["x-7"])
    pair: tuple[float, int] = (0.5, 2)
    many: tuple[Annotated[int, Field(ge=1)], ...] = Field((2, 3), min_length=2)
    items: tuple[Item, ...] = (Item(),)
    noise: Noise = Noise()
    smallest: float = Field(0.001, gt=0)
    largest: float = Field(0.1, gt=0)
    deep: int = Field(1, ge=1)
    between: float = Field(0.0, ge=0, lt=1)
    heads: Annotated[int, zoo.Count] = Field(1, ge=1)
    route: Literal["line", "ring"] = "line"
    radius: int | None = Field(None, ge=1)
    turns: int | None = Field(None, ge=1)

    @field_validator("odd")
    @classmethod
    def _odd(cls, odd: int) -> int:
        if odd % 2 == 0:
            raise ValueError("odd must be odd")
        return odd

    @model_validator(mode="after")
    def _together(self) -> ManyOptions:
        if self.smallest >= self.largest:
            raise ValueError("smallest must be less than largest")
        if self.between and self.deep < 2:
            raise ValueError("between acts from the second layer on")
        ring = (self.radius, self.turns)
        if (self.route == "ring") == (None in ring) or (self.route == "line" and ring != (None, None)):
            raise ValueError("radius and turns belong to ring")
        return self


def numbers(value: Any) -> float:
    """One number of all that the options say, another one for any other options."""
    total = 0.0
    for place, one in enumerate(value, 1):
        if isinstance(one, BaseModel):
            one = numbers(getattr(one, name) for name in type(one).model_fields)
        elif isinstance(one, tuple):
            one = numbers(one)
        elif isinstance(one, enum.Enum | str):
            one = sum(map(ord, str(one))) / 100
        total += float(-1.5 if one is None else one) / (1 + place)
    return total


def factor_of(options: ManyOptions) -> float:
    return numbers(getattr(options, name) for name in type(options).model_fields)


class Many(zoo.Cell):
    def __init__(self, options: ManyOptions, input_shape: tuple[int, ...], hidden_size: int) -> None:
        super().__init__()
        if hidden_size % options.heads:
            raise zoo.ZooError(f"heads ({options.heads}) must divide hidden_size ({hidden_size})")
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        self.states = {"h": zoo.StateSpec((hidden_size,))}
        self.factor = factor_of(options)
        self.weight = nn.Parameter(torch.empty(hidden_size, *input_shape))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.xavier_uniform_(self.weight)

    def project(self, x: Tensor, const: Any, ctx: Any) -> Tensor:
        return self.factor * torch.tanh(x @ self.weight.T)

    def step(self, u: Tensor, state: Any, const: Any) -> dict[str, Tensor]:
        return {"h": 0.5 * state["h"] + u}


@zoo.hookimpl
def zoo_cells() -> list[zoo.CellType]:
    return [zoo.CellType(name="many", options=ManyOptions, build=f"{__name__}:Many")]
