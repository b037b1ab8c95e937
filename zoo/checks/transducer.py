"""The contract for a transducer: what holds for the steps of an input and the symbols of a target, and for its loss."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor

from zoo.architectures.transducer.model import Transducer
from zoo.checks.measuring import weighted
from zoo.checks.subject import Subject, all_close, close
from zoo.checks.transducing import ENDS, TARGETS, given_to, gradients_of, losses_of, model_of, ragged, texts_of
from zoo.errors import CheckFailure
from zoo.spec.describe import describe
from zoo.spec.traits import not_streamable

SIZES: Final = ((1, 1, 0), (1, 7, 1), (5, 2, 3), (2, 13, 2), (3, 5, 0))
"""Sequences, steps of the encoder's output and symbols: never as many of one as of another."""
ROWS, STEPS, SYMBOLS = 5, 13, 7
PIECES: Final[tuple[tuple[int, ...], ...]] = ((6, 7), (1, 5, 7), (1,) * STEPS)
LONG: Final = 200
SPLITS: Final[tuple[tuple[int, ...], ...]] = ((1, 6), (3, 4), (2, 1, 4), (1,) * 7)


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
    losses = losses_of(model, expected, given)
    wrote = model.decode(given.x, lengths=given.lengths, most=2)
    for row in range(ROWS):
        keep = torch.arange(ROWS, device=subject.device) == row
        mixed = type(given)(*(torch.where(_beside(keep, a), a, b) for a, b in zip(given, other, strict=True)))
        found = model(**mixed.arguments)
        close(found[row], expected[row], f"row {row} among other rows")
        close(losses_of(model, found, mixed)[row], losses[row], f"the loss of row {row} among other rows")
        text = model.decode(mixed.x, lengths=mixed.lengths, most=2)
        end = int(wrote.lengths[row])
        if int(text.lengths[row]) != end or not torch.equal(text.symbols[row, :end], wrote.symbols[row, :end]):
            raise CheckFailure(f"the text of row {row} depends on the other rows")


def padding_invariance(subject: Subject) -> None:
    """What stands behind a sequence or a target changes nothing, and a row is what it is alone."""
    model = model_of(subject)
    given = ragged(model)
    expected, state = model(**given.arguments, return_state=True)
    gradients = gradients_of(model, weighted(expected))
    losses = losses_of(model, expected, given)
    by_loss = gradients_of(model, losses.sum())
    ends = model.output_lengths(given.lengths)
    _zero_behind(expected, ends, given.target_lengths)
    for side in ("x", "target"):
        lengths = given.lengths if side == "x" else given.target_lengths
        filled = given._replace(**{side: _filled(getattr(given, side), lengths)})
        found, after = model(**filled.arguments, return_state=True)
        label = f"other numbers in the padding of {side}"
        all_close((found, after), (expected, state), label)
        close(losses_of(model, found, filled), losses, f"{label}: loss")
        all_close(gradients_of(model, weighted(found)), gradients, f"{label}: gradients")
    behind = ~_valid(expected, ends, given.target_lengths)
    spoilt = torch.where(behind.unsqueeze(-1), torch.nan, expected)
    close(losses_of(model, spoilt, given), losses, "the loss with NaN in the padding of the scores")
    all_close(gradients_of(model, losses_of(model, spoilt, given).sum()), by_loss, "gradients of that loss")
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
    whole = _pieces(model)
    given, other = (given_to(model, (STEPS,) * 3, (SYMBOLS,) * 3, seed=seed, whole=whole) for seed in (1, 7))
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
    if not _pieces(model):
        return
    for t in range(STEPS):
        later = torch.cat([given.x[:, : t * model.hop], other.x[:, t * model.hop :]], 1)
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
    given = given_to(model, ENDS, TARGETS, whole=_pieces(model))
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
        for piece in torch.split(given.x, [steps * model.hop for steps in split], 1):
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
    given = given_to(model, (5,) * 3, (4,) * 3, whole=_pieces(model))
    expected, last = model(given.x, given.target, return_state=True)
    encoded = model.encode(given.x).output
    if _pieces(model):
        state, found = model.init_state(3), []
        for piece in torch.split(given.x, model.hop, 1):
            output, _, state = model.encode(piece, state)
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


def _pieces(model: Transducer) -> bool:
    return not_streamable(model.encoder.declared) is None


def _texts(wrote: Any) -> list[str]:
    return ["".join(f"{symbol} " for symbol in row) for row in texts_of(wrote)]


def _decoded_equal(found: Any, expected: Any) -> None:
    if found is None:
        return
    if texts_of(found) != texts_of(expected):
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


def _filled(x: Tensor, lengths: Tensor) -> Tensor:
    """NaN in the padding, or a symbol that no table has."""
    padding = torch.arange(x.shape[1], device=x.device) >= lengths.unsqueeze(1)
    if x.is_floating_point():
        return torch.where(_beside(padding, x), torch.nan, x)
    return torch.where(padding, -1, x)


def _beside(rows: Tensor, x: Tensor) -> Tensor:
    return rows.reshape(*rows.shape, *(1,) * (x.dim() - rows.dim()))
