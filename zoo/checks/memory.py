"""Memory: what a model returns is its own, and what a streaming block derives from parameters ends with the block."""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.parametrize import is_parametrized

from zoo.checks.batch import Batch, batch_of, flat, random_state, run
from zoo.checks.saving import copies_of
from zoo.checks.subject import Subject, all_close, tensors
from zoo.errors import BuildError, CheckFailure, InputError
from zoo.model.base import Model
from zoo.model.build import with_engine

LENGTHS = (7, 2, 5)


def memory(subject: Subject) -> None:
    """No tensor that is returned shares memory with another, an input or a parameter, or holds more than itself."""
    model = subject.model()
    for engine in dict.fromkeys((subject.engine, "auto", "loop")):
        try:
            one = with_engine(model, engine)
        except BuildError:
            continue  # a cell without that engine says so when it is built
        for gradients in (False, True):
            with torch.set_grad_enabled(gradients):
                for label, found, given in _runs(subject, one):
                    held = {**given, **dict(one.named_parameters()), **dict(one.named_buffers())}
                    _alone(found, held, f"engine {engine}, {label}, {'with' if gradients else 'without'} gradients")


def _runs(subject: Subject, model: Model) -> Iterator[tuple[str, dict[str, Tensor], dict[str, Tensor]]]:
    """Runs of each kind: what it was, what came out and what went in, by name."""
    if subject.several:
        yield "a run", *_run(model, batch_of(subject, 3, 7))
        return
    for size in (1, 3):
        yield f"init_state({size})", _by_name("state", model.init_state(size)), {}
    batch, state = batch_of(subject, 3, 7), random_state(model, 3)
    yield "7 steps", *_run(model, batch)
    yield "7 steps from a state", *_run(model, batch, state, return_states=True)
    lengths = subject.lengths(LENGTHS)
    yield f"sequences of lengths {LENGTHS}", *_run(model, batch, state, lengths=lengths)
    hops = batch_of(subject, 3, 7, whole=True)
    reset = torch.zeros(hops.lead.shape[:2], dtype=torch.bool, device=subject.device)
    reset[0, 6 * hops.hop] = reset[1, 0] = True
    with contextlib.suppress(InputError):  # a layer may refuse resets, as the check `reset` says
        yield "7 steps with resets", *_run(model, hops, reset=reset, return_states=True)
    single = batch_of(subject, 1, 1)
    yield "1 step of 1 sequence", *_run(model, single)
    yield "1 step of 1 sequence from a state", *_run(model, single, random_state(model, 1), return_states=True)
    if subject.traits.streamable:
        x, extras = hops.step(3)
        output, after = model.step(x, state, **extras)
        found = {**_by_name("output", output), **_by_name("state", after)}
        yield "step", found, {**flat({"x": x}), **extras, **_by_name("state", state)}
    if not batch.extras and "x" in batch.arguments:
        packed = torch.nn.utils.rnn.pack_padded_sequence(batch.x, subject.lengths((7, 5, 2)).cpu(), batch_first=True)
        output, after = model(packed, return_state=True)
        found = _by_name("output", output) | _by_name("state", after)
        yield "a packed sequence", found, _by_name("x", packed)


def _run(model: Model, batch: Batch, state: Any = None, **rest: Any) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    given = rest if state is None else {"state": state, **rest}
    output, *after = model(**batch.call, return_state=True, **given)
    found = {"output": output} if isinstance(output, Tensor) else _by_name("output", output)
    for name, value in zip(("state", "states of all steps"), after, strict=False):
        found |= _by_name(name, value)
    beside = {name: value for name, value in rest.items() if isinstance(value, Tensor)}
    return found, {**batch.arguments, **beside, **_by_name("incoming state", state)}


def _by_name(name: str, value: Any) -> dict[str, Tensor]:
    if isinstance(value, Mapping):
        inside = ((f"{name} {key}", one) for key, one in value.items())
        return dict(
            chain.from_iterable(({n: v} if isinstance(v, Tensor) else _by_name(n, v)).items() for n, v in inside)
        )
    if isinstance(value, torch.nn.utils.rnn.PackedSequence):
        return {f"{name}.{key}": tensor for key, tensor in value._asdict().items() if tensor is not None}
    return {f"{name} {index}": tensor for index, tensor in enumerate(tensors(value))}


def _alone(found: Mapping[str, Tensor], held: Mapping[str, Tensor], label: str) -> None:
    owners = {_place(tensor): name for name, tensor in held.items() if tensor.numel()}
    for name, tensor in found.items():
        if not tensor.numel():
            continue
        other = owners.setdefault(_place(tensor), name)
        if other != name:
            raise CheckFailure(f"{label}: {name} shares memory with {other}: written to, one changes the other")
        takes, needs = tensor.untyped_storage().nbytes(), tensor.numel() * tensor.itemsize
        if takes > needs:
            raise CheckFailure(f"{label}: {name} holds {takes:,} bytes for {needs:,} of its own")


def _place(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def streaming(subject: Subject) -> None:
    """A streaming block changes no number, and ends with nothing left of it: in the model, in copies and in files."""
    model, other = subject.model(), subject.model(seed=1)
    batch = batch_of(subject, 3, 5)
    with torch.no_grad():
        expected, moved = run(model, batch), run(other, batch)
        size = _pickled(model)
        with model.streaming():
            for _ in range(2):
                all_close(run(model, batch), expected, "in a streaming block")
            if _pickled(model) != size:
                raise CheckFailure("a model is pickled with what a streaming block cached from its parameters")
            for label, made in copies_of(model).items():
                _copy_into(made, other)
                all_close(run(made, batch), moved, f"{label} made in a streaming block, given other parameters")
            all_close(run(model, batch), expected, "in a streaming block, after copies of the model have changed")
            model.load_state_dict(other.state_dict())
            all_close(run(model, batch), moved, "in a streaming block, with other parameters loaded meanwhile")
        _overlapping(subject, batch)


def _pickled(model: Model) -> int:
    """How many bytes a model is pickled as; 0 for one that torch does not pickle."""
    return 0 if any(is_parametrized(module) for module in model.modules()) else len(pickle.dumps(model))


def _overlapping(subject: Subject, batch: Batch) -> None:
    """Two blocks of one model, of which the first ends first; then parameters change without a trace."""
    model, other = subject.model(), subject.model(seed=1)
    first, second = model.streaming(), model.streaming()
    first.__enter__()
    run(model, batch)
    second.__enter__()
    run(model, batch)
    first.__exit__(None, None, None)
    second.__exit__(None, None, None)
    _copy_into(model, other)
    all_close(run(model, batch), run(other, batch), "after streaming blocks that overlapped, with other parameters")


def _copy_into(model: Model, other: Model) -> None:
    """Give a model another one's parameters and buffers through `data`, of which torch keeps no trace."""
    for name, parameter in other.named_parameters():
        model.get_parameter(name).data.copy_(parameter)
    mine = dict(model.named_buffers())
    for name, buffer in other.named_buffers():
        if name in mine:  # a buffer may be made by the first run
            mine[name].data.copy_(buffer)
