"""Lower precision: a few steps of every kind of run, and, where slow checks are asked for, a thousand steps.

What is rounded at each step adds up, so a few steps say nothing of a memory that lasts for hundreds.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import Tensor

from zoo.checks.batch import Batch, batch_of, beside, named, read_by, run
from zoo.checks.measuring import measure
from zoo.checks.numeric import hold_states_wide
from zoo.checks.subject import TOLERANCE, Skip, Subject, all_close, once_of
from zoo.engine.cell import Cell
from zoo.errors import CheckFailure
from zoo.model.base import Model
from zoo.model.build import build
from zoo.spec.canonical import Spec
from zoo.spec.describe import describe

LENGTHS = (7, 2, 5)
STEPS: Final = 1000
"""Of the long form."""
BOUND: Final = 0.02
"""What it allows, as a share of the largest output."""
BURST: Final = 20
"""Steps after which the input of one of its sequences ends."""
SEQUENCES: Final = ("random input", "random input", "random input that ends", "constant input", "zero input")
LARGEST: Final = 2**20
"""Parameters up to which the long form runs a spec at its own size, and not its tiny copy."""


def precision(subject: Subject) -> None:
    """bfloat16 parameters, and autocast, stay close to full precision; states stay at least float32."""
    if not subject.traits.low_precision:
        raise Skip("a component declares low_precision: false")
    _short(subject)
    if subject.slow:
        for form, error in drift(subject.spec, subject.device, engine=subject.engine).items():
            if not error <= BOUND:  # also true for NaN
                raise CheckFailure(f"{form} over {STEPS} steps: off by {error:.2%}, bound {BOUND:.0%}")


def drift(
    spec: Spec, device: torch.device, *, engine: str = "auto", steps: int = STEPS, seed: int = 0
) -> dict[str, float]:
    """How far a long run in half precision is from one in float64, for bfloat16 parameters and under autocast.

    The float64 model has the same weights, rounded where they are, and is given the same input, rounded to bfloat16.
    What defines its dynamics otherwise is its own, in float64. The error is the largest difference between two outputs,
    of any step of any of five sequences (`SEQUENCES`), divided by the largest output of float64.
    """
    parameters = describe(spec).parameters
    if parameters is None or parameters > LARGEST:
        spec = Subject(spec, device).tiny
    kinds = {"low": torch.bfloat16, "single": torch.float32}
    models = {
        kind: build(spec, seed=seed, device=device, dtype=dtype, engine=engine).eval() for kind, dtype in kinds.items()
    }
    batch = _sequences(spec, models["low"], steps, seed)
    wide = batch.map(lambda t: t.float() if t.is_floating_point() else t)
    exact = batch.map(lambda t: t.double() if t.is_floating_point() else t)
    with torch.no_grad():
        found = {"bfloat16 parameters": _error(run(models["low"], batch)[0], _exact(models["low"], spec, seed), exact)}
        with torch.autocast(device.type, torch.bfloat16):
            output = run(models["single"], wide)[0]
        found["autocast"] = _error(output, _exact(models["single"], spec, seed), exact)
    return found


def _exact(model: Model, spec: Spec, seed: int) -> Model:
    """A float64 model with the same parameters. Buffers are its own, but for those that are a reservoir's weights."""
    place = next(model.parameters(), torch.empty(0)).device
    other = build(spec, seed=seed, device=place, dtype=torch.float32, engine=model.engine).eval().double()
    for mine, theirs in zip(other.modules(), model.modules(), strict=True):
        for name, parameter in theirs.named_parameters(recurse=False):
            mine.get_parameter(name).copy_(parameter)
        if isinstance(theirs, Cell) and next(theirs.parameters(), None) is None:
            for name, buffer in theirs.named_buffers(recurse=False):
                mine.get_buffer(name).copy_(buffer)
    return other


def _sequences(spec: Spec, model: Model, steps: int, seed: int) -> Batch:
    """One sequence for each of `SEQUENCES`, in bfloat16, with everything that the cells can read."""
    x = model.example_input(len(SEQUENCES), steps, seed=1000 + seed)
    batch = beside(x, read_by(spec), seed=seed, dtype=torch.bfloat16, once=once_of(model))
    for name, one in batch.inputs.items():
        if name not in batch.once:
            one[2, BURST:] = 0
            one[3] = one[3, :1].clone()
            one[4] = 0
    return batch


def _error(found: Tensor, model: Model, batch: Batch) -> float:
    expected = run(model, batch)[0]
    error = (found.double() - expected).abs().max().item()
    return error / max(expected.abs().max().item(), torch.finfo(torch.float64).tiny)


def _short(subject: Subject) -> None:
    """A few steps, with sequences of different lengths, against float32; and gradients that are finite."""
    low = subject.model(dtype=torch.bfloat16)
    batch = batch_of(subject, 3, 7, dtype=torch.bfloat16)
    # The same numbers in float32, so that only the arithmetic differs.
    full = copy.deepcopy(low).float()
    wide = batch.map(lambda t: t.float() if t.is_floating_point() else t)
    bound = TOLERANCE[torch.bfloat16]
    for lengths in (None, subject.lengths(LENGTHS)):
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
    hold_states_wide(named(model, state), label)


def _wide(result: tuple[Tensor, object], model: Model) -> list[Tensor]:
    output, state = result
    found: Mapping[str, Any] = named(model, state)
    return [output.float(), *(t if t.is_complex() else t.float() for t in found.values())]
