"""The engine against references that run each row's sequences alone: padding, resets, both directions, pieces."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
import torch
from each import each
from exotic import EXOTIC, F_IN, Array, H, Reference
from torch import Tensor

from zoo.engine.cell import Cell
from zoo.engine.names import Engine
from zoo.engine.recurrence import Run
from zoo.engine.recurrent_layer import RecurrentLayer
from zoo.engine.sequence import valid_steps

B, T = 4, 9
LENGTHS = (9, 4, 1, 7)
RESETS = ((0, 3), (2,), (0,), (1, 5, 6))


Case = tuple[Cell, Cell, Reference]


@pytest.fixture(autouse=True)
def _exact() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def made(kind: str) -> Case:
    """Two cells of a kind, with other weights, and what both are held to."""
    torch.manual_seed(0)
    make, reference = EXOTIC[kind]
    return make().eval(), make().eval(), reference


def batch() -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """x, dt and observed with rubbish in the padding, lengths, and resets that reach into the padding."""
    generator = torch.Generator().manual_seed(1)
    lengths = torch.tensor(LENGTHS)
    x = torch.randn(B, T, F_IN, generator=generator)
    dt = 0.5 + torch.rand(B, T, generator=generator)
    observed = torch.rand(B, T, F_IN, generator=generator) < 0.6
    reset = torch.zeros(B, T, dtype=torch.bool)
    for row, steps in enumerate(RESETS):
        reset[row, list(steps)] = True
        reset[row, LENGTHS[row] :] = True
    x[~valid_steps(lengths, T)] = torch.nan
    dt[~valid_steps(lengths, T)] = 0.0
    return x, dt, observed, lengths, reset


def expected(
    cell: Cell,
    reference: Reference,
    data: tuple[Tensor, Tensor, Tensor, Tensor, Tensor],
    *,
    resets: bool,
    backwards: bool,
) -> Array:
    """Each sequence of each row alone; on the way back the sequence is turned round and its gaps go with it."""
    x, dt, observed, lengths, reset = (t.numpy() for t in data)
    out = np.zeros((B, T, H))
    for row in range(B):
        borders = [0, *(s for s in range(1, lengths[row]) if resets and reset[row, s]), int(lengths[row])]
        for begin, end in pairwise(borders):
            seen, gaps, known = x[row, begin:end], dt[row, begin:end], observed[row, begin:end]
            if backwards:
                seen, known = seen[::-1], known[::-1]
                gaps = np.concatenate([gaps[:1], gaps[:0:-1]])
            y = reference(cell, seen, gaps, known)
            out[row, begin:end] = y[::-1] if backwards else y
    return out


def run_of(data: tuple[Tensor, Tensor, Tensor, Tensor, Tensor], *, resets: bool, **more: object) -> Run:
    _, dt, observed, lengths, reset = data
    return Run(
        lengths=lengths,
        valid=valid_steps(lengths, T),
        dt=dt,
        observed=observed,
        reset=reset if resets else None,
        **more,  # type: ignore[arg-type]
    )


def start(layer: RecurrentLayer) -> dict[str, Tensor]:
    return layer.init_state(B, device=torch.device("cpu"), dtype=torch.float64)


@each("kind", EXOTIC)
@each("engine", ["auto", "loop"])
@each("resets", [False, True])
def test_padded_rows_in_both_directions_equal_each_sequence_alone(kind: str, resets: bool, engine: Engine) -> None:
    forward, backward, reference = made(kind)
    layer = RecurrentLayer(forward, backward)
    data = batch()
    x = torch.where(data[2], data[0], 0.0) if "observed" in forward.uses else data[0]
    y = layer(x, start(layer), run_of(data, resets=resets, engine=engine)).output.detach().numpy()
    np.testing.assert_allclose(
        y[..., :H], expected(forward, reference, data, resets=resets, backwards=False), atol=1e-12, rtol=0
    )
    np.testing.assert_allclose(
        y[..., H:], expected(backward, reference, data, resets=resets, backwards=True), atol=1e-12, rtol=0
    )


@each("kind", EXOTIC)
def test_a_reset_at_the_first_step_drops_the_incoming_state_in_both_directions(
    kind: str,
) -> None:
    case = made(kind)
    layer = RecurrentLayer(case[0], case[1])
    data = batch()
    x = torch.where(data[2], data[0], 0.0)
    state = layer(x, start(layer), run_of(data, resets=False)).state
    reset = torch.zeros(B, T, dtype=torch.bool)
    reset[:, 0] = True
    run = Run(lengths=data[3], valid=valid_steps(data[3], T), dt=data[1], observed=data[2], reset=reset)
    plain = layer(x, start(layer), run_of(data, resets=False)).output
    torch.testing.assert_close(layer(x, state, run).output, plain, atol=1e-12, rtol=0)


@each("kind", EXOTIC)
@each("cuts", [(3,), (1, 2), (4, 5, 8), tuple(range(1, T))])
@each("resets", [False, True])
def test_pieces_with_the_state_carried_equal_the_whole(kind: str, cuts: tuple[int, ...], resets: bool) -> None:
    """Rows that have ended are in later pieces with length zero, and keep their state."""
    case = made(kind)
    layer = RecurrentLayer(case[0])
    data = batch()
    x = torch.where(data[2], data[0], 0.0)
    whole = layer(x, start(layer), run_of(data, resets=resets))
    state, outputs = start(layer), []
    for begin, end in zip((0, *cuts), (*cuts, T), strict=True):
        lengths = (data[3] - begin).clamp(0, end - begin)
        run = Run(
            lengths=lengths,
            valid=valid_steps(lengths, end - begin),
            dt=data[1][:, begin:end],
            observed=data[2][:, begin:end],
            reset=data[4][:, begin:end] if resets else None,
        )
        piece = layer(x[:, begin:end], state, run)
        state = piece.state
        outputs.append(piece.output)
    torch.testing.assert_close(torch.cat(outputs, 1), whole.output, atol=1e-12, rtol=0)
    assert state.keys() == whole.state.keys()
    for name, value in state.items():
        torch.testing.assert_close(value, whole.state[name], atol=1e-12, rtol=0)


@each("kind", EXOTIC)
def test_the_state_after_a_reset_is_that_of_the_last_sequence_alone(kind: str) -> None:
    """Nothing from before the reset, and no reset that stands in the padding, is carried on."""
    case = made(kind)
    layer = RecurrentLayer(case[0])
    data = batch()
    x = torch.where(data[2], data[0], 0.0)
    found = layer(x, start(layer), run_of(data, resets=True)).state
    for row, length in enumerate(LENGTHS):
        begin = RESETS[row][-1]
        run = Run(dt=data[1][row : row + 1, begin:length], observed=data[2][row : row + 1, begin:length])
        fresh_start = layer.init_state(1, device=torch.device("cpu"), dtype=torch.float64)
        alone = layer(x[row : row + 1, begin:length], fresh_start, run).state
        for name, value in alone.items():
            torch.testing.assert_close(found[name][row : row + 1], value, atol=1e-12, rtol=0)


@each("kind", EXOTIC)
def test_padding_changes_no_gradient(kind: str) -> None:
    case = made(kind)
    layer = RecurrentLayer(case[0], case[1])
    data = batch()
    gradients = []
    for rubbish in (torch.nan, 0.0, 1e9):
        x = torch.where(data[2], data[0], 0.0)
        x[~valid_steps(data[3], T)] = rubbish
        x.requires_grad_()
        layer.zero_grad()
        layer(x, start(layer), run_of(data, resets=True)).output.square().sum().backward()
        assert x.grad is not None
        gradients.append([x.grad, *(p.grad for p in layer.parameters())])
    for other in gradients[1:]:
        for mine, theirs in zip(gradients[0], other, strict=True):
            assert mine is not None
            assert theirs is not None
            assert mine.isfinite().all()
            torch.testing.assert_close(mine, theirs, atol=0, rtol=0)


@each("kind", EXOTIC)
def test_states_of_all_steps_are_those_that_are_carried(kind: str) -> None:
    case = made(kind)
    layer = RecurrentLayer(case[0], case[1])
    data = batch()
    x = torch.where(data[2], data[0], 0.0)
    found = layer(x, start(layer), run_of(data, resets=False, all_states=True))
    assert found.states is not None
    for name in case[0].states:
        for row, length in enumerate(LENGTHS):
            torch.testing.assert_close(found.states[name][row, length - 1], found.state[name][row], atol=0, rtol=0)
            torch.testing.assert_close(
                found.states[f"reverse.{name}"][row, 0], found.state[f"reverse.{name}"][row], atol=0, rtol=0
            )


def test_only_the_first_layer_sees_what_was_observed() -> None:
    """The features of later layers are others; a cell there that reads `observed` takes everything as observed."""
    from zoo.inputs.features import Features
    from zoo.inputs.options import FeaturesOptions
    from zoo.model.stack import StackModel as Model

    seen = []

    class Watching(EXOTIC["fresh"][0]):  # type: ignore[misc]
        uses = frozenset({"fresh", "observed"})

        def project(self, x, const, ctx):  # type: ignore[no-untyped-def]
            seen.append(ctx.observed)
            return super().project(x, const, ctx)

    first, second = Watching(), Watching()
    second.input_shape = (H,)
    second.V = torch.nn.Parameter(torch.ones(H, H))
    model = Model(Features(FeaturesOptions(size=F_IN)), [RecurrentLayer(first), RecurrentLayer(second)])
    observed = torch.ones(2, 4, F_IN, dtype=torch.bool)
    model(torch.randn(2, 4, F_IN), observed=observed)
    assert seen[0] is observed
    assert seen[1] is None
