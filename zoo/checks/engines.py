"""One set of numbers, whichever engine runs."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor

from zoo.checks import features
from zoo.checks.batch import Batch, batch_of, random_state
from zoo.checks.measuring import Measured, measure
from zoo.checks.subject import Subject, all_close, close, move_constants
from zoo.engine.names import Engine
from zoo.errors import BuildError, CheckFailure, ZooError
from zoo.model.base import Model
from zoo.model.build import build, with_engine
from zoo.spec.tree import Recurrent

FAST: Final[tuple[Engine, ...]] = ("auto", "fused", "linear")
LENGTHS = (7, 2, 5)
RESETS = (
    (False, False, True, False, False),
    (True, False, False, True, False),  # the last one stands in the padding
    (False, True, False, False, True),
)


def engines(subject: Subject) -> None:
    """Outputs, states and gradients agree between engines: for the model, and for each of its cells in every feature.

    `scan`, which needs seconds to trace a model, is what the slow check `export` runs.
    """
    model = subject.model()
    batch = batch_of(subject, 3, 7)
    lengths = subject.lengths(LENGTHS)
    given = random_state(model, 3)
    for name in FAST:
        try:
            other = with_engine(model, name)
        except BuildError:
            continue  # a cell without that kernel says so when it is built; `auto` always runs
        loop = with_engine(model, "loop")  # afresh, for training moves the running statistics of a batch norm
        for sequence_lengths in (None,) if subject.several else (None, lengths):
            for state in (None,) if subject.several else (None, given):
                label = f"engine {name} against loop"
                label += "" if sequence_lengths is None else f", sequences of lengths {LENGTHS}"
                label += "" if state is None else ", from a state"
                _agree(other, loop, batch, state, sequence_lengths, None, label)
        if not (subject.traits.stochastic or subject.several):  # masks follow a tensor's layout, but with lengths
            label = f"engine {name} against loop, in training from one seed"
            _training(other, loop, batch, None, lengths, None, label)
    for layer in features.cells(subject.tiny):
        _featured(subject, layer)


def _featured(subject: Subject, layer: Recurrent) -> None:
    """One cell in every combination of features, in training where it draws nothing that engines may not share."""
    cell = features.built(subject.model(), subject.tiny, layer).cell
    if len(cell.input_shape) != 1:
        return  # maps cannot come in as features; a cell with flat features has the same engine
    compare = _agree if subject.traits.stochastic else _training
    built = 0
    for row in features.ROWS:
        try:
            spec = features.around(subject.tiny, layer, row, cell.input_shape[0], cell.output_shape[0])
            model = build(spec, seed=0, device=subject.device, dtype=subject.exact).eval()
        except ZooError:
            continue  # a cell may refuse a size
        built += 1
        move_constants(model, 0)
        loop = with_engine(model, "loop")
        around = Subject(spec, subject.device)
        batch = batch_of(around, 3, 5)
        batch = batch.with_x(model.example_input(3, 5))
        lengths = around.lengths((5, 2, 4)) if row.lengths else None
        state = random_state(model, 3) if row.state else None
        label = f"cell {layer.cell.record.name} with {row}: engine auto against loop"
        compare(model, loop, batch, state, lengths, None, label)
        reset = torch.tensor(RESETS, device=subject.device)
        if row.resets:
            compare(model, loop, batch, state, lengths, reset, f"{label}, with resets")
        if row.states:
            _all_states(model, loop, batch, state, lengths, f"{label}, states of all steps")
    if not built:
        raise CheckFailure(f"cell {layer.cell.record.name}: it cannot be built alone with any of the layer's features")


def _agree(
    model: Model,
    loop: Model,
    batch: Batch,
    state: Any,
    lengths: Tensor | None,
    reset: Tensor | None,
    label: str,
) -> None:
    found = measure(model, batch, state, lengths=lengths, reset=reset)
    expected = measure(loop, batch, state, lengths=lengths, reset=reset)
    _same(found, expected, label)


def _training(
    model: Model,
    loop: Model,
    batch: Batch,
    state: Any,
    lengths: Tensor | None,
    reset: Tensor | None,
    label: str,
) -> None:
    """Masks are drawn in the same order on every engine, so one seed gives one run."""
    results = []
    for one in (model, loop):
        one.train()
        torch.manual_seed(3)
        results.append(measure(one, batch, state, lengths=lengths, reset=reset))
        one.eval()
    _same(results[0], results[1], label)


def _same(found: Measured, expected: Measured, label: str) -> None:
    close(found.output, expected.output, f"{label}: output")
    all_close(found.state, expected.state, f"{label}: state")
    all_close(found.x, expected.x, f"{label}: gradient of the input")
    all_close(found.before, expected.before, f"{label}: gradient of the state")
    for name, gradient in expected.parameters.items():
        close(found.parameters[name], gradient, f"{label}: gradient of {name}")


def _all_states(model: Model, loop: Model, batch: Batch, state: Any, lengths: Tensor | None, label: str) -> None:
    with torch.no_grad():
        found, expected = (
            one(batch.x, state, lengths=lengths, return_states=True, **batch.extras) for one in (model, loop)
        )
    all_close(found, expected, label)
