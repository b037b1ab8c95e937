"""Maps of weights as files: found by name, refused with every mistake's place, and what each line of them does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import torch
import yaml
from each import each
from pydantic_core import PydanticCustomError

import zoo
from zoo.errors import SpecError, ZooError
from zoo.plugin.hookspecs import hookimpl
from zoo.plugin.manager import given, isolated
from zoo.spec import library
from zoo.spec.problems import unwrap
from zoo.weights import maps
from zoo.weights.map_file import json_schema
from zoo.weights.patterns import filled, listed_in, matched
from zoo.weights.values import compute, read_value

COMMITTED = Path(__file__).parents[2] / "docs" / "schema" / "weights-v1.json"
HEAD = "weights: 1\nname: a\nspec: gru\n"
TENSORS = HEAD + "tensors:\n"
CELLS = HEAD + "recurrent:\n"


def read(text: str, folder: Path) -> maps.WeightMap:
    path = folder / "a.yaml"
    path.write_text(text, encoding="utf-8")
    return maps.read(path)


GOOD = (
    TENSORS + "  a: b\n",
    TENSORS + "  a: {value: 0}\n",
    TENSORS + '  layers.{i}.{name}: "x.{i+1}.{name}"\n',
    TENSORS + "  a: {from: b, do: transpose}\n",
    TENSORS + "  a: {from: b, do: {transpose: [1, 0]}}\n",
    TENSORS + "  a: {from: b, do: [reshape, {reshape: [2, -1]}, {reshape: []}, negate, exp, log]}\n",
    TENSORS + "  a: {from: b, do: [{add: 1}, {scale: 0.5}, {flip: 0}, {take: [1, 0], axis: -1}, {slice: [1]}]}\n",
    TENSORS + "  a: {from: b, do: [{slice: [1, 2], axis: 1}, {blocks: [1, 0], of: 2, axis: 1}]}\n",
    TENSORS + "  a: {join: [b, {from: c, do: negate}, {sum: [d, e]}], axis: 1}\n",
    TENSORS + "  a: {from: b, do: {weight_norm: g, axis: 1}}\n",
    CELLS + "  layers.0: {form: torch, module: rnn}\n",
    CELLS + '  layers.{i}: {form: torch, module: rnn, layer: "{i}"}\n',
    CELLS + '  layers.0: {form: torch, module: "", layer: none}\n',
    CELLS + "  layers.0: {form: torch, weight_ih: a, weight_hh: b, bias_ih: c, bias_hh: d, weight_hr: e}\n",
    CELLS + "  layers.0: {form: keras, kernel: a, recurrent_kernel: b, bias: {join: [c, d]}, reset_gate: after}\n",
    CELLS + "  layers.0.cell: {form: onnx, W: a, R: b, B: c, P: d, direction: 1}\n",
    CELLS + "  layers.0.cell: {gates: [i, f, o, g], weight_ih: a, weight_hh: b, weight_ch: c, transposed: true}\n",
    CELLS + "  layers.0.cell: {gates: [r, -z, n], weight_ih: a, weight_hh: b}\n",
    "weights: 1\nname: a\nspec: gru@x\ndescription: d\nwithin: a.b\nchanges: {hidden_size: 3}\nleave_out: [a, b*]\n"
    "keep: ['*']\nsource: {package: p, version: '1', file: f, licence: MIT, url: u, sha256: '" + "0" * 64 + "'}\n"
    "tensors: {a: b}\n",
)
WRONG = (
    ("weights: 2\nname: a\nspec: gru\ntensors: {a: b}\n", "1:10: 'weights' must be 1, not the number 2"),
    ("weights: 1\nname: A b\nspec: gru\ntensors: {a: b}\n", "2:7: 'name' must be lower case letters"),
    ("weights: 1\nname: a\ntensors: {a: b}\n", "1:1: missing key 'spec'"),
    (HEAD, "1:1: a map must have 'tensors', 'recurrent' or both"),
    (HEAD + "tensor: {a: b}\n", "4:1: unknown key 'tensor'; did you mean 'tensors'?"),
    (HEAD + "tensors: [a]\n", "4:10: 'tensors' must be a mapping of names of ours to theirs, not a list"),
    (HEAD + "tensors: {a: b}\nsource: {sha: x}\n", "5:10: unknown key 'sha'; did you mean 'sha256'?"),
    (HEAD + "tensors: {a: b}\nsource: {colour: x}\n", "unknown key 'colour'; known here: package, version, file"),
    (
        HEAD + "tensors: {a: b}\nsource: {version: 1.5}\n",
        "'version' must be text, not the number 1.5; put it in quotes",
    ),
    (
        HEAD + "tensors: {a: b}\nsource: {sha256: abc}\n",
        "5:18: 'sha256' must be 64 hexadecimal digits in lower case, as sha256sum prints them, not 'abc'",
    ),
    (HEAD + "tensors: {a: b}\nleave_out: x\n", "5:12: 'leave_out' must be a list, not the text 'x'"),
    (HEAD + "tensors: {a: b}\nchanges: [x]\n", "5:10: 'changes' must be a mapping of keys or dotted paths"),
    (TENSORS + "  a: 3\n", "5:6: 'a' must be the name of a tensor of theirs, or a mapping, not the number 3"),
    (TENSORS + "  a.{i: b\n", "a name of ours must have places such as {i}, and no other braces, not 'a.{i'"),
    (TENSORS + "  a.{i+1}: b\n", "a name of ours must have places such as {i} here; {i+1} stands on the other side"),
    (TENSORS + "  a.{i}{j}: b\n", "a name of ours must have something between two places, not 'a.{i}{j}'"),
    (TENSORS + "  a.{i}: b.{j}\n", "5:10: {j} stands in no place of 'a.{i}'"),
    (TENSORS + "  a.{ind}: b.{in}\n", "{in} stands in no place of 'a.{ind}'; did you mean 'ind'?"),
    (TENSORS + "  a: {}\n", "5:6: 'a' must have one of from, join, sum, value, and has none of them"),
    (TENSORS + "  a: {from: b, sum: [c]}\n", "must have one of from, join, sum, value, and has 'from' and 'sum'"),
    (TENSORS + "  a: {from: b, axis: 1}\n", "5:16: unknown key 'axis'; known here: from, join, sum, value, do"),
    (TENSORS + "  a: {from: b, dow: []}\n", "unknown key 'dow'; did you mean 'do'?"),
    (TENSORS + "  a: {value: x}\n", "'value' must be a number, not the text 'x'"),
    (TENSORS + "  a: {value: 1, do: negate}\n", "'do' has nothing to do with a constant: leave it out"),
    (TENSORS + "  a: {join: b}\n", "'join' must be a list of names or values, not the text 'b'"),
    (
        TENSORS + "  a: {join: [b, 3]}\n",
        "5:17: an entry of 'join' must be the name of a tensor of theirs, or a mapping",
    ),
    (TENSORS + "  a: {join: [b], axis: x}\n", "'axis' must be the number of an axis, not the text 'x'"),
    (TENSORS + "  a: {from: b, do: transpos}\n", "unknown step 'transpos'; did you mean 'transpose'?"),
    (TENSORS + "  a: {from: b, do: [{}]}\n", "must be the name of a step, or a mapping that begins with one"),
    (TENSORS + "  a: {from: b, do: [{negate: 3}]}\n", "'negate' stands alone, without the number 3"),
    (TENSORS + "  a: {from: b, do: slice}\n", "'slice' must be [start, stop], or [start], not None"),
    (TENSORS + "  a: {from: b, do: {slice: [1, 2, 3]}}\n", "'slice' must be [start, stop], or [start], not a list"),
    (TENSORS + "  a: {from: b, do: {blocks: [0]}}\n", "'blocks' needs 'of', into how many blocks the axis is cut"),
    (TENSORS + "  a: {from: b, do: {blocks: [2], of: 2}}\n", "'blocks' must be numbers from 0 to 1, not [2]"),
    (TENSORS + "  a: {from: b, do: {scale: x}}\n", "'scale' must be a number, not the text 'x'"),
    (TENSORS + "  a: {from: b, do: {flip: 9}}\n", "'flip' must be the number of an axis, not the number 9"),
    (TENSORS + "  a: {from: b, do: {weight_norm: 1}}\n", "'weight_norm' must be the name of a tensor of lengths"),
    (
        TENSORS + "  a: {from: b, do: {take: [0], axes: 1}}\n",
        "5:32: unknown key 'axes' beside 'take'; beside it stand axis",
    ),
    (CELLS + "  layers.0: x\n", "'layers.0' must be a mapping with 'form' or 'gates', not the text 'x'"),
    (
        CELLS + "  layers.0: {module: x}\n",
        "'layers.0' must have 'form', one of torch, keras, onnx, or 'gates' in their",
    ),
    (
        CELLS + "  layers.0: {form: kera, kernel: a}\n",
        "5:20: 'form' must be one of torch, keras, onnx, not the text 'kera'; did",
    ),
    (CELLS + "  layers.0: {form: keras, kernel: a}\n", "'layers.0' must have 'recurrent_kernel' of form keras"),
    (CELLS + "  layers.0: {form: keras, module: a}\n", "'module' goes with form: torch only"),
    (CELLS + "  layers.0: {form: onnx, W: a, R: b, direction: 2}\n", "'direction' must be 0 or 1, not the number 2"),
    (
        CELLS + "  layers.0: {form: torch, module: a, weight_ih: b}\n",
        "unknown key 'weight_ih'; known here: form, module, layer",
    ),
    (
        CELLS + "  layers.0: {form: torch, module: a, layer: 1.5}\n",
        "'layer' must be a number, a place in quotes such as",
    ),
    (
        CELLS + "  layers.0: {gates: [i, f], weight_ih: a, weight_hh: b}\n",
        "must be those of one cell: h; i, f, g, o; or r, z, n",
    ),
    (CELLS + "  layers.0: {gates: [i, i], weight_ih: a, weight_hh: b}\n", "must name each gate once"),
    (CELLS + "  layers.0: {gates: [i, f, j, o], weight_ih: a, weight_hh: b}\n", "must be gates by our names"),
    (
        CELLS + "  layers.0: {gates: x, weight_ih: a, weight_hh: b}\n",
        "must be a list such as [i, f, o, g], not the text",
    ),
)
BEYOND = {
    "a map must",
    "a name of ours",
    "{j} stands",
    "{in} stands",
    "'blocks' must be numbers from 0",
    "'flip' must be",
    "'layers.0' must have 'form', one",
    "must be those of one cell",
    "must name each gate",
    "must be gates by",
}
"""What a schema cannot say."""


@each("text", GOOD)
def test_what_a_map_may_say(text: str, tmp_path: Path) -> None:
    assert read(text, tmp_path).says.name == "a"


@each(("text", "said"), WRONG)
def test_a_mistake_is_told_with_its_place(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        read(text, tmp_path)
    lines = [f"{one.line}:{one.column}: {one.message}" for one in caught.value.diagnostics]
    assert len(lines) == 1, lines
    assert said in lines[0]
    assert all(one.file == str(tmp_path / "a.yaml") for one in caught.value.diagnostics)


def test_every_mistake_is_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = (
        HEAD + "colour: red\ntensors:\n  a: 3\n  b: {from: c, do: [x, y]}\nrecurrent:\n  layers.0: {form: z}\nkeep: 3\n"
    )
    with pytest.raises(SpecError) as caught:
        read(text, tmp_path)
    assert [one.line for one in caught.value.diagnostics] == [4, 6, 7, 7, 9, 10]


@each(
    ("text", "said"),
    [
        ("schema: 1\nname: a\ninput: 3\ncell: gru\nhidden_size: 3\n", "is not a map of weights, which is a .yaml file"),
        ("password: hunter2\n", "is not a map of weights"),
        ("weights: 1\n a: b\n  - c\n", "not valid YAML"),
        ("weights: 1\nname: a\nname: b\n", "3:1"),
        ("", "is not a map of weights"),
    ],
)
def test_what_is_no_map_is_told_and_not_quoted(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        read(text, tmp_path)
    assert said in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_map_is_kept_within_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "a.yaml").write_text(GOOD[0])
    monkeypatch.setenv("ZOO_SPEC_ROOT", str(tmp_path / "in"))
    with pytest.raises(SpecError, match="is outside"):
        maps.read(tmp_path / "a.yaml")


def test_a_mapping_is_a_map_too() -> None:
    with pytest.raises(SpecError, match=r"<mapping>:.*unknown key 'tensor'; did you mean 'tensors'"):
        maps.read({"spec": "gru", "tensor": {"a": "b"}})


def test_the_spec_of_a_map_is_looked_up_with_its_changes(tmp_path: Path) -> None:
    spec = maps.check(read(GOOD[0].replace("spec: gru", "spec: gru\nchanges: {hidden_size: 7}"), tmp_path))
    assert spec.layers[0].hidden_size == 7  # type: ignore[union-attr]
    with pytest.raises(SpecError, match=r"a\.yaml:3:7: unknown spec 'grru'; did you mean 'gru'\?"):
        maps.check(read(GOOD[0].replace("spec: gru", "spec: grru"), tmp_path))
    with pytest.raises(SpecError, match=r"a\.yaml:4:11: there is no 'layers' in this spec"):
        maps.check(read(GOOD[0].replace("spec: gru", "spec: gru\nchanges: {layers.7.hidden_size: 7}"), tmp_path))
    (tmp_path / "own.yaml").write_text("schema: 1\nname: own\ninput: 3\ncell: gru\nhidden_size: 4\n")
    assert maps.check(read(GOOD[0].replace("spec: gru", "spec: own.yaml"), tmp_path)).name == "own"


# Names


@pytest.fixture
def plugin(tmp_path: Path) -> Any:
    folder = tmp_path / "specs"
    (folder / "weights" / "deep").mkdir(parents=True)
    (folder / "acme.yaml").write_text("schema: 1\nname: acme\ninput: 3\ncell: gru\nhidden_size: 4\n")
    (folder / "weights" / "acme-base.yaml").write_text(GOOD[0].replace("name: a", "name: acme-base"))
    (folder / "weights" / "deep" / "acme-large.yaml").write_text(GOOD[0].replace("name: a", "name: acme-large"))

    class Hooks:
        @hookimpl
        def zoo_specs(self) -> list[Path]:
            return [folder]

    return isolated(given(Hooks(), distribution="zoo-acme", version="1.0"))


def test_a_plugin_brings_maps_beside_its_specs(plugin: Any) -> None:
    for name in ("acme-base", "zoo-acme/acme-base"):
        assert maps.read(name, plugin).says.name == "acme-base"
    for name in ("deep/acme-large", "acme-large", "zoo-acme/acme-large"):
        assert maps.read(name, plugin).says.name == "acme-large"
    with pytest.raises(ZooError, match="unknown map 'acme-bas'; did you mean 'acme-base'"):
        maps.read("acme-bas", plugin)
    names = [entry.name for entry in library.entries(plugin)]
    assert "acme" in names
    assert not [name for name in names if "weights" in name or name.startswith("acme-")]
    (own,) = [one for one in plugin.plugins if one.distribution == "zoo-acme"]
    assert own.provides == {"spec": ("acme",)}


def test_every_map_of_this_package_is_right() -> None:
    """It is in its file's name, of a spec that there is, and says where its schema is."""
    for entry in maps.entries(isolated()):
        found = maps.read(entry.path)
        assert found.says.name == entry.short
        maps.check(found)
        first = entry.path.read_text(encoding="utf-8").splitlines()[0]
        assert first == "# yaml-language-server: $schema=../../docs/schema/weights-v1.json"


