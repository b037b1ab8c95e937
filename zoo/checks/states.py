"""What a state means: where it starts, what carries on from it, and where it starts anew."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from zoo.checks import pairs
from zoo.checks.batch import Batch, batch_of, flat, joined, lengths_of, named, random_state, run, select_state
from zoo.checks.hops import between_hops, inside_a_hop
from zoo.checks.measuring import measure, weighted
from zoo.checks.subject import Skip, Subject, all_close, close, tensors
from zoo.engine.state import State
from zoo.errors import CheckFailure, InputError
from zoo.model.base import Model
from zoo.spec.describe import described
from zoo.spec.traits import not_streamable
from zoo.spec.tree import as_path, recurrent

STEPS = 13
LENGTHS = (13, 7, 5, 1, 9)
SPLITS = ((1, 12), (6, 7), (12, 1), (4, 1, 8), (1,) * 13)


def state_default(subject: Subject) -> None:
    """No state is the initial state; another one, in either layout, is used, and gets a gradient."""
    model = subject.model()
    batch = batch_of(subject, 3, 7)
    expected = run(model, batch)
    initial = model.init_state(3)
    all_close(run(model, batch, initial), expected, "state=init_state(3) against no state")
    names = set(named(model, initial))
    if not names:
        return
    all_close(run(model, batch, named(model, initial)), expected, "the initial state by names")
    state = random_state(model, 3)
    output, after = run(model, batch, state)
    if set(named(model, after)) != names:
        raise CheckFailure(f"a run gives states {sorted(named(model, after))}, init_state gives {sorted(names)}")
    all_close(run(model, batch, named(model, state)), (output, after), "an incoming state by names")
    if torch.equal(output, expected[0]):
        raise CheckFailure("an incoming state changes no output")
    _state_gradients(subject, model, batch, named(model, state))


def _state_gradients(subject: Subject, model: Model, batch: Batch, state: State) -> None:
    """The state of every layer and direction is connected to the output."""
    leaves = {n: t.clone().requires_grad_() if t.is_floating_point() or t.is_complex() else t for n, t in state.items()}
    loss = weighted(run(model, batch, State(leaves))[0])
    if not loss.requires_grad:
        raise CheckFailure("the output is cut off from the incoming state: it has no gradient")
    able = {name: leaf for name, leaf in leaves.items() if leaf.requires_grad}
    gradients = torch.autograd.grad(loss, list(able.values()), allow_unused=True)
    reached = {name: g is not None and bool((g != 0).any()) for name, g in zip(able, gradients, strict=True)}
    for place in dict.fromkeys(name.rpartition(".")[0] for name in able):
        if subject.pooled and _seen(subject, place) < batch.lead.shape[1]:
            continue  # what its window carries is gone before the last step, which may be all that the pool takes
        if not any(hit for name, hit in reached.items() if name.rpartition(".")[0] == place):
            raise CheckFailure(f"the gradient of the output by the incoming state of {place} is zero")


def _seen(subject: Subject, place: str) -> float:
    """Number of steps for which a layer's state lasts: that of a window alone, and without end for any other."""
    found = described(subject.tiny).get(as_path(place))
    if found is None or not found.windows or found.state.keys() != {"past"}:
        return math.inf
    return sum(window.reach for window in found.windows)


def chunked(subject: Subject) -> None:
    """Any split of the sequence, state carried in either layout, equals the whole run; gradients cross the cuts."""
    if subject.several:
        pairs.chunked(subject)
        return
    model = _streaming(subject)
    batch = batch_of(subject, 5, STEPS, whole=True)
    whole = run(model, batch)
    for split in SPLITS:
        for by_name in (False, True):
            all_close(_chunks(model, batch, split, by_name=by_name), whole, f"in chunks of {split}")
    _ragged(subject, model, batch)
    initial = random_state(model, 5)
    expected = measure(model, batch, initial)
    parts = _Chunked(model, (6, 7), batch)
    found = measure(parts, batch, initial)  # type: ignore[arg-type]
    all_close(found.state, expected.state, "state after chunks of (6, 7)")
    all_close([found.x, found.before], [expected.x, expected.before], "input and state gradients across a cut")
    for name, gradient in expected.parameters.items():
        close(found.parameters[f"model.{name}"], gradient, f"gradient of {name} across a cut")
    if batch.hop > 1:
        between_hops(subject, model)


def _chunks(model: Model, batch: Batch, split: tuple[int, ...], *, by_name: bool = False) -> tuple[Tensor, Any]:
    outputs, state, start = [], None, 0
    for size in split:
        before = named(model, state) if by_name and start else state
        output, state = run(model, batch.steps(start, start + size), before)
        outputs.append(output)
        start += size
    return torch.cat(outputs, 1), state


