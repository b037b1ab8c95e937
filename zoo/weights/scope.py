"""The part of a checkpoint that a model's weights stand in, whatever was wrapped around the model that was saved."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from zoo.errors import ZooError, did_you_mean
from zoo.translation.contents import Stored
from zoo.weights.reading import Found

WRAPPERS: Final = ("_orig_mod",)
"""What torch.compile puts into the names of what it wraps, wherever that is."""
PARALLEL: Final = "module."
"""What DataParallel and DistributedDataParallel put in front of every name."""
SHOWN: Final = 8


@dataclass(slots=True)
class Scope:
    """One part of a checkpoint.

    Attributes:
        place: Its name; "" is the whole file.
        arrays: By names without that.
        odd: What else is there, and cannot be read.
        whole: The names in the file of all that is in it.
        notes: What a person should hear of.
    """

    place: str
    arrays: Mapping[str, Stored]
    odd: Mapping[str, str]
    whole: frozenset[str]
    notes: tuple[str, ...] = field(default=())


def within(found: Found, place: str | None, asked: Iterable[str]) -> Scope:
    """What stands below a name, with what wraps it taken off.

    Args:
        found: The checkpoint.
        place: The name, without a dot at its end; None or "" for everything.
        asked: The names, or patterns of names, that a map has: where they begin with `module.`, that is a name.

    Raises:
        ZooError: Nothing stands there; says what is in the file.
    """
    place = (place or "").rstrip("./")
    names = _unwrapped((*found.arrays, *found.odd))
    if place:
        begins = tuple(f"{place}{sign}" for sign in "./")
        inside = {name: plain[len(place) + 1 :] for name, plain in names.items() if plain.startswith(begins)}
        if not inside:
            raise ZooError(f"has nothing at {place!r}: {contents(names.values())}{_close(place, names.values())}")
    else:
        inside = names
    if all(short.startswith(PARALLEL) for short in inside.values()) and not any(
        name.startswith(PARALLEL) for name in asked
    ):
        inside = {name: short.removeprefix(PARALLEL) for name, short in inside.items()}
    return _scope(found, place, inside)


def place_of(found: Found, wanted: Collection[str], prefix: str | None) -> Scope:
    """The one part of a checkpoint that has all the names that are wanted, or the likeliest one.

    Raises:
        ZooError: There are several; says where.
    """
    names = _unwrapped((*found.arrays, *found.odd))
    there = set(names.values())
    first = next(iter(wanted))
    places = [name.removesuffix(first) for name in there if name == first or name.endswith(f".{first}")]
    whole = sorted(place for place in places if all(f"{place}{name}" in there for name in wanted))
    if prefix is not None:
        asked = f"{prefix.strip('.')}."
        whole = [place for place in whole if place == asked or place.endswith(f".{asked}")]
        if not whole:
            return within(found, prefix, ())
    if len(whole) > 1:
        named = ", ".join(repr(place.rstrip(".")) for place in whole[:SHOWN])
        raise ZooError(f"holds such weights {len(whole)} times, at {named}: choose one with --prefix")
    place = whole[0] if whole else ""
    inside = {name: plain.removeprefix(place) for name, plain in names.items() if plain.startswith(place)}
    return _scope(found, place.rstrip("."), inside)


def contents(names: Iterable[str]) -> str:
    """What is in a file: the first parts of its names, with how many tensors are below each."""
    counts: dict[str, int] = {}
    for name in names:
        first = name.replace("/", ".").partition(".")[0]
        counts[first] = counts.get(first, 0) + 1
    shown = [f"{name} ({count:,})" if count > 1 else name for name, count in list(counts.items())[:SHOWN]]
    rest = f" and {len(counts) - SHOWN:,} more" if len(counts) > SHOWN else ""
    return f"the file holds {', '.join(shown)}{rest}"


def _close(place: str, names: Iterable[str]) -> str:
    known = {name.rpartition(".")[0] for name in names} | {name.partition(".")[0] for name in names}
    return did_you_mean(place, sorted(known - {""})[:2000])


def _scope(found: Found, place: str, inside: Mapping[str, str]) -> Scope:
    arrays: dict[str, Any] = {}
    odd = {}
    for name, short in inside.items():
        if short in arrays or short in odd:
            raise ZooError(f"holds {short} twice, with and without what torch.compile or DataParallel puts into names")
        if name in found.arrays:
            arrays[short] = found.arrays[name]
        else:
            odd[short] = found.odd[name]
    return Scope(place, arrays, odd, frozenset(inside))


def _unwrapped(names: Iterable[str]) -> dict[str, str]:
    """Each name, and what it is without the parts that torch.compile puts in."""
    return {
        name: ".".join(part for part in name.split(".") if part not in WRAPPERS) if "_orig_mod" in name else name
        for name in names
    }
