"""The inputs of a model that has several: that each of them comes in, where and as often as the spec says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from zoo.checks.batch import Batch, batch_of, run, vocabularies
from zoo.checks.drops import without_dropout
from zoo.checks.subject import Skip, Subject, close, move_constants
from zoo.errors import CheckFailure
from zoo.inputs.named import NamedInputs
from zoo.model.base import Model
from zoo.model.build import build
from zoo.spec.tree import dotted, inputs_inside

STEPS = 5


def every_input_matters(subject: Subject) -> None:
    """What comes in is read by its own input, in the order of the spec, at every step, and changes the output."""
    model = subject.model()
    if not isinstance(model.input, NamedInputs):
        raise Skip("the model has one input")
    batch = batch_of(subject, 3, subject.steps(STEPS))
    _reads(subject, model)
    _asked(model, batch)
    _merged(subject, batch)
    expected, _ = run(model, batch)
    for name, other in _changed(model, batch):
        found, _ = run(model, other)
        if torch.equal(found, expected):
            raise CheckFailure(f"input {name!r} changes nothing in the output")
    for name, vocabulary in vocabularies(model, batch).items():
        _every_step(model, batch, name, vocabulary)


def _reads(subject: Subject, model: Model) -> None:
    """The names, their order and how often each comes in are those of the spec."""
    source = model.input
    assert isinstance(source, NamedInputs)
    said = {str(path[-1]): per for path, _, per in inputs_inside(subject.tiny.input)}
    found = {name: one.per for name, one in source.reads.items()}
    if list(found.items()) != list(said.items()):
        raise CheckFailure(f"the model's inputs are {found}, those of the spec {said}")


def _asked(model: Model, batch: Batch) -> None:
    """Each tensor goes to the input of its own name."""
    seen: dict[str, Tensor] = {}
    source: Any = model.input

    def note(name: str) -> Any:
        return lambda module, x: seen.__setitem__(name, x[0].detach())

    handles = [one.register_forward_pre_hook(note(name)) for name, one in source.of.each().items()]
    try:
        with torch.no_grad():
            run(model, batch)
    finally:
        for handle in handles:
            handle.remove()
    for name in source.reads:
        own = batch.arguments[f"x.{name}"]
        if name not in seen:
            raise CheckFailure(f"input {name!r} is not asked for its features")
        if not torch.equal(seen[name].reshape(own.shape) if seen[name].numel() == own.numel() else seen[name], own):
            raise CheckFailure(f"input {name!r} reads what another input was given")


def _merged(subject: Subject, batch: Batch) -> None:
    """The features that the layers read are those of each input, computed by it alone, in the order of the spec."""
    options = subject.tiny.input.options
    merge, norm = getattr(options, "merge", None), getattr(options, "norm", None)
    if merge not in ("concat", "sum") or norm is not None:
        return  # of a plugin's input, or behind a norm, only that each of them matters can be said
    spec = without_dropout(subject.tiny)
    model = build(spec, seed=0, device=subject.device, dtype=subject.exact).eval()
    move_constants(model, 0)
    source: Any = model.input
    alone = []
    with torch.no_grad():
        for path, _, per in inputs_inside(spec.input):
            own = batch.arguments[f"x.{path[-1]}"]
            module = source.get_submodule(dotted(path))
            alone.append(torch.stack([_at(module, own, per, t) for t in range(batch.lead.shape[1])], 1))
        expected = torch.cat(alone, 2) if merge == "concat" else torch.stack(alone).sum(0)
        found = source(batch.x, None)
    close(found, expected, "the merged inputs against each of them alone, step by step, in the order of the spec")


def _at(module: Any, x: Tensor, per: str, t: int) -> Tensor:
    """What an input makes of one step, (B, ...)."""
    y: Tensor = module(x[:, t : t + 1] if per == "step" else x.unsqueeze(1))[:, 0]
    return y


def _changed(model: Model, batch: Batch) -> Iterator[tuple[str, Batch]]:
    for name, vocabulary in vocabularies(model, batch).items():
        yield name[2:], batch.with_extra(name, _other(batch.arguments[name], vocabulary))


def _other(x: Tensor, vocabulary: int | None) -> Tensor:
    return x + 1 if vocabulary is None else (x + 1) % vocabulary


def _every_step(model: Model, batch: Batch, name: str, vocabulary: int | None) -> None:
    """What comes in changes the features of its own step, and of all steps if it comes in once for a sequence."""
    source: Any = model.input
    with torch.no_grad():
        before = source(batch.x, None)
        x = batch.arguments[name]
        for t in range(batch.lead.shape[1]):
            own = x.clone()
            if name in batch.once:
                own = _other(x, vocabulary)
            else:
                own[:, t] = _other(x[:, t], vocabulary)
            after = source(batch.with_extra(name, own).x, None)
            if torch.equal(after[:, t], before[:, t]):
                raise CheckFailure(f"input {name[2:]!r} changes no feature at step {t}")