# The schema


def test_the_committed_schema_is_the_code_s() -> None:
    assert json.loads(COMMITTED.read_text(encoding="utf-8")) == json_schema()


def test_the_schema_accepts_and_refuses_what_the_reader_does() -> None:
    jsonschema.Draft7Validator.check_schema(json_schema())
    validator = jsonschema.Draft7Validator(json_schema())
    for text in GOOD:
        validator.validate(yaml.safe_load(text))
    accepted = {said for text, said in WRONG if validator.is_valid(yaml.safe_load(text))}
    assert {said for said in accepted if not any(one in said for one in BEYOND)} == set()


# Places


def test_places_are_filled_in() -> None:
    assert matched("layers.{i}.{name}", "layers.12.weight") == {"i": "12", "name": "weight"}
    assert matched("layers.{i}", "layers.1.2") is None
    assert matched("{a}.{a}", "x.x") == {"a": "x"}
    assert matched("{a}.{a}", "x.y") is None
    assert matched("a+b", "aab") is None
    assert filled("b.{i-1}.{i+2}/{i}", {"i": "3"}) == "b.2.5/3"
    for pattern, places, said in (
        ("{i-1}", {"i": "0"}, "{i-1} is -1 where i is 0"),
        ("{i+1}", {"i": "x"}, "no number"),
    ):
        with pytest.raises(ZooError) as caught:
            filled(pattern, places)
        assert said in str(caught.value)
    assert listed_in("a.b.c", ("x", "a.*c")) == "a.*c"
    assert listed_in("a.b.cd", ("a.*c",)) is None
    for glob, name, fits in (
        ("*", "", True),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("*b*", "abc", True),
        ("*.b.*.b", "a.b.b", False),
        ("*.b.*.b", "a.b.c.b", True),
        ("a", "a.b", False),
        ("a.b", "axb", False),
    ):
        assert (listed_in(name, (glob,)) == glob) == fits, glob


