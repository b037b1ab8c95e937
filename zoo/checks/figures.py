"""Figures: parameters, cost, the summary, and that every option changes something."""

from __future__ import annotations

import math
import typing
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from pydantic import BaseModel, ValidationError

from zoo.builder import build
from zoo.checks.subject import Skip, Subject, tensors
from zoo.components import Part
from zoo.errors import CheckFailure, ZooError
from zoo.model import Model
from zoo.spec.canonical import Other, Recurrent, Spec
from zoo.spec.describe import describe, walk

# Above this, building for real to count costs more than importing meta does.
LARGE = 20_000_000


def parameters(subject: Subject) -> None:
    """The unique count of the built model equals the closed form and what the spec expects."""
    described = describe(subject.spec).parameters
    expected = subject.spec.expect.parameters if subject.spec.expect else None
    if described is None and expected is None:
        raise Skip("a component does not describe itself")
    tiny = _count(subject.model(dtype=torch.float32))
    tiny_described = describe(subject.tiny).parameters
    if tiny_described is not None and tiny != tiny_described:
        raise CheckFailure(f"the tiny model has {tiny:,} parameters, its description gives {tiny_described:,}")
    count = _count(_full(subject.spec, described))
    for what, figure in (("the description gives", described), ("the spec expects", expected)):
        if figure is not None and count != figure:
            raise CheckFailure(f"the model has {count:,} parameters, {what} {figure:,}")


def _full(spec: Spec, described: int | None) -> Model:
    device = "meta" if described is None or described > LARGE else "cpu"
    return build(spec, seed=0, device=device, memory_limit=None)


def _count(model: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def summary(subject: Subject) -> None:
    """The summary's figures are the model's, and it leaves the model as it was."""
    from zoo.summaries import summarise

    model = subject.model(dtype=torch.float32)
    model.train()
    next(iter(model.children())).eval()  # mixed modes, which must survive
    before = ([m.training for m in model.modules()], [p.clone() for p in model.parameters()], torch.get_rng_state())
    hooks = sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())
    result = summarise(model, batch_size=2, seq_len=3)
    if [m.training for m in model.modules()] != before[0]:
        raise CheckFailure("the summary changed a module's mode")
    if not all(torch.equal(p, q) for p, q in zip(model.parameters(), before[1], strict=True)):
        raise CheckFailure("the summary changed a parameter")
    if not torch.equal(torch.get_rng_state(), before[2]):
        raise CheckFailure("the summary consumed the global random state")
    if sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()) != hooks:
        raise CheckFailure("the summary left hooks behind")
    if result.parameters != _count(model):
        raise CheckFailure(f"the summary counts {result.parameters:,} parameters, the model has {_count(model):,}")
    if result.macs != describe(subject.tiny).macs(3):
        raise CheckFailure(f"the summary gives {result.macs} multiply-adds, the description another figure")
    counted = _products(model, subject.input(2, 3, dtype=torch.float32))
    if result.macs is not None and counted != 2 * result.macs:
        raise CheckFailure(f"the description gives {result.macs:,} multiply-adds a row, a run makes {counted / 2:,.1f}")


def _products(model: Model, x: torch.Tensor) -> int:
    """Multiply-adds of the matrix products that a run really makes, on the loop, where each is visible."""
    from torch.utils.flop_counter import FlopCounterMode

    from zoo.builder import with_engine

    # Without gradients by the parameters' own switch: the counter's hooks stumble over no_grad.
    visible = with_engine(model, "loop").eval().requires_grad_(False)
    with FlopCounterMode(display=False) as counter:
        visible(x)
    return int(counter.get_total_flops()) // 2


def options(subject: Subject) -> None:
    """Changing any option of any component changes a parameter's shape, an output, or a declared figure."""
    base = _print(subject, subject.tiny)
    dead = []
    for place, changed in _changed(subject.tiny):
        try:
            if walk(changed)[1]:
                continue
            same = _print(subject, changed) == base
        except ZooError:
            continue  # the change does not fit its neighbours; another value may
        if same:
            dead.append(place)
    alive = {place for place, _ in _changed(subject.tiny)} - set(dead)
    truly = sorted(set(dead) - alive)
    if truly:
        raise CheckFailure(f"options without any effect: {', '.join(truly)}")


