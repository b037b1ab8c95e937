"""Options and closed forms of the two layers. Imports no torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

import zoo


class ChannelDropoutOptions(zoo.Options):
    """Options of dropout of whole channels."""

    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(description="Dropout rate.")


def describe_rows(options: object, input_shape: tuple[int, ...]) -> zoo.Description:
    if len(input_shape) != 2:
        raise zoo.ZooError(f"layer 'rows' needs channels and rows, (C, H), not {input_shape}")
    return zoo.Description(output_shape=input_shape[::-1], parameters=0)


def describe_dropout(options: ChannelDropoutOptions, input_shape: tuple[int, ...]) -> zoo.Description:
    return zoo.Description(output_shape=input_shape, parameters=0)
