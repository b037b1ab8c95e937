"""The contract for a transducer: what holds for the steps of an input and the symbols of a target, and for its loss."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from itertools import combinations, product
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor

from zoo.architectures.transducer.model import Transducer
from zoo.checks.batch import lengths_of, map_state, weighted
from zoo.checks.subject import TOLERANCE, Skip, Subject, all_close, close
from zoo.errors import CheckFailure
from zoo.model.base import Model
from zoo.model.build import with_engine
from zoo.spec.describe import describe
from zoo.spec.traits import not_streamable

SIZES: Final = ((1, 1, 0), (1, 7, 1), (5, 2, 3), (2, 13, 2), (3, 5, 0))
"""Rows, steps of the encoder's output and symbols: never as many of one as of another."""
ROWS, STEPS, SYMBOLS = 5, 13, 7
ENDS: Final = (13, 2, 7, 1, 9)
"""Steps of the encoder's output, of each row."""
TARGETS: Final = (3, 7, 0, 5, 2)
PIECES: Final[tuple[tuple[int, ...], ...]] = ((6, 7), (1, 5, 7), (1,) * STEPS)
LONG: Final = 200
SPLITS: Final[tuple[tuple[int, ...], ...]] = ((1, 6), (3, 4), (2, 1, 4), (1,) * 7)
SEEDS: Final = (3, 4)
"""Of parameters with which the likeliest texts have no symbol, one and two."""
ITERATIONS, SHARE = 300, 0.02
"""Of learning: how many at most, and what may be left of the loss."""


class Given(NamedTuple):
    """A batch of sequences and targets."""

    x: Tensor
    target: Tensor
    lengths: Tensor
    target_lengths: Tensor

    @property
    def arguments(self) -> dict[str, Tensor]:
        return self._asdict()

    def rows(self, index: Any) -> Given:
        return Given(*(one[index] for one in self))


def model_of(subject: Subject, *, dtype: torch.dtype | None = None, train: bool = False, seed: int = 0) -> Transducer:
    """The tiny model. Raises Skip for any other architecture."""
    model = subject.model(dtype=dtype, train=train, seed=seed)
    if not isinstance(model, Transducer):
        raise Skip(f"the check is for transducers, and the architecture is {subject.spec.architecture.record.name!r}")
    return model


def given_to(model: Transducer, ends: tuple[int, ...], targets: tuple[int, ...], *, seed: int = 1) -> Given:
    """A random batch: `ends` are numbers of steps behind the encoder."""
    most, device = max(ends), model._place()[0]
    lengths = lengths_of([_steps(model, end) for end in ends], device)
    x = model.encoder.example_input(len(ends), _steps(model, most), seed=seed)
    generator = torch.Generator().manual_seed(seed)
    target = torch.randint(0, model.outputs - 1, (len(ends), max(targets)), generator=generator).to(device)
    if model.starts_with_blank:
        target = target + (target >= model.blank)
    return Given(x, target, lengths, lengths_of(targets, device))


def _steps(model: Transducer, outputs: int) -> int:
    """The smallest number of steps of the input that gives so many of the encoder's output."""
    steps = 1
    while int(model.output_lengths(torch.tensor(steps))) < outputs:
        steps += 1
    return steps


def ragged(model: Transducer) -> Given:
    """Sequences and targets of many lengths, no row's two the same; one target is empty."""
    return given_to(model, ENDS, TARGETS)


def shapes(subject: Subject) -> None:
    """Scores are (B, T', U + 1, V), without symbols too, and the state is that which the model starts from."""
    model = model_of(subject, dtype=torch.float32)
    for rows, steps, symbols in SIZES:
        given = given_to(model, (steps,) * rows, (symbols,) * rows)
        output, state = model(given.x, given.target, return_state=True)
        wanted = (rows, steps, symbols + 1, *(describe(subject.tiny).output_shape or output.shape[3:]))
        label = f"(B, T, U) = ({rows}, {given.x.shape[1]}, {symbols})"
        if tuple(output.shape) != wanted or output.dtype != torch.float32:
            raise CheckFailure(f"{label}: scores have shape {tuple(output.shape)} {output.dtype}, expected {wanted}")
        ends = model.output_lengths(given.lengths)
        if ends.tolist() != [steps] * rows:
            raise CheckFailure(f"{label}: output_lengths gives {ends.tolist()}, and there are {steps} steps")
        found, first = ({name: (t.shape, t.dtype) for name, t in s.items()} for s in (state, model.init_state(rows)))
        if found != first:
            raise CheckFailure(f"{label}: the state is {state}, and init_state gives {model.init_state(rows)}")


