"""The contract for an encoder and a decoder: what holds for a source and a target, which have lengths of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn

from zoo.architectures.encoder_decoder.model import EncoderDecoder
from zoo.checks.batch import lengths_of
from zoo.checks.measuring import weighted
from zoo.checks.subject import Skip, Subject, all_close, close
from zoo.engine.state import State
from zoo.errors import CheckFailure
from zoo.spec.describe import describe

SIZES: Final = ((1, 1, 7), (1, 7, 1), (5, 1, 2), (2, 13, 3), (3, 5, 7))
"""Rows, steps of the source and steps of the target, which differ, so that neither can stand for the other."""
ROWS, SOURCE, TARGET = 5, 13, 7
SOURCES: Final = (13, 2, 7, 1, 9)
TARGETS: Final = (3, 7, 1, 5, 2)
LONG: Final = 1000
SPLITS: Final = ((1, 6), (3, 4), (6, 1), (2, 1, 4), (1,) * 7)


class Pair(NamedTuple):
    """A batch of sources and targets."""

    source: Tensor
    target: Tensor

    def rows(self, index: Any) -> Pair:
        return Pair(self.source[index], self.target[index])


def model_of(subject: Subject, *, dtype: torch.dtype | None = None, seed: int = 0) -> EncoderDecoder:
    """The tiny model. Raises Skip for any other architecture of several stacks."""
    model = subject.model(dtype=dtype, seed=seed)
    if not isinstance(model, EncoderDecoder):
        name = subject.spec.architecture.record.name
        raise Skip(f"the check is for one stack, or an encoder and a decoder, and architecture {name!r} is neither")
    return model


def as_long_as_the_source(model: EncoderDecoder) -> set[str]:
    """The states of the decoder that have a number for each step of the source, such as the last weights."""
    return {f"decoder.{name}" for name, size in model._remembers.items() if size is None}


def pair(model: EncoderDecoder, rows: int, source: int, target: int, *, seed: int = 1) -> Pair:
    """A random batch. A source is never shorter than the encoder's windows."""
    steps = max(source, model.encoder.minimum_steps)
    return Pair(
        model.encoder.example_input(rows, steps, seed=seed), model.decoder.example_input(rows, target, seed=seed + 1)
    )


def ragged(subject: Subject, model: EncoderDecoder) -> tuple[Pair, Tensor, Tensor]:
    """Sources and targets of many lengths, no row's two the same."""
    least = model.encoder.minimum_steps
    sources = lengths_of([max(one, least) for one in SOURCES], subject.device)
    return pair(model, ROWS, SOURCE, TARGET), sources, lengths_of(TARGETS, subject.device)


def shapes(subject: Subject) -> None:
    """Scores are (B, T, V) whatever the source, and the state has what `encode` gives."""
    model = model_of(subject, dtype=torch.float32)
    expected = describe(subject.tiny).output_shape
    for rows, source, target in SIZES:
        given = pair(model, rows, source, target)
        output, state = model(*given, return_state=True)
        wanted = (rows, target, *(output.shape[2:] if expected is None else expected))
        label = f"(B, S, T) = ({rows}, {given.source.shape[1]}, {target})"
        if tuple(output.shape) != wanted or output.dtype != torch.float32:
            raise CheckFailure(f"{label}: scores have shape {tuple(output.shape)} {output.dtype}, expected {wanted}")
        start = model.encode(given.source).state
        found, first = ({name: (t.shape, t.dtype) for name, t in one.items()} for one in (state, start))
        if found != first:
            raise CheckFailure(f"{label}: the state after a target is {state}, before it {start}")


def finite(subject: Subject) -> None:
    """For a long source, and for large inputs."""
    model = model_of(subject, dtype=torch.float32)
    with torch.no_grad():
        for scale, steps in ((1.0, LONG), (1e4, SOURCE)):
            given = pair(model, 2, steps, TARGET)
            source, target = (t * scale if t.is_floating_point() else t for t in given)
            if not model(source, target).isfinite().all():
                raise CheckFailure(f"scores are not finite, of a source of {steps} steps, inputs times {scale:g}")


