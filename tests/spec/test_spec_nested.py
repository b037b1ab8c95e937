"""Layers inside a plugin's layer: figures, sizes, text, schema, building, checks and the doctor, as for any other."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import nested
import pytest
import torch
from each import each
from jsonschema import Draft7Validator

import zoo
from zoo.plugin.manager import catalogue
from zoo.spec.dump import to_data, to_yaml
from zoo.spec.schema import json_schema
from zoo.spec.shrink import shrink
from zoo.spec.tree import Part, Recurrent, at, dotted, layers, map_parts, parts, put, recurrent
from zoo.testing import isolated_plugins


@pytest.fixture(autouse=True)
def plugin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "nested", nested)
    with isolated_plugins(nested.Plugin()):
        yield


def test_every_layer_has_a_place() -> None:
    spec = zoo.load(nested.spec())
    assert [dotted(path) for path, _ in layers(spec)] == [
        *("layers.0", "layers.0.layers.0", "layers.0.layers.1", "layers.0.layers.2", "layers.0.layers.2.layers.0"),
        *("layers.1", "layers.2", "layers.2.layers.0", "layers.2.layers.1"),
    ]
    assert [layer.cell.record.name for layer in spec.recurrent] == ["lstm", "gru", "lstm", "lstm", "lstm"]
    assert {layer.hidden_size for layer in spec.recurrent} == {6}
    assert ("layers.0.layers.1", "linear") in [(dotted(path), part.record.name) for path, part in parts(spec)]


def test_its_figures_are_those_of_the_model() -> None:
    spec = zoo.load(nested.spec())
    lstm, gru, linear, head = 4 * 6 * (6 + 6 + 2), 3 * 6 * (6 + 6 + 2), 6 * 6 + 6, 6 * 3 + 3
    description = zoo.describe(spec)
    assert description.parameters == 4 * lstm + gru + linear + head
    assert description.state_elements == 4 * 12 + 6
    assert description.sequential_depth == 5
    assert list(description.rows[1].description.state) == [  # type: ignore[union-attr]
        "layers.0.h",
        "layers.0.c",
        "layers.2.layers.0.h",
    ]
    model = zoo.build(spec, seed=0)
    assert sum(p.numel() for p in model.parameters()) == description.parameters
    assert "layers.0.layers.2.layers.0.cell.weight_hh" in model.state_dict()
    assert list(model.init_state(2))[:3] == [
        "layers.0.layers.0.h",
        "layers.0.layers.0.c",
        "layers.0.layers.2.layers.0.h",
    ]


def test_the_numbers_are_those_of_the_layers_by_hand() -> None:
    keys = {"layers": [{"kind": "wrapper", "layers": [{}, {"kind": "linear", "size": 6}]}], "head": "none"}
    model = zoo.build(nested.spec(**keys), seed=0, dtype=torch.float64).eval()
    x = torch.randn(2, 5, 6, dtype=torch.float64)
    lstm = torch.nn.LSTM(6, 6, batch_first=True).double()
    cell, linear = model.layers[0].layers[0].cell, model.layers[0].layers[1].linear
    with torch.no_grad():
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            getattr(lstm, f"{name}_l0").copy_(getattr(cell, name))
    torch.testing.assert_close(model(x)[0], x + linear(lstm(x)[0]), atol=1e-12, rtol=0)


def test_its_tiny_copy_has_the_same_structure() -> None:
    wide = nested.spec(input=650, hidden_size=650)
    wide["layers"][0]["layers"][1]["size"] = 650
    small = shrink(zoo.load(wide))
    assert {layer.hidden_size for layer in small.recurrent} == {17}
    assert at(small, ("layers", 0, "layers", 1), Part).options.size == 17  # type: ignore[attr-defined]
    assert len(list(layers(small))) == 9


def test_it_is_written_as_it_is_read() -> None:
    spec = zoo.load(nested.spec())
    assert zoo.load(to_data(spec)) == spec
    assert "residual" in to_yaml(spec)
    assert not list(Draft7Validator(json_schema(catalogue())).iter_errors(to_data(spec)))
    assert not list(Draft7Validator(json_schema(catalogue())).iter_errors(nested.spec()))
    wrong = nested.spec()
    wrong["layers"][0]["layers"][1]["size"] = "wide"
    assert list(Draft7Validator(json_schema(catalogue())).iter_errors(wrong))


def test_keys_of_the_stack_reach_the_layers_inside_and_dropout_counts_them_all() -> None:
    spec = zoo.load(
        nested.spec(dropout={"input": 0.1, "between": 0.2, "output": 0.3}, residual=True, init="orthogonal")
    )
    rates = [(layer.dropout.input, layer.dropout.between, layer.dropout.output) for layer in spec.recurrent]
    assert rates == [(0.1, 0.2, 0.0), *[(0.0, 0.2, 0.0)] * 3, (0.0, 0.0, 0.3)]
    assert [layer.residual for layer in spec.recurrent] == [False, False, True, False, False]
    assert {layer.init.record.name for layer in spec.recurrent} == {"orthogonal"}


def test_layers_inside_start_once_by_their_own_scheme() -> None:
    keys = nested.spec(init={"kind": "uniform", "range": 0.01})
    keys["layers"][0]["layers"][0] = {"init": {"kind": "uniform", "range": 5.0}}
    model = zoo.build(keys, seed=0)
    block = model.layers[0].layers
    assert block[0].cell.weight_hh.abs().max() > 4
    assert block[1].linear.weight.abs().max() < 0.01
    assert block[2].layers[0].cell.weight_hh.abs().max() < 0.01
    assert list(model.state_dict())[:1] == ["layers.0.layers.0.cell.weight_ih"]


@each(
    ("change", "place", "said"),
    [
        (
            lambda keys: keys["layers"][0]["layers"][1].update(size=4),
            "kind: wrapper",
            "a residual block gives what it reads",
        ),
        (lambda keys: keys["layers"][0]["layers"][0].update(cell="lstmm"), "lstmm", "did you mean 'lstm'?"),
        (lambda keys: keys["layers"][0]["layers"][0].update(hiden_size=4), "hiden_size", "did you mean 'hidden_size'?"),
        (
            lambda keys: keys["layers"][0]["layers"][0].update(residual=True, hidden_size=4),
            "residual",
            "make them equal",
        ),
        (lambda keys: keys.pop("cell"), "", "missing key 'cell'"),
        (lambda keys: keys["layers"][2].update(layers=0), "layers: 0", "must be 1 to 1000 layers, not 0"),
        (lambda keys: keys["layers"][2].update(layers=999), "", "at most 1000 layers"),
    ],
)
def test_a_mistake_inside_is_told_where_it_stands(change: object, place: str, said: str, tmp_path: Path) -> None:
    keys = nested.spec()
    change(keys)  # type: ignore[operator]
    with pytest.raises(zoo.SpecError) as caught:
        zoo.load(keys)
    assert any(said in one.message and place in str(one) for one in caught.value.diagnostics), str(caught.value)


def test_it_streams_and_says_why_not() -> None:
    model = zoo.build(nested.spec(), seed=0, dtype=torch.float64).eval()
    x = torch.randn(2, 5, 6, dtype=torch.float64)
    whole, state, steps = model(x), None, []
    for t in range(5):
        y, state = model.step(x[:, t], state)
        steps.append(y)
    torch.testing.assert_close(torch.stack(steps, 1), whole, atol=1e-12, rtol=0)
    both = nested.spec()
    both["layers"][0]["layers"][2]["layers"][0] |= {"bidirectional": True, "merge": "sum"}
    backward = zoo.build(both)
    with pytest.raises(zoo.InputError, match=r"layers\.0\.layers\.2\.layers\.0 is bidirectional"):
        backward.step(torch.zeros(2, 6))


def test_the_contract_holds_and_the_doctor_looks_inside() -> None:
    report = zoo.check(nested.spec())
    assert report.ok, str(report)
    assert [one.check for one in report.outcomes if one.status == "skipped"] == [
        "dropout",
        "direction",
        "every_head_matters",
        "every_input_matters",
        "lengths_out",
        "frozen",
        "generate",
    ]
    found = zoo.doctor(nested.spec(), lengths=(8, 16))
    assert [layer.place for layer in found.layers] == [dotted(path) for path, _ in recurrent(zoo.load(nested.spec()))]


def test_a_node_can_be_changed_wherever_it_stands() -> None:
    spec = zoo.load(nested.spec())
    where = ("layers", 0, "layers", 2, "layers", 0)
    layer = at(spec, where, Recurrent)
    changed = put(spec, where, layer.__class__(**{**_fields(layer), "hidden_size": 9}))
    assert [one.hidden_size for one in changed.recurrent] == [6, 9, 6, 6, 6]
    assert put(changed, where, layer) == spec
    assert map_parts(spec, lambda path, part: part) is spec


def _fields(layer: Recurrent) -> dict[str, object]:
    return {name: getattr(layer, name) for name in Recurrent.__dataclass_fields__}