def finite(subject: Subject) -> None:
    """Scores and loss, for a long input, and for large numbers."""
    model = model_of(subject, dtype=torch.float32)
    with torch.no_grad():
        for scale, steps in ((1.0, LONG), (1e4, STEPS)):
            given = given_to(model, (steps, 1), (SYMBOLS, 3))
            x = given.x * scale if given.x.is_floating_point() else given.x
            output = model(x, given.target, lengths=given.lengths, target_lengths=given.target_lengths)
            loss = model.loss(output, *given[1:])
            if not (output.isfinite().all() and loss.isfinite()):
                raise CheckFailure(f"scores or loss are not finite, of {steps} steps, inputs times {scale:g}")


def batch_independence(subject: Subject) -> None:
    """A row's scores, loss and text do not depend on other rows, which may have other lengths on both sides."""
    model = model_of(subject)
    given = ragged(model)
    other = given_to(model, ENDS[::-1], TARGETS, seed=5)
    expected = model(**given.arguments)
    losses = _losses(model, expected, given)
    wrote = model.decode(given.x, lengths=given.lengths, most=2)
    for row in range(ROWS):
        keep = torch.arange(ROWS, device=subject.device) == row
        mixed = Given(*(torch.where(_beside(keep, a), a, b) for a, b in zip(given, other, strict=True)))
        found = model(**mixed.arguments)
        close(found[row], expected[row], f"row {row} among other rows")
        close(_losses(model, found, mixed)[row], losses[row], f"the loss of row {row} among other rows")
        text = model.decode(mixed.x, lengths=mixed.lengths, most=2)
        end = int(wrote.lengths[row])
        if int(text.lengths[row]) != end or not torch.equal(text.symbols[row, :end], wrote.symbols[row, :end]):
            raise CheckFailure(f"the text of row {row} depends on the other rows")


def padding_invariance(subject: Subject) -> None:
    """What stands behind a sequence or a target changes nothing, and a row is what it is alone."""
    model = model_of(subject)
    given = ragged(model)
    expected, state = model(**given.arguments, return_state=True)
    gradients = _gradients(model, weighted(expected))
    losses = _losses(model, expected, given)
    by_loss = _gradients(model, losses.sum())
    ends = model.output_lengths(given.lengths)
    _zero_behind(expected, ends, given.target_lengths)
    for side in ("x", "target"):
        lengths = given.lengths if side == "x" else given.target_lengths
        filled = given._replace(**{side: _filled(getattr(given, side), lengths)})
        found, after = model(**filled.arguments, return_state=True)
        label = f"other numbers in the padding of {side}"
        all_close((found, after), (expected, state), label)
        close(_losses(model, found, filled), losses, f"{label}: loss")
        all_close(_gradients(model, weighted(found)), gradients, f"{label}: gradients")
    behind = ~_valid(expected, ends, given.target_lengths)
    spoilt = torch.where(behind.unsqueeze(-1), torch.nan, expected)
    close(_losses(model, spoilt, given), losses, "the loss with NaN in the padding of the scores")
    all_close(_gradients(model, _losses(model, spoilt, given).sum()), by_loss, "gradients of that loss")
    for row, (length, symbols) in enumerate(zip(given.lengths.tolist(), TARGETS, strict=True)):
        x, target = given.x[row : row + 1, :length], given.target[row : row + 1, :symbols]
        found, after = model(x, target, return_state=True)
        label = f"a sequence of {length} steps with {symbols} symbols alone"
        close(found[0], expected[row, : ends[row], : symbols + 1], label)
        close(model.loss(found, target), losses[row], f"{label}: loss")
        for name, tensor in after.items():
            close(tensor[0], state[name][row], f"{label}: state {name}")


