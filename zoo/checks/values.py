"""What comes out: finite, the same every time, sequences apart, padding without effect, no step from the future."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from zoo.checks import pairs
from zoo.checks.batch import (
    Batch,
    batch_of,
    features_of,
    joined,
    map_state,
    measure,
    named,
    pooled_of,
    random_state,
    run,
    select_state,
    vocabularies,
    weighted,
)
from zoo.checks.subject import Skip, Subject, all_close, close, tensors
from zoo.components import Part
from zoo.errors import CheckFailure, InputError
from zoo.inputs.named import NamedInputs
from zoo.model.base import Model
from zoo.spec.traits import not_streamable
from zoo.spec.tree import dotted, over_time, parts

LENGTHS = (7, 3, 1, 5, 2)
LARGE = 1000.0


def finite(subject: Subject) -> None:
    """Outputs and states are finite, over many steps too, and for large inputs as far as the numbers fit the dtype."""
    if subject.several:
        pairs.finite(subject)
        return
    model = subject.model(dtype=torch.float32)
    for steps in (1, 61):
        batch = batch_of(subject, 3, steps, dtype=torch.float32)
        _finite(run(model, batch), f"{steps} steps")
        lengths = subject.lengths((steps, 1, (steps + 1) // 2))
        _finite(run(model, batch, lengths=lengths), f"{steps} steps, sequences of lengths {lengths.tolist()}")
        if batch.real:
            _large(subject, model, batch.map_x(lambda t: LARGE * t if t.is_floating_point() else t), steps)
    _finite(run(model.train(), batch_of(subject, 3, 7, dtype=torch.float32)), "7 steps in training")


def _large(subject: Subject, model: Model, batch: Batch, steps: int) -> None:
    """What grows from step to step may overflow, if it does so in float64 or leaves float32's range there."""
    label = f"{steps} step{'s' if steps > 1 else ''} of inputs {LARGE:,.0f} times larger"
    try:
        _finite(run(model, batch), label)
    except CheckFailure:
        if subject.exact != torch.float64 or subject.traits.bounded:
            raise
        wide = batch.map(lambda t: t.double() if t.is_floating_point() else t)
        exact = tensors(run(copy.deepcopy(model).double(), wide))
        largest = max(float(torch.nan_to_num(t.abs(), nan=torch.inf).max()) for t in exact if t.numel())
        grown = torch.finfo(torch.float32).max < largest
        if not grown or (steps == 1 and largest == torch.inf):
            raise


def _finite(result: object, label: str) -> None:
    for tensor in tensors(result):
        count = int((~torch.isfinite(tensor)).sum())
        if count:
            raise CheckFailure(f"{label}: {count} of {tensor.numel()} numbers are not finite, bound 0")


def batch_independence(subject: Subject) -> None:
    """Sequences do not influence each other: permuting them permutes what comes out; one that changes changes alone."""
    if subject.several:
        pairs.batch_independence(subject)
        return
    model = subject.model()
    batch = batch_of(subject, 5, 7)
    order = torch.tensor([3, 0, 4, 1, 2], device=subject.device)
    initial = random_state(model, 5)
    for lengths in (None, subject.lengths(LENGTHS)):
        label = "" if lengths is None else f", sequences of lengths {LENGTHS}"
        output, state = run(model, batch, initial, lengths=lengths)
        shuffled = None if lengths is None else lengths[order]
        found = run(model, batch.sequences(order), select_state(initial, order), lengths=shuffled)
        all_close(found, (output[order], select_state(state, order)), f"sequences in another order{label}")
        _other_sequences(subject, model, batch, lengths, label)


def _other_sequences(subject: Subject, model: Model, batch: Batch, lengths: Tensor | None, label: str) -> None:
    """Change one sequence and what stands beside it (to NaN, where numbers come in): the numbers of the others stay."""
    expected, state = run(model, batch, lengths=lengths)
    for index in range(5):
        others = torch.arange(5, device=subject.device) != index
        found, after = run(model, batch.map(partial(_other_sequence, index=index)), lengths=lengths)
        label_sequence = f"other sequences when sequence {index} changes{label}"
        all_close(
            (found[others], select_state(after, others)),
            (expected[others], select_state(state, others)),
            label_sequence,
        )


def _other_sequence(t: Tensor, index: int) -> Tensor:
    t = t.clone()
    if t.is_floating_point():
        t[index] = torch.nan
    else:
        t[index] = ~t[index] if t.dtype == torch.bool else t[index - 1].flip(0)
    return t


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
                close(until, gradient, f"gradient of {_called(name)} with {label}")
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