class _Chunked(torch.nn.Module):
    """A model that runs in chunks by itself, so that a whole run can be measured against it."""

    def __init__(self, model: Model, split: tuple[int, ...], like: Batch) -> None:
        super().__init__()
        self.model, self.split, self.like = model, split, like
        self.layers = model.layers

    def forward(self, x: Tensor, state: Any = None, **extras: Any) -> tuple[Tensor, Any]:
        tensors_only = {name: value for name, value in extras.items() if isinstance(value, Tensor)}
        batch = replace(self.like, arguments=flat({"x": x, **tensors_only}))
        outputs, start = [], 0
        for size in self.split:
            output, state = run(self.model, batch.steps(start, start + size), state)
            outputs.append(output)
            start += size
        return torch.cat(outputs, 1), state

    def named_parameters(self, *args: Any, **kwargs: Any) -> Any:
        return ((f"model.{name}", p) for name, p in self.model.named_parameters())


def _ragged(subject: Subject, model: Model, batch: Batch) -> None:
    """Rows that end early: a chunk's lengths are what is left of each row, and a finished row is left out."""
    lengths = lengths_of(LENGTHS, batch.lead.device)
    whole, last = run(model, batch, lengths=lengths * batch.hop)
    for cuts in ((6,), (4, 8)):
        state: Any = None
        final = named(model, last)
        for start, stop in zip((0, *cuts), (*cuts, STEPS), strict=True):
            alive = lengths > start
            left = (lengths[alive] - start).clamp(max=stop - start)
            before = None if state is None else select_state(state, alive)
            output, after = run(model, batch.sequences(alive).steps(start, stop), before, lengths=left * batch.hop)
            close(
                output,
                whole[alive, start:stop],
                f"sequences of lengths {LENGTHS} cut at {cuts}, steps {start} to {stop}",
            )
            state = after if state is None else _put(named(model, state), alive, named(model, after))
        all_close(named(model, state), final, f"state after sequences of lengths {LENGTHS} cut at {cuts}")


def _put(state: State, alive: Tensor, new: State) -> State:
    found = {}
    for name, tensor in state.items():
        found[name] = tensor.clone()
        found[name][alive] = new[name]
    return State(found)


def stepwise(subject: Subject) -> None:
    """`step` over time equals the whole run, in outputs and in the states of every step, without gradients too."""
    if subject.several:
        pairs.stepwise(subject)
        return
    model = _streaming(subject)
    batch = batch_of(subject, 3, 7, whole=True)
    outputs, last, states = model(batch.x, return_states=True, **batch.extras)
    outputs = joined(model, outputs)
    stepped, found = _stepped(model, batch)
    close(stepped, outputs, "step over 7 steps against the whole run")
    all_close(found[-1], last, "state after 7 steps against the whole run")
    for name, tensor in states.items():
        every = torch.stack([named(model, one)[name] for one in found], 1)
        close(every, _by_output(tensor, 7), f"{name} at every step against return_states")
    _last_of_all_steps(model, batch)
    _served(subject, model, batch)


def _by_output(tensor: Tensor, outputs: int) -> Tensor:
    """Of the states of all steps of a layer (B, T, ...) those behind the steps of the output: it may see more steps."""
    many = tensor.shape[1] // outputs
    return tensor[:, many - 1 :: many]


