"""What a whole model promises: the traits of its components, and what the way they are put together does to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import reduce
from operator import and_

from zoo.components import Part, Traits
from zoo.spec.canonical import Recurrent, Spec


def parts(spec: Spec) -> Iterator[tuple[str, Part]]:
    """Every component of a spec with its place, as in `("layers.0.cell", lstm)`."""
    yield "architecture", spec.architecture
    yield "input", spec.input
    yield "init", spec.init
    for index, layer in enumerate(spec.layers):
        if not isinstance(layer, Recurrent):
            yield f"layers.{index}", layer.part
            continue
        yield f"layers.{index}.cell", layer.cell
        if layer.norm is not None:
            yield f"layers.{index}.norm", layer.norm.part
        yield f"layers.{index}.init", layer.init
    if spec.head is not None:
        if spec.head.pool is not None:
            yield "head.pool", spec.head.pool
        yield "head", spec.head.part


def traits(spec: Spec) -> Traits:
    """The model's traits. A reverse direction or a pool over time makes it neither causal nor streamable."""
    together = replace(reduce(and_, (part.traits for _, part in parts(spec)), Traits()), bounded=_bounded(spec))
    if obstacle(spec) is None:
        return together
    return replace(together, causal=False, streamable=False)


def _bounded(spec: Spec) -> bool:
    """Whether outputs stay within a bound that the parameters set: from the last bounded cell on, nothing lets go."""
    bounded = _symbols(spec.input)
    for layer in spec.layers:
        if not isinstance(layer, Recurrent):
            bounded = bounded and layer.part.traits.bounded
            continue
        norm = layer.norm is None or layer.norm.part.traits.bounded
        bounded = layer.cell.traits.bounded and norm and (bounded or not layer.residual)
    if spec.head is not None:
        behind = [spec.head.part] if spec.head.pool is None else [spec.head.pool, spec.head.part]
        bounded = bounded and all(part.traits.bounded for part in behind)
    return bounded


def _symbols(source: Part) -> bool:
    """Whether an input looks vectors up, which are parameters, so that no input is a large one."""
    return source.traits.bounded and getattr(source.options, "vocabulary", None) is not None


def obstacle(spec: Spec) -> str | None:
    """Why a model cannot run one step at a time, or None if it can."""
    for index, layer in enumerate(spec.layers):
        if isinstance(layer, Recurrent) and (layer.bidirectional or layer.reverse):
            return f"layers.{index} is bidirectional" if layer.bidirectional else f"layers.{index} runs in reverse"
    if spec.head is not None and spec.head.pool is not None:
        return f"the head pools over time (pool: {spec.head.pool.record.name})"
    for place, part in parts(spec):
        if not part.traits.streamable:
            return f"{place} ({part.record.name}) cannot run in pieces"
    return None