def causality(subject: Subject) -> None:
    """No score depends on a symbol that has not been written; none of a step on later steps, if the encoder's does."""
    model = model_of(subject)
    given, other = (given_to(model, (STEPS,) * 3, (SYMBOLS,) * 3, seed=seed) for seed in (1, 7))
    expected = model(given.x, given.target)
    for u in range(SYMBOLS):
        later = torch.cat([given.target[:, :u], other.target[:, u:]], 1)
        found = model(given.x, later)
        close(
            found[:, :, : u + 1], expected[:, :, : u + 1], f"scores behind {u} symbols, from which on they are others"
        )
        differs = later[:, u] != given.target[:, u]
        if differs.any() and torch.equal(found[differs, :, u + 1], expected[differs, :, u + 1]):
            raise CheckFailure(f"the scores behind {u + 1} symbols do not depend on the last of them")
    if not_streamable(model.encoder.declared) is not None:
        return
    for t in range(STEPS):
        later = torch.cat([given.x[:, :t], other.x[:, t:]], 1)
        found = model(later, given.target)
        close(found[:, :t], expected[:, :t], f"scores before step {t}, from which on the input is another")
        if torch.equal(found[:, t], expected[:, t]):
            raise CheckFailure(f"the scores of step {t} do not depend on the input of that step")


def state_default(subject: Subject) -> None:
    """No state is the initial state; the predictor's begins behind its start, and every state changes what follows."""
    model = model_of(subject)
    given = given_to(model, (4, 4), (3, 3))
    start = model.init_state(2)
    whole = model.predict(given.target)
    close(whole.output[:, 0], start["predictor.output"], "the predictor's first output against init_state")
    found = model.predict(given.target, start)
    close(found.output, whole.output[:, 1:], "the predictor from init_state")
    all_close(found.state, whole.state, "the predictor's state from init_state")
    _decoded_equal(model.decode(given.x, start, most=2) if _pieces(model) else None, model.decode(given.x, most=2))
    if _pieces(model):
        all_close(model.encode(given.x, start)[::2], model.encode(given.x)[::2], "the encoder from init_state")


def chunked(subject: Subject) -> None:
    """A target in pieces is the whole target; and so is an input, and its text, where the encoder runs in pieces."""
    model = model_of(subject)
    given = given_to(model, ENDS, TARGETS)
    whole = model.predict(given.target, lengths=given.target_lengths)
    for split in SPLITS:
        state, left, found = model.init_state(ROWS), given.target_lengths, []
        for piece in torch.split(given.target, list(split), 1):
            here = left.clamp(0, piece.shape[1])
            output, state = model.predict(piece, state, lengths=here)
            found.append(output)
            left = left - here
        parts = (torch.cat(found, 1), state)
        all_close(parts, (whole.output[:, 1:], whole.state), f"a target in pieces of {split}")
    if not _pieces(model):
        return
    encoded = model.encode(given.x, lengths=given.lengths)
    text = model.decode(given.x, lengths=given.lengths, most=2)
    for split in PIECES:
        state, left, outputs, texts = model.init_state(ROWS), given.lengths, [], [""] * ROWS
        reading = state
        for piece in torch.split(given.x, list(split), 1):
            here = left.clamp(0, piece.shape[1])
            output, _, reading = model.encode(piece, reading, lengths=here)
            outputs.append(output)
            wrote = model.decode(piece, state, lengths=here, most=2)
            state = wrote.state
            texts = [one + more for one, more in zip(texts, _texts(wrote), strict=True)]
            left = left - here
        label = f"an input in pieces of {split}"
        all_close((torch.cat(outputs, 1), reading), (encoded.output, encoded.state), label)
        if texts != _texts(text):
            raise CheckFailure(f"{label}: the text is another than that of the whole input")
        all_close(state, text.state, f"{label}: the state behind its text")


def stepwise(subject: Subject) -> None:
    """Step by step on both sides, each pair joined alone, gives every score of the whole."""
    model = model_of(subject)
    given = given_to(model, (5,) * 3, (4,) * 3)
    expected, last = model(given.x, given.target, return_state=True)
    encoded = model.encode(given.x).output
    if _pieces(model):
        state, found = model.init_state(3), []
        for t in range(given.x.shape[1]):
            output, _, state = model.encode(given.x[:, t : t + 1], state)
            found.append(output)
        close(torch.cat(found, 1), encoded, "the encoder step by step")
        all_close(state, {name: last[name] for name in state}, "the encoder's state step by step")
    state = model.init_state(3)
    for u in range(given.target.shape[1] + 1):
        for t in range(encoded.shape[1]):
            close(model.scores(encoded[:, t], state), expected[:, t, u], f"step {t} behind {u} symbols alone")
        if u < given.target.shape[1]:
            _, state = model.predict(given.target[:, u : u + 1], state)
    all_close(state, {name: last[name] for name in state}, "the predictor's state step by step")