def test_a_line_without_places_comes_first_and_of_others_the_first() -> None:
    model = zoo.build("gru", seed=0)
    state = {name: torch.full_like(value, 1.0) for name, value in model.state_dict().items()}
    two = {f"two.{name.rpartition('.')[2]}": 2 * value for name, value in state.items()}
    last = {"three": torch.full((60,), 3.0)}
    lines = {
        "layers.{i}.cell.{name}": "two.{name}",
        "layers.{i}.{what}.bias_ih": "one.bias",
        "layers.0.cell.bias_hh": "three",
    }
    found = {name: value for name, value in two.items() if name != "two.bias_hh"}
    with pytest.raises(ZooError, match="no part of the model fits <mapping>"):
        zoo.load_weights(model, {**found, **last}, {"spec": "gru", "tensors": lines})
    del lines["layers.{i}.{what}.bias_ih"]
    zoo.load_weights(model, {**found, **last}, {"spec": "gru", "tensors": lines})
    assert {name: value.unique().tolist() for name, value in model.state_dict().items()} == {
        "layers.0.cell.weight_ih": [2.0],
        "layers.0.cell.weight_hh": [2.0],
        "layers.0.cell.bias_ih": [2.0],
        "layers.0.cell.bias_hh": [3.0],
    }


# What each step does, by hand


