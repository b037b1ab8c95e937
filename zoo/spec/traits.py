"""What a whole model promises: the traits of its components, and what the way they are put together does to them."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from operator import and_

from zoo.components import Part, Traits
from zoo.spec.canonical import Spec
from zoo.spec.tree import Layer, Recurrent, Stack, dotted, inputs_inside, over_time, parts


def traits(spec: Spec) -> Traits:
    """The model's traits. A reverse direction or a pool over time makes it neither causal nor streamable."""
    together = reduce(and_, (part.traits for _, part in parts(spec)), Traits())
    along = [node.traits for _, node in over_time(spec) if isinstance(node, Part)]
    together = replace(
        together, causal=all(one.causal for one in along), streamable=all(one.streamable for one in along)
    )
    bounded = spec.architecture.traits.bounded and all(map(_bounded, spec.stacks))
    together = replace(together, bounded=bounded)
    return together if not_streamable(spec) is None else replace(together, causal=False, streamable=False)


def _bounded(stack: Stack) -> bool:
    """Whether outputs stay within a bound that the parameters set: from the last bounded cell on, nothing lets go."""
    bounded = _symbols(stack.input)
    named = {"input": bounded}
    for layer in stack.layers:
        bounded = _bounded_layer(layer, all(named[name] for name in layer.of) if layer.of else bounded)
        if layer.name is not None:
            named[layer.name] = bounded
    if not stack.all_heads:
        return bounded
    return all(
        all(part.traits.bounded for part in (head.pool, head.part) if part is not None)
        and (all(named.get(name, False) for name in head.of) if head.of else bounded)
        for head in stack.all_heads
    )


def _bounded_layer(layer: Layer, bounded: bool) -> bool:
    """Whether a layer's output is bounded, if what it reads is or is not."""
    if isinstance(layer, Recurrent):
        norm = layer.norm is None or layer.norm.part.traits.bounded
        return layer.cell.traits.bounded and norm and (bounded or not layer.residual)
    return bounded and layer.part.traits.bounded


def _symbols(source: Part) -> bool:
    """Whether an input looks vectors up, which are parameters, so that no input is a large one."""
    inside = [part for _, part, _ in inputs_inside(source)]
    looked_up = all(map(_symbols, inside)) if inside else getattr(source.options, "vocabulary", None) is not None
    return source.traits.bounded and looked_up


def not_streamable(root: Spec | Stack) -> str | None:
    """Why a model, or one stack, cannot run one step at a time; None if it can."""
    if isinstance(root, Spec):
        several = len(root.stacks) > 1 or root.stacks[0].name
        if several:  # whose architecture alone knows which of them runs step by step
            part = root.architecture
            return None if part.traits.streamable else f"architecture {part.record.name!r} does not run step by step"
        root = root.stacks[0]
    for path, layer in over_time(root):
        if isinstance(layer, Recurrent) and (layer.bidirectional or layer.reverse):
            return f"{dotted(path)} {'is bidirectional' if layer.bidirectional else 'is reversed'}"
    for head in root.all_heads:
        if head.pool is not None:
            named = f"the head {head.name}" if head.name else "the head"
            return f"{named} pools over time (pool: {head.pool.record.name})"
    for path, node in over_time(root):
        if isinstance(node, Part) and not node.traits.streamable:
            why = getattr(node.options, "not_streamable_reason", None)
            return f"{dotted(path)} ({node.record.name}) cannot run in chunks{f': {why}' if why else ''}"
    return None


def says_streaming(reason: str | None, hop: int) -> str:
    """Whether a model runs step by step, in words."""
    if reason is not None:
        return f"no: {reason}"
    return "yes, one step at a time" if hop == 1 else f"yes, {hop} steps at a time"
