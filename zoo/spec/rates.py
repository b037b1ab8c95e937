"""What a spec file may say of dropout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, PlainValidator, ValidationInfo, WithJsonSchema

from zoo.spec.fields import Entry, Rate, of_short
from zoo.spec.problems import mistake, show, validate


class DropoutEntry(Entry):
    """Rates of every kind of dropout; a number alone is short for `between`."""

    input: Rate = Field(
        default=0.0,
        description="Dropout rate on the input of the layer; given on the model, of the first recurrent layer.",
    )
    between: Rate = Field(default=0.0, description="Dropout rate after every recurrent layer but the last.")
    output: Rate = Field(
        default=0.0,
        description="Dropout rate on the output of the layer; given on the model, of the last recurrent layer.",
    )
    variational: bool = Field(
        default=False, description="One mask per sequence instead of one per step, for `input`, `between` and `output`."
    )
    recurrent: Rate = Field(
        default=0.0, description="Dropout rate on h in the recurrent products only, one mask per sequence."
    )
    weight: Rate = Field(default=0.0, description="DropConnect rate on the cell's recurrent weights.")
    zoneout: Rate = Field(
        default=0.0,
        description="Zoneout rate: the probability that a unit keeps its old state, for the states that allow it.",
    )


def _dropout(value: Any, info: ValidationInfo) -> DropoutEntry:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return of_short(DropoutEntry, {"between": value})
    if not isinstance(value, Mapping):
        raise mistake("dropout_type", f"must be a rate, or a mapping of kinds to rates, not {show(value)}")
    return validate(DropoutEntry, value, None)


DropoutPlace = Annotated[DropoutEntry, PlainValidator(_dropout), WithJsonSchema({"x-short": "dropout"})]
