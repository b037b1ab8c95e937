"""What must hold for this architecture beside the contract's own checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

import zoo
from zoo_seq2seq.model import Seq2Seq

BOUND = 1e-10
SOURCE, TARGET = 7, 5
LENGTHS = (7, 2, 5)


def _model(subject: zoo.Subject) -> Seq2Seq:
    model = subject.model()
    if not isinstance(model, Seq2Seq):
        raise zoo.Skip("the architecture is not seq2seq")
    return model


def _example(model: Seq2Seq, batch: int = 3) -> tuple[Tensor, Tensor]:
    """Sources and targets of different lengths, so that one cannot stand for the other."""
    return model.encoder.example_input(batch, SOURCE, seed=1), model.decoder.example_input(batch, TARGET, seed=2)


def _close(found: Tensor, expected: Tensor, what: str) -> None:
    difference = float((found - expected).abs().max())
    if not difference <= BOUND * max(1.0, float(expected.abs().max())):
        raise zoo.CheckFailure(f"{what}: differs by {difference:.3g}, bound {BOUND:.3g}")


def teacher_forcing(subject: zoo.Subject) -> None:
    """A whole target, and the same symbol by symbol from the encoded source, give the same scores."""
    model = _model(subject)
    source, target = _example(model)
    expected = model(source, target)
    state = model.encode(source)
    for t in range(TARGET):
        scores, state = model.step(target[:, t], state)
        _close(scores, expected[:, t], f"step {t} alone")
    changed = target.clone()
    changed[:, 3] = target[:, 3] + 1 if target.is_floating_point() else (target[:, 3] + 1) % int(target.max() + 1)
    _close(model(source, changed)[:, :3], expected[:, :3], "scores before a symbol that changed")


def bridge(subject: zoo.Subject) -> None:
    """Each state of the encoder changes what the decoder says, and is its initial state."""
    model = _model(subject)
    source, target = _example(model)
    state = model.encode(source)
    expected = model(source, target)
    _close(model.decoder(target, state), expected, "the decoder from the encoded source")
    for name, changed in _each_changed(state):
        if torch.equal(model.decoder(target, changed), expected):
            raise zoo.CheckFailure(f"the state {name} of the encoder changes no score")
    parameters = dict(model.encoder.layers.named_parameters())
    loss = model(source, target).square().sum()
    gradients = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
    for name, gradient in zip(parameters, gradients, strict=True):
        if gradient is None or not gradient.any():
            raise zoo.CheckFailure(f"the encoder's {name} has no gradient by the scores")


def _each_changed(state: Any) -> Any:
    """The state with one tensor of one layer changed, for each."""
    if isinstance(state, Mapping):
        for name in state:
            yield name, zoo.State({**state, name: state[name] + 1.0})
        return
    parts = (state,) if isinstance(state, Tensor) else tuple(state)
    for index, tensor in enumerate(parts):
        for layer in range(len(tensor)):
            moved = tensor.clone()
            moved[layer] += 1.0
            new = (*parts[:index], moved, *parts[index + 1 :])
            yield f"{index} of layer {layer}", new[0] if isinstance(state, Tensor) else new


def source_padding(subject: zoo.Subject) -> None:
    """What stands behind a source changes nothing, and a source in a batch is what it is alone."""
    model = _model(subject)
    source, target = _example(model)
    lengths = torch.tensor(LENGTHS, device=source.device)
    expected = model(source, target, source_lengths=lengths)
    other = source.clone()
    for index, length in enumerate(LENGTHS):
        other[index, length:] = torch.nan if source.is_floating_point() else 0
        alone = model(source[index : index + 1, :length], target[index : index + 1])
        _close(alone[0], expected[index], f"a source of length {length} alone")
    _close(model(other, target, source_lengths=lengths), expected, "other padding in the source")
