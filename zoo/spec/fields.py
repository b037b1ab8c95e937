"""What every key of a spec file is read by: the base of its pydantic models, and the types that many keys have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, WithJsonSchema

from zoo.spec.problems import Problem, collecting, validate, wrap

NAME_PATTERN: Final = r"^[a-z0-9][a-z0-9._-]*$"
MOST_TEXTS: Final = 100
MOST_MISTAKES: Final = 200
"""Shown of one file: nobody reads more, and a hostile one has tens of thousands."""


class Entry(BaseModel):
    """Base of the models below: nothing unknown, coerced or infinite, and frozen once read."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, defer_build=True, arbitrary_types_allowed=True
    )


AnyEntry = TypeVar("AnyEntry", bound=Entry)


def _named(value: str) -> str:
    if not re.fullmatch(NAME_PATTERN, value):
        raise ValueError("must be lower case letters, digits, '.', '_' and '-', starting with a letter or digit")
    return value


Positive = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(ge=0, lt=1)]
Texts = Annotated[
    tuple[str, ...],
    Strict(False),
    Field(max_length=MOST_TEXTS),
    WithJsonSchema({"type": "array", "items": {"type": "string"}, "maxItems": MOST_TEXTS}),
]
Name = Annotated[str, AfterValidator(_named), WithJsonSchema({"type": "string", "pattern": NAME_PATTERN})]


def of_short(entry: type[AnyEntry], value: Mapping[str, Any]) -> AnyEntry:
    """What a short form is short for: mistakes in it are the short form's own."""
    found: list[Problem] = []
    with collecting(found):
        return validate(entry, value, None)
    raise wrap([Problem((), p.type, p.message, p.input, p.context) for p in found])