def gradcheck(subject: Subject) -> None:
    """Gradients of scores and of the loss equal finite differences, by the parameters and the input."""
    if subject.exact != torch.float64:
        raise Skip(f"{subject.device.type} has no float64")
    model = with_engine(model_of(subject), "loop")
    assert isinstance(model, Transducer)
    given = _without_padding(subject, model, given_to(model, (3, 2), (1, 2)))
    names = [name for name, one in model.named_parameters() if one.requires_grad]

    def function(x: Tensor, *parameters: Tensor) -> tuple[Tensor, Tensor]:
        arguments = (x if given.x.is_floating_point() else given.x, *given[1:])
        named = dict(zip(names, parameters, strict=True))
        output = torch.func.functional_call(
            model, named, (), dict(zip(("x", "target", "lengths", "target_lengths"), arguments, strict=True))
        )
        return output, model.loss(output, *given[1:], reduction="none")

    x = given.x if given.x.is_floating_point() else torch.zeros(1, dtype=torch.float64, device=subject.device)
    leaves = [one.detach().clone().requires_grad_() for one in (x, *(model.get_parameter(name) for name in names))]
    try:
        torch.autograd.gradcheck(function, leaves, atol=1e-6, rtol=1e-4, fast_mode=True)
    except RuntimeError as error:
        said = " ".join(str(error).split())[:160]
        raise CheckFailure(f"gradients differ from finite differences, bound 1e-6: {said}") from None


def precision(subject: Subject) -> None:
    """bfloat16 and autocast stay close to float32 of the same numbers; states and loss are float32 at least."""
    if not subject.traits.low_precision:
        raise Skip("a component declares low_precision: false")
    low = model_of(subject, dtype=torch.bfloat16)
    full = copy.deepcopy(low).float()
    given = given_to(low, (7, 2, 5), (2, 4, 0))
    wide = given._replace(x=given.x.float() if given.x.is_floating_point() else given.x)
    bound = TOLERANCE[torch.bfloat16]
    expected, state = full(**wide.arguments, return_state=True)
    found, after = low(**given.arguments, return_state=True)
    with torch.autocast(subject.device.type, torch.bfloat16):
        cast, there = full(**wide.arguments, return_state=True)
    for label, output, own in (("bfloat16", found, after), ("autocast", cast, there)):
        for name, tensor in own.items():
            if tensor.dtype in (torch.bfloat16, torch.float16):
                raise CheckFailure(f"{label}: state {name} has dtype {tensor.dtype}, expected torch.float32")
        all_close((output.float(), map_state(own, Tensor.float)), (expected, state), label, bound=bound)
    loss = low.loss(found, *given[1:], reduction="none")
    if loss.dtype != torch.float32:
        raise CheckFailure(f"the loss of bfloat16 scores has dtype {loss.dtype}, expected torch.float32")
    close(loss, full.loss(found.float(), *given[1:], reduction="none"), "the loss of bfloat16 scores", bound=1e-5)


def transducer_loss(subject: Subject) -> None:
    """The loss is minus the log of the sum over all ways of writing the target, each written out."""
    model = model_of(subject)
    for ends, targets in (((1, 1), (0, 2)), ((4, 3), (3, 2)), ((2, 4), (3, 1)), ((3, 3), (0, 0))):
        given = given_to(model, ends, targets)
        output = model(**given.arguments)
        found = _losses(model, output, given)
        expected = torch.stack(
            [
                _summed(model, output[row], given.target[row], *sizes)
                for row, sizes in enumerate(zip(ends, targets, strict=True))
            ]
        )
        close(found, expected, f"the loss of {ends} steps with {targets} symbols")
        close(model.loss(output, *given[1:]), expected.mean(), "its mean")
        close(model.loss(output, *given[1:], reduction="sum"), expected.sum(), "its sum")


def _summed(model: Transducer, scores: Tensor, target: Tensor, steps: int, symbols: int) -> Tensor:
    """Over every order of `steps` blanks and the target's symbols whose last is a blank."""
    logs = scores.exp() / scores.exp().sum(-1, keepdim=True)
    total = torch.zeros((), dtype=scores.dtype, device=scores.device)
    for places in combinations(range(steps + symbols - 1), symbols):
        way, t, u = torch.ones_like(total), 0, 0
        for move in range(steps + symbols):
            if move in places:
                symbol = int(target[u])
                index = symbol if model.starts_with_blank or symbol < model.blank else symbol + 1
                way, u = way * logs[t, u, index], u + 1
            else:
                way, t = way * logs[t, u, model.blank], t + 1
        total = total + way
    return -total.log()


