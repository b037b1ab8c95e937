"""Dropout: in training only, every kind that a spec asks for, at its rate, one mask per sequence where it says so."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import torch
from torch import Tensor, nn

from zoo.checks.batch import Batch, batch_of, named, run
from zoo.checks.options import with_value
from zoo.checks.subject import TOLERANCE, Skip, Subject, all_close, close, tensors
from zoo.components import Part
from zoo.engine.around import Dropout
from zoo.engine.layer import LayerOutput
from zoo.engine.recurrent_layer import RecurrentLayer
from zoo.engine.state import State
from zoo.errors import CheckFailure
from zoo.model.base import Model
from zoo.model.build import build
from zoo.spec.canonical import Spec
from zoo.spec.tree import Node, Path, Recurrent, at, dotted, map_nodes, parts, put, recurrent

RATES = tuple(field.name for field in fields(Dropout) if field.name != "variational")
MANY = 41
"""Sequences and steps for counting what a rate drops."""
SIGMAS = 6.0


def dropout(subject: Subject) -> None:
    """Training differs from eval where the spec asks for dropout, and repeats with its seed; each kind acts alone."""
    _whole(subject)
    kinds = list(_kinds(subject.tiny))
    for place, spec in kinds:
        model = build(spec, seed=0, device=subject.device, dtype=subject.exact)
        batch = batch_of(subject, 3, 7)
        first = run(model.train(), batch)
        if all(_equal(first, run(model, batch)) for _ in range(MANY)):  # a low rate seldom drops one of few symbols
            raise CheckFailure(f"{place} changes nothing in training")
        model.eval()
        if not _equal(run(model, batch), run(model, batch)):
            raise CheckFailure(f"{place} acts in eval mode")
        if place.endswith((".recurrent", ".weight")):
            _drawn_once(subject, model.train(), place)
    for path, layer in recurrent(subject.tiny):
        _masks(subject, path, layer)
        if layer.dropout.zoneout:
            _zoneout(subject, path, layer)
    if not kinds and not subject.traits.stochastic:
        raise Skip("the spec asks for no dropout")


def _whole(subject: Subject) -> None:
    model = subject.model(train=True)
    batch = batch_of(subject, 3, 7)
    random = torch.get_rng_state()
    first = run(model, batch)
    drawn = not torch.equal(torch.get_rng_state(), random)
    second = run(model, batch)
    torch.set_rng_state(random)
    again = run(model, batch)
    if not _equal(first, again):
        raise CheckFailure("two training runs from one random state differ")
    draws = bool(list(_kinds(subject.tiny))) or subject.traits.stochastic
    if draws and _equal(first, second):
        raise CheckFailure("two training runs are the same, though the spec asks for dropout")
    if not draws and not subject.traits.batch_statistics:
        if drawn and subject.device.type == "cpu":
            raise CheckFailure("a training run draws random numbers, though the spec asks for no dropout")
        all_close(first, run(model.eval(), batch), "training against eval, without dropout")


def _equal(first: Any, second: Any) -> bool:
    return all(torch.equal(a, b) for a, b in zip(tensors(first), tensors(second), strict=True))


def _kinds(spec: Spec) -> Iterator[tuple[str, Spec]]:
    """The spec with all dropout off but one kind at one place, for each that it asks for."""
    bare = without_dropout(spec)
    for path, layer in recurrent(spec):
        for kind in RATES:
            rate = getattr(layer.dropout, kind)
            if rate:
                changed = replace(at(bare, path, Recurrent), dropout=Dropout(**{kind: rate}))
                yield f"{dotted(path)}: dropout.{kind}", put(bare, path, changed)
    for path, part in parts(spec):
        if rate := _rate(part):
            yield f"{dotted(path)}: dropout", put(bare, path, _with_rate(at(bare, path, Part), rate))


def without_dropout(spec: Spec) -> Spec:
    """The same model with every rate of the format's own and of its components' set to 0."""

    def without(path: Path, node: Node) -> Node:
        if isinstance(node, Recurrent):
            return replace(node, dropout=Dropout())
        return _with_rate(node, 0.0) if isinstance(node, Part) else node

    return map_nodes(spec, without)


def _rate(part: Part) -> float:
    rate = getattr(part.options, "dropout", 0.0)
    return rate if isinstance(rate, float) else 0.0


def _with_rate(part: Part, rate: float) -> Part:
    if getattr(part.options, "dropout", None) is None or rate == _rate(part):
        return part
    options = with_value(part.options, ("dropout",), rate)
    return part if options is None else part.with_options(options)


def _drawn_once(subject: Subject, model: Model, place: str) -> None:
    """Masks of a state and of its weights are those of a whole run, and a state's are each sequence's own."""
    if subject.traits.stochastic or subject.traits.batch_statistics:
        return  # other draws, or other steps, come between
    batch = batch_of(subject, 3, 7)
    if place.endswith(".recurrent"):
        same = torch.zeros(3, dtype=torch.int64, device=subject.device)
        output, _ = run(model, batch.sequences(same))
        if (output - output[:1]).abs().max() <= TOLERANCE[output.dtype]:
            raise CheckFailure(f"{place} has one mask for all sequences")
    if not subject.traits.streamable:
        return
    torch.manual_seed(5)
    batch = batch_of(subject, 3, 7, whole=True)
    whole, _ = run(model, batch)
    state = None
    for t in range(7):
        torch.manual_seed(5)  # so that each step alone draws what the whole run drew
        output, state = run(model, batch.steps(t, t + 1), state)
        close(output, whole[:, t : t + 1], f"{place}: step {t} alone, with the mask of the whole run,")


def _masks(subject: Subject, path: Path, layer: Recurrent) -> None:
    """What a layer's input and output lose: the share that its rates say, the same elements at every step or not."""
    rates = layer.dropout
    after = 1.0 - (1.0 - rates.between) * (1.0 - rates.output)
    for what, rate in (("input", rates.input), ("output", after)):
        if not rate:
            continue
        rates_kept = Dropout(input=rates.input, variational=rates.variational)
        if what == "output":
            rates_kept = replace(rates_kept, input=0.0, between=rates.between, output=rates.output)
        alone = replace(layer, dropout=rates_kept, residual=False, initial_state="zeros")
        model = build(
            put(without_dropout(subject.tiny), path, alone), seed=0, device=subject.device, dtype=subject.exact
        )
        whole = _captured(model, subject, path, what, train=False)
        lost = _captured(model, subject, path, what, train=True) == 0
        if (whole == 0).any():
            continue  # zeros of the layer's own, as of relu, cannot be told from dropped ones
        _hold(lost, rate, rates.variational, f"{dotted(path)}: dropout on the {what}")
    _scales(subject, path, layer)