def batch_independence(subject: Subject) -> None:
    """A row's scores do not depend on the other rows, which may have other lengths on both sides."""
    model = model_of(subject)
    given, sources, targets = ragged(subject, model)
    expected = model(*given, source_lengths=sources, lengths=targets)
    other = pair(model, ROWS, SOURCE, TARGET, seed=5)
    for row in range(ROWS):
        keep = torch.arange(ROWS, device=subject.device) == row
        mixed = Pair(*(torch.where(_beside(keep, a), a, b) for a, b in zip(given, other, strict=True)))
        moved, lengths = (torch.where(keep, one, one.roll(1)) for one in (sources, targets))
        found = model(*mixed, source_lengths=moved, lengths=lengths)
        close(found[row], expected[row], f"row {row} among other rows")


def padding_invariance(subject: Subject) -> None:
    """What stands behind a source or a target changes no score and no gradient, and a row is what it is alone."""
    model = model_of(subject)
    given, sources, targets = ragged(subject, model)
    expected, state = model(*given, source_lengths=sources, lengths=targets, return_state=True)
    gradients = _gradients(model, expected)
    behind = torch.arange(TARGET, device=subject.device) >= targets.unsqueeze(1)
    if expected[behind].any():
        raise CheckFailure("scores behind the end of a target are not zero")
    for side, lengths in (("source", sources), ("target", targets)):
        filled = given._replace(**{side: _filled(getattr(given, side), lengths)})
        found, after = model(*filled, source_lengths=sources, lengths=targets, return_state=True)
        label = f"other numbers in the padding of the {side}"
        all_close((found, after), (expected, state), label)
        all_close(_gradients(model, found), gradients, f"{label}: gradients")
    for row in range(ROWS):
        alone = Pair(given.source[row : row + 1, : sources[row]], given.target[row : row + 1, : targets[row]])
        found, after = model(*alone, return_state=True)
        label = f"a source of length {sources[row]} and a target of length {targets[row]} alone"
        close(found[0], expected[row, : targets[row]], label)
        for name, tensor in after.items():
            if tensor.shape[1:] == state[name].shape[1:]:  # the weights of a step are as long as the source
                close(tensor[0], state[name][row], f"{label}: state {name}")


def causality(subject: Subject) -> None:
    """No score depends on a later symbol of the target; every one may depend on every step of the source."""
    model = model_of(subject)
    given = pair(model, 3, SOURCE, TARGET)
    other = pair(model, 3, SOURCE, TARGET, seed=7)
    expected = model(*given)
    for t in range(1, TARGET):
        later = torch.cat([given.target[:, :t], other.target[:, t:]], 1)
        found = model(given.source, later)
        close(found[:, :t], expected[:, :t], f"scores before step {t}, from which the target is another")
        if torch.equal(found[:, t], expected[:, t]) and not torch.equal(later[:, t], given.target[:, t]):
            raise CheckFailure(f"scores of step {t} do not depend on the symbol that it is given")


def state_default(subject: Subject) -> None:
    """A call begins where `encode` says; where nothing of the source is carried over, that is `init_state`."""
    model = model_of(subject)
    given, sources, targets = ragged(subject, model)
    expected, last = model(*given, source_lengths=sources, lengths=targets, return_state=True)
    memory, lengths, state = model.encode(given.source, lengths=sources)
    found = model.decode(given.target, state, memory=memory, memory_lengths=lengths, lengths=targets)
    all_close(found, (expected, last), "the state of encode against none")
    if model.bridge.zeros and not as_long_as_the_source(model):
        start = model.init_state(ROWS)
        if set(start) != set(state):
            raise CheckFailure(f"init_state gives {sorted(start)}, encode {sorted(state)}")
        all_close({name: start[name] for name in state}, dict(state), "init_state against the state of encode")
    leaves = State({name: one.detach().requires_grad_(one.is_floating_point()) for name, one in state.items()})
    scores, _ = model.decode(given.target, leaves, memory=memory.detach(), memory_lengths=lengths, lengths=targets)
    able = [name for name, leaf in leaves.items() if leaf.requires_grad]
    gradients = torch.autograd.grad(weighted(scores), [leaves[name] for name in able], allow_unused=True)
    for name, gradient in zip(able, gradients, strict=True):
        if gradient is None or not (gradient != 0).any():
            raise CheckFailure(f"the gradient of the scores by the incoming state {name} is zero")


