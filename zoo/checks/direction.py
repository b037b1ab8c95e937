"""Directions: a layer that reads from the end equals one over sequences reversed; merges are what they say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from zoo.checks import features
from zoo.checks.batch import Batch, beside, named, run, uses_of
from zoo.checks.subject import Skip, Subject, close
from zoo.components import Part, PoolType
from zoo.engine.around import Dropout
from zoo.engine.recurrent_layer import RecurrentLayer
from zoo.engine.sharing import borrowed
from zoo.errors import CheckFailure
from zoo.model.base import Model
from zoo.model.build import build
from zoo.plugin.manager import catalogue
from zoo.spec.canonical import Spec
from zoo.spec.tree import Path, Recurrent, dotted, recurrent

LENGTHS = (7, 3, 1, 5, 2)


def direction(subject: Subject) -> None:
    """Held layer by layer, each alone with its own cell and weights, with and without lengths."""
    backwards = [(path, layer) for path, layer in recurrent(subject.tiny) if layer.bidirectional or layer.reverse]
    if not backwards:
        raise Skip("no layer is bidirectional or reversed")
    whole = subject.model()
    for path, layer in backwards:
        built = whole.get_submodule(dotted(path))
        assert isinstance(built, RecurrentLayer)
        shape = built.cell.input_shape
        if len(shape) != 1:
            continue  # maps cannot come in as features; a cell with flat features has the same engine
        _one(subject, path, layer, shape[0])


def _one(subject: Subject, path: Path, layer: Recurrent, width: int) -> None:
    plain = replace(layer, merge="concat", norm=None, residual=False, output_projection=None, dropout=Dropout())
    both = _alone(subject, plain, width)
    forward = _alone(subject, replace(plain, bidirectional=False, reverse=False), width)
    _copy(both, forward, reverse=layer.bidirectional)
    x = torch.randn((5, 7, width), generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    batch = beside(x.to(subject.device, subject.exact), uses_of(layer), dtype=subject.exact)
    place = dotted(path)
    label = f"{place}: the backward direction" if layer.bidirectional else f"{place}, reversed,"
    for lengths in (None, torch.tensor(LENGTHS, device=subject.device)):
        output, state = run(both, batch, lengths=lengths)
        ends = [7] * 5 if lengths is None else list(LENGTHS)
        half = output.shape[2] // 2 if layer.bidirectional else 0
        # With the states of all steps a run goes another way, step by step.
        stepped, after, steps = both(batch.x, lengths=lengths, return_states=True, **batch.extras)
        for index, length in enumerate(ends):
            where = f"{label}, sequence of length {length} of 7,"
            turned = _turned(batch.sequences(slice(index, index + 1)).steps(0, length))
            backward, last, every = forward(turned.x, return_states=True, **turned.extras)
            for one in (output, stepped):
                close(
                    one[index : index + 1, :length, half:],
                    backward.flip(1),
                    f"{where} against a run over the reversed sequence",
                )
            for name, tensor in named(forward, last).items():
                own = name.replace("layers.0.", "layers.0.reverse." if layer.bidirectional else "layers.0.")
                for one in (state, after):
                    close(named(both, one)[own][index], tensor[0], f"{where} final {name}")
                if name in every:
                    close(steps[own][index, :length], every[name][0].flip(0), f"{where} {name} at every step")
        if layer.bidirectional:
            _forward_half(both, forward, batch, lengths, output[..., :half], place)
            _merge(subject, place, layer, plain, both, batch, lengths)
            _final(subject, place, layer, plain, both, batch, lengths)


def _turned(sequence: Batch) -> Batch:
    """A sequence read from its end. A gap stands before its step, so it goes over to the neighbour; the first stays."""
    extras = {name: value.flip(1) for name, value in sequence.extras.items()}
    if "dt" in extras:
        dt = sequence.extras["dt"]
        extras["dt"] = torch.cat([dt[:, :1], dt[:, 1:].flip(1)], 1)
    return Batch({"x": sequence.x.flip(1), **extras})


def _forward_half(both: Model, forward: Model, batch: Batch, lengths: Tensor | None, half: Tensor, label: str) -> None:
    """The forward half is the forward cell's, by itself."""
    _copy(both, forward, reverse=False)
    alone, _ = run(forward, batch, lengths=lengths)
    close(half, alone, f"{label}: the forward direction against the forward cell alone")
    _copy(both, forward, reverse=True)