M = np.arange(6.0, dtype=np.float32).reshape(2, 3)


@each(
    ("value", "expected"),
    [
        ({"from": "m", "do": "transpose"}, [[0, 3], [1, 4], [2, 5]]),
        ({"from": "m", "do": {"transpose": [1, 0]}}, [[0, 3], [1, 4], [2, 5]]),
        ({"from": "m", "do": {"reshape": [3, -1]}}, [[0, 1], [2, 3], [4, 5]]),
        ({"from": "m", "do": "reshape"}, [0, 1, 2, 3, 4, 5]),
        ({"from": "m", "do": {"slice": [1, 3], "axis": 1}}, [[1, 2], [4, 5]]),
        ({"from": "m", "do": {"slice": [1]}}, [[3, 4, 5]]),
        ({"from": "m", "do": {"blocks": [2, 0], "of": 3, "axis": 1}}, [[2, 0], [5, 3]]),
        ({"from": "m", "do": {"blocks": [1], "of": 2}}, [[3, 4, 5]]),
        ({"from": "m", "do": {"take": [1, 2, 0], "axis": 1}}, [[1, 2, 0], [4, 5, 3]]),
        ({"from": "m", "do": {"flip": 1}}, [[2, 1, 0], [5, 4, 3]]),
        ({"from": "m", "do": ["negate", {"add": 1}, {"scale": 2}]}, [[2, 0, -2], [-4, -6, -8]]),
        ({"from": "e", "do": "log"}, [1, 2]),
        ({"from": "z", "do": "exp"}, [1, 1]),
        ({"join": ["m", {"from": "m", "do": "negate"}], "axis": 1}, [[0, 1, 2, 0, -1, -2], [3, 4, 5, -3, -4, -5]]),
        ({"join": ["m", "m"]}, [[0, 1, 2], [3, 4, 5], [0, 1, 2], [3, 4, 5]]),
        ({"sum": ["m", "m", {"from": "m", "do": "negate"}]}, M),
        ({"value": 2.5}, [2.5] * 6),
        ({"from": "v", "do": {"weight_norm": "g"}}, [[1.2, 1.6], [0, -3]]),
        ({"from": "v", "do": {"weight_norm": "h", "axis": 1}}, [[1, 0.8], [0, -0.6]]),
    ],
)
def test_a_step_does_what_it_says(value: Any, expected: Any) -> None:
    held = {
        "m": M,
        "e": np.exp([1.0, 2.0]),
        "z": np.zeros(2),
        "v": np.array([[3.0, 4.0], [0.0, -3.0]]),
        "g": np.array([[2.0], [3.0]]),
        "h": np.array([1.0, 1.0]),
    }
    np.testing.assert_allclose(compute(read_value(value), (6,), held.__getitem__), expected, rtol=1e-12)


