"""Options of the LSTM that torch's own has not: clips, matrices of peepholes, other activations of the gates."""

from __future__ import annotations

import math
from typing import Any

import pytest
from by_hand import build, cell_of, fill, outputs, sigmoid

from zoo.cells.lstm import LSTM, LSTMVariant
from zoo.cells.options import LSTMOptions, describe_lstm

XS = (0.9, -0.4, 0.7)
BLOCKS = {"weight_ih": [1.0, -0.5, 2.8, 0.3], "weight_hh": [0.4, 0.6, -0.7, 0.2], "bias": [0.1, 0.5, 0.0, -0.2]}


def test_both_clips_by_hand() -> None:
    """In two units, of which the projection adds what they show: the clips act in some steps and not in others."""
    cell = {"kind": "lstm", "bias": "one", "projection": 1, "cell_clip": 0.4, "proj_clip": 0.25}
    model = build(cell, hidden=2)
    doubled = {name: [value for value in values for _ in range(2)] for name, values in BLOCKS.items()}
    fill(cell_of(model), **doubled, weight_hr=[0.5, 1.0])
    h, c, expected, clipped = 0.0, 0.0, [], []
    for x in XS:
        i, f = sigmoid(x + 0.4 * h + 0.1), sigmoid(-0.5 * x + 0.6 * h + 0.5)
        free = f * c + i * math.tanh(2.8 * x - 0.7 * h)
        c = max(-0.4, min(0.4, free))
        shown = 1.5 * sigmoid(0.3 * x + 0.2 * h - 0.2) * math.tanh(c)
        h = max(-0.25, min(0.25, shown))
        clipped += [free != c, shown != h]
        expected.append(h)
    assert {True, False} == set(clipped[::2]) == set(clipped[1::2])
    assert outputs(model, *XS) == pytest.approx(expected, abs=1e-15)


def test_the_output_gate_sees_the_clipped_cell() -> None:
    model = build({"kind": "lstm", "bias": "one", "peephole": True, "cell_clip": 0.1})
    fill(cell_of(model), **BLOCKS, weight_ch=[0.0, 0.0, 5.0])
    assert outputs(model, 0.9) == pytest.approx([sigmoid(0.27 - 0.2 + 0.5) * math.tanh(0.1)], abs=1e-15)


def test_coupled_gates_with_matrices_of_peepholes_by_hand() -> None:
    """As Lample's tagger has them: i sees W c of the old c, o of the new one, and what is kept is 1 − i."""
    model = build({"kind": "lstm", "bias": "one", "coupled": True, "peephole": "full"}, hidden=2)
    peepholes = {"f": [[0.5, -1.0], [2.0, 0.3]], "o": [[-0.4, 0.9], [1.5, -0.7]]}
    fill(
        cell_of(model),
        weight_ih=[1.0, -1.0, 0.5, 2.0, 0.3, -0.6],
        weight_ch=[value for gate in "fo" for row in peepholes[gate] for value in row],
    )
    c, expected = [0.0, 0.0], []
    for x in XS:
        seen = [sum(w * old for w, old in zip(row, c, strict=True)) for row in peepholes["f"]]
        f = [sigmoid(x + seen[0]), sigmoid(-x + seen[1])]
        new = [math.tanh(0.5 * x), math.tanh(2.0 * x)]
        c = [kept * old + (1 - kept) * value for kept, old, value in zip(f, c, new, strict=True)]
        later = [sum(w * value for w, value in zip(row, c, strict=True)) for row in peepholes["o"]]
        o = [sigmoid(0.3 * x + later[0]), sigmoid(-0.6 * x + later[1])]
        expected += [gate * math.tanh(value) for gate, value in zip(o, c, strict=True)]
    assert outputs(model, *XS) == pytest.approx(expected, abs=1e-15)


def test_lamples_tagger_has_its_published_size() -> None:
    """Without tables, for 17 tags: LSTMs over characters and words, each with a c and an h to begin with."""
    options = LSTMOptions(bias="one", coupled=True, peephole="full")
    characters = 2 * (describe_lstm(options, (25,), 25).parameters + 2 * 25)
    words = 2 * (describe_lstm(options, (100 + 2 * 25,), 100).parameters + 2 * 100)
    above = (200 * 100 + 100) + (100 * 17 + 17) + (17 + 2) ** 2
    assert characters + words + above == 223_428


@pytest.mark.parametrize(("name", "slope"), [("hard_sigmoid", 1 / 6), ("hard_sigmoid_0.2", 0.2)])
def test_hard_gates_by_hand(name: str, slope: float) -> None:
    def gate(x: float) -> float:
        return min(1.0, max(0.0, slope * x + 0.5))

    model = build({"kind": "lstm", "bias": "one", "recurrent_activation": name})
    fill(cell_of(model), weight_ih=[4.0, -5.0, 1.0, 1.0], bias=[0.0, 0.5, 0.0, 0.0])
    c, expected = 0.0, []
    for x in XS:
        c = gate(-5 * x + 0.5) * c + gate(4 * x) * math.tanh(x)
        expected.append(gate(x) * math.tanh(c))
    assert outputs(model, *XS) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize(
    "more",
    [
        {"cell_clip": 3.0},
        {"projection": 2, "proj_clip": 3.0},
        {"peephole": "full"},
        {"recurrent_activation": "hard_sigmoid"},
    ],
)
def test_what_torchs_kernel_cannot_run_is_not_given_to_it(more: dict[str, Any]) -> None:
    cell = cell_of(build({"kind": "lstm", **more}, hidden=4))
    assert type(cell) is LSTMVariant
    assert not cell.fusable


def test_what_torchs_kernel_can_run_is_given_to_it() -> None:
    cell = cell_of(build({"kind": "lstm", "bias": "none", "projection": 2}, hidden=4))
    assert type(cell) is LSTM
    assert cell.fusable


def test_a_clip_of_what_is_not_projected_is_refused() -> None:
    with pytest.raises(ValueError, match="proj_clip needs a projection"):
        LSTMOptions(proj_clip=3.0)