def _scales(subject: Subject, path: Path, layer: Recurrent) -> None:
    """What is kept is divided by the share that is kept, so that its mean stays."""
    rates = layer.dropout
    between = (1.0 - rates.between) * (1.0 - rates.output)
    if subject.traits.stochastic or subject.traits.batch_statistics:
        return  # other numbers in training, whatever is dropped
    for what, share in (("input", 1.0 - rates.input), ("output", between)):
        if share == 1.0:
            continue
        own = Dropout(variational=rates.variational)
        if what == "input":
            own = replace(own, input=rates.input)
        else:
            own = replace(own, between=rates.between, output=rates.output)
        alone = replace(layer, dropout=own, norm=None, residual=False)
        model = build(
            put(without_dropout(subject.tiny), path, alone), seed=0, device=subject.device, dtype=subject.exact
        )
        whole, trained = (_passed(model, subject, path, what, train=train) for train in (False, True))
        expected = torch.where(trained == 0, torch.zeros_like(whole), whole / share)
        close(trained, expected, f"{dotted(path)}: values not dropped on the {what}")


def _passed(model: Model, subject: Subject, path: Path, what: str, *, train: bool) -> Tensor:
    """What a layer's first cell is given, or what the layer gives: by its first call, which no answer was fed to."""
    found: list[Tensor] = []
    if what == "input":
        own = model.get_submodule(dotted(path))
        assert isinstance(own, RecurrentLayer)
        # What an architecture joins to its input stands behind that, and passes no dropout.
        handle: Any = own.cell.register_forward_pre_hook(
            lambda module, given: found.append(given[0].detach()[..., : given[0].shape[-1] - own.joined])
        )
    else:
        layer = model.get_submodule(dotted(path))
        handle = layer.register_forward_hook(lambda module, given, result: found.append(result.output.detach()))
    try:
        run(model.train(train), batch_of(subject, MANY, 7))
    finally:
        handle.remove()
    return found[0]


