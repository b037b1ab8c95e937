"""Every way to call a model: what it gives, its shapes, states that go on, packed batches, single steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from each import each
from model_support import build, close, features, flat, per_row, same, symbols
from torch import Tensor

import zoo
from zoo.model.build import with_engine

LENGTHS = [3, 7, 1, 5]
PRACTICAL: list[tuple[str, int, tuple[int, ...], list[tuple[int, ...]]]] = [
    ("rnn", 10, (3, 10, 20), [(1, 3, 20)]),
    ("rnn-bidirectional", 10, (3, 10, 40), [(2, 3, 20)]),
    ("rnn-stacked", 15, (3, 15, 20), [(5, 3, 20)]),
    ("gru", 15, (3, 15, 20), [(1, 3, 20)]),
    ("lstm", 15, (3, 15, 20), [(1, 3, 20), (1, 3, 20)]),
]
MODELS: dict[str, dict[str, Any]] = {
    "torch-h": {"cell": "gru", "layers": 2},
    "torch-h-c": {"cell": {"kind": "lstm", "projection": 2}, "layers": 2},
    "named": {"layers": [{"cell": "lstm", "hidden_size": 4}, {"cell": "rnn", "hidden_size": 5}]},
    "head": {"cell": "lstm", "head": {"kind": "linear", "size": 2}},
    "learned": {
        "layers": [{"cell": {"kind": "gru", "reset_gate": "before"}, "hidden_size": 4, "initial_state": "learned"}]
    },
}


@pytest.mark.parametrize(("name", "steps", "output_shape", "state_shapes"), PRACTICAL, ids=[p[0] for p in PRACTICAL])
def test_the_practical_prints_these_shapes(
    name: str, steps: int, output_shape: tuple[int, ...], state_shapes: list[tuple[int, ...]]
) -> None:
    model = zoo.build(name, seed=0)
    output, state = model(torch.randn(3, steps, 10))
    assert tuple(output.shape) == output_shape
    assert isinstance(state, tuple) == (name == "lstm")
    assert [tuple(s.shape) for s in flat(state)] == state_shapes


def test_the_practical_s_classifier_gives_one_logit_per_row_and_nothing_else() -> None:
    model = zoo.build("rnn-classifier", seed=0)
    output = model(torch.randn(3, 15, 10))
    assert isinstance(output, Tensor)
    assert tuple(output.shape) == (3, 1)


@pytest.mark.parametrize("keys", MODELS.values(), ids=MODELS)
def test_any_split_of_a_sequence_goes_on_from_the_state(keys: dict[str, Any]) -> None:
    model = build(**keys)
    x = features()
    whole, end = model(x, return_state=True)
    for cut in range(1, 7):
        first, state = model(x[:, :cut], return_state=True)
        second, after = model(x[:, cut:], state, return_state=True)
        close(torch.cat([first, second], 1), whole)
        same(after, end)
    assert not torch.allclose(model(x[:, 4:], return_state=True)[0], whole[:, 4:])


@pytest.mark.parametrize("keys", MODELS.values(), ids=MODELS)
def test_steps_equal_the_whole_run(keys: dict[str, Any]) -> None:
    model = build(**keys)
    x = features()
    whole, end = model(x, return_state=True)
    state = None
    for t in range(7):
        output, state = model.step(x[:, t], state)
        assert output.shape == (4, whole.shape[2])
        close(output, whole[:, t])
    same(state, end)


def test_steps_over_symbols_and_with_resets_equal_the_whole_run() -> None:
    model = build(input={"kind": "tokens", "vocabulary": 9, "size": 3}, cell="lstm")
    x = symbols(4, 7, 9)
    reset = torch.rand(4, 7, generator=torch.Generator().manual_seed(0)) < 0.4
    whole, end = model(x, reset=reset)
    assert not torch.allclose(whole, model(x)[0])
    state = None
    for t in range(7):
        output, state = model.step(x[:, t], state, reset=reset[:, t])
        close(output, whole[:, t])
    same(state, end)


@pytest.mark.parametrize("keys", MODELS.values(), ids=MODELS)
def test_init_state_is_what_no_state_means(keys: dict[str, Any]) -> None:
    model = build(**keys)
    for module in model.modules():
        if getattr(module, "initial", None) is not None:
            torch.nn.init.normal_(module.initial["h"])  # type: ignore[index]
    state = model.init_state(4)
    assert all((s == 0).all() for s in flat(state)) == ("initial_state" not in str(keys))
    none, given = model(features(), return_state=True), model(features(), state, return_state=True)
    close(none[0], given[0])
    same(none[1], given[1])
    assert (model.state_layout == "torch") == (not isinstance(state, zoo.State))


@each("both", [False, True])
@each("kind", ["rnn", "lstm", "gru"])
def test_both_layouts_are_accepted_and_mean_the_same(kind: str, both: bool) -> None:
    model = build(cell=kind, layers=2, bidirectional=both)
    generator = torch.Generator().manual_seed(4)
    names = ("h", "c") if kind == "lstm" else ("h",)
    stacked = tuple(torch.randn(4 if both else 2, 4, 5, generator=generator, dtype=torch.float64) for _ in names)
    slots = ("layers.0.", "layers.0.reverse.", "layers.1.", "layers.1.reverse.") if both else ("layers.0.", "layers.1.")
    named = {slot + name: s[i] for name, s in zip(names, stacked, strict=True) for i, slot in enumerate(slots)}
    x = features()
    by_torch = model(x, stacked if kind == "lstm" else stacked[0])
    for form in (named, zoo.State(named), list(stacked) if kind == "lstm" else stacked[:1]):
        output, after = model(x, form)
        close(output, by_torch[0])
        same(after, by_torch[1])


@pytest.mark.parametrize("lengths", [None, LENGTHS])
def test_return_states_gives_the_state_after_every_step(lengths: list[int] | None) -> None:
    model = build(cell="lstm", layers=2, head={"kind": "linear", "size": 2, "pool": "mean"})
    x = features()
    output, state, states = model(x, lengths=lengths, return_states=True)
    assert isinstance(states, zoo.State)
    assert list(states) == ["layers.0.h", "layers.0.c", "layers.1.h", "layers.1.c"]
    assert {tuple(s.shape) for s in states.values()} == {(4, 7, 5)}
    close(output, model(x, lengths=lengths))
    for row, length in enumerate(lengths or [7] * 4):
        for t in range(length):
            _, (h, c) = model(x[row : row + 1, : t + 1], return_state=True)
            for layer in range(2):
                close(states[f"layers.{layer}.h"][row, t], h[layer, 0])
                close(states[f"layers.{layer}.c"][row, t], c[layer, 0])
        close(state[0][1, row], states["layers.1.h"][row, length - 1])


def test_return_states_of_both_directions_stand_at_their_own_steps() -> None:
    model = build(cell="gru", bidirectional=True)
    output, state, states = model(features(), lengths=LENGTHS, return_states=True)
    assert list(states) == ["layers.0.h", "layers.0.reverse.h"]
    for row, length in enumerate(LENGTHS):
        close(states["layers.0.h"][row, :length], output[row, :length, :5])
        close(states["layers.0.reverse.h"][row, :length], output[row, :length, 5:])
        close(state[1, row], states["layers.0.reverse.h"][row, 0])


def test_what_a_call_gives_with_and_without_a_head() -> None:
    x = features()
    bare, headed = build(), build(head={"kind": "linear", "size": 2})
    assert len(bare(x)) == len(bare(x, return_state=True)) == 2
    assert isinstance(headed(x), Tensor)
    assert len(headed(x, return_state=True)) == 2
    assert len(headed(x, return_states=True)) == len(bare(x, return_states=True)) == 3
    assert len(headed.step(x[:, 0])) == 2


LENGTH_FORMS = [
    LENGTHS,
    tuple(LENGTHS),
    np.array(LENGTHS),
    torch.tensor(LENGTHS),
    torch.tensor(LENGTHS, dtype=torch.int32),
    torch.tensor(LENGTHS, dtype=torch.uint8),
    torch.tensor(LENGTHS, dtype=torch.uint16),
]


@each("engine", ["auto", "loop"])
@each("form", LENGTH_FORMS, ids=lambda f: f"{type(f).__name__}-{getattr(f, 'dtype', 'int')}")
def test_lengths_in_any_form_and_order_equal_each_row_alone(form: Any, engine: str) -> None:
    model = build(cell="lstm", bidirectional=True, layers=2, engine=engine)
    x = features()
    garbage = x.clone()
    for row, length in enumerate(LENGTHS):
        garbage[row, length:] = float("nan")
    output, (h, c) = model(garbage, lengths=form)
    for row, alone in enumerate(per_row(x, LENGTHS)):
        y, (h_row, c_row) = model(alone)
        close(output[row, : LENGTHS[row]], y[0])
        assert (output[row, LENGTHS[row] :] == 0).all()
        close(h[:, row], h_row[:, 0])
        close(c[:, row], c_row[:, 0])


@pytest.mark.parametrize("engine", ["auto", "loop"])
def test_steps_that_no_row_reaches_change_nothing(engine: str) -> None:
    model = build(cell="gru", bidirectional=True, layers=2, engine=engine)
    x, lengths = features(), [3, 2, 4, 1]
    output, state = model(x, lengths=lengths)
    trimmed, expected = model(x[:, :4], lengths=lengths)
    close(output[:, :4], trimmed)
    assert output.shape == (4, 7, 10)
    assert (output[:, 4:] == 0).all()
    close(state, expected)


@each("engine", ["auto", "loop"])
@each("cell", ["rnn", "lstm", "gru"])
def test_how_the_numbers_lie_in_memory_changes_nothing(cell: str, engine: str) -> None:
    model = build(cell=cell, layers=2, engine=engine)
    x = features()
    strange = x.permute(2, 1, 0).contiguous().permute(2, 1, 0)
    assert not strange.is_contiguous()
    _, state = model(x)
    apart = [s.permute(2, 1, 0).contiguous().permute(2, 1, 0) for s in flat(state)]
    for lengths in (None, LENGTHS):
        output, after = model(strange, apart if cell == "lstm" else apart[0], lengths=lengths)
        expected, expected_after = model(x, state, lengths=lengths)
        close(output, expected)
        same(after, expected_after)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_one_row_of_one_step(cell: str) -> None:
    model = build(cell=cell, bidirectional=True)
    output, state = model(features(1, 1))
    assert output.shape == (1, 1, 10)
    close(output[0, 0], flat(state)[0][:, 0].flatten())


def test_full_lengths_are_no_lengths() -> None:
    model = build(cell="gru")
    assert torch.equal(model(features(), lengths=[7] * 4)[0], model(features())[0])


def test_padding_may_hold_symbols_that_there_are_not() -> None:
    model = build(input={"kind": "tokens", "vocabulary": 9, "size": 3}, cell="gru")
    x = symbols(4, 7, 9)
    ignored = x.clone()
    for row, length in enumerate(LENGTHS):
        ignored[row, length:] = -100
    close(model(ignored, lengths=LENGTHS)[0], model(x, lengths=LENGTHS)[0])


@pytest.mark.parametrize("engine", ["auto", "loop"])
def test_a_state_is_never_changed_in_place(engine: str) -> None:
    model = with_engine(build(cell="lstm"), engine)
    x = features()
    state = tuple(torch.randn(1, 4, 5, dtype=torch.float64) for _ in range(2))
    before, x_before = [s.clone() for s in state], x.clone()
    model(x, state)
    model(x, state, lengths=LENGTHS)
    assert all(torch.equal(s, b) for s, b in zip(state, before, strict=True))
    assert torch.equal(x, x_before)


ENDING: list[tuple[str, dict[str, Any]]] = [
    ("auto", {"cell": "lstm", "layers": 2}),
    ("loop", {"cell": "gru"}),
    ("auto", {"cell": "gru", "head": {"kind": "linear", "size": 2}}),
    ("linear", {"cell": "mingru", "norm": "layer"}),
    ("scan", {"cell": "rnn"}),
    ("auto", {"cell": {"kind": "qrnn", "window": 3}}),
    ("auto", {"cell": "mamba", "layers": 2, "residual": True, "input": 5}),
    ("auto", {"cell": "rglru", "hidden_size": 3}),
    ("auto", {"layers": [{"cell": "rnn", "hidden_size": 4}, {"kind": "linear", "size": 3}]}),
]


@each(("engine", "keys"), ENDING, ids=[f"{engine}-{keys.get('cell', 'mixed')}" for engine, keys in ENDING])
def test_a_sequence_that_has_ended_stands_in_later_pieces_with_its_state_held(
    engine: str, keys: dict[str, Any]
) -> None:
    model = build(engine=engine, **keys)
    x, lengths = features(size=keys.get("input", 3)), torch.tensor(LENGTHS)
    whole, state = model(x, lengths=lengths, return_state=True)
    before, pieces = None, []
    for start, end in ((0, 1), (1, 4), (4, 6), (6, 7)):
        here = (lengths - start).clamp(0, end - start)
        piece, before = model(x[:, start:end], before, lengths=here, return_state=True)
        pieces.append(piece)
    close(torch.cat(pieces, 1), whole)
    for got, right in zip(flat(before), flat(state), strict=True):
        close(got, right)


def test_a_sequence_that_has_ended_changes_no_gradient_and_gets_its_state_s_own() -> None:
    model, alone = build(cell="lstm"), build(cell="lstm")
    x, lengths, keep = features(), torch.tensor([0, 4, 0, 7]), torch.tensor([False, True, False, True])
    h, c = (features(1, 4, 5, seed=seed).requires_grad_() for seed in (2, 3))
    output, (after, _) = model(x, (h, c), lengths=lengths)
    (output.square().sum() + after.sum()).backward()
    there, (left, _) = alone(x[keep], (h.detach()[:, keep], c.detach()[:, keep]), lengths=lengths[keep])
    (there.square().sum() + left.sum()).backward()
    for got, right in zip(model.parameters(), alone.parameters(), strict=True):
        close(got.grad, right.grad)
    close(output[~keep], torch.zeros(2, 7, 5, dtype=torch.float64))
    close(after[:, ~keep], h[:, ~keep])
    close(h.grad[:, ~keep], torch.ones(1, 2, 5, dtype=torch.float64))
    close(c.grad[:, ~keep], torch.zeros(1, 2, 5, dtype=torch.float64))


def test_a_batch_in_which_all_have_ended_holds_every_state() -> None:
    for engine in ("auto", "loop", "scan"):
        model = build(cell="lstm", engine=engine)
        h, c = features(1, 4, 5, seed=2), features(1, 4, 5, seed=3)
        output, (after, memory) = model(features(), (h, c), lengths=[0, 0, 0, 0])
        close(output, torch.zeros(4, 7, 5, dtype=torch.float64))
        close(after, h)
        close(memory, c)
