"""What a spec means: shorthands resolved once, equality of the canonical form, and both ways of writing it out."""

from __future__ import annotations

from pathlib import Path

import pytest
from each import each
from spec_support import HEAD, Resolve

from zoo.errors import SpecError, ZooError
from zoo.plugin.catalogue import Catalogue
from zoo.spec import library
from zoo.spec.compare import compare
from zoo.spec.dump import annotated, to_data, to_yaml
from zoo.spec.resolve import Resolved

SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*.yaml"))
BASE = "schema: 1\nname: x\n"

CORPUS = {
    "acme": BASE + "input: 3\ncell: {kind: heads, heads: 3, modes: [slow], inner: {depth: 4}}\nhidden_size: 6\nlayers: 2\n",
    "norms": HEAD + "norm: {kind: layer, position: before, eps: 1e-3}\nlayers: [{}, {norm: none}, {norm: rms}]\n",
    "layers": HEAD
    + "layers:\n  - {kind: linear, size: 7, activation: relu}\n  - {initial_state: learned, reverse: true, residual: false}\n"
    "  - {cell: {kind: rnn, nonlinearity: relu}, hidden_size: 3, output_projection: 3, residual: true}\n".replace(
        "output_projection: 3, residual", "output_projection: 20, residual"
    ),
    "text": HEAD + "description: \"two\\nlines: 'and' # more\"\npaper: '1e3'\ntags: ['017', '1.5e3', 'true', '~', '', ' a ', é]\n",
    "directions": HEAD + "bidirectional: true\nmerge: mul\nhead: {kind: mlp, size: 2, hidden: [5, 4], pool: attention}\n",
    "tied": BASE
    + "input: {kind: tokens, vocabulary: 9, size: 4, padding: 0, dropout: 0.1}\ncell: {kind: gru, reset_gate: before}\n"
    "hidden_size: 4\nhead: {kind: tied, bias: false}\nexpect: {parameters: 156}\n",
    "dropouts": HEAD + "layers: 3\ndropout: {input: 0.1, between: 0.2, variational: true, weight: 0.3, zoneout: 0.4}\n",
}  # fmt: skip


def every_model(models: Resolve) -> list[Resolved]:
    texts = [path.read_text(encoding="utf-8") for path in SPECS] + list(CORPUS.values())
    return [model for text in texts for model in models(text).values()]


@each(
    ("short", "long"),
    [
        (HEAD, HEAD.replace("input: 10", "input: {kind: features, size: 10}")),
        (HEAD, HEAD.replace("cell: lstm", "cell: recurrent-zoo/lstm")),
        (HEAD, HEAD.replace("cell: lstm", "cell: {kind: lstm, bias: two}")),
        (HEAD, HEAD + "layers: 1\n"),
        (HEAD + "layers: 2\n", HEAD + "layers: [{}, {kind: recurrent}]\n"),
        (HEAD, HEAD + "architecture: stack\nnorm: none\nhead: none\ninit: paper\ndropout: 0\n"),
        (HEAD + "layers: 2\ndropout: 0.1\n", HEAD + "layers: 2\ndropout: {between: 0.1}\n"),
        (HEAD + "layers: 2\ndropout: 0.1\n", HEAD + "layers: [{dropout: {between: 0.1}}, {}]\n"),
        (HEAD + "head: tied\n", HEAD + "head: {kind: tied, bias: true, pool: none}\n"),
        (HEAD + "norm: layer\n", HEAD + "norm: {kind: layer, position: after, eps: 1e-5}\n"),
        (HEAD, HEAD.replace("cell: lstm\nhidden_size: 20\n", "layers:\n- {cell: lstm, hidden_size: 20}\n")),
    ],
)
def test_a_shorthand_means_the_same_as_its_long_form(short: str, long: str, models: Resolve) -> None:
    if "head: tied" in short:
        short, long = (t.replace("input: 10", "input: {kind: tokens, vocabulary: 5, size: 20}") for t in (short, long))
    assert models(short)[None].spec == models(long)[None].spec


@each(
    "other",
    [
        HEAD.replace("input: 10", "input: 11"),
        HEAD.replace("lstm", "gru"),
        HEAD.replace("cell: lstm", "cell: {kind: lstm, bias: one}"),
        HEAD + "layers: 2\n",
        HEAD + "dropout: {output: 0.1}\n",
        HEAD + "tags: [a]\n",
        HEAD + "norm: layer\n",
    ],
)
def test_other_specs_differ(other: str, models: Resolve) -> None:
    assert models(HEAD)[None].spec != models(other)[None].spec


def test_written_out_and_read_back_every_model_is_equal(models: Resolve, with_acme: Catalogue) -> None:
    found = every_model(models)
    assert len(found) == len(SPECS) + len(CORPUS) + 4
    for model in found:
        again = models(to_yaml(model.spec))[None]
        assert again.spec == model.spec, model.spec.id
        assert again.description == model.description
        assert library.load(to_data(model.spec), with_acme).spec == model.spec


def test_show_resolved_reads_back_as_an_equal_spec(models: Resolve) -> None:
    for model in every_model(models):
        assert models(annotated(model.spec, model.origins))[None].spec == model.spec, model.spec.id