def _merge(
    subject: Subject, place: str, layer: Recurrent, plain: Recurrent, both: Model, batch: Batch, lengths: Tensor | None
) -> None:
    merged = _alone(subject, replace(plain, merge=layer.merge), both.input_shape[0])
    merged.load_state_dict(both.state_dict())
    forward_half, backward_half = run(both, batch, lengths=lengths)[0].chunk(2, -1)
    found, _ = run(merged, batch, lengths=lengths)
    close(found, _together(layer, forward_half, backward_half), f"{place}: merge {layer.merge}")


def _together(layer: Recurrent, forward_half: Tensor, backward_half: Tensor) -> Tensor:
    if layer.merge == "concat":
        return torch.cat([forward_half, backward_half], -1)
    return {
        "sum": forward_half + backward_half,
        "mean": (forward_half + backward_half) / 2,
        "mul": forward_half * backward_half,
    }[layer.merge]


def _final(
    subject: Subject, place: str, layer: Recurrent, plain: Recurrent, both: Model, batch: Batch, lengths: Tensor | None
) -> None:
    """What a pool of final outputs is given: the last valid step forwards, the first step backwards."""
    head = None if subject.several else subject.tiny.head
    if head is None or head.pool is None or not isinstance(head.pool.record, PoolType) or not head.pool.record.final:
        return
    spec = _spec(subject, replace(plain, merge=layer.merge), both.input_shape[0])
    size = Part(catalogue().find("head", "linear"), _options("head", "linear", size=3))
    spec = spec.with_stack(head=replace(head, part=size, of=()))
    model = build(spec, seed=0, device=subject.device, dtype=subject.exact).eval()
    model.load_state_dict(both.state_dict(), strict=False)
    given: list[Tensor] = []
    assert model.pool is not None
    model.pool.register_forward_hook(lambda module, inputs, result: given.append(result))
    run(model, batch, lengths=lengths)
    forward_half, backward_half = run(both, batch, lengths=lengths)[0].chunk(2, -1)
    ends = torch.full((5,), 7, device=subject.device) if lengths is None else lengths
    expected = _together(layer, forward_half[torch.arange(5, device=subject.device), ends - 1], backward_half[:, 0])
    if len(given) != 1:
        raise CheckFailure(f"the pool ran {len(given)} times in one run, expected once")
    close(given[0], expected, f"{place}: the final output of both directions")


def _alone(subject: Subject, layer: Recurrent, width: int) -> Model:
    return build(_spec(subject, layer, width), seed=0, device=subject.device, dtype=subject.exact).eval()


def _spec(subject: Subject, layer: Recurrent, width: int) -> Spec:
    return features.alone(subject.tiny, (width,), layer)


def _options(kind: str, name: str, **values: Any) -> Any:
    return catalogue().find(kind, name).record.options(**values)


def _copy(both: Model, forward: Model, *, reverse: bool) -> None:
    """Give the forward model the weights, and the learned initial state, of one direction."""
    source, target = both.layers[0], forward.layers[0]
    assert isinstance(source, RecurrentLayer)
    assert isinstance(target, RecurrentLayer)
    cell, learned = (source.reverse_cell, source.reverse_initial) if reverse else (source.cell, source.initial)
    assert cell is not None
    target.cell.load_state_dict({**cell.state_dict(), **borrowed(cell)})
    if learned is not None and target.initial is not None:
        target.initial.load_state_dict(learned.state_dict())
