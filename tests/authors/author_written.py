"""A plugin with a head whose options have types that no YAML has: a tuple of models, a union of models, a Decimal."""

from __future__ import annotations

import enum
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

import zoo


class Shape(enum.Enum):
    LINE = "line"
    BEND = "bend"


class Stage(zoo.Options):
    size: int = Field(4, ge=1, le=64)
    bent: bool = True


class Power(zoo.Options):
    kind: Literal["power"] = "power"
    of: float = Field(2.0, gt=0)


class Scale(zoo.Options):
    kind: Literal["scale"] = "scale"
    by: float = Field(1.5, gt=0)


class WrittenOptions(zoo.Options):
    size: int = Field(ge=1)
    stages: tuple[Stage, ...] = (Stage(), Stage(size=3))
    pair: tuple[int, float] = (1, 0.5)
    last: Annotated[Power | Scale, Field(discriminator="kind")] = Power()
    shape: Shape = Shape.LINE
    share: Decimal = Field(Decimal("0.5"), ge=0, le=1)
    places: frozenset[int] = frozenset({1})


class Written(nn.Module):
    def __init__(self, options: WrittenOptions, input_shape: tuple[int, ...], source: Any) -> None:
        super().__init__()
        self.options = options
        widths = [input_shape[-1], *(stage.size for stage in options.stages), options.size]
        self.maps = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))

    def stage(self, stage: Stage, x: Tensor) -> Tensor:
        return torch.tanh(x) if stage.bent else x

    def ending(self, x: Tensor) -> Tensor:
        last = self.options.last
        return x.abs() ** last.of if isinstance(last, Power) else x * last.by

    def forward(self, x: Tensor) -> Tensor:
        *inner, end = self.maps
        for stage, linear in zip(self.options.stages, inner, strict=True):
            x = self.stage(stage, linear(x))
        chosen = self.options
        x = self.ending(end(x)) * chosen.pair[0] + chosen.pair[1] + float(chosen.share) + sum(chosen.places)
        return torch.tanh(x) if chosen.shape is Shape.BEND else x


@zoo.hookimpl
def zoo_heads() -> list[zoo.HeadType]:
    return [zoo.HeadType(name="written", options=WrittenOptions, build=f"{__name__}:Written")]