def _zoneout(subject: Subject, path: Path, layer: Recurrent) -> None:
    """After one step in eval a state is rate * old + (1 - rate) * new; in training the old one, with that rate."""
    rate = layer.dropout.zoneout
    plain = without_dropout(subject.tiny)
    zoned = put(plain, path, replace(layer, dropout=Dropout(zoneout=rate)))
    without, model = (build(spec, seed=0, device=subject.device, dtype=subject.exact).eval() for spec in (plain, zoned))
    batch = batch_of(subject, MANY * MANY, 1)
    _, new = _one_step(without, subject, path, batch)
    old, found = _one_step(model, subject, path, batch)
    _, trained = _one_step(model.train(), subject, path, batch)
    cells = model.get_submodule(f"{dotted(path)}.cell")
    for name, spec in getattr(cells, "states", {}).items():
        expected = rate * old[name] + (1 - rate) * new[name] if spec.zoneout else new[name]
        close(found[name], expected, f"{dotted(path)}: {name} after one step of zoneout {rate} in eval")
        if not spec.zoneout:
            if not (subject.traits.stochastic or subject.traits.batch_statistics):
                close(trained[name], new[name], f"{dotted(path)}: {name} after one step of zoneout {rate} in training")
        else:
            moves = new[name] != old[name]  # nothing can be told from a state that stays where it is
            kept = (trained[name] == old[name])[moves].double()
            share, bound = kept.mean().item(), SIGMAS * math.sqrt(rate * (1 - rate) / max(1, kept.numel()))
            if abs(share - rate) > bound:
                raise CheckFailure(
                    f"{dotted(path)}: zoneout leaves {share:.3f} of {name} unchanged, its rate is {rate:.3f}"
                )


def _one_step(model: Model, subject: Subject, path: Path, batch: Batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The states of a layer's forward direction before and after one step."""
    layer = model.get_submodule(dotted(path))
    if not subject.several:
        before, after = named(model, model.init_state(len(batch.x))), named(model, run(model, batch)[1])
    else:  # whose decoder may start from what its encoder has read
        given, found = _calls(model, layer, batch)
        x, state, _ = given[0]
        place = {"device": x.device, "dtype": x.dtype}
        before = State(layer.init_state(len(x), **place) if state is None else state)  # type: ignore[operator]
        after = State(found[0].state)
    start = "" if subject.several else f"{dotted(path)}."
    names = getattr(layer.cell, "states", {})
    old, new = ({name: state[f"{start}{name}"] for name in names} for state in (before, after))
    return old, new


def _calls(model: Model, layer: nn.Module, batch: Batch) -> tuple[list[Any], list[LayerOutput]]:
    """What a layer is given and gives, call by call: a decoder may run step by step. Its inputs are leaves."""
    given: list[Any] = []
    found: list[LayerOutput] = []

    def before(module: nn.Module, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        own = (arguments[0].detach().clone().requires_grad_(), *arguments[1:])
        given.append(own)
        return own

    def behind(module: nn.Module, arguments: tuple[Any, ...], result: LayerOutput) -> None:
        found.append(result)

    handles = (layer.register_forward_pre_hook(before), layer.register_forward_hook(behind))
    try:
        run(model, batch)
    finally:
        for handle in handles:
            handle.remove()
    return given, found


def _captured(model: Model, subject: Subject, path: Path, what: str, *, train: bool) -> Tensor:
    """A layer's output, or the gradient by its input, (B, T, F): zero where it was dropped."""
    given, found = _calls(model.train(train), model.get_submodule(dotted(path)), batch_of(subject, MANY, MANY))
    output = torch.cat([one.output for one in found], 1)
    if what == "output":
        return output.detach()
    # Behind a norm a dropped feature still has a gradient by the others; the model's own sum of them does not.
    gradients = torch.autograd.grad(output.double().square().sum(), [one[0] for one in given])
    return torch.cat(gradients, 1)


def _hold(lost: Tensor, rate: float, variational: bool, label: str) -> None:
    flat = lost.flatten(2).double()  # (B, T, F)
    same = bool((flat == flat[:, :1]).all())
    if variational and not same:
        raise CheckFailure(f"{label} is variational, but its mask changes from step to step")
    if not variational and same:
        raise CheckFailure(f"{label} has one mask for all steps, though it is not variational")
    independent = flat[:, 0] if variational else flat
    share = independent.mean().item()
    bound = SIGMAS * math.sqrt(rate * (1 - rate) / independent.numel())
    if abs(share - rate) > bound:
        raise CheckFailure(f"{label} drops {share:.3f}, its rate is {rate:.3f}, bound {bound:.3f}")
