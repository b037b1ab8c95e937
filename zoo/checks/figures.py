"""Figures: parameters, cost, the summary, and that every option changes something."""

from __future__ import annotations

from typing import Any

import torch

from zoo.builder import build
from zoo.checks.alternatives import changes
from zoo.checks.subject import Skip, Subject, tensors
from zoo.errors import CheckFailure, ZooError
from zoo.model import Model
from zoo.spec.canonical import Spec
from zoo.spec.describe import describe, walk

# Above this, building for real to count costs more than importing meta does.
LARGE = 20_000_000


def parameters(subject: Subject) -> None:
    """The unique count of the built model equals the closed form and what the spec expects; so do its buffers."""
    described = describe(subject.spec).parameters
    expected = subject.spec.expect.parameters if subject.spec.expect else None
    if described is None and expected is None:
        raise Skip("a component does not describe itself")
    tiny, figures = subject.model(dtype=torch.float32), describe(subject.tiny)
    kept = sum(buffer.numel() for buffer in tiny.buffers())
    for what, has, given in (
        ("parameters", _count(tiny), figures.parameters),
        ("numbers in buffers", kept, figures.buffers),
    ):
        if given is not None and has != given:
            raise CheckFailure(f"the tiny model has {has:,} {what}, its description gives {given:,}")
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
    """Changing any option of a component or key of a layer changes a parameter, an output, or a declared figure."""
    base = _print(subject, subject.tiny)
    dead = []
    for place, changed in changes(subject.tiny):
        try:
            if walk(changed)[1]:
                continue  # the change does not fit its neighbours; another value may
            same = _print(subject, changed) == base
        except ZooError:
            continue
        if same:
            dead.append(place)
    if dead:
        raise CheckFailure(f"changes nothing: {', '.join(dict.fromkeys(dead))}")


def _print(subject: Subject, spec: Spec) -> tuple[Any, ...]:
    """A model's fingerprint: figures, parameters and what comes out of it, in training and after."""
    model = build(spec, seed=0, device=subject.device, dtype=torch.float32)
    x = model.example_input(2, 7, seed=0)
    shapes = tuple((name, tuple(p.shape)) for name, p in model.named_parameters())
    numbers = tuple(p.double().sum().item() for p in model.parameters())
    outputs: list[float] = []
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        for mode in (True, False):  # training first: what it leaves in buffers shows outside it
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