def transducer_decode(subject: Subject) -> None:
    """Greedy is the likeliest at each step; a wide beam gives the likeliest text; the state goes on from the text."""
    for seed in SEEDS:
        model = model_of(subject)
        _sharpened(model, seed)
        given = given_to(model, (4, 3, 2), (0, 0, 0))
        wrote = model.decode(given.x, lengths=given.lengths, most=2)
        encoded, ends, _ = model.encode(given.x, lengths=given.lengths)
        for row, text in enumerate(_rows(wrote)):
            alone = _greedy(model, encoded[row, : int(ends[row])], 2)
            if text != alone:
                raise CheckFailure(f"row {row} of a batch is written as {text}, the likeliest at each step are {alone}")
            _told(model, wrote, row, text)
        given = given_to(model, (2, 2, 1), (0, 0, 0))
        best = model.decode(given.x, lengths=given.lengths, most=1, beam=2 * model.outputs**2)  # of all texts
        for row, text in enumerate(_rows(best)):
            _told(model, best, row, text)
            length = int(model.output_lengths(given.lengths)[row])
            expected = _likeliest(model, given.x[row : row + 1, : int(given.lengths[row])], length)
            if text != expected:
                raise CheckFailure(f"row {row}: a beam of all texts gives {text}, the likeliest is {expected}")


def _told(model: Transducer, wrote: Any, row: int, text: list[int]) -> None:
    """The state behind a text is that of the predictor behind it."""
    told = model.predict(torch.tensor([text], dtype=torch.int64, device=wrote.symbols.device).reshape(1, -1)).state
    for name, tensor in told.items():
        close(wrote.state[name][row : row + 1], tensor, f"state {name} behind the text of row {row}")


def _greedy(model: Transducer, encoded: Tensor, most: int) -> list[int]:
    """Symbol by symbol, each time from the whole text before it."""
    text: list[int] = []
    for step in encoded:
        for _ in range(most):
            told = model.predict(torch.tensor([text], dtype=torch.int64, device=step.device).reshape(1, -1)).output
            index = int(model.joiner(step.view(1, 1, -1), told[:, -1:]).argmax())
            if index == model.blank:
                break
            text.append(index if model.starts_with_blank or index < model.blank else index - 1)
    return text


def _likeliest(model: Transducer, x: Tensor, steps: int) -> list[int]:
    """Of all texts, by the sum over the ways of writing one with at most a symbol for each step."""
    symbols = [s for s in range(model.vocabulary) if not (model.starts_with_blank and s == model.blank)]
    best: tuple[float, list[int]] = (-math.inf, [])
    for length in range(steps + 1):
        texts = [[*text] for text in product(symbols, repeat=length)]
        target = torch.tensor(texts, dtype=torch.int64, device=x.device).reshape(len(texts), length)
        logs = model(x.expand(len(texts), *x.shape[1:]), target).log_softmax(-1)
        index = target if model.starts_with_blank else target + (target >= model.blank)
        total = _one_a_step(logs, index, steps, model.blank)
        best = max(best, (float(total.max()), texts[int(total.argmax())]))
    return best[1]


def _one_a_step(logs: Tensor, index: Tensor, steps: int, blank: int) -> Tensor:
    """The log of the sum over all choices of steps at which the symbols are written, one at a step at most."""
    rows, ways = torch.arange(len(index), device=index.device), []
    for places in combinations(range(steps), index.shape[1]):
        log, u = logs.new_zeros(len(index)), 0
        for t in range(steps):
            if t in places:
                log, u = log + logs[rows, t, u, index[:, u]], u + 1
            log = log + logs[:, t, u, blank]
        ways.append(log)
    return torch.stack(ways).logsumexp(0)


def learns(subject: Subject) -> None:
    """The loss falls, and what is written is then the target."""
    from zoo.checks.drops import without_dropout
    from zoo.model.build import build

    spec = without_dropout(subject.tiny)
    for seed in (0, 2, 3):
        model = build(spec, seed=seed, device=subject.device, dtype=torch.float32)
        assert isinstance(model, Transducer)
        given = given_to(model, (4, 3), (2, 3))
        optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
        first = loss = torch.zeros(())
        for iteration in range(ITERATIONS):
            loss = model.loss(model(**given.arguments), *given[1:])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            first = loss.detach() if iteration == 0 else first
            if loss < SHARE * first:
                break
        wrote = _rows(model.eval().decode(given.x, lengths=given.lengths))
        wanted = [row[:end].tolist() for row, end in zip(given.target, given.target_lengths, strict=True)]
        if loss < 0.1 * first and wrote == wanted:
            return
    raise CheckFailure(f"the loss is {float(loss / first):.3g} of its first, and the text {wrote}, expected {wanted}")