def _print(subject: Subject, spec: Spec) -> tuple[Any, ...]:
    """A model's fingerprint: figures, parameters and what comes out of it, in eval and in training."""
    model = build(spec, seed=0, device=subject.device, dtype=torch.float32)
    x = model.example_input(2, 7, seed=0)
    shapes = tuple((name, tuple(p.shape)) for name, p in model.named_parameters())
    numbers = tuple(p.double().sum().item() for p in model.parameters())
    outputs: list[float] = []
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        for mode in (False, True):
            torch.manual_seed(0)
            outputs += [t.double().abs().sum().item() for t in tensors(model.train(mode)(x, return_state=True))]
    gradient = _padding_gradient(model, x)
    return shapes, numbers, tuple(outputs), describe(spec).parameters, gradient


def _padding_gradient(model: Model, x: torch.Tensor) -> tuple[float, ...]:
    """Gradients tell apart what outputs cannot, such as a padding symbol that learns nothing."""
    if x.is_floating_point():
        return ()
    model.eval().zero_grad()
    output = model(torch.zeros_like(x), return_state=True)[0]
    output.sum().backward()
    return tuple(p.grad.double().abs().sum().item() for p in model.parameters() if p.grad is not None)


def _changed(spec: Spec) -> Iterator[tuple[str, Spec]]:
    """The spec with one option of one component changed, for every option and a few values of each."""
    for options_ in _alternatives(spec.input.options):
        yield f"input.{options_[0]}", replace(spec, input=spec.input.with_options(options_[1]))
    for index, layer in enumerate(spec.layers):
        part = layer.part if isinstance(layer, Other) else layer.cell
        for name, options_of in _alternatives(part.options):
            changed = part.with_options(options_of)
            new: Recurrent | Other
            new = replace(layer, part=changed) if isinstance(layer, Other) else replace(layer, cell=changed)
            place = f"layers.{index}.{part.record.name}.{name}"
            yield place, replace(spec, layers=(*spec.layers[:index], new, *spec.layers[index + 1 :]))
    if spec.head is not None:
        for name, options_of in _alternatives(spec.head.part.options):
            yield f"head.{name}", replace(spec, head=replace(spec.head, part=spec.head.part.with_options(options_of)))
        pool: Part | None = spec.head.pool
        for name, options_of in _alternatives(pool.options) if pool else ():
            assert pool is not None
            yield f"pool.{name}", replace(spec, head=replace(spec.head, pool=pool.with_options(options_of)))


def _alternatives(options_: BaseModel) -> Iterator[tuple[str, BaseModel]]:
    """The options with one of them set to another value that the model accepts."""
    given = options_.model_dump(by_alias=True)
    for name, field in type(options_).model_fields.items():
        for value in _values(field.annotation, getattr(options_, name)):
            try:
                yield name, type(options_).model_validate(given | {field.alias or name: value})
            except ValidationError:
                continue


def _values(annotation: Any, now: Any) -> list[Any]:
    """Other values for an option of this type, most likely ones first."""
    choices: list[Any] = []
    for member in _members(annotation):
        if typing.get_origin(member) is typing.Literal:
            choices += typing.get_args(member)
        elif member is bool:
            choices += [True, False]
        elif member is int:
            choices += [now + 1, now - 1] if type(now) is int else [3, 0]
        elif member is float:
            choices += [now / 2 + 0.25, 2 * now + 1] if type(now) is float and math.isfinite(now) else [0.5, 1.5]
        elif typing.get_origin(member) is tuple and isinstance(now, tuple):
            choices += [tuple(item + 1 for item in now if isinstance(item, int)), (*now, *now)]
        elif member is type(None) and now is not None:
            choices.append(None)
    return [value for value in choices if value != now]


def _members(annotation: Any) -> tuple[Any, ...]:
    """The types of a union, or the type itself; Annotated is looked through."""
    if typing.get_origin(annotation) is typing.Annotated:
        return _members(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) is typing.Union or type(annotation).__name__ == "UnionType":
        return tuple(m for part in typing.get_args(annotation) for m in _members(part))
    return (annotation,)
