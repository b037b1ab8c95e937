"""What comes out: finite, the same every time, sequences apart."""

from __future__ import annotations

import copy
from functools import partial

import torch
from torch import Tensor

from zoo.checks import pairs
from zoo.checks.batch import Batch, batch_of, map_state, random_state, run, select_state
from zoo.checks.subject import Subject, all_close, tensors
from zoo.errors import CheckFailure
from zoo.model.base import Model

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