def chunked(subject: Subject) -> None:
    """A target in pieces, from the state of the piece before, is the whole target; a row may end in any of them."""
    model = model_of(subject)
    given, sources, targets = ragged(subject, model)
    expected, last = model(*given, source_lengths=sources, lengths=targets, return_state=True)
    for split in SPLITS:
        memory, lengths, state = model.encode(given.source, lengths=sources)
        found, left = [], targets
        for piece in torch.split(given.target, list(split), 1):
            here = left.clamp(0, piece.shape[1])
            scores, state = model.decode(piece, state, memory=memory, memory_lengths=lengths, lengths=here)
            found.append(scores)
            left = left - here
        all_close((torch.cat(found, 1), state), (expected, last), f"a target in pieces of {split}")


def stepwise(subject: Subject) -> None:
    """One step at a time is teacher forcing with the whole target: scores at every step, and the state after it."""
    model = model_of(subject)
    given, sources, _ = ragged(subject, model)
    expected, last = model(*given, source_lengths=sources, return_state=True)
    memory, lengths, state = model.encode(given.source, lengths=sources)
    for t in range(TARGET):
        scores, state = model.step(given.target[:, t], state, memory=memory, memory_lengths=lengths)
        close(scores, expected[:, t], f"step {t} alone")
    all_close(state, last, "the state after all steps")


def reached(subject: Subject) -> None:
    """Every step of source and target has a gradient by the scores. None for another architecture."""
    try:
        model = model_of(subject)
    except Skip:
        return
    given = pair(model, 3, 7, 5)
    with _features(model.encoder.input) as sources, _features(model.decoder.input) as targets:
        weighted(model(*given)).backward()  # type: ignore[no-untyped-call]
    for side, found in (("source", sources), ("target", targets)):
        gradient = found[0].grad
        size = torch.zeros(1) if gradient is None else gradient.abs().flatten(2).amax((0, 2))
        if not (size > 0).all():
            raise CheckFailure(f"the {side} has no gradient at steps {torch.nonzero(size == 0).flatten().tolist()}")


def compiles(subject: Subject) -> None:
    """The compiled model equals the eager one, with gradients, at other numbers of rows and steps too."""
    model = model_of(subject, dtype=torch.float32)
    torch._dynamo.reset()
    compiled = torch.compile(model)
    for rows, source, target in ((2, 5, 3), (3, 7, 3)):
        given = pair(model, rows, source, target)
        lengths = lengths_of(range(source - rows + 1, source + 1), subject.device)
        output, state = compiled(*given, source_lengths=lengths, return_state=True)
        found = _gradients(model, output)
        expected, after = model(*given, source_lengths=lengths, return_state=True)
        label = f"compiled against eager, {rows} rows, {source} and {target} steps"
        all_close((output, state), (expected, after), label)
        all_close(found, _gradients(model, expected), f"{label}: gradients", bound=1e-4)
    torch._dynamo.reset()


def _gradients(model: nn.Module, output: Tensor) -> dict[str, Tensor]:
    parameters = {name: one for name, one in model.named_parameters() if one.requires_grad}
    found = torch.autograd.grad(weighted(output), list(parameters.values()), allow_unused=True)
    return {name: one for name, one in zip(parameters, found, strict=True) if one is not None}


def _filled(x: Tensor, lengths: Tensor) -> Tensor:
    """NaN in the padding, or other symbols, one that no table has among them."""
    padding = torch.arange(x.shape[1], device=x.device) >= lengths.unsqueeze(1)
    if x.is_floating_point():
        return torch.where(_beside(padding, x), torch.nan, x)
    return torch.where(padding, -1, x)


def _beside(rows: Tensor, x: Tensor) -> Tensor:
    """A mask with as many axes as x."""
    return rows.reshape(*rows.shape, *(1,) * (x.dim() - rows.dim()))


@contextmanager
def _features(source: nn.Module) -> Iterator[list[Tensor]]:
    """Inside, a run reads its features from a leaf of its own, given here."""
    found: list[Tensor] = []

    def cut(module: nn.Module, given: Any, features: Tensor) -> Tensor:
        found.append(features.detach().clone().requires_grad_())
        return found[-1]

    handle = source.register_forward_hook(cut)
    try:
        yield found
    finally:
        handle.remove()