@each(
    ("value", "said"),
    [
        ({"from": "m", "do": {"transpose": [0, 1, 2]}}, "transpose does not fit the shape (2, 3)"),
        ({"from": "m", "do": {"reshape": [4, -1]}}, "reshape does not fit the shape (2, 3)"),
        (
            {"from": "m", "do": {"slice": [1, 4], "axis": 1}},
            "slice [1, 4] leaves the 3 numbers of axis 1, shape (2, 3)",
        ),
        ({"from": "m", "do": {"blocks": [0], "of": 2, "axis": 1}}, "axis 1 of the shape (2, 3) has no 2 equal blocks"),
        ({"from": "m", "do": {"take": [5]}}, "take does not fit the shape (2, 3)"),
        ({"from": "m", "do": {"flip": 3}}, "flip does not fit the shape (2, 3)"),
        ({"from": "m", "do": {"slice": [0, 1], "axis": 4}}, "slice does not fit the shape (2, 3)"),
        ({"join": ["m", "v"]}, "join along axis 0 does not fit the shapes (2, 3) and (2,)"),
        ({"sum": ["m", "v"]}, "sum is of the shapes (2, 3) and (2,), which are not one"),
        ({"from": "m", "do": {"weight_norm": "v", "axis": 1}}, "weight_norm has 2 lengths for the 3 slices of (2, 3)"),
        ({"from": "n", "do": "exp"}, "exp needs real numbers, and they are int64"),
    ],
)
def test_a_step_that_does_not_fit_says_so(value: Any, said: str) -> None:
    held = {"m": M, "v": np.ones(2), "n": np.arange(3)}
    with pytest.raises(ZooError) as caught:
        compute(read_value(value), (6,), held.__getitem__)
    assert said in str(caught.value)


def test_values_within_values_end_somewhere() -> None:
    value: Any = "m"
    for _ in range(6):
        value = {"sum": [value]}
    with pytest.raises(PydanticCustomError) as caught:
        read_value(value)
    assert "more than 4 deep" in unwrap(caught.value)[0].message


def test_weight_norm_is_torch_s() -> None:
    theirs = torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(10, 20, dtype=torch.float64))
    with torch.no_grad():
        theirs.parametrizations.weight.original0.mul_(1.7)
    held = {name.replace("parametrizations.weight.", ""): value for name, value in theirs.state_dict().items()}
    model = zoo.build({"input": 10, "cell": "gru", "hidden_size": 10, "head": {"kind": "linear", "size": 20}})
    state = {name: value.double() for name, value in model.state_dict().items() if not name.startswith("head")}
    lines: dict[str, Any] = {name: name for name in state}
    lines["head.linear.weight"] = {"from": "original1", "do": {"weight_norm": "original0"}}
    lines["head.linear.bias"] = "bias"
    model = model.double()
    zoo.load_weights(model, {**state, **held}, {"spec": "gru", "tensors": lines})
    torch.testing.assert_close(model.head.linear.weight, theirs.weight, rtol=0, atol=1e-15)