def _stepped(model: Model, batch: Batch, *, reset: Tensor | None = None) -> tuple[Tensor, list[Any]]:
    """The outputs (B, T, ...) of a run step by step, and the state after each step."""
    state, outputs, states = None, [], []
    for t in range(batch.lead.shape[1] // batch.hop):
        x, extras = batch.step(t)
        output, state = model.step(x, state, reset=None if reset is None else reset[:, t * batch.hop], **extras)
        outputs.append(joined(model, output))
        states.append(state)
    return torch.stack(outputs, 1), states


def _last_of_all_steps(model: Model, batch: Batch) -> None:
    """Where sequences end early, the state that goes on is that of each one's last step."""
    lengths = lengths_of((7, 3, 5), batch.lead.device)
    _, last, states = model(batch.x, lengths=lengths * batch.hop, return_states=True, **batch.extras)
    indices = torch.arange(3, device=batch.lead.device)
    for name, tensor in states.items():
        close(
            _by_output(tensor, 7)[indices, lengths - 1],
            named(model, last)[name],
            f"{name} at the last step of sequences of lengths 7, 3, 5",
        )


def _served(subject: Subject, model: Model, batch: Batch) -> None:
    """Without gradients, where what does not change may be cached from step to step; new parameters count at once."""
    for seed in (0, 1):
        other = subject.model(seed=seed)
        model.load_state_dict(other.state_dict())
        with torch.no_grad():
            stepped, found = _stepped(model, batch)
        outputs, last = run(other, batch)
        label = "step over 7 steps without gradients" + (", with parameters loaded since," if seed else "")
        close(stepped, outputs.detach(), f"{label} against the whole run")
        all_close(found[-1], last, f"state after {label}")


def _streaming(subject: Subject) -> Model:
    if not subject.traits.streamable:
        raise Skip(not_streamable(subject.spec) or "a component declares streamable: false")
    return subject.model()


def reset(subject: Subject) -> None:
    """A reset inside a sequence equals separate runs, in both directions, with lengths; in padding it does nothing."""
    # A pool joins again what a reset cuts, so what stands before it is checked.
    if any(head.pool is not None for head in subject.spec.only.all_heads):
        bare = subject.spec.with_stack(head=None, heads=(), merge=None)
        subject = replace(subject, spec=replace(bare, expect=None))
    model = subject.model()
    batch = batch_of(subject, 5, STEPS, whole=True)
    lengths = lengths_of(LENGTHS, subject.device)
    marks = ((1,), (3, 4), (STEPS - 1,), (), (2, 7))
    _refused(model, batch)
    for sequence_lengths in (None, lengths):
        ends = [STEPS] * 5 if sequence_lengths is None else list(LENGTHS)
        given = None if sequence_lengths is None else sequence_lengths * batch.hop
        found, after = run(model, batch, lengths=given, reset=_marked(batch, marks))
        state = named(model, after)
        for index, positions in enumerate(marks):
            label = f"reset before steps {positions} of a sequence of {ends[index]}"
            bounds = [0, *(p for p in positions if p < ends[index]), ends[index]]
            _separately(
                subject,
                model,
                batch.sequences(slice(index, index + 1)),
                bounds,
                found[index],
                select_state(state, slice(index, index + 1)),
                label,
            )
    initial = random_state(model, 5)
    anew = _marked(batch, ((0,),) * 5)
    all_close(
        run(model, batch, initial, reset=anew), run(model, batch), "reset before step 0 with a state against none"
    )
    if subject.traits.streamable and tensors(initial):
        _from_state(model, batch, initial)
    if subject.traits.streamable:
        _step_by_step(model, batch, marks)
    if batch.hop > 1:
        inside_a_hop(model, batch)


def _marked(batch: Batch, marks: Sequence[Sequence[int]]) -> Tensor:
    """Resets (B, T) before these steps of each sequence, each a hop of the input."""
    where = torch.zeros(batch.lead.shape[:2], dtype=torch.bool, device=batch.lead.device)
    for index, positions in enumerate(marks):
        where[index, [position * batch.hop for position in positions]] = True
    return where


def _refused(model: Model, batch: Batch) -> None:
    """A layer that looks at several steps at a time may refuse resets: `zoo.LayerType` says so."""
    windows = (window for module in model.modules() for window in getattr(module, "windows", ()))
    if not any(window.kernel > 1 for window in windows):
        return
    try:
        run(model, batch, reset=torch.zeros(batch.lead.shape[:2], dtype=torch.bool, device=batch.lead.device))
    except InputError as error:
        raise Skip(str(error)) from None


def _step_by_step(model: Model, batch: Batch, marks: Sequence[Sequence[int]]) -> None:
    """Resets given to `step` are those of the whole run, whose states of all steps show each of them."""
    where = _marked(batch, marks)
    outputs, last, states = model(batch.x, reset=where, return_states=True, **batch.extras)
    outputs = joined(model, outputs)
    stepped, found = _stepped(model, batch, reset=where)
    close(stepped, outputs, "resets given step by step against the whole run")
    all_close(found[-1], last, "state after resets given step by step")
    for name, tensor in states.items():
        every = torch.stack([named(model, one)[name] for one in found], 1)
        close(every, _by_output(tensor, STEPS), f"{name} at every step, with resets")


def _separately(
    subject: Subject, model: Model, sequence: Batch, bounds: list[int], found: Tensor, state: State, label: str
) -> None:
    """One sequence against separate runs of its parts: outputs, and the state of what each direction read last."""
    outputs, states = [], []
    for start, stop in pairwise(bounds):
        output, after = run(model, sequence.steps(start, stop))
        outputs.append(output)
        states.append(named(model, after))
    close(found[: bounds[-1]].unsqueeze(0), torch.cat(outputs, 1), label)
    for name, tensor in state.items():
        expected = states[0 if _backwards(subject, name) else -1][name]
        close(tensor, expected, f"{label}: {name}")


def _backwards(subject: Subject, name: str) -> bool:
    of = as_path(name.removesuffix(f".{name.rpartition('.')[2]}").removesuffix(".reverse"))
    return ".reverse." in name or any(path == of and layer.reverse for path, layer in recurrent(subject.tiny))


def _from_state(model: Model, batch: Batch, initial: Any) -> None:
    """With an incoming state: it holds up to the reset, and the initial one after it."""
    where = _marked(batch, ((5,),) * 5)
    output, after = run(model, batch, initial, reset=where)
    first, _ = run(model, batch.steps(0, 5), initial)
    second, expected = run(model, batch.steps(5, STEPS))
    close(output, torch.cat([first, second], 1), "reset before step 5, from a state")
    all_close(after, expected, "state after a reset before step 5, from a state")
