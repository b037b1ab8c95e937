"""Other values for one option, found in its type, its bounds and its author's examples. Imports no torch."""

from __future__ import annotations

import enum
import math
import types
import typing
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

_BOUNDS: Final = ("ge", "gt", "le", "lt", "multiple_of", "min_length", "max_length")
# Where in an interval: no two are mirror images of each other, and none is its middle, for there `a` and `1 - a` agree.
_PLACES: Final = (0.3125, 0.875, 0.59375, 0.0625)
FURTHEST: Final = 1000
"""How far the end of a range of whole numbers may be from what is there, to be tried."""


def candidates(field: FieldInfo, now: Any) -> list[Any]:
    """Other values for a field, the author's examples first, then the most telling ones; none twice, none as now.

    Not all of them need be valid: a validator may refuse some. An empty list means that nothing is known to try.
    """
    found: list[Any] = []
    for value in (*(field.examples or ()), *_of_type(field.annotation, field.metadata, now)):
        if not _same(value, now) and not any(_same(value, known) for known in found):
            found.append(value)
    return found


def choices(field: FieldInfo) -> tuple[Any, ...] | None:
    """All values of a field that has only a few: of a literal, an enumeration or a bool. None for any other."""
    found: list[Any] = []
    for member, _ in _members(field.annotation, ()):
        if member is type(None):
            found.append(None)
        elif member is bool:
            found += [False, True]
        elif typing.get_origin(member) is typing.Literal:
            found += typing.get_args(member)
        elif isinstance(member, type) and issubclass(member, enum.Enum):
            found += list(member)
        else:
            return None
    return tuple(found)


def _same(value: Any, other: Any) -> bool:
    return type(value) is type(other) and bool(value == other)


