"""How much a spec may ask for: of the time that reading it takes, and of the memory of what it describes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from zoo.components import ComponentType, Description
from zoo.errors import Diagnostic
from zoo.spec.model import MOST_LAYERS
from zoo.spec.nodes import Node

MOST_LAYERS_OF_ALL: Final = 2000
MOST_VALUES_OF_ALL: Final = 100_000
"""Of a spec and its variants together: each is validated by itself, whatever it shares with the others."""
MOST_STATE: Final = 2**30
"""Numbers of one layer's state for one sequence: 4 GiB in float32."""
MOST_REACH: Final = 2**20
"""Steps from the first under a window to the last: as many are filled in around a sequence, or carried."""
MOST_STAGES: Final = 10_000
"""Of one step, one after the other: of each layer, and of all together."""


def too_much(root: Node, models: Iterable[Node]) -> Diagnostic | None:
    """What is wrong with a file whose models, the bare one and its variants, are too large together."""
    layers = values = 0
    sizes: dict[int, int] = {}
    for model in models:
        layers += max(1, _layers(model))
        values += sum(_size(node, sizes) for node in model.value.values()) if isinstance(model.value, dict) else 0
    for what, total, most in (("layers", layers, MOST_LAYERS_OF_ALL), ("values", values, MOST_VALUES_OF_ALL)):
        if total > most:
            message = f"the spec and its variants have {total:,} {what} together, more than {most:,}: split the file"
            place = root.below("variants") or root
            return place.diagnostic(message, "variants", on_key=True)
    return None


def excess(record: ComponentType, figures: Description) -> str | None:
    """What no run of a component could bear, whatever memory there is for its parameters."""
    who = f"{record.kind} {record.name!r}"
    state = sum(math.prod(shape) for shape in figures.state.values())
    if state > MOST_STATE:
        carried = f"a state of {state:,} numbers for each sequence, more than {MOST_STATE:,}"
        return f"{who} would carry {carried}: make it smaller"
    reach = max((window.reach for window in figures.windows), default=1)
    if reach > MOST_REACH:
        return f"{who} would look over {reach:,} steps at once, more than {MOST_REACH:,}: make its window smaller"
    if figures.sequential_depth > MOST_STAGES:
        stages = f"{figures.sequential_depth:,} stages, one after the other"
        return f"{who} would take {stages}, for each step, more than {MOST_STAGES:,}: make it less deep"
    return None


def _layers(node: Node) -> int:
    """How many layers a mapping has: its own, those inside them, and those of stacks with names."""
    found = node.below("layers")
    if found is None:
        stacks = node.value.values() if isinstance(node.value, dict) else ()
        return sum(_layers(stack) for stack in stacks if stack.below("layers") is not None)
    if isinstance(found.value, list):
        return sum(_repeat(one) * (1 + _layers(one)) for one in found.value)
    return found.value if type(found.value) is int and 1 <= found.value <= MOST_LAYERS else 0


def _repeat(layer: Node) -> int:
    """How many copies of a layer an entry stands for; what is no such number is refused elsewhere."""
    found = layer.below("repeat")
    return found.value if found is not None and type(found.value) is int and 1 <= found.value <= MOST_LAYERS else 1


def _size(node: Node, known: dict[int, int]) -> int:
    """How many values a node holds, given those of nodes counted before (`known`), which variants share."""
    found = known.get(id(node))
    if found is None:
        below = (
            node.value.values() if isinstance(node.value, dict) else node.value if isinstance(node.value, list) else ()
        )
        found = known[id(node)] = 1 + sum(_size(each, known) for each in below)
    return found
