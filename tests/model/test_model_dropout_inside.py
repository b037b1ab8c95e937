"""The dropout that acts inside a recurrence: on h where it enters products, on recurrent weights, and zoneout."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from each import each
from model_support import build, close, features, within
from torch import Tensor

from zoo.model.base import Model


def run(model: Model, seed: int, x: Tensor) -> Tensor:
    torch.manual_seed(seed)
    with torch.no_grad():
        output: Tensor = model(x)[0]
    return output


def one_unit(w: float, u: float, dropout: Any, engine: str, **keys: Any) -> Model:
    cell = keys.pop("cell", {"kind": "rnn", "bias": "none"})
    model = build(input=1, hidden_size=1, cell=cell, dropout=dropout, engine=engine, **keys)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.fill_(w if "weight_ih" in name else u)
    return model


@pytest.mark.parametrize("engine", ["auto", "loop"])
def test_a_recurrent_mask_is_one_per_sequence_on_h_where_it_enters_the_product(engine: str) -> None:
    """h_t = tanh(w x_t + u m h_{t-1}), m one of 0 and 1 / 0.7 for the whole of a row, by hand for a single unit."""
    w, u, rows = 0.8, 0.6, 400
    model = one_unit(w, u, {"recurrent": 0.3}, engine)
    x = torch.randn(rows, 5, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    output = run(model, 1, x)[..., 0]
    dropped = torch.zeros(rows, dtype=torch.bool)
    for row in range(rows):
        by_hand = []
        for m in (0.0, 1 / 0.7):
            h, path = 0.0, []
            for t in range(5):
                h = math.tanh(w * x[row, t, 0].item() + u * m * h)
                path.append(h)
            by_hand.append(torch.tensor(path, dtype=torch.float64))
        fits = [torch.allclose(output[row], path, rtol=0, atol=1e-12) for path in by_hand]
        assert sum(fits) == 1, (row, fits)
        dropped[row] = fits[0]
    within((~dropped).double(), 0.3)


@pytest.mark.parametrize("reset_gate", ["after", "before"])
def test_a_recurrent_mask_is_never_on_the_path_that_carries_h(reset_gate: str) -> None:
    """A GRU whose update gate is shut keeps h for ever, whatever its recurrent dropout."""
    model = build(cell={"kind": "gru", "reset_gate": reset_gate, "bias": "one"}, dropout={"recurrent": 0.5})
    model.get_parameter("layers.0.cell.bias").data[5:10] = 1e3
    h = torch.randn(1, 4, 5, dtype=torch.float64)
    torch.manual_seed(0)
    output, after = model(features(steps=200), h)
    close(after, h)
    close(output, h[0].unsqueeze(1).expand(4, 200, 5))


@pytest.mark.parametrize("cell", ["lstm", {"kind": "lstm", "projection": 2}], ids=["plain", "projected"])
def test_a_recurrent_mask_leaves_the_cell_of_an_lstm_alone(cell: Any) -> None:
    model = build(cell=cell, dropout={"recurrent": 0.5})
    for name, parameter in model.named_parameters():
        parameter.data.zero_()
        if name.endswith("bias_ih"):
            parameter.data[5:10] = 1e3  # the forget gate stays open; the input gate adds tanh(0)
    c = torch.randn(1, 4, 5, dtype=torch.float64)
    h = torch.randn(1, 4, 2 if isinstance(cell, dict) else 5, dtype=torch.float64)
    close(model(features(), (h, c))[1][1], c)


@each("engine", ["auto", "loop"])
@each("kind", ["rnn", "lstm", "gru"])
def test_weight_dropout_drops_recurrent_weights_once_per_run(kind: str, engine: str) -> None:
    """With the input's product zero, the first output of a unit row h = e_k shows one column of the dropped matrix."""
    cell = {"kind": "rnn", "bias": "none", "nonlinearity": "relu"} if kind == "rnn" else {"kind": kind, "bias": "none"}
    model = build(input=1, hidden_size=30, cell=cell, dropout={"weight": 0.3}, engine=engine)
    layer: Any = model.layers[0]
    gates = layer.cell.weight_hh.shape[0] // 30
    original = layer.cell.weight_hh.detach().clone()
    if kind == "rnn":
        with torch.no_grad():
            layer.cell.weight_ih.zero_()
            original = original.abs() + 0.1
            layer.cell.weight_hh.copy_(original)
        torch.manual_seed(0)
        seen = model(torch.zeros(30, 1, 1, dtype=torch.float64), torch.eye(30, dtype=torch.float64)[None])[0][:, 0].T
        within(seen, 0.3)
        kept = seen != 0
        close(seen[kept], original[kept] / 0.7)
        return
    # One mask for all rows and steps: rows with equal inputs and states stay equal, step by step.
    x = torch.ones(5, 6, 1, dtype=torch.float64)
    torch.manual_seed(0)
    output = model(x)[0]
    close(output, output[:1].expand_as(output))
    assert gates == {"lstm": 4, "gru": 3}[kind]
    assert torch.equal(layer.cell.weight_hh, original)
    output[:, -1].sum().backward()
    gradient = layer.cell.weight_hh.grad
    within(gradient, 0.3)  # a dropped weight gets no gradient