def _members(annotation: Any, metadata: typing.Sequence[Any]) -> Iterator[tuple[Any, dict[str, Any]]]:
    """The types of a union, or the type itself, each with the bounds that hold for it; Annotated is looked through."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        inner, *marks = typing.get_args(annotation)
        yield from _members(inner, (*metadata, *marks))
    elif origin in (typing.Union, types.UnionType):
        for member in typing.get_args(annotation):
            yield from _members(member, metadata)
    elif hasattr(annotation, "__value__"):  # a name that a `type` statement gives
        yield from _members(annotation.__value__, metadata)
    else:
        yield annotation, _bounds(metadata)


def _bounds(metadata: typing.Sequence[Any]) -> dict[str, Any]:
    """The bounds among annotations: those of pydantic and annotated-types, and those inside a `Field(...)`."""
    found: dict[str, Any] = {}
    for mark in metadata:
        if isinstance(mark, FieldInfo):
            found |= _bounds(mark.metadata)
        for name in _BOUNDS:
            value = getattr(mark, name, None)
            if value is not None:
                found[name] = value
    return found


def _of_type(annotation: Any, metadata: typing.Sequence[Any], now: Any) -> Iterator[Any]:
    optional = False
    for member, bounds in _members(annotation, metadata):
        optional = optional or member is type(None)
        yield from _of_member(member, bounds, now)
    if optional and now is not None:
        yield None  # last: it often stands for a default, which may be the value that is there


def _of_member(member: Any, bounds: Mapping[str, Any], now: Any) -> Iterator[Any]:
    origin = typing.get_origin(member)
    if origin is typing.Literal:
        yield from typing.get_args(member)
    elif member is bool:
        yield from (True, False)
    elif member is int:
        yield from _whole(bounds, now if type(now) is int else None)
    elif member is float:
        yield from _real(bounds, float(now) if type(now) in (int, float) and math.isfinite(now) else None)
    elif member is Decimal:
        number = float(now) if isinstance(now, Decimal) else None
        about = _real({name: float(bound) for name, bound in bounds.items()}, number)
        for value in about:  # with few digits too, as an option may say how many it takes
            yield from (Decimal(str(value)), Decimal(f"{value:.1f}"))
    elif member is str:
        yield from _text(bounds, now if isinstance(now, str) else "")
    elif isinstance(member, type) and issubclass(member, enum.Enum):
        yield from member
    elif isinstance(member, type) and issubclass(member, BaseModel):
        yield from _model(member, now)
    elif origin is tuple or member is tuple:
        yield from map(tuple, _sequence(member, bounds, now if isinstance(now, tuple) else ()))
    elif origin is list or member is list:
        yield from map(list, _sequence(member, bounds, tuple(now) if isinstance(now, list) else ()))
    elif origin in (set, frozenset):
        for items in _sequence(member, bounds, tuple(sorted(now)) if isinstance(now, origin) else ()):
            yield origin(items)
    elif origin is dict and isinstance(now, dict):
        yield from _mapping(member, now)


def _whole(bounds: Mapping[str, Any], now: int | None) -> Iterator[int]:
    low = max(bounds.get("ge", -math.inf), math.floor(bounds["gt"]) + 1 if "gt" in bounds else -math.inf)
    high = min(bounds.get("le", math.inf), math.ceil(bounds["lt"]) - 1 if "lt" in bounds else math.inf)
    step = bounds.get("multiple_of", 1)
    about = (
        (3, 2, 1, 0, low, high) if now is None else (now + 1, now - 1, now + 2, now - 2, 2 * now, now // 2, low, high)
    )
    if step != 1:  # its own grid, whose neighbours are further away
        base = 0 if now is None else now
        about = (base + step, base - step, base + 2 * step, *about)
    for value in about:
        far = value in (low, high) and abs(value - (now or 0)) > FURTHEST  # sizes of that kind fill a memory
        if math.isfinite(value) and low <= value <= high and value % step == 0 and not far:
            yield int(value)


def _real(bounds: Mapping[str, Any], now: float | None) -> Iterator[float]:
    low = max(bounds.get("ge", -math.inf), bounds.get("gt", -math.inf))
    high = min(bounds.get("le", math.inf), bounds.get("lt", math.inf))
    step = bounds.get("multiple_of")

    def fits(value: float) -> bool:
        inside = low <= value <= high and value not in (bounds.get("gt"), bounds.get("lt"))
        return inside and (step is None or math.isclose(value / step, round(value / step), abs_tol=1e-9))

    closed = math.isfinite(low) and math.isfinite(high)
    about: list[float] = [low + place * (high - low) for place in _PLACES] if closed else []
    if now is None:
        about += [0.3125, 1.6875, -0.3125, low + 1, high - 1]
    else:
        about += [now / 2 + 0.25, 2 * now + 1, 1.5 * now, now / 2, 1.125 * now, 0.875 * now, now - 1, -now]
    if step:
        about += [(now or 0.0) + step, (now or 0.0) - step, (now or 0.0) + 2 * step]
    about += [low, high]
    for value in about:
        mirrored = closed and now is not None and math.isclose(value, low + high - now, rel_tol=1e-6)
        if math.isfinite(value) and fits(value) and not mirrored:
            yield float(value)


def _text(bounds: Mapping[str, Any], now: str) -> Iterator[str]:
    least, most = bounds.get("min_length", 0), bounds.get("max_length", math.inf)
    for value in (now + "a", now + "1", now[:-1], now[::-1], "a" * max(least, 1), "b" * max(least, 1), "0", "a", ""):
        if least <= len(value) <= most:
            yield value


def _model(member: type[BaseModel], now: Any) -> Iterator[BaseModel]:
    """A model inside the options: as it comes, if it is not there already: its fields are options themselves."""
    if not isinstance(now, member):
        try:
            yield member()
        except ValueError:
            return


def _sequence(member: Any, bounds: Mapping[str, Any], now: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """One item changed, one more, one fewer."""
    inner = typing.get_args(member)
    kinds = [kind for kind in inner if kind is not Ellipsis]
    fixed = typing.get_origin(member) is tuple and Ellipsis not in inner
    kind: Any = kinds[0] if kinds else Any
    for index, item in enumerate(now):
        for value in _of_type(kinds[index] if fixed else kind, (), item):
            if not _same(value, item):
                yield (*now[:index], value, *now[index + 1 :])
    if fixed:
        if not now:
            items = [next(iter(_of_type(one, (), None)), None) for one in kinds]
            yield tuple(items)
        return
    more = now[-1:] or tuple(value for value, _ in zip(_of_type(kind, (), None), range(1), strict=False))
    if len(now) < bounds.get("max_length", math.inf):
        yield (*now, *more)
    if len(now) > bounds.get("min_length", 0):
        yield now[:-1]


def _mapping(member: Any, now: Mapping[Any, Any]) -> Iterator[dict[Any, Any]]:
    inner = typing.get_args(member)
    for key, item in now.items():
        for value in _of_type(inner[1], (), item):
            if not _same(value, item):
                yield {**now, key: value}
    if now:
        yield dict(list(now.items())[:-1])
