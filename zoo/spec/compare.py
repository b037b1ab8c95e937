"""What differs between two specs: node by node of their trees, as they are written out, and in their figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from zoo.spec.align import pairs
from zoo.spec.dump import as_mapping, to_data
from zoo.spec.resolve import Resolved
from zoo.spec.traits import not_streamable
from zoo.spec.tree import Path, dotted

_LABELS = ("name", "description", "paper", "tags", "expect")

Change = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class Difference:
    """A value that differs, at one place or at several where it does so alike.

    Attributes:
        places: Where in the first spec, or in the second where that alone has it.
        change: What happened on the way from the first to the second.
        a: The first spec's value; None where it has none.
        b: The second spec's.
    """

    places: tuple[Path, ...]
    change: Change
    a: Any
    b: Any

    @property
    def key(self) -> str:
        """The places as one text: `layers.0-23.hidden_size`."""
        return ".".join(map(_ranges, zip(*self.places, strict=True)))

    @property
    def keys(self) -> tuple[str, ...]:
        """The places, each as one text."""
        return tuple(map(dotted, self.places))

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {"key": self.key, "change": self.change, "a": self.a, "b": self.b, "keys": list(self.keys)}


def compare(a: Resolved, b: Resolved) -> tuple[Difference, ...]:
    """The differences, keys of the spec first, then figures; none if the two describe the same model.

    What only labels a spec (name, description, paper, tags, expect) is not compared.
    """
    found = list(_folded(_differences((), _model_data(a), _model_data(b))))
    for key, x, y in zip(_FIGURES, _figures(a), _figures(b), strict=True):
        if x != y:
            found.append(Difference(((key,),), "changed", x, y))
    return tuple(found)


_FIGURES = (
    "parameters",
    "multiply-adds per step",
    "state numbers per sequence",
    "sequential depth per step",
    "streamable",
)


def _figures(one: Resolved) -> tuple[Any, ...]:
    d = one.description
    return (d.parameters, d.macs_per_step, d.state_elements, d.sequential_depth, not_streamable(one.spec) is None)


def _model_data(one: Resolved) -> dict[str, Any]:
    return {key: value for key, value in to_data(one.spec).items() if key not in _LABELS}


def _differences(path: Path, a: Any, b: Any) -> Iterator[Difference]:
    """Of two values at one place. Neither is None: a key that says nothing is left out of what is written."""
    if a == b:
        return
    if isinstance(a, dict) or isinstance(b, dict):
        # A component without options is its name alone.
        if isinstance(a, dict | str) and isinstance(b, dict | str):
            yield from _of_mappings(path, as_mapping(a), as_mapping(b))
        else:
            yield Difference((path,), "changed", a, b)
    elif _is_layers(a) and _is_layers(b):
        for at, other in pairs(a, b):
            if at is None and other is not None:
                yield Difference(((*path, other),), "added", None, b[other])
            elif at is not None and other is None:
                yield Difference(((*path, at),), "removed", a[at], None)
            elif at is not None and other is not None:
                yield from _differences((*path, at), a[at], b[other])
    else:
        yield Difference((path,), "changed", a, b)


def _of_mappings(path: Path, a: dict[str, Any], b: dict[str, Any]) -> Iterator[Difference]:
    for key in dict.fromkeys([*a, *b]):
        where = (*path, key)
        if key not in b:
            yield Difference((where,), "removed", a[key], None)
        elif key not in a:
            yield Difference((where,), "added", None, b[key])
        else:
            yield from _differences(where, a[key], b[key])


def _is_layers(value: Any) -> bool:
    """Whether a value is a list of layers, as such a list is written out."""
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _folded(found: Iterable[Difference]) -> Iterator[Difference]:
    """Differences that are the same but for the number of a layer as one; of the outermost layers last."""
    rows = list(found)
    deepest = max((len(row.places[0]) for row in rows), default=0)
    for level in reversed(range(deepest)):
        groups: dict[Any, list[Difference]] = {}
        for row in rows:
            groups.setdefault(_but_for(row, level), []).append(row)
        rows = [_together(group) for group in groups.values()]
    yield from rows


def _but_for(row: Difference, level: int) -> Any:
    """What rows have in common that may become one, whose places differ in a number at this level."""
    first = row.places[0]
    if level >= len(first) or not isinstance(first[level], int):
        return row.change, row.places, repr(row.a), repr(row.b)
    return row.change, tuple((place[:level], place[level + 1 :]) for place in row.places), repr(row.a), repr(row.b)


def _together(group: list[Difference]) -> Difference:
    first = group[0]
    return Difference(tuple(place for row in group for place in row.places), first.change, first.a, first.b)


def _ranges(steps: Iterable[str | int]) -> str:
    """Keys or numbers of several places as one: `layers`, or `0-3,7`."""
    known = dict.fromkeys(steps)
    runs: list[list[str | int]] = []
    for step in known:
        last = runs[-1][-1] if runs else None
        if isinstance(step, int) and isinstance(last, int) and step == last + 1:
            runs[-1].append(step)
        else:
            runs.append([step])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
