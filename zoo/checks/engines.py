"""One set of numbers: whichever engine runs, and, closely, in lower precision."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from zoo.builder import with_engine
from zoo.checks.batch import Batch, batch_of, lengths_of, measure, named, random_state, run
from zoo.checks.subject import TOLERANCE, Skip, Subject, all_close, close
from zoo.engine.recurrence import ENGINES
from zoo.errors import BuildError, CheckFailure
from zoo.model import Model

LENGTHS = (7, 2, 5)


def engines(subject: Subject) -> None:
    """Outputs, states and gradients agree between engines, with and without lengths and an incoming state."""
    model = subject.model()
    loop = with_engine(model, "loop")
    batch = batch_of(subject, 3, 7)
    lengths = lengths_of(LENGTHS, subject.device)
    start = random_state(model, 3)
    for name in ENGINES:
        if name == "loop":
            continue
        try:
            other = with_engine(model, name)
        except BuildError:
            continue  # a cell without that kernel says so when it is built; `auto` always runs
        for row_lengths in (None, lengths):
            for state in (None, start):
                label = f"engine {name} against loop"
                label += "" if row_lengths is None else f", rows of lengths {LENGTHS}"
                label += "" if state is None else ", from a state"
                _agree(other, loop, batch, state, row_lengths, label)
        if not subject.traits.stochastic:
            _training(other, loop, batch, lengths, f"engine {name} against loop, in training from one seed")


def _agree(model: Model, loop: Model, batch: Batch, state: object, lengths: Tensor | None, label: str) -> None:
    found = measure(model, batch, state, lengths=lengths)
    expected = measure(loop, batch, state, lengths=lengths)
    close(found.output, expected.output, f"{label}: output")
    all_close(found.state, expected.state, f"{label}: state")
    if found.x is not None and expected.x is not None:
        close(found.x, expected.x, f"{label}: gradient of the input")
    all_close(found.before, expected.before, f"{label}: gradient of the state")
    for name, gradient in expected.parameters.items():
        close(found.parameters[name], gradient, f"{label}: gradient of {name}")


def _training(model: Model, loop: Model, batch: Batch, lengths: Tensor, label: str) -> None:
    """Masks are drawn in the same order on every engine, so one seed gives one run."""
    results = []
    for one in (model, loop):
        one.train()
        torch.manual_seed(3)
        results.append(run(one, batch, lengths=lengths))
        one.eval()
    all_close(results[0], results[1], label)


def precision(subject: Subject) -> None:
    """bfloat16 parameters, and autocast, stay close to float32; states stay at least float32."""
    if not subject.traits.low_precision:
        raise Skip("a component declares low_precision: false")
    low = subject.model(dtype=torch.bfloat16)
    batch = batch_of(subject, 3, 7, dtype=torch.bfloat16)
    # The same numbers in float32, so that only the arithmetic differs.
    full = copy.deepcopy(low).float()
    wide = batch.map(lambda t: t.float() if t.is_floating_point() else t)
    bound = TOLERANCE[torch.bfloat16]
    for lengths in (None, lengths_of(LENGTHS, subject.device)):
        expected = run(full, wide, lengths=lengths)
        found = run(low, batch, lengths=lengths)
        if found[0].dtype != torch.bfloat16:
            raise CheckFailure(f"output of a bfloat16 model has dtype {found[0].dtype}")
        _states(low, found[1], "a bfloat16 model")
        all_close(_wide(found, low), _wide(expected, full), "bfloat16 against float32", bound=bound)
        with torch.autocast(subject.device.type, torch.bfloat16):
            found = run(full, wide, lengths=lengths)
        _states(full, found[1], "autocast")
        all_close(_wide(found, full), _wide(expected, full), "autocast against float32", bound=bound)
    gradients = measure(low.train(), batch)
    for name, gradient in gradients.parameters.items():
        if not torch.isfinite(gradient).all():
            raise CheckFailure(f"the gradient of {name} in bfloat16 is not finite")


def _states(model: Model, state: object, label: str) -> None:
    for name, tensor in named(model, state).items():
        # Past inputs are inputs: they keep the dtype of those.
        if tensor.dtype in (torch.bfloat16, torch.float16) and not name.endswith(".past"):
            raise CheckFailure(f"{label}: state {name} has dtype {tensor.dtype}, expected torch.float32")


def _wide(result: tuple[Tensor, object], model: Model) -> list[Tensor]:
    output, state = result
    return [output.float(), *(t if t.is_complex() else t.float() for t in named(model, state).values())]