def test_show_resolved_says_where_each_value_comes_from(models: Resolve) -> None:
    model = models(HEAD + "layers: [{hidden_size: 3}]\nhead: {kind: linear, size: 1}\n")[None]
    lines = [line.split("#") for line in annotated(model.spec, model.origins).splitlines()]
    assert [(text.strip(), *(origin.strip() for origin in rest)) for text, *rest in lines] == [
        ("schema: 1", "f.yaml:1"),
        ("name: x", "f.yaml:2"),
        ("architecture: recurrent-zoo/stack", "default"),
        ("input: {kind: recurrent-zoo/features, size: 10}", "f.yaml:3"),
        ("init: recurrent-zoo/paper", "default"),
        ("layers:",),
        ("- cell: {kind: recurrent-zoo/lstm, bias: two, peephole: false, coupled: false, gate_norm: none}", "f.yaml:4"),
        ("hidden_size: 3", "f.yaml:6"),
        ("bidirectional: false", "default"),
        ("reverse: false", "default"),
        ("residual: false", "default"),
        ("initial_state: zeros", "default"),
        ("init: recurrent-zoo/paper", "default"),
        ("head: {kind: recurrent-zoo/linear, size: 1, bias: true, dropout: 0.0}", "f.yaml:7"),
    ]


@each("text", ["1e3", "12E+5", "1.5e3", "no", "true", "~", "", "<<", ".inf", "1:30", "2024-01-01", "a: b", "#x", "- a", "é"])  # fmt: skip
def test_text_in_a_mapping_stays_text(text: str, builtin: Catalogue) -> None:
    data = {"schema": 1, "name": "x", "input": 10, "cell": "lstm", "hidden_size": 20, "description": text}
    assert library.load(data, builtin).spec.description == text


def test_a_mapping_is_read_like_a_file(builtin: Catalogue) -> None:
    shared = {"hidden_size": 3}
    data = {"schema": 1, "name": "x", "input": 10, "cell": "lstm", "layers": (shared, shared), "dropout": 0.5}
    assert [layer.hidden_size for layer in library.load(data, builtin).spec.recurrent] == [3, 3]
    with pytest.raises(SpecError) as caught:
        library.load(data | {"hidden_sise": 3}, builtin)
    assert str(caught.value).startswith("<mapping>:9:1: unknown key 'hidden_sise'; did you mean 'hidden_size'?\n  9 | ")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "<mapping>:3:8: null (null) may not occur in a spec: leave the key out, or quote it if it is text"),
        (float("nan"), "<mapping>:3:8: a number must be finite, not .nan"),
        (2**80, f"<mapping>:3:8: an integer must fit into 64 bits, which {2**80} does not"),
        (object, "<mapping>: holds a value that no spec file can: <class 'object'>"),
        ({1, 2}, "<mapping>:3:8: tags (!) are not part of the format: leave it out"),
    ],
)
def test_a_mapping_that_no_file_can_hold(value: object, expected: str, builtin: Catalogue) -> None:
    with pytest.raises(SpecError) as caught:
        library.load({"schema": 1, "name": "x", "input": value}, builtin)
    assert str(caught.value.diagnostics[0]).partition("\n")[0] == expected


def test_a_mapping_that_holds_itself(builtin: Catalogue) -> None:
    data: dict[str, object] = {"schema": 1}
    data["input"] = data
    with pytest.raises(SpecError, match="the mapping holds itself"):
        library.load(data, builtin)


def test_compare_gives_keys_and_figures(models: Resolve) -> None:
    a, b = models(HEAD)[None], models(HEAD.replace("20", "21") + "bidirectional: true\ntags: [other]\n")[None]
    assert [(row.key, row.a, row.b) for row in compare(a, b)] == [
        ("layers.0.hidden_size", 20, 21),
        ("layers.0.bidirectional", False, True),
        ("layers.0.merge", None, "concat"),
        ("parameters", 2560, 2 * 4 * 21 * (10 + 21 + 2)),
        ("multiply-adds per step", 2400, 2 * 4 * 21 * (10 + 21)),
        ("state numbers per sequence", 40, 84),
        ("streamable", True, False),
    ]
    assert compare(a, a) == ()


def test_the_library(builtin: Catalogue, tmp_path: Path) -> None:
    names = [entry.name for entry in library.entries(builtin)]
    assert names == sorted(names)
    assert {"lstm", "gru", "zaremba-lm"} <= set(names)
    for path in SPECS:
        assert library.load(path, builtin).spec.name == path.stem  # a spec is found by the name that it gives itself
    assert library.load("recurrent-zoo/lstm", builtin).spec == library.load("lstm", builtin).spec
    assert library.load("zaremba-lm@medium", builtin).description.parameters == 19_775_200
    for wrong, message in {
        "lstmm": "unknown spec 'lstmm'; did you mean 'lstm'? (a path ends in .yaml)",
        "qqqq": "unknown spec 'qqqq'; `zoo list` shows them all (a path ends in .yaml)",
        "lstm@big": "unknown variant 'big' (variants: it has none)",
    }.items():
        with pytest.raises(ZooError) as caught:
            library.load(wrong, builtin)
        assert str(caught.value).endswith(message)
    with pytest.raises(SpecError) as missing:
        library.load(str(tmp_path / "none.yaml"), builtin)
    assert str(missing.value) == f"{tmp_path}/none.yaml: no such file"
