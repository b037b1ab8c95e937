"""What an architecture asks of its stacks: their heads, pools and inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from zoo.components import ArchitectureType, InputType, StackType
from zoo.spec.canonical import Spec
from zoo.spec.problems import Path, Problem
from zoo.spec.tree import NamedInput, Stack, below

Place = Callable[[Path], Path]


def wired(spec: Spec, place: Place) -> Iterator[Problem]:
    """A problem for everything that a stack has and may not have, or lacks.

    Args:
        spec: The canonical form.
        place: From a canonical path to that in the file.
    """
    record = spec.architecture.record
    assert isinstance(record, ArchitectureType)
    alike = {one.like: one.name for one in record.stacks if one.like is not None}
    for stack, asked in zip(spec.stacks, record.stacks, strict=False):
        who = f"the {stack.name} of architecture {record.name!r}"
        yield from (
            Problem(place(path), "stack", f"{who} {said}")
            for path, said in (*_heads(stack, asked, alike.get(stack.name)), *_input(stack, asked))
        )


def _heads(stack: Stack, asked: StackType, other: str | None) -> Iterator[tuple[Path, str]]:
    """Of its heads. other: A stack that is like this one, and so scores by its head."""
    several = (stack.name, "heads")
    if asked.head == "none":
        if stack.heads:
            yield several, "has no head: leave heads out"
        elif stack.head is not None:
            yield (stack.name, "head"), "has no head: leave it out"
        return
    if asked.head == "required" and not any(head.part for head in stack.all_heads):
        yield (stack.name,), "needs a head, as in head: {kind: linear, size: 10}"
    if stack.heads and other is not None:
        yield several, f"has one head, by which the {other} scores too: write head in place of heads"
    elif stack.heads and stack.merge is None:
        yield several, "gives one output: give its heads merge: sum, or have one head"
    for head in stack.all_heads:
        if head.of:
            yield (stack.name, *head.path, "of"), "has its head behind its last layer: leave out of"
        if not asked.pool and head.pool is not None:
            yield (stack.name, *head.path, "pool"), "has no pool over time: leave it out"


def _input(stack: Stack, asked: StackType) -> Iterator[tuple[Path, str]]:
    path, source = (stack.name, "input"), stack.input.record
    if any(isinstance(node, NamedInput) for _, node in below(stack.input)):
        yield path, f"reads one input: {source.name!r} is for a model that is one stack"
    once = isinstance(source, InputType) and source.once
    if once and asked.like is None:
        yield path, f"has an input of its own, and {source.name!r} is for a stack that is like another: write its own"
    if not once and asked.like is not None:
        yield path, f"has the input of the {asked.like}: write {{kind: same, of: {asked.like}.input}}"
