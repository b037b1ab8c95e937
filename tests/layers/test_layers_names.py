"""Names of layers: `from`, joins, scopes, copies by `repeat`, paths of variants, and what goes wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from jsonschema import Draft7Validator

import zoo
from zoo.plugin.manager import catalogue
from zoo.spec.dump import to_data
from zoo.spec.schema import json_schema

PLANE = {"kind": "conv2d", "channels": 4, "kernel_size": [3, 3], "axes": ["time", "features"]}


def spec(layers: list[Any], **keys: Any) -> dict[str, Any]:
    return {"schema": 1, "name": "a", "input": 4, "layers": layers, **keys}


def linear(size: int = 4, source: str | None = None, **keys: Any) -> dict[str, Any]:
    return {"kind": "linear", "size": size, **({} if source is None else {"from": source}), **keys}


def built(layers: list[Any]) -> Any:
    return zoo.build(spec(layers), seed=0)


def test_a_layer_reads_what_it_names_and_a_join_all_that_it_names() -> None:
    layers = [linear(name="low"), linear(name="high"), linear(source="low", name="side")]
    model = built([*layers, {"kind": "join", "of": ["high", "side", "input"]}])
    x = model.example_input(2, 3)
    low = model.layers[0].linear(x)
    expected = torch.cat([model.layers[1].linear(low), model.layers[2].linear(low), x], 2)
    torch.testing.assert_close(model(x)[0], expected)


@pytest.mark.parametrize(("merge", "combined"), [("sum", torch.add), ("mul", torch.mul)])
def test_joins_sum_and_multiply(merge: str, combined: Any) -> None:
    model = built([linear(name="low"), {"kind": "join", "of": ["low", "input"], "merge": merge}])
    x = model.example_input(2, 3)
    torch.testing.assert_close(model(x)[0], combined(model.layers[0].linear(x), x))


def test_a_name_is_seen_inside_a_block_and_not_outside_of_it() -> None:
    inner = [linear(name="inner"), {"kind": "join", "of": ["inner", "low"], "merge": "sum"}]
    layers = [linear(name="low"), {"kind": "block", "layers": inner}]
    model = built(layers)
    x = model.example_input(2, 3)
    low = model.layers[0].linear(x)
    torch.testing.assert_close(model(x)[0], low + model.layers[1].layers[0].linear(low) + low)
    with pytest.raises(zoo.SpecError, match="no layer before this one is called 'inner'"):
        zoo.load(spec([*layers, linear(source="inner")]))


def test_of_copies_the_last_has_the_name_and_only_the_first_reads_by_name() -> None:
    layers = [linear(name="low"), linear(name="side"), linear(source="low", repeat=3, name="copies")]
    layers += [{"kind": "join", "of": ["side", "copies"]}]
    loaded: Any = zoo.load(spec(layers))
    assert [(layer.name, layer.of) for layer in loaded.layers] == [
        *(("low", ()), ("side", ()), (None, ("low",)), (None, ()), ("copies", ()), (None, ("side", "copies")))
    ]
    model: Any = zoo.build(loaded, seed=0)
    assert len({id(layer) for layer in model.layers}) == 6
    assert not torch.equal(model.layers[2].linear.weight, model.layers[3].linear.weight)


def test_repeat_a_count_and_a_list_mean_the_same() -> None:
    gru = {"cell": "gru", "hidden_size": 4}
    forms = [spec([{}, {}, {}], **gru), spec([{"repeat": 3}], **gru), {**spec([], **gru), "layers": 3}]
    first, *others = [zoo.load(form) for form in forms]
    assert all(other == first for other in others)


def test_it_is_written_as_it_is_read_and_the_schema_knows_it() -> None:
    layers = [
        {"cell": "gru", "hidden_size": 4, "name": "low", "repeat": 2},
        {"kind": "block", "layers": [linear(source="low")], "norm": {"kind": "rms", "position": "sum"}, "name": "deep"},
        {"kind": "join", "of": ["low", "input", "deep"]},
    ]
    loaded = zoo.load(spec(layers))
    assert zoo.load(to_data(loaded)) == loaded
    validator = Draft7Validator(json_schema(catalogue()))
    assert not list(validator.iter_errors(to_data(loaded)))
    assert not list(validator.iter_errors(spec(layers)))
    assert list(validator.iter_errors(spec([{"kind": "join"}])))


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ([linear(source="low")], "no layer before this one is called 'low'"),
        ([linear(name="low"), linear(source="loww")], "did you mean 'low'?"),
        ([linear(name="low"), linear(name="low")], "two layers of this list are called 'low'"),
        ([linear(name="input")], "none of input, previous, layers"),
        ([linear(name="Low")], "must be lower case letters"),
        ([linear(name="low"), linear(5), {"kind": "join", "of": ["low", "x"]}], "is called 'x'"),
        ([linear(5, name="low"), {"kind": "join", "of": ["low", "input"], "merge": "sum"}], "needs equal shapes"),
        ([{"kind": "join", "of": []}], "at least 1"),
        ([linear(repeat=0)], "at least 1"),
        ([linear(repeat=1001)], "at most 1000"),
        ([linear(repeat=600), linear(repeat=600)], "1 to 1000 layers, not 1200"),
        ([{"kind": "block", "repeat": 900, "layers": [linear(repeat=900)]}], "810,900 layers together"),
        (
            [
                {"kind": "stack_frames", "count": 2, "name": "half"},
                linear(8),
                {"kind": "join", "of": ["half", "input"]},
            ],
            "different numbers of steps",
        ),
        (
            [{"kind": "stack_frames", "count": 2}, {"cell": "gru-d", "hidden_size": 4}],
            "reads 'dt' of each step of the input",
        ),
        ([{"kind": "block", "layers": [{"kind": "stack_frames", "count": 2}, linear(4)]}], "change their number"),
        ([{"kind": "block", "layers": [linear(5)]}], "residual: false"),
        ([{"kind": "conv1d", "channels": 4, "kernel_size": 4}], "use an odd kernel_size"),
        ([{"kind": "conv2d", "channels": 4, "kernel_size": [3, 3], "axes": ["features", "time"]}], "in this order"),
        ([{**PLANE, "padding": "valid", "beyond": "mirror"}], "this one puts nothing: leave it out"),
        (
            [{**PLANE, "kernel_size": [3, 9], "beyond": "mirror"}],
            "fills in 4 of features on each side, and there are only 4",
        ),
        ([{"kind": "norm", "norm": "layer", "whole": True}], "whole is of maps, and these are flat features"),
        ([{"kind": "dropout", "dropout": 0.1, "channels": True}], "channels are of maps, and these are flat features"),
    ],
)
def test_a_mistake_is_one_clear_line(layers: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(zoo.SpecError) as caught:
        zoo.load(spec(layers))
    assert any(said in one.message for one in caught.value.diagnostics), str(caught.value)


def test_a_mistake_in_a_copy_is_told_where_it_is_written() -> None:
    with pytest.raises(zoo.SpecError) as caught:
        zoo.load(spec([linear(), linear(repeat=3), {"kind": "block", "repeat": 2, "layers": [linear(5)]}]))
    assert [(one.line, one.code) for one in caught.value.diagnostics] == [(10, "misfit")], str(caught.value)


def test_variants_replace_values_at_paths(tmp_path: Path) -> None:
    keys = spec(
        [{"kind": "block", "name": "deep", "repeat": 2, "layers": [linear()]}], head={"kind": "linear", "size": 3}
    )
    variants = {"big": {"layers.deep.repeat": 5, "layers.0.residual": False, "head.size": 7}, "same": {"tags": ["x"]}}
    file = tmp_path / "a.yaml"
    file.write_text(yaml.safe_dump({**keys, "variants": variants}))
    found: dict[str, Any] = {name: zoo.load(f"{file}@{name}") for name in ("big", "same")}
    assert len(found["big"].layers) == 5
    assert found["big"].head.part.options.size == 7
    assert not found["big"].layers[0].part.options.residual
    assert len(found["same"].layers) == 2
    wrong = {"big": {"layers.deeep.repeat": 5}}
    with pytest.raises(zoo.SpecError, match=r"there is no 'layers\.deeep' in this spec"):
        zoo.load({**keys, "variants": wrong})


def test_too_short_sequences_and_resets_are_refused_with_the_layers_place() -> None:
    model = built([{"kind": "conv1d", "channels": 4, "kernel_size": 5, "padding": "valid"}, linear()])
    assert model.minimum_steps == 5
    with pytest.raises(zoo.InputError, match=r"layers\.0 needs sequences of at least 5 steps, not 4"):
        model(model.example_input(2, 4))
    with pytest.raises(zoo.InputError, match=r"layers\.0 needs sequences of at least 5 steps, not 3"):
        model(model.example_input(2, 8), lengths=[8, 3])
    with pytest.raises(zoo.InputError, match=r"layers\.0 changes the number of steps"):
        model(model.example_input(2, 8), reset=torch.zeros(2, 8, dtype=torch.bool))
    with pytest.raises(zoo.InputError, match=r"cannot run one step at a time: layers\.0 \(conv1d\)"):
        model.step(torch.zeros(2, 4))
