"""Layers of a cell that no package has: they are built, summarised, saved and checked as those of any other."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from each import each
from torch import Tensor, nn

import zoo
from zoo import nn as znn
from zoo.plugin.manager import isolated, using


class Leaky(zoo.Cell):
    """h + 0.2 (tanh(W x + U h) - h); the output is h."""

    uses = frozenset({"weight_dropout"})

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.input_shape, self.output_shape = (input_size,), (hidden_size,)
        self.states = {"h": zoo.StateSpec((hidden_size,), zoneout=True)}
        self.W = nn.Linear(input_size, hidden_size)
        self.U = nn.Parameter(torch.empty(hidden_size, hidden_size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        self.W.reset_parameters()
        nn.init.orthogonal_(self.U)

    def constants(self, ctx: zoo.Context) -> Tensor:
        return ctx.drop_weight(self.U).T

    def project(self, x: Tensor, const: Any, ctx: zoo.Context) -> Tensor:
        return self.W(x)

    def step(self, u: Tensor, state: Any, const: Tensor) -> dict[str, Tensor]:
        h = state["h"]
        return {"h": h + 0.2 * (torch.tanh(u + h @ const) - h)}


class Wrong(Leaky):
    """Sees the other rows of its batch."""

    def step(self, u: Tensor, state: Any, const: Tensor) -> dict[str, Tensor]:
        return super().step(u + u.mean(0, keepdim=True), state, const)


class Unstarted(Leaky):
    """Has parameters, and says nothing of how they start."""

    reset_parameters = zoo.Cell.reset_parameters

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        nn.init.zeros_(self.U)


def leaky(input_size: int, hidden_size: int) -> Leaky:
    return Leaky(input_size, hidden_size)


@pytest.fixture(autouse=True)
def builtin() -> Iterator[None]:
    with using(isolated()):
        yield


def by_hand(cell: Leaky, x: Tensor) -> Tensor:
    """The equations of `Leaky`, row by row."""
    h, found = x.new_zeros(len(x), 7), []
    for step in x.unbind(1):
        h = h + 0.2 * (torch.tanh(step @ cell.W.weight.T + cell.W.bias + h @ cell.U.T) - h)
        found.append(h)
    return torch.stack(found, 1)


def test_it_runs_the_cell_that_was_given_with_its_values() -> None:
    cell = Leaky(5, 7).double()
    layer = znn.Recurrent(cell)
    x = torch.randn(3, 11, 5, dtype=torch.float64)
    y, state = layer(x, lengths=[11, 4, 1])
    assert list(state) == ["layers.0.h"]
    torch.testing.assert_close(y[0], by_hand(cell, x)[0], rtol=0, atol=1e-12)
    torch.testing.assert_close(state["layers.0.h"][1], by_hand(cell, x)[1, 3], rtol=0, atol=1e-12)
    assert layer.layers[0].cell is not cell
    both = znn.Recurrent(cell, bidirectional=True)
    torch.testing.assert_close(both(x)[0][..., :7], by_hand(cell, x), rtol=0, atol=1e-12)
    assert not torch.equal(both.layers[0].reverse_cell.U, cell.U), "the other direction starts by itself"


def test_a_seed_or_an_init_starts_every_cell_afresh() -> None:
    cell = Leaky(5, 7)
    before = {name: value.clone() for name, value in cell.state_dict().items()}
    first, second = znn.Recurrent(cell, seed=1), znn.Recurrent(Leaky(5, 7), seed=1)
    assert torch.equal(first.layers[0].cell.U, second.layers[0].cell.U)
    assert torch.equal(first.layers[0].cell.U, zoo.build(first.spec, seed=1).layers[0].cell.U)
    assert not torch.equal(first.layers[0].cell.U, cell.U)
    uniform = znn.Recurrent(cell, init={"kind": "uniform", "range": 0.01})
    assert uniform.layers[0].cell.U.abs().max() <= 0.01
    assert all(torch.equal(value, before[name]) for name, value in cell.state_dict().items()), "it is left as it was"


def test_a_class_makes_layers_of_any_width() -> None:
    state = torch.get_rng_state()
    layer = znn.Recurrent(Leaky, 5, 7, num_layers=2, bidirectional=True, dropout=0.1, seed=0)
    assert torch.equal(torch.get_rng_state(), state)
    assert [one.cell.W.weight.shape for one in layer.layers] == [(7, 5), (7, 14)]
    assert layer(torch.randn(2, 3, 5))[0].shape == (2, 3, 14)
    torch.manual_seed(4)
    drawn = znn.Recurrent(Leaky, 5, 7)
    torch.manual_seed(4)
    assert torch.equal(drawn.layers[0].cell.U, znn.Recurrent(Leaky, 5, 7).layers[0].cell.U)


@pytest.mark.parametrize(
    "make",
    [
        lambda: znn.Recurrent(Leaky(5, 7)),
        lambda: znn.Recurrent(Leaky(7, 7), num_layers=2, residual=True),
        lambda: znn.Recurrent(
            leaky, 64, 128, num_layers=2, bidirectional=True, dropout={"weight": 0.3, "zoneout": 0.1}
        ),
    ],
    ids=["a cell", "copies of a cell", "a function"],
)
def test_the_contract_holds_for_it(make: Any) -> None:
    report = zoo.check(make())
    assert report.ok, str(report)
    assert report.passed >= 19
    assert "expected failure" not in str(report)


def test_the_contract_finds_a_wrong_cell() -> None:
    report = zoo.check(znn.Recurrent(Wrong(5, 7)))
    failed = {one.check for one in report.outcomes if one.status == "failed"}
    assert "batch_independence" in failed


def test_checks_of_a_class_run_on_a_small_copy() -> None:
    made: list[tuple[Any, int]] = []

    def noted(input_size: int, hidden_size: int) -> Leaky:
        made.append((input_size, hidden_size))
        return Leaky(input_size, hidden_size)

    layer = znn.Recurrent(noted, 6400, 64)
    del made[:]
    assert zoo.check(layer, checks=["shapes"]).ok
    assert made
    assert max(size for size, _ in made) < 100


def test_it_is_summarised_looked_at_and_saved_as_any_model() -> None:
    layer = znn.Recurrent(Leaky(5, 7), num_layers=1, bidirectional=True)
    found = zoo.summary(layer)
    assert found.parameters == 2 * (5 * 7 + 7 + 49)
    assert "cell leaky (unpackaged)" in str(found)
    assert zoo.doctor(layer, lengths=(4, 8)).verdict()
    x = torch.randn(2, 3, 5)
    for made in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(made(x)[0], layer(x)[0])
        assert zoo.build(made.spec, seed=0)(x)[0].shape == (2, 3, 14)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        zoo.build(layer.spec, seed=9).load_state_dict(layer.state_dict(), strict=True)
    assert {p.device.type for p in zoo.build(layer.spec, device="meta").parameters()} == {"meta"}
    assert znn.Recurrent(Leaky(5, 7), dtype=torch.float64)(x.double())[0].dtype == torch.float64


@each(
    ("wrong", "message"),
    [
        (lambda: znn.Recurrent(Leaky(5, 7), num_layers=2), "the second of 2 layers would get an input of shape (7,), and"),
        (lambda: znn.Recurrent(Leaky(7, 7), num_layers=2, bidirectional=True), "the second of 2 layers would get an input"),
        (lambda: znn.Recurrent(Leaky), "Leaky is no cell yet: give Leaky(...), or input_size and hidden_size"),
        (lambda: znn.Recurrent(Leaky(5, 7), 5, 7), "a cell has sizes of its own"),
        (lambda: znn.Recurrent(nn.Linear(5, 7)), "cell must be a zoo.Cell, or a class or function that gives one, not Linear"),
        (lambda: znn.Recurrent("gru"), "cell must be a zoo.Cell, or a class or function that gives one, not str"),
        (lambda: znn.Recurrent(nn.Linear, 5, 7), "Linear must give a zoo.Cell, not Linear"),
        (lambda: znn.Recurrent(zoo.Cell()), "Cell sets no input_shape, which every cell does in its __init__"),
        (lambda: znn.Recurrent(Unstarted(5, 7), bidirectional=True), "Unstarted does not define reset_parameters"),
        (lambda: znn.Recurrent(Unstarted(5, 7), seed=0), "Unstarted does not define reset_parameters"),
        (lambda: znn.Recurrent(Leaky(5, 7).to("meta")), "the cell is on meta, which holds no numbers"),
        (lambda: znn.Recurrent(Leaky(5, 7), dropout={"recurrent": 0.5}), "zoo.nn.Recurrent(Leaky): dropout.recurrent: cell"),
        (lambda: znn.Recurrent(Leaky(5, 7), num_layers=0), "num_layers must be a whole number from 1, not 0"),
        (lambda: znn.Recurrent(Leaky, 0, 7), "input_size must be a whole number from 1, not 0"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(wrong: Any, message: str) -> None:
    with pytest.raises(zoo.ZooError) as caught:
        wrong()
    assert str(caught.value).startswith(message)


def test_a_function_that_gives_one_cell_twice_is_refused() -> None:
    cell = Leaky(7, 7)
    with pytest.raises(zoo.BuildError, match="gives the same cell again"):
        znn.Recurrent(lambda input_size, hidden_size: cell, 7, 7, num_layers=2)


def test_a_state_is_detached_in_every_layout() -> None:
    x = torch.randn(2, 3, 5)
    for layer in (znn.GRU(5, 7), znn.LSTM(5, 7), znn.Recurrent(Leaky(5, 7))):
        _, state = layer(x)
        free = zoo.detach(state)
        assert type(free) is type(state)
        tensors, kept = torch.utils._pytree.tree_leaves(free), torch.utils._pytree.tree_leaves(state)
        assert all(one.grad_fn is None and torch.equal(one, other) for one, other in zip(tensors, kept, strict=True))
        assert all(other.grad_fn is not None for other in kept)
        layer(x, free)[0].sum().backward()
    assert zoo.detach(None) is None
    assert list(zoo.detach({"h": x.requires_grad_()})) == ["h"]
    with pytest.raises(zoo.InputError, match="a state is a tensor, a tuple of tensors or a zoo"):
        zoo.detach("h")
