"""Shapes and dtypes of outputs and states, derived from the description rather than from the model itself."""

from __future__ import annotations

import torch

from zoo.checks import pairs
from zoo.checks.subject import SHAPES, Subject, tensors
from zoo.errors import CheckFailure
from zoo.model.build import build
from zoo.spec.canonical import Spec
from zoo.spec.describe import describe

# Building on meta and running there costs a second once; a full-size model this small is built for real instead.
SMALL = 2_000_000


def shapes(subject: Subject) -> None:
    if subject.several:
        pairs.shapes(subject)
        return
    model = subject.model(dtype=torch.float32)
    for batch, steps in SHAPES:
        x = subject.input(batch, steps, dtype=torch.float32)
        output, state = model(x, return_state=True)
        _output(subject.tiny, output, batch, steps)
        _state(state, model.init_state(batch), batch, steps)
        if output.dtype != torch.float32:
            raise CheckFailure(f"output of a float32 model has dtype {output.dtype}")
        if output.device != x.device:
            raise CheckFailure(f"output is on {output.device}, the input on {x.device}")
    _full_size(subject)


def _output(spec: Spec, output: torch.Tensor, batch: int, steps: int) -> None:
    features = describe(spec).output_shape
    if features is None:
        features = tuple(output.shape[2 - (spec.head is not None and spec.head.pool is not None) :])
    pooled = spec.head is not None and spec.head.pool is not None
    expected = (batch, *features) if pooled else (batch, steps, *features)
    if tuple(output.shape) != expected:
        raise CheckFailure(f"(B, T) = ({batch}, {steps}): output has shape {tuple(output.shape)}, expected {expected}")


def _state(state: object, initial: object, batch: int, steps: int) -> None:
    found, expected = tensors(state), tensors(initial)
    if [(t.shape, t.dtype) for t in found] != [(t.shape, t.dtype) for t in expected]:
        raise CheckFailure(
            f"(B, T) = ({batch}, {steps}): state has shapes {[tuple(t.shape) for t in found]}, "
            f"init_state {[tuple(t.shape) for t in expected]}"
        )


def _full_size(subject: Subject) -> None:
    """The full model at one size, where that is cheap."""
    parameters = describe(subject.spec).parameters
    if parameters is None or parameters > SMALL or subject.spec == subject.tiny:
        return
    model = build(subject.spec, seed=0, device=subject.device).eval()
    with torch.no_grad():
        steps = max(7, model.minimum_steps)
        output, _ = model(model.example_input(3, steps), return_state=True)
    _output(subject.spec, output, 3, int(model.output_lengths(torch.tensor(steps))))
