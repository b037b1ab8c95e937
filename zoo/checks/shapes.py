"""Shapes and dtypes of outputs and states, derived from the description rather than from the model itself."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from zoo.checks import pairs
from zoo.checks.batch import beside
from zoo.checks.subject import SHAPES, Subject, tensors
from zoo.components import Shape
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
        given = beside(subject.input(batch, steps, dtype=torch.float32), set(), dtype=torch.float32, once=subject.once)
        x = given.lead
        output, state = model(given.x, return_state=True)
        ends = x.shape[1] if subject.several else int(model.output_lengths(torch.tensor(x.shape[1])))
        _outputs(subject.tiny, output, batch, ends)
        _state(state, model.init_state(batch), batch, steps)
        for one in tensors(output):
            if one.dtype != torch.float32:
                raise CheckFailure(f"output of a float32 model has dtype {one.dtype}")
            if one.device != x.device:
                raise CheckFailure(f"output is on {one.device}, the input on {x.device}")
    _full_size(subject)


def _outputs(spec: Spec, output: object, batch: int, steps: int) -> None:
    """The output, or that of each of several heads by name."""
    described = describe(spec)
    if not spec.heads or spec.only.merge is not None:
        assert isinstance(output, torch.Tensor)
        _output(described.output_shape, output, batch, steps, pooled=spec.only.pooled)
        return
    names = [head.name for head in spec.heads]
    if not isinstance(output, Mapping) or list(output) != names:
        raise CheckFailure(f"the output must be a mapping of {', '.join(names)}, not {output!r:.60}")
    for head in spec.heads:
        shape = described.output_shapes[head.name]
        _output(shape, output[head.name], batch, steps, pooled=head.pool is not None)


def _output(features: Shape | None, output: torch.Tensor, batch: int, steps: int, *, pooled: bool) -> None:
    if features is None:
        features = tuple(output.shape[2 - pooled :])
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
    _outputs(subject.spec, output, 3, int(model.output_lengths(torch.tensor(steps))))