def compiles(subject: Subject) -> None:
    """The compiled model equals the eager one, with gradients, at other numbers of rows, steps and symbols too."""
    model = model_of(subject, dtype=torch.float32)
    torch._dynamo.reset()
    compiled = torch.compile(model)
    for ends, targets in (((5, 3), (3, 1)), ((7, 2, 6), (4, 3, 0))):
        given = given_to(model, ends, targets)
        output, state = compiled(**given.arguments, return_state=True)
        found = _gradients(model, weighted(output), keep=False)
        expected, after = model(**given.arguments, return_state=True)
        label = f"compiled against eager, {ends} steps, {targets} symbols"
        all_close((output, state), (expected, after), label)
        all_close(found, _gradients(model, weighted(expected)), f"{label}: gradients", bound=1e-4)
    torch._dynamo.reset()


def trained_by(model: Model, given: Mapping[str, Tensor], output: Tensor) -> list[float]:
    """The loss of a transducer, in which alone the place of its blank shows; nothing for any other model."""
    return [float(model.loss(output, given["target"]))] if isinstance(model, Transducer) else []


def _without_padding(subject: Subject, model: Transducer, given: Given) -> Given:
    """No padding symbols: their vectors have no gradient by design, which finite differences would not find."""
    ahead, told = (getattr(stack.input.options, "padding", None) for stack in subject.tiny.stacks)
    x, target = given.x, given.target
    if ahead is not None:
        x = torch.where(x == ahead, (ahead + 1) % (model.encoder.input.vocabulary or 1), x)
    if told is not None:
        taken = {told, model.blank} if model.starts_with_blank else {told}
        target = torch.where(target == told, next(s for s in range(model.vocabulary) if s not in taken), target)
    return given._replace(x=x, target=target)


def _losses(model: Transducer, output: Tensor, given: Given) -> Tensor:
    return model.loss(output, given.target, given.lengths, given.target_lengths, reduction="none")


def _pieces(model: Transducer) -> bool:
    return not_streamable(model.encoder.declared) is None


def _sharpened(model: Transducer, seed: int) -> None:
    """Parameters so far from zero that texts differ, and that the likeliest have more than one symbol."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(
                (4.0 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64)).to(parameter)
            )


def _rows(wrote: Any) -> list[list[int]]:
    return [row[:end].tolist() for row, end in zip(wrote.symbols, wrote.lengths.tolist(), strict=True)]


def _texts(wrote: Any) -> list[str]:
    return ["".join(f"{symbol} " for symbol in row) for row in _rows(wrote)]


def _decoded_equal(found: Any, expected: Any) -> None:
    if found is None:
        return
    if _rows(found) != _rows(expected):
        raise CheckFailure("the text from init_state is another than that from no state")
    all_close(found.state, expected.state, "the state behind a text from init_state")


def _valid(scores: Tensor, ends: Tensor, symbols: Tensor) -> Tensor:
    t, u = (torch.arange(size, device=scores.device) for size in scores.shape[1:3])
    return (t < ends.unsqueeze(1)).unsqueeze(2) & (u <= symbols.unsqueeze(1)).unsqueeze(1)


def _zero_behind(scores: Tensor, ends: Tensor, symbols: Tensor) -> None:
    if scores[~_valid(scores, ends, symbols)].any():
        raise CheckFailure("scores behind the end of a sequence or of a target are not zero")
    if not scores[_valid(scores, ends, symbols)].any(-1).all():
        raise CheckFailure("scores of a valid step are zero")


def _gradients(model: Transducer, loss: Tensor, *, keep: bool = True) -> dict[str, Tensor]:
    parameters = {name: one for name, one in model.named_parameters() if one.requires_grad}
    found = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True, retain_graph=keep)
    return {name: one for name, one in zip(parameters, found, strict=True) if one is not None}


def _filled(x: Tensor, lengths: Tensor) -> Tensor:
    """NaN in the padding, or a symbol that no table has."""
    padding = torch.arange(x.shape[1], device=x.device) >= lengths.unsqueeze(1)
    if x.is_floating_point():
        return torch.where(_beside(padding, x), torch.nan, x)
    return torch.where(padding, -1, x)


def _beside(rows: Tensor, x: Tensor) -> Tensor:
    return rows.reshape(*rows.shape, *(1,) * (x.dim() - rows.dim()))
