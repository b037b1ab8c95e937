"""What a model needs that is fed its own samples: one head whose samples the marked input can read, step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from zoo.components import Description
from zoo.spec.problems import Path, Problem
from zoo.spec.traits import not_streamable
from zoo.spec.tree import Layer, Stack, inputs_inside, walk

Place = Callable[[Path], Path]


def fed(stack: Stack, found: Mapping[Path, Description | None], place: Place) -> Iterator[Problem]:
    """A problem where an input is marked by `feeds`, and the model cannot fill it.

    Args:
        stack: Of a model that is one.
        found: How components describe themselves, by their paths.
        place: From a canonical path to that in the file.
    """
    name = getattr(stack.input.options, "feeds", None)
    marked = {str(path[-1]): part for path, part, _ in inputs_inside(stack.input)}
    if name not in marked or stack.name:
        return
    where, who = place(("input", "feeds")), f"input {name!r} is fed what the model samples"
    if any(isinstance(node, Layer) for _, node in walk(marked[name])):
        yield Problem(
            where, "feeds", f"a sample is one symbol or some numbers, and input {name!r} reads several symbols"
        )
        return
    if len(stack.all_heads) != 1 or stack.all_heads[0].part is None:
        there = f"there are {len(stack.all_heads)}" if len(stack.all_heads) > 1 else "there is none"
        yield Problem(where, "feeds", f"{who}, which needs one head: {there}")
        return
    (head,) = stack.all_heads
    why = not_streamable(stack)
    if why is not None:
        yield Problem(where, "feeds", f"{who}, which needs a model that runs one step at a time: {why}")
        return
    symbols, own = getattr(marked[name].options, "vocabulary", None), found.get(head.path)
    if symbols is not None and own is not None and own.output_shape != (symbols,):
        given = " x ".join(map(str, own.output_shape))
        said = f"{who}: it reads {symbols} symbols, and the head scores {given}: make them equal"
        yield Problem(where, "feeds", said)
