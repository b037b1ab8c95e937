"""Lower bounds that are learned over all layers of a stack: HGRN and HGRN2, and what a file may say of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from each import each

import zoo
from zoo.cells.bounds import risen

HGRN = {"kind": "hgrn", "learned_bound": True}
ROWS = ((0.0, 1.0), (math.log(2.0), 0.0), (math.log(5.0), -1.0))


def build(cell: Mapping[str, Any] = HGRN, **keys: Any) -> Any:
    return zoo.build({"input": 2, "cell": cell, "hidden_size": 2, "layers": 3, **keys}, seed=0, dtype=torch.float64)


def with_rows(model: Any, way: str = "cell") -> list[Any]:
    cells = [getattr(layer, way) for layer in model.layers]
    with torch.no_grad():
        for cell, row in zip(cells, ROWS, strict=True):
            cell.bound.copy_(torch.tensor(row, dtype=torch.float64))
    return cells


def test_bounds_rise_by_each_layers_share_from_nothing() -> None:
    cells = with_rows(build())
    # exp of the first column is 1, 2, 5, of which the shares are 1/8, 2/8, 5/8; of the second e, 1, 1/e
    total = math.e + 1 + 1 / math.e
    expected = [[0.0, 0.0], [2 / 8, 1 / total], [7 / 8, (1 + 1 / math.e) / total]]
    for cell, wanted in zip(cells, expected, strict=True):
        assert risen(cell).tolist() == pytest.approx(wanted, rel=1e-12, abs=1e-15)


def test_a_layer_runs_with_its_learned_bound_as_with_a_fixed_one() -> None:
    model = build()
    cell = with_rows(model)[2]
    fixed = zoo.build(
        {"input": 2, "cell": {"kind": "hgrn", "lower_bound": 7 / 8}, "hidden_size": 2}, dtype=torch.float64
    )
    fixed.layers[0].cell.load_state_dict({name: getattr(cell, name) for name in ("weight_ih", "norm_weight")})
    with torch.no_grad():  # a scale for each unit: the norm is over both
        cell.bound.copy_(torch.tensor([math.log(5.0)] * 2))
        for other, row in zip(model.layers, ROWS, strict=True):
            other.cell.bound.fill_(row[0])
    x = torch.randn(1, 6, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    alone = model.layers[2]
    seen: list[torch.Tensor] = []
    alone.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    y = model(x)[0]
    torch.testing.assert_close(y, fixed(seen[0])[0], atol=1e-12, rtol=0)


@pytest.mark.parametrize("cell", [HGRN, {"kind": "hgrn2", "heads": 2, "key_size": 3, "learned_bound": True}])
def test_each_layer_keeps_a_row_and_all_have_a_gradient(cell: Mapping[str, Any]) -> None:
    model = build(cell, layers=[{"kind": "block", "residual": False, "layers": [{}, {}]}, {}])
    size = 2 if cell["kind"] == "hgrn" else 6
    rows = {name: value for name, value in model.named_parameters() if name.endswith(".bound")}
    assert [*rows] == [f"layers.{place}.cell.bound" for place in ("0.layers.0", "0.layers.1", "1")]
    assert all(value.shape == (size,) and not value.any() for value in rows.values())
    plain = zoo.build({"input": 2, "cell": {**cell, "learned_bound": False}, "hidden_size": 2, "layers": 3})
    assert sum(p.numel() for p in model.parameters()) == sum(p.numel() for p in plain.parameters()) + 3 * size
    assert zoo.describe(model.spec).parameters == sum(p.numel() for p in model.parameters())
    model(model.example_input(2, 5))[0].square().sum().backward()
    assert all(float(value.grad.abs().max()) > 0 for value in rows.values())


def test_backward_cells_are_of_backward_ones() -> None:
    model = build(bidirectional=True, merge="sum")
    with_rows(model)
    for place, layer in enumerate(model.layers):
        assert risen(layer.reverse_cell).tolist() == pytest.approx([place / 3] * 2)


def test_a_changed_row_makes_cached_bounds_anew() -> None:
    model = build().eval()
    x = model.example_input(1, 4)
    with torch.no_grad(), model.streaming():
        before = model(x)[0]
        with_rows(model)
        after = model(x)[0]
    with torch.no_grad():
        assert torch.equal(after, model(x)[0])
    assert not torch.equal(after, before)


@each(
    ("keys", "said"),
    [
        ({"layers": 1}, "learned_bound is learned over all layers that say so, and this is the only one: leave it out"),
        (
            {"layers": [{}, {"hidden_size": 3}]},
            "cells 'hgrn' with learned_bound need equal options and hidden_size: this one has 3, and that of layers.0 2",
        ),
        (
            {"layers": [{}, {"cell": {**HGRN, "norm_eps": 0.1}}]},
            "cells 'hgrn' with learned_bound need equal options and hidden_size: this one differs from that of layers.0",
        ),
        (
            {"cell": {**HGRN, "lower_bound": 0.5}},
            "lower_bound is a fixed one, and learned_bound learns it: give one of them",
        ),
    ],
)
def test_a_mistake_is_one_clear_line(keys: Mapping[str, Any], said: str) -> None:
    with pytest.raises(zoo.SpecError) as caught:
        zoo.load({"input": 2, "cell": HGRN, "hidden_size": 2, "layers": 2, **keys})
    assert [one.message for one in caught.value.diagnostics] == [said]
