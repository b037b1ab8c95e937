"""The slow check that a model of several stacks can be taken out of Python: one graph for each thing that it does.

An encoder and a decoder are two graphs: what `encode` gives, and one step. A transducer is three: the encoder, one step
of the predictor, and the joiner. A bidirectional language model is one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.export import Dim

from zoo.architectures.bilm.model import BiLM
from zoo.architectures.encoder_decoder.model import EncoderDecoder
from zoo.architectures.transducer.model import Transducer
from zoo.checks import bilm, pairs, transducing
from zoo.checks.batch import batch_of, lengths_of
from zoo.checks.exporting import MOVED, OTHERS, SEEN
from zoo.checks.subject import Subject, all_close
from zoo.engine.state import State
from zoo.errors import CheckFailure
from zoo.model.build import with_engine

SYMBOLS: Final = 3
"""Steps of what is written."""

Given = tuple[Any, ...]


class Graph(nn.Module):
    """What a model does with some arguments, as a module."""

    def __init__(self, model: nn.Module, does: Callable[..., Any]) -> None:
        super().__init__()
        self.model, self.does = model, does

    def forward(self, *given: Any) -> Any:
        return self.does(self.model, *given)


def encoder_decoder(subject: Subject) -> None:
    """`encode` and `step` of an encoder and a decoder, at other numbers of sequences and steps too."""
    eager = pairs.model_of(subject)
    model = with_engine(eager, "scan")
    size, steps = Dim("batch"), Dim("steps")
    with torch.no_grad():
        given = _source(subject, eager, SEEN)
        encoded = eager.encode(given[0], lengths=given[1])
        moved = bool(eager.encoder.layers.windows)
        free = {0: size, 1: Dim.DYNAMIC if moved else steps}
        encode = exported("encode", model, _encoded, given, (free, {0: size}))
        asks = eager.attention is not None
        step = exported(
            "step",
            model,
            _step,
            (*_asked(eager, encoded.memory, given[1]), _symbols(eager, len(SEEN)), dict(encoded.state)),
            ({0: size, 1: steps}, {0: size}, {0: size}, _axes(eager, encoded.state, size, steps)),
        )
        for lengths in MOVED if moved else OTHERS:
            source, ends = _source(subject, eager, lengths, seed=1)
            label = f"sources of lengths {lengths}"
            memory, *state = encode(source, ends)
            expected = eager.encode(source, lengths=ends)
            all_close((memory, *state), (expected.memory, *expected.state.values()), f"encode exported, {label}")
            now, wanted = dict(expected.state), expected.state
            for t in range(SYMBOLS):
                symbols = _symbols(eager, len(lengths), seed=t)
                scores, *after = step(*_asked(eager, expected.memory, ends), symbols, now)
                right, wanted = eager.step(
                    symbols, wanted, memory=expected.memory if asks else None, memory_lengths=expected.lengths
                )
                all_close((scores, *after), (right, *wanted.values()), f"step {t} exported, {label}")
                now = dict(zip(now, after, strict=True))
    torch._dynamo.reset()


def transducer(subject: Subject) -> None:
    """The encoder, one step of the predictor, and the joiner of a transducer."""
    eager = transducing.model_of(subject)
    model = with_engine(eager, "scan")
    size, steps = Dim("batch"), Dim("steps")
    with torch.no_grad():
        given = transducing.given_to(eager, SEEN, (1,) * len(SEEN))
        moved = bool(eager.encoder.layers.windows)
        free = {0: size, 1: Dim.DYNAMIC if moved else steps}
        encode = exported("encoder", model, _read, (given.x, given.lengths), (free, {0: size}))
        state = _predictor_state(eager.init_state(len(SEEN)))
        sides = ({0: size}, {name: {0: size} for name in state})
        predict = exported("predictor", model, _written, (given.target[:, 0], state), sides)
        joined = exported("joiner", model, _scores, (eager.encode(given.x).output[:, 0], state), sides)
        for lengths in MOVED if moved else OTHERS:
            other = transducing.given_to(eager, lengths, (SYMBOLS,) * len(lengths), seed=5)
            label = f"sequences of {lengths} steps"
            read = encode(other.x, other.lengths)
            expected = eager.encode(other.x, lengths=other.lengths)
            all_close(read, (expected.output, expected.lengths, *expected.state.values()), f"encoder exported, {label}")
            now = _predictor_state(eager.init_state(len(lengths)))
            for u in range(SYMBOLS):
                after = predict(other.target[:, u], now)
                wanted = eager.predict(other.target[:, u : u + 1], State(now)).state
                now = dict(zip(now, after, strict=True))
                all_close(now, {name: wanted[name] for name in now}, f"predictor exported, symbol {u}, {label}")
                right = eager.scores(expected.output[:, 0], State(now))
                all_close(joined(expected.output[:, 0], now), right, f"joiner exported, {label}")
    torch._dynamo.reset()


def both_directions(subject: Subject) -> None:
    """A bidirectional language model."""
    eager = bilm.model_of(subject)
    model = with_engine(eager, "scan")
    size, steps = Dim("batch"), Dim("steps")
    with torch.no_grad():
        x = batch_of(subject, len(SEEN), max(SEEN)).x
        free = ({0: size, 1: steps}, {0: size})
        whole = exported("model", model, _whole, (x, lengths_of(SEEN, subject.device)), free)
        for lengths in OTHERS:
            other, ends = batch_of(subject, len(lengths), max(lengths), seed=1).x, lengths_of(lengths, subject.device)
            output, state = eager(other, lengths=ends, return_state=True)
            label = f"exported against eager, sequences of lengths {lengths}"
            all_close(whole(other, ends), (output, *state.values()), label)
    torch._dynamo.reset()


def exported(name: str, model: nn.Module, does: Callable[..., Any], given: Given, free: Given) -> Callable[..., Any]:
    """The graph of what a model does, by `torch.export`, with free sizes."""
    torch._dynamo.reset()  # what torch has traced before may leak into an export
    try:
        program = torch.export.export(Graph(model, does), given, dynamic_shapes=(free,), strict=False)
    except Exception as error:  # whatever torch raises, this cannot be exported
        text = str(error).strip().splitlines()
        said = f"{type(error).__name__}: {' '.join(text[:2])[:300] if text else ''}"
        raise CheckFailure(f"the graph {name!r} cannot be exported: {said}") from error
    found: Callable[..., Any] = program.module()
    return found


def _encoded(model: EncoderDecoder, source: Tensor, lengths: Tensor) -> Any:
    found = model.encode(source, lengths=lengths)
    return (found.memory, *found.state.values())


def _step(model: EncoderDecoder, memory: Tensor, lengths: Tensor, symbols: Tensor, state: Mapping[str, Tensor]) -> Any:
    asked = {} if model.attention is None else {"memory": memory, "memory_lengths": lengths}
    scores, after = model.step(symbols, state, **asked)
    return (scores, *after.values())


def _read(model: Transducer, x: Tensor, lengths: Tensor) -> Any:
    found = model.encode(x, lengths=lengths)
    return (found.output, found.lengths, *found.state.values())


def _written(model: Transducer, symbols: Tensor, state: Mapping[str, Tensor]) -> Any:
    return tuple(model.predict(symbols.unsqueeze(1), state).state[name] for name in state)


def _scores(model: Transducer, encoded: Tensor, state: Mapping[str, Tensor]) -> Any:
    return model.scores(encoded, state)


def _whole(model: BiLM, x: Tensor, lengths: Tensor) -> Any:
    output, state = model(x, lengths=lengths, return_state=True)
    return (output, *state.values())


def _source(
    subject: Subject, model: EncoderDecoder, lengths: tuple[int, ...], *, seed: int = 0
) -> tuple[Tensor, Tensor]:
    least = model.encoder.minimum_steps
    ends = [max(one, least) for one in lengths]
    return model.encoder.example_input(len(ends), max(ends), seed=seed), lengths_of(ends, subject.device)


def _symbols(model: EncoderDecoder, rows: int, *, seed: int = 0) -> Tensor:
    found: Tensor = model.decoder.example_input(rows, 1, seed=seed)
    return found[:, 0]


def _asked(model: EncoderDecoder, memory: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    return memory, model.encoder.output_lengths(lengths)


def _axes(model: EncoderDecoder, state: Mapping[str, Tensor], size: Any, steps: Any) -> dict[str, Any]:
    long = pairs.as_long_as_the_source(model)
    return {name: {0: size, 1: steps} if name in long else {0: size} for name in state}


def _predictor_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value for name, value in state.items() if name.startswith("predictor.")}