@pytest.mark.parametrize("engine", ["auto", "loop"])
def test_weight_dropout_of_an_equal_weight_is_the_same_at_every_step(engine: str) -> None:
    """h_t = u^t h_0 with u = 0 or u / 0.7 for the whole run."""
    model = one_unit(0.0, 0.9, {"weight": 0.3}, engine, cell={"kind": "rnn", "nonlinearity": "relu", "bias": "none"})
    h = torch.ones(1, 1, 1, dtype=torch.float64)
    seen = []
    for seed in range(200):
        torch.manual_seed(seed)
        path = model(torch.zeros(1, 4, 1, dtype=torch.float64), h)[0].flatten()
        kept = path[0].item() != 0
        close(path, torch.tensor([(0.9 / 0.7) ** (t + 1) * kept for t in range(4)], dtype=torch.float64))
        seen.append(float(kept))
    within(torch.tensor(seen), 0.3)


def test_zoneout_keeps_old_values_in_training_and_their_mean_in_eval() -> None:
    """A unit whose new value is always tanh(2) starts from 0.5: each step keeps the old one with probability 0.3."""
    model = one_unit(2.0, 0.0, {"zoneout": 0.3}, "auto")
    new = math.tanh(2.0)
    x = torch.ones(4000, 1, 1, dtype=torch.float64)
    h = torch.full((1, 4000, 1), 0.5, dtype=torch.float64)
    output = run_state(model, x, h)
    kept = (output - 0.5).abs() < 1e-12
    assert bool((kept | ((output - new).abs() < 1e-12)).all())
    within((~kept).double(), 0.3)
    model.eval()
    h_t, expected = 0.5, []
    for _ in range(3):
        h_t = 0.3 * h_t + 0.7 * new
        expected.append(h_t)
    found = model(torch.ones(1, 3, 1, dtype=torch.float64), h[:, :1])[0].flatten()
    close(found, torch.tensor(expected, dtype=torch.float64))


def run_state(model: Model, x: Tensor, h: Tensor) -> Tensor:
    torch.manual_seed(0)
    with torch.no_grad():
        output: Tensor = model(x, h)[0]
    return output.flatten()


def test_zoneout_acts_on_both_states_of_an_lstm_with_masks_of_their_own() -> None:
    model = build(cell="lstm", hidden_size=30, dropout={"zoneout": 0.3})
    h, c = (torch.full((1, 50, 30), value, dtype=torch.float64) for value in (5.0, 7.0))
    torch.manual_seed(0)
    _, (h_1, c_1) = model(features(50, 1), (h, c))
    kept_h, kept_c = h_1 == 5.0, c_1 == 7.0
    within((~kept_h).double(), 0.3)
    within((~kept_c).double(), 0.3)
    within((~(kept_h & kept_c)).double(), 0.09)


def test_zoneout_holds_still_in_padding() -> None:
    model = build(cell="gru", dropout={"zoneout": 0.3}).eval()
    lengths = [3, 7, 1, 5]
    output, state = model(features(), lengths=lengths)
    for row, length in enumerate(lengths):
        alone, last = model(features()[row : row + 1, :length])
        close(output[row, :length], alone[0])
        close(state[0, row], last[0, 0])
