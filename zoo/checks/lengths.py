"""Layers that change the number of steps: how many each gives, of a batch and of every sequence in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor

from zoo.architectures.transducer.model import Transducer
from zoo.checks import pairs, transducing
from zoo.checks.batch import batch_of, run
from zoo.checks.subject import Skip, Subject
from zoo.components import Window, moving
from zoo.engine.layer import Layer
from zoo.engine.recurrence import Run
from zoo.errors import CheckFailure
from zoo.model.base import Model
from zoo.spec.describe import figures
from zoo.spec.tree import Path, Stack, dotted

LENGTHS = (7, 3, 1, 5, 2)
MORE = 9
"""Steps beyond the fewest that a model runs on: every rest that its strides leave is among them."""


class Seen(NamedTuple):
    """What a layer was given, and what it gave."""

    x: tuple[Tensor, ...]
    lengths: Tensor | None
    output: Tensor


def lengths_out(subject: Subject) -> None:
    """A layer gives a step for every place at which its window fits, of each sequence too, and zero behind them."""
    rows = {row.path: row.windows for row in figures(subject.tiny)[0].rows}
    if not any(rows.values()):
        raise Skip("no layer changes the number of steps")
    model = subject.model()
    if not subject.several and not subject.pooled:
        _counted(subject, model)
    with _seen(model) as seen, torch.no_grad():
        given = _run(subject, model)
    _steps(model, seen)
    for stack in subject.tiny.stacks:
        if stack.name in given:
            _lengths(stack, rows, seen, given[stack.name])


def fits(windows: Sequence[Window], steps: int) -> int:
    """How many steps there are behind windows, each counted by moving it along until it no longer fits."""
    for window in moving(windows):
        place, count = 0, 0
        while place + (window.kernel - 1) * window.dilation < window.left + steps + window.right:
            place, count = place + window.stride, count + 1
        steps = count
    return steps


@contextmanager
def _seen(model: Model) -> Iterator[dict[str, list[Seen]]]:
    """Inside, every run of every layer is noted by the layer's name."""
    found: dict[str, list[Seen]] = {}

    def noting(name: str) -> Any:
        def note(module: Any, args: Any, kwargs: Any, output: Any) -> None:
            given = [*args, *kwargs.values()]
            runs = [one for one in given if isinstance(one, Run)]
            x = given[0] if isinstance(given[0], tuple) else (given[0],)
            found.setdefault(name, []).append(Seen(x, runs[0].lengths if runs else None, output.output))

        return note

    handles = [
        module.register_forward_hook(noting(name), with_kwargs=True)
        for name, module in model.named_modules()
        if isinstance(module, Layer)
    ]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def _run(subject: Subject, model: Model) -> dict[str, Tensor]:
    """A run over sequences of many lengths, which are given by the names of the stacks that read them."""
    if isinstance(model, Transducer):
        given = transducing.ragged(model)
        model(**given.arguments)
        return {"encoder": given.lengths}
    if subject.several:
        pair, sources, targets = pairs.ragged(subject, pairs.model_of(subject))
        model(*pair, source_lengths=sources, lengths=targets)
        return {"encoder": sources}
    lengths = subject.lengths(LENGTHS)
    run(model, batch_of(subject, len(LENGTHS), max(LENGTHS)), lengths=lengths)
    return {"": lengths}


def _steps(model: Model, seen: dict[str, list[Seen]]) -> None:
    for name, runs in seen.items():
        for one in runs:
            _fitting(name, model.get_submodule(name), one)


def _fitting(name: str, layer: Any, one: Seen) -> None:
    """As many steps as the layer's own window fits, of an input that is zero behind each sequence."""
    steps = one.x[0].shape[1]
    expected = fits(layer.windows, steps)
    if one.output.shape[1] != expected:
        raise CheckFailure(f"{name} gives {one.output.shape[1]} of {steps} steps, and its window fits {expected} times")
    if one.lengths is None:
        return
    for x in one.x:
        for row, length in enumerate(one.lengths.tolist()):
            if x[row, length:].any():
                largest = x[row, length:].abs().max().item()
                raise CheckFailure(f"{name} reads {largest:.3g} behind the {length} steps of a sequence, bound 0")


def _lengths(stack: Stack, rows: Any, seen: dict[str, list[Seen]], lengths: Tensor) -> None:
    """Every layer of a stack is told as many steps of each sequence as there are of it alone."""
    at: Path = (*stack.path, "layers")
    behind: dict[str, Any] = {"input": ()}
    before: Any = ()
    for index, layer in enumerate(stack.layers):
        windows = behind[layer.of[0]] if layer.of else before
        expected = [fits(windows, length) for length in lengths.tolist()]
        name = dotted((*at, index))
        for one in seen.get(name, []):
            if one.lengths is None or one.lengths.tolist() != expected:
                told = None if one.lengths is None else one.lengths.tolist()
                raise CheckFailure(f"{name} is told that sequences have {told} steps, and they have {expected}")
        before = rows[*at, index]
        if layer.name is not None:
            behind[layer.name] = before


def _counted(subject: Subject, model: Model) -> None:
    """`output_lengths` of every number of steps from the fewest on."""
    least = figures(subject.tiny)[0].minimum_steps
    numbers = range(least, least + MORE)
    found = model.output_lengths(torch.tensor(list(numbers))).tolist()
    expected = [fits(subject.windows, steps) for steps in numbers]
    if found != expected:
        raise CheckFailure(f"output_lengths gives {found} of {[*numbers]} steps, and there are {expected}")
