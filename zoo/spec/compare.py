"""What differs between two specs: key by key of the canonical form, and in their figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from zoo.spec.dump import to_data
from zoo.spec.resolve import Resolved
from zoo.spec.traits import not_streamable

_LABELS = ("name", "description", "paper", "tags", "expect")


@dataclass(frozen=True, slots=True)
class Difference:
    """A key whose values differ; None where one side has none."""

    key: str
    a: Any
    b: Any


def compare(a: Resolved, b: Resolved) -> tuple[Difference, ...]:
    """The differences, keys of the spec first, then figures; none if the two describe the same model.

    What only labels a spec (name, description, paper, tags, expect) is not compared.
    """
    left, right = (dict(_flat("", _model_data(one))) for one in (a, b))
    keys = dict.fromkeys([*left, *right])
    found = [Difference(key, left.get(key), right.get(key)) for key in keys if left.get(key) != right.get(key)]
    for key, x, y in zip(_FIGURES, _figures(a), _figures(b), strict=True):
        if x != y:
            found.append(Difference(key, x, y))
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


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Leaves with dotted keys: `layers.0.hidden_size`."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(f"{prefix}.{key}" if prefix else key, item)
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for index, item in enumerate(value):
            yield from _flat(f"{prefix}.{index}", item)
    else:
        yield prefix, value