def _called(name: str) -> str:
    """An input of a batch, in words."""
    return "the input" if name == "x" else f"the input {name[2:]!r}"


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
            close(gradient[0], own_x, f"gradient of {_called(name)} of {label} against the padded batch")
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


def causality(subject: Subject) -> None:
    """No output depends on a later step, by gradient of the features and by value, and each depends on its own."""
    if subject.several:
        pairs.causality(subject)
        return
    if not subject.traits.causal:
        raise Skip(_not_causal(subject))
    model = subject.model()
    batch = batch_of(subject, 2, 7, whole=True)
    with features_of(model) as found:
        output, _ = run(model, batch)
    for t in range(7):
        (gradient,) = torch.autograd.grad(weighted(output[:, t]), found[0], retain_graph=True)
        by_step = gradient.abs().flatten(2).amax((0, 2)).reshape(7, -1).amax(1)  # of each hop
        late = by_step[t + 1 :]
        if late.any():
            size = late.max().item()
            raise CheckFailure(f"the output at step {t} has a gradient of {size:.3g} by a later input, bound 0")
        if not by_step[t]:
            raise CheckFailure(f"the output at step {t} does not depend on the input at step {t}")
    _before(model, batch)
    for name in batch.extras:
        _beside(model, batch, name)


def _before(model: Model, batch: Batch) -> None:
    """What comes in at a step changes nothing before it: an input may see later steps, where no gradient goes."""
    expected, _ = run(model, batch)
    for name, vocabulary in vocabularies(model, batch).items():
        for t in range(1, 7) if name not in batch.once else ():
            x, at = batch.arguments[name].clone(), t * batch.hop
            x[:, at] = x[:, at] + 1 if vocabulary is None else (x[:, at] + 1) % vocabulary
            found, _ = run(model, batch.with_extra(name, x))
            close(found[:, :t], expected[:, :t], f"the output before step {t} when {_called(name)} changes there")


def _beside(model: Model, batch: Batch, name: str) -> None:
    """dt and `observed` change nothing before their step, and something at all."""
    if name == "observed":  # that zero was seen and that nothing was are two things
        batch = batch.map_x(torch.zeros_like)
    expected, _ = run(model, batch)
    acts = False
    for t in range(7):
        other, at = batch.extras[name].clone(), t * batch.hop
        other[:, at] = ~other[:, at] if other.dtype == torch.bool else 2 * other[:, at]
        found, _ = run(model, batch.with_extra(name, other))
        close(found[:, :t], expected[:, :t], f"the output before step {t} when {name} changes there")
        acts = acts or not torch.equal(found, expected)
    if not acts:
        raise CheckFailure(f"{name} changes no output, though a cell declares that it uses it")


def _not_causal(subject: Subject) -> str:
    reasons = [
        f"{dotted(place)} declares causal: false"
        for place, node in over_time(subject.spec)
        if isinstance(node, Part) and not node.traits.causal
    ]
    return (reasons or [not_streamable(subject.spec) or "a component declares causal: false"])[0]


def repeatable(subject: Subject) -> None:
    """A run in eval mode repeats exactly and touches nothing: not its input, not its state, not the random state."""
    model = subject.model()
    batch = batch_of(subject, 3, 7)
    lengths = subject.lengths(LENGTHS[:3])
    initial = None if subject.several else random_state(model, 3)
    given = [*batch.arguments.values(), lengths, *tensors(initial), *model.state_dict().values()]
    copies = [t.clone() for t in given]
    for sequence_lengths in (None,) if subject.several else (None, lengths):
        for state in (None,) if initial is None else (None, initial):
            random = torch.get_rng_state()
            first = tensors(run(model, batch, state, lengths=sequence_lengths))
            if not torch.equal(torch.get_rng_state(), random):
                raise CheckFailure("a run in eval mode draws from the global random state")
            second = tensors(run(model, batch, state, lengths=sequence_lengths))
            if not all(torch.equal(a, b) for a, b in zip(first, second, strict=True)):
                raise CheckFailure("two runs in eval mode differ")
    if not all(torch.equal(a, b) for a, b in zip(given, copies, strict=True)):
        raise CheckFailure("a run changes its input, its state or a parameter in place")
    if initial is None:
        return
    clone = map_state(initial, torch.clone)
    all_close(run(model, batch, clone), run(model, batch, initial), "a copy of the state", bound=0.0)
