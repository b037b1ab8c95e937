"""What stands in padding changes nothing: not the outputs, not the states, not the gradients."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from zoo.checks import pairs
from zoo.checks.batch import Batch, batch_of, called, joined, named, pooled_of, random_state, run, select_state
from zoo.checks.measuring import measure, weighted
from zoo.checks.subject import Subject, all_close, close
from zoo.components import Part
from zoo.errors import CheckFailure, InputError
from zoo.inputs.named import NamedInputs
from zoo.model.base import Model
from zoo.spec.tree import dotted, parts

LENGTHS = (7, 3, 1, 5, 2)


def padding_invariance(subject: Subject) -> None:
    """What stands in padding or was not observed, and how much padding, changes nothing; one alone is the same."""
    if subject.several:
        pairs.padding_invariance(subject)
        return
    model = subject.model()
    batch = batch_of(subject, 5, 7)
    lengths = subject.lengths(LENGTHS)
    initial = random_state(model, 5)
    for state in (None, initial):
        expected = measure(model, batch, state, lengths=lengths)
        if not subject.pooled:
            _zero_in_padding(expected.output, model.output_lengths(lengths))
        for label, padded in _fillings(subject, batch, lengths):
            found = measure(model, padded, state, lengths=lengths)
            output = found.output if subject.pooled else found.output[:, :7]
            all_close(output, expected.output, f"output with {label}")
            all_close(found.state, expected.state, f"state with {label}")
            _gradients(found.parameters, expected.parameters, label)
            all_close(found.before, expected.before, f"gradient of the state with {label}")
            steps = batch.lead.shape[1]
            for name, gradient in expected.x.items():
                until = found.x[name] if name in batch.once else found.x[name][:, :steps]
                close(until, gradient, f"gradient of {called(name)} with {label}")
                if name not in batch.once and found.x[name][:, steps:].any():
                    raise CheckFailure(f"gradient of padding with {label} is not zero")
        _alone(subject, model, batch, state, lengths)
    _packed(model, batch, lengths)
    _padding_symbol(subject, model)


def _zero_in_padding(output: Tensor, lengths: Tensor) -> None:
    for index, length in enumerate(lengths.tolist()):
        if output[index, length:].any():
            largest = output[index, length:].abs().max().item()
            raise CheckFailure(f"the output in padding is {largest:.3g}, bound 0")


def _fillings(subject: Subject, batch: Batch, lengths: Tensor) -> list[tuple[str, Batch]]:
    """The batch with other things in its padding and where nothing was observed, and with more padding."""
    padding = torch.arange(batch.lead.shape[1], device=subject.device) >= lengths.unsqueeze(1)
    found = []
    if batch.real:
        for value in (0.0, 1e9, torch.nan):
            # Everything that belongs to a step is padding there: dt too.
            found.append((f"{value} in padding", batch.map_steps(partial(_fill, padding=padding, value=value))))
            if "observed" in batch.extras:
                hidden = batch.map_x(partial(_hide, observed=batch.extras["observed"], value=value))
                found.append((f"{value} where nothing was observed", hidden))
    for shift in (1, 2) if any(not t.is_floating_point() for t in batch.inputs.values()) else ():
        moved = batch.map_x(partial(_shift, padding=padding, shift=shift))
        found.append((f"symbols {shift} further in padding", moved))
    more = batch.map_steps(lambda t: torch.cat([t, torch.ones_like(t[:, :4]) if batch.real else t[:, :4]], 1))
    return [*found, ("4 more steps of padding", more)]


def _hide(t: Tensor, observed: Tensor, value: float) -> Tensor:
    return t.masked_fill(~observed, value) if t.is_floating_point() else t


def _shift(t: Tensor, padding: Tensor, shift: int) -> Tensor:
    """Other symbols in padding."""
    if t.is_floating_point():
        return t
    beside = padding.view(*padding.shape, *(1,) * (t.dim() - 2))
    return torch.where(beside, (t + shift) % (int(t.max()) + 1), t)


def _fill(t: Tensor, padding: Tensor, value: float) -> Tensor:
    if not t.is_floating_point():
        return t
    return t.masked_fill(padding.view(*padding.shape, *(1,) * (t.dim() - 2)), value)


def _gradients(found: object, expected: object, label: str) -> None:
    assert isinstance(found, dict)
    assert isinstance(expected, dict)
    for name, gradient in expected.items():
        close(found[name], gradient, f"gradient of {name} with {label}")


def _alone(subject: Subject, model: Model, batch: Batch, state: object, lengths: Tensor) -> None:
    whole = measure(model, batch, state, lengths=lengths)
    ends = model.output_lengths(lengths).tolist()
    total = {name: torch.zeros_like(g) for name, g in whole.parameters.items()}
    for index, length in enumerate(lengths.tolist()):
        label = f"a sequence of length {length} alone, trimmed,"
        own = None if state is None else select_state(state, slice(index, index + 1))
        alone = measure(model, batch.sequences(slice(index, index + 1)).steps(0, length), own, first_sequence=index)
        expected = whole.output[index] if subject.pooled else whole.output[index, : ends[index]]
        close(alone.output[0], expected, f"output of {label} against the padded batch")
        all_close(
            alone.state,
            select_state(whole.state, slice(index, index + 1)),
            f"state of {label} against the padded batch",
        )
        for name, gradient in alone.x.items():
            own_x = whole.x[name][index] if name in batch.once else whole.x[name][index, :length]
            close(gradient[0], own_x, f"gradient of {called(name)} of {label} against the padded batch")
        total = {name: g + alone.parameters[name] for name, g in total.items()}
    _gradients(total, dict(whole.parameters), "sequences alone, summed,")


def _packed(model: Model, batch: Batch, lengths: Tensor) -> None:
    if isinstance(batch.x, Mapping):
        _packed_refused(model, batch, lengths)
        return
    # What belongs to single steps cannot be packed beside x, so it is left out on both sides.
    bare = Batch({"x": batch.x})
    expected, state = run(model, bare, lengths=lengths)
    packed = pack_padded_sequence(batch.x, lengths.cpu(), batch_first=True, enforce_sorted=False)
    output, after = model(packed, return_state=True)
    pooled, ends = pooled_of(model), model.output_lengths(lengths)
    several = output if isinstance(output, Mapping) else {"": output}
    found = {}
    for name, one in several.items():
        if not pooled[name]:
            if not isinstance(one, PackedSequence):
                raise CheckFailure(f"a PackedSequence gives a {type(one).__name__}, not a PackedSequence")
            one, given = pad_packed_sequence(one, batch_first=True)
            if given.tolist() != ends.tolist():
                raise CheckFailure(f"a PackedSequence comes back with lengths {given.tolist()}, not {ends.tolist()}")
        found[name] = one
    output = joined(model, found, lengths) if isinstance(output, Mapping) else found[""]
    close(output, expected, "a PackedSequence against the padded batch")
    all_close(named(model, after), named(model, state), "the state of a PackedSequence against the padded batch")


def _packed_refused(model: Model, batch: Batch, lengths: Tensor) -> None:
    """Several inputs cannot be packed, and what says so names what can be done."""
    packed = pack_padded_sequence(batch.lead, lengths.cpu(), batch_first=True, enforce_sorted=False)
    try:
        model(packed)
    except InputError as error:
        if "lengths=" in str(error):
            return
    raise CheckFailure("a PackedSequence for a model of several inputs must be an InputError that names lengths=")


def _padding_symbol(subject: Subject, model: Model) -> None:
    """The symbol that an input declares as padding stands for zeros, and learns nothing."""
    for path, part in parts(subject.tiny.input, ("input",)):
        if part.record.kind == "input":
            _symbol(subject, model.get_submodule(dotted(path)), part)
    if not isinstance(model.input, NamedInputs):
        _symbol(subject, model.input, subject.tiny.input)


def _symbol(subject: Subject, source: Any, part: Part) -> None:
    symbol = getattr(part.options, "padding", None)
    if symbol is None or source.vocabulary is None or source.input_shape:
        return  # of a word's characters layers make something else than zeros
    features = source(torch.full((1, 1), symbol, device=subject.device))
    if features.any():
        raise CheckFailure(f"the padding symbol's features are {features.abs().max().item():.3g}, bound 0")
    source.zero_grad(set_to_none=True)
    weighted(features).backward()  # type: ignore[no-untyped-call]
    if any(p.grad is not None and p.grad.any() for p in source.parameters()):
        raise CheckFailure("the padding symbol's vector has a gradient, bound 0")
