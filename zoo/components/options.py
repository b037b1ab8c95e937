"""What a component can choose: the base of its options, and what an integer among them measures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """Base of every component's options: strict, frozen, and nothing unknown, coerced or infinite gets in.

    Example:
        >>> class Gain(zoo.Options):
        ...     gain: float = 1.0
        >>> Gain(gain=2.0)
        Gain(gain=2.0)
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False, defer_build=True)


class NoOptions(Options):
    """For a component that has nothing to choose."""


@dataclass(frozen=True, slots=True)
class Size:
    """What an integer option measures, so that a tiny copy can make it small: `Annotated[int, zoo.Width]`.

    Attributes:
        name: How it is called.
    """

    name: str


Width: Final = Size("width")
"""A number of features: equal widths stay equal when shrunk."""
Count: Final = Size("count")
"""A number of parts (heads, groups, blocks): what it divides, it still divides when shrunk."""
Vocabulary: Final = Size("vocabulary")
"""A number of symbols."""
Extent: Final = Size("extent")
"""A number of rows or columns of a map: as few when shrunk as the windows over them leave room for."""


def chosen(options: BaseModel, *left_out: str) -> str:
    """The options that differ from their defaults, as `repr` of a module shows them: "peephole=True, bias='one'".

    An option that has no default is one of its sizes, and left out.

    Args:
        options: Of a component.
        left_out: Names of options that the module shows otherwise.

    Returns:
        The text; empty where all options have their defaults.
    """
    shown = []
    for name, info in type(options).model_fields.items():
        value = getattr(options, name)
        if not info.is_required() and name not in left_out and value != info.get_default():
            shown.append(f"{name}={value!r}")
    return ", ".join(shown)
