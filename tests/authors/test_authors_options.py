"""No option goes unvaried: values from the fields' own bounds, others changed too where it takes that, or a failure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, Literal

import author_options
import pytest
import torch
from author_options import ManyOptions, numbers
from each import each
from pydantic import Field

import zoo
from zoo.checks import options, variations
from zoo.checks.candidates import candidates, choices
from zoo.checks.figures import options as options_of
from zoo.checks.subject import Subject
from zoo.testing import isolated_plugins, tiny_spec


@pytest.fixture(autouse=True)
def _many() -> Iterator[None]:
    with isolated_plugins(author_options):
        yield


def varied(cell: dict[str, Any]) -> str:
    return options_of(Subject(tiny_spec(cell, input=9, hidden_size=11), torch.device("cpu")))


def test_every_kind_of_option_is_varied_within_its_bounds() -> None:
    said = varied({"kind": "many"})
    parts = re.split(r"\), (?=layers|input)", said.partition("; keys")[0].removeprefix("varied: ").removesuffix(")"))
    mine = dict(part.removeprefix("layers.0.cell.").split(" (", 1) for part in parts)
    inside = {"noise.size", "noise.on"}
    assert {place.split(".")[0] for place in mine} - {"input", "layers"} == set(ManyOptions.model_fields) - {"fixed"}
    assert inside <= set(mine)
    assert mine["share"] == "0.3125"
    assert mine["odd"] == "5"
    assert mine["grid"] == "12"
    assert mine["letter"] == "'b', 'c'"
    assert mine["code"] == "'x-7'"
    assert mine["heads"] == "2 with others"  # which 11 is no multiple of
    assert mine["between"].endswith("with others")
    assert mine["radius"].endswith("with others")
    assert mine["turns"].endswith("with others")


@each("name", ["share", "odd", "maybe", "code", "many", "noise", "between", "radius"])
def test_an_option_of_any_kind_that_does_nothing_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def deaf(given: ManyOptions) -> float:
        return numbers(getattr(given, one) for one in type(given).model_fields if one != name)

    monkeypatch.setattr(author_options, "factor_of", deaf)
    places = {"noise": "layers.0.cell.noise.size, layers.0.cell.noise.on"}.get(name, f"layers.0.cell.{name}")
    with pytest.raises(zoo.CheckFailure, match=f"^changes nothing: {places}$"):
        varied({"kind": "many"})


def test_what_cannot_be_varied_is_named_and_an_example_mends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unknown(ManyOptions):
        token: str = Field("q0q0", pattern="^q[0-9]q[0-9]$")

    record = author_options.zoo_cells()[0]
    monkeypatch.setattr(author_options, "zoo_cells", zoo.hookimpl(lambda: [_with(record, Unknown)]))
    with isolated_plugins(author_options), pytest.raises(zoo.CheckFailure, match="never varied") as caught:
        varied({"kind": "many"})
    assert str(caught.value) == (
        "never varied, as no other value was accepted: layers.0.cell.token; give values that are in the option's "
        "Field(examples=[...]), or whole sets of options in the model's json_schema_extra={'examples': [...]}"
    )

    class Known(ManyOptions):
        token: str = Field("q0q0", pattern="^q[0-9]q[0-9]$", examples=["q1q7"])

    monkeypatch.setattr(author_options, "zoo_cells", zoo.hookimpl(lambda: [_with(record, Known)]))
    with isolated_plugins(author_options):
        assert "layers.0.cell.token ('q1q7')" in varied({"kind": "many"})


def _with(record: zoo.CellType, options: type[zoo.Options]) -> zoo.CellType:
    return zoo.CellType(name=record.name, options=options, build=record.build)


@each(("low", "high", "now"), [(0.0, 1.0, 0.5), (0.0, 1.0, 0.25), (-1.0, 1.0, 0.0), (2.0, 3.0, 2.5), (0.0, 0.1, 0.02)])
def test_values_in_an_interval_are_neither_its_middle_nor_the_mirror_of_what_is_there(low, high, now) -> None:
    class Model(zoo.Options):
        value: float = Field(now, ge=low, le=high)

    found = candidates(Model.model_fields["value"], now)
    assert len(found) >= 4
    assert all(low <= value <= high for value in found)
    assert not any(math.isclose(value, low + high - now) for value in found)
    assert not math.isclose(found[0], (low + high) / 2)


def test_few_values_are_all_tried() -> None:
    fields = ManyOptions.model_fields
    assert choices(fields["letter"]) == ("a", "b", "c")
    assert choices(fields["fixed"]) == ("only",)
    assert choices(fields["share"]) is None

    class Model(zoo.Options):
        value: Literal["a", "b"] | None = None

    assert choices(Model.model_fields["value"]) == ("a", "b", None)


def test_every_option_of_every_built_in_component_has_another_value() -> None:
    """Of every kind, by itself: what is in no spec of the library is varied too."""
    from zoo.plugin.manager import isolated

    missing = []
    for kind in ("cell", "layer", "head", "pool", "norm", "init", "input", "architecture"):
        for record in (provided.record for provided in isolated().all(kind)):
            required = REQUIRED.get(f"{kind} {record.name}", {})
            given = record.options.model_validate(required, context={"catalogue": isolated()})
            for path, field, now in options.walk_options(given):
                if variations.is_node(field.annotation) or "x-place" in (field.json_schema_extra or ()):
                    continue  # a component or layers, which are varied where they stand, or the name of one
                others = [options.with_value(given, path, value) for value in candidates(field, now)]
                examples = (options.get(one, path) for one in options.examples(type(given)))
                if not any(other is not None and other != given for other in others) and all(
                    one == now for one in examples
                ):
                    missing.append(f"{kind} {record.name}: {'.'.join(path)}")
    assert missing == []


REQUIRED: dict[str, dict[str, Any]] = {
    "layer linear": {"size": 5},
    "head linear": {"size": 5},
    "head mlp": {"size": 5, "hidden": (7,)},
    "cell lstm": {"projection": 5, "gate_norm": "layer"},
    "init chrono": {"longest": 10},
    "init indrnn": {"longest": 10},
    "init uniform": {"range": 0.5},
    "input features": {"size": 5},
    "input maps": {"channels": 2, "height": 5, "width": 7},
    "input tokens": {"vocabulary": 9, "size": 5},
    "input one_hot": {"vocabulary": 9},
    "input same": {"of": "forwards.input"},
    "input shared": {"of": "encoder.input"},
    "input several": {"of": {"a": 3, "b": 4}},
    "architecture transducer": {"joiner": {"size": 5}},
    "input image": {"height": 5},
    "input characters": {"vocabulary": 9, "size": 5, "length": 7, "padding": 0, "layers": 1},
    "layer activation": {"function": "relu"},
    "layer norm": {"norm": "layer"},
    "layer dropout": {"dropout": 0.1},
    "layer mlp": {"hidden": 5},
    "layer gated_mlp": {"hidden": 5},
    "layer channel_mix": {"hidden": 5},
    "layer stack_frames": {"count": 2},
    "layer chunk": {"parts": 2, "index": 1},
    "layer autoregression": {"steps": 2},
    "layer dilated": {"dilation": 2, "layers": 1},
    "layer periodic": {"period": 2, "layers": 1},
    "layer lookahead": {"context": 2},
    "layer conv1d": {"channels": 6, "kernel_size": 3},
    "layer conv2d": {"channels": 6, "kernel_size": [3, 3], "axes": ["time", "features"]},
    "layer max_pool": {"axes": ["time", "features"], "size": [2, 2]},
    "layer avg_pool": {"axes": ["time", "features"], "size": [2, 2]},
    "layer block": {"layers": 1},
    "layer each": {"layers": 1},
    "head mixture_of_softmaxes": {"size": 9, "latent": 5, "components": 3, "dropout": 0.1},
    "head mixture_density": {"size": 2, "components": 3},
    "head ctc": {"size": 9},
    "head normalise": {"size": 5},
    "head crf": {"size": 9},
    "head adaptive_softmax": {"size": 90, "cutoffs": [10, 20]},
}


def test_a_figure_that_only_the_description_changes_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from zoo.heads.pools import Attention

    build = Attention.__init__

    def deaf(self: Any, given: Any, input_shape: Any) -> None:
        build(self, given.model_copy(update={"size": None}), input_shape)

    monkeypatch.setattr(Attention, "__init__", deaf)
    spec = tiny_spec("rnn", input=9, hidden_size=11, head={"kind": "linear", "size": 3, "pool": "attention"})
    with pytest.raises(
        zoo.CheckFailure, match=r"head.pool.size \d+ the model has \d+ parameters, its description gives"
    ):
        options_of(Subject(spec, torch.device("cpu")))
