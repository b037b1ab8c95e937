"""The predictor: what it makes of the symbols that have been written, and the state that it carries on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import torch
from torch import Tensor

from zoo.architectures.transducer.symbols import Symbols, check_target
from zoo.engine.names import Engine
from zoo.engine.recurrence import Run
from zoo.engine.sequence import at_last, valid_steps
from zoo.model import inputs
from zoo.model.embedding import embedded
from zoo.model.layout import NamedLayout
from zoo.model.stack import StackModel
from zoo.model.tensors import speaking_of

Lengths = Tensor | Sequence[int]
States = dict[str, Tensor]
PREDICTOR: Final = "predictor."
OUTPUT: Final = "predictor.output"
"""The last output, which the next step of the input is joined with: a part of the state."""


class Told(NamedTuple):
    """What a predictor has made of symbols, before anything leaves the model.

    Attributes:
        output: Of its last layer, (B, U + 1, E) from the start, (B, U, E) from a state.
        valid: Valid steps of that, or None for all.
        state: After the last symbol, behind its prefix.
    """

    output: Tensor
    valid: Tensor | None
    state: States


def predicted(
    stack: StackModel,
    symbols: Symbols,
    target: Tensor,
    state: Mapping[str, Tensor] | None,
    lengths: Lengths | None,
    engine: Engine,
) -> Told:
    """Symbols (B, U) behind the start, or behind a state."""
    device, _ = stack._place()
    check_target(target, device)
    with speaking_of("target_lengths"):
        known, valid = inputs.sequence_lengths(lengths, target, ended=True)
    with speaking_of("target"):
        features = embedded(stack.input, symbols.padded(target, valid), valid, None)
    told = None if state is None else told_of(stack, state, target.shape[0])
    if told is None:
        features = torch.cat([_first(stack, symbols, target.shape[0], features), features], 1)
        known = None if known is None else known + 1
        valid = None if known is None else valid_steps(known, features.shape[1])
    elif not target.shape[1]:
        return Told(features.new_zeros(target.shape[0], 0, *stack.output_shape), valid, told)
    before = None
    if told is not None:
        before = {name.removeprefix(PREDICTOR): value for name, value in told.items() if name != OUTPUT}
    y = stack.run_layers(features, before, Run(lengths=known, valid=valid, engine=engine))
    last = at_last(y.output, known)
    if told is not None and known is not None:  # a row may have no symbol here
        last = torch.where((known > 0).unsqueeze(1), last, told[OUTPUT].to(last.dtype))
    after = {f"{PREDICTOR}{name}": value for name, value in y.state.items()}
    return Told(y.output, valid, {**after, OUTPUT: _kept(last)})


def _first(stack: StackModel, symbols: Symbols, batch: int, like: Tensor) -> Tensor:
    """What stands in front of the first symbol, (B, 1, E)."""
    if not symbols.in_table:
        return like.new_zeros(batch, 1, *stack.input.output_shape)
    blank = torch.full((batch, 1), symbols.blank, device=like.device)
    return embedded(stack.input, blank, None, None)


def begin(stack: StackModel, symbols: Symbols, batch: int, engine: Engine) -> States:
    """The predictor's state when nothing has been written."""
    device, _ = stack._place()
    nothing = torch.zeros((batch, 0), dtype=torch.int64, device=device)
    return predicted(stack, symbols, nothing, None, None, engine).state


def written(stack: StackModel, symbols: Tensor, state: Mapping[str, Tensor], engine: Engine) -> States:
    """The predictor's state after one more symbol (B,) of each row."""
    given = embedded(stack.input, symbols.unsqueeze(1), None, None)
    inner = {name.removeprefix(PREDICTOR): value for name, value in state.items() if name != OUTPUT}
    y = stack.run_layers(given, inner, Run(engine=engine))
    return {**{f"{PREDICTOR}{name}": value for name, value in y.state.items()}, OUTPUT: y.output[:, -1]}


def initial(stack: StackModel, prefix: str, batch: int) -> States:
    """The initial state of a stack, behind a prefix."""
    return {f"{prefix}{name}": value for name, value in stack._first_state(batch).items()}


def told_of(stack: StackModel, state: Mapping[str, Tensor], batch: int) -> States:
    """The predictor's part of a state that was given, checked."""
    expected = initial(stack, PREDICTOR, batch)
    device, dtype = stack._place()
    expected[OUTPUT] = _kept(torch.zeros((batch, *stack.output_shape), device=device, dtype=dtype))
    return NamedLayout().inward({name: value for name, value in state.items() if name.startswith(PREDICTOR)}, expected)


def _kept(output: Tensor) -> Tensor:
    """An output that is part of a state: of float32 at least, as all states are."""
    return output.float() if output.dtype in (torch.bfloat16, torch.float16) else output
