"""`extends` and `variants`: whole keys replaced, never merged; a mistake points into the file that holds it."""

from __future__ import annotations

from pathlib import Path

import pytest
from each import each
from spec_support import HEAD, Mistakes, Resolve

from zoo.errors import SpecError, ZooError
from zoo.plugin.catalogue import Catalogue
from zoo.spec import library
from zoo.spec.inherit import MOST_VARIANTS
from zoo.spec.resolve import Resolved


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)


def refused(path: Path, catalogue: Catalogue) -> list[str]:
    """The first line of every diagnostic, without the folder."""
    with pytest.raises(SpecError) as caught:
        library.read_all(path, catalogue)
    return [str(d).partition("\n")[0].replace(f"{path.parent}/", "") for d in caught.value.diagnostics]


def load(path: Path, catalogue: Catalogue) -> Resolved:
    return library.load(path, catalogue)


def test_a_key_replaces_the_whole_key(tmp_path: Path, builtin: Catalogue) -> None:
    write(
        tmp_path,
        base=HEAD + "layers: 2\ndropout: {input: 0.5, output: 0.5}\nhead: {kind: linear, size: 3, pool: last}\n",
        own="schema: 1\nname: own\nextends: ./base.yaml\nhidden_size: 7\ndropout: {between: 0.1}\n",
    )
    spec = load(tmp_path / "own.yaml", builtin).spec
    assert spec.name == "own"
    assert [layer.hidden_size for layer in spec.recurrent] == [7, 7]
    assert [(d.input, d.between, d.output) for d in (layer.dropout for layer in spec.recurrent)] == [
        (0, 0.1, 0), (0, 0, 0),
    ]  # fmt: skip
    assert spec.head is not None
    assert spec.head.part.options.size == 3  # type: ignore[attr-defined]


def test_name_expect_and_variants_are_never_inherited(tmp_path: Path, builtin: Catalogue) -> None:
    write(
        tmp_path,
        base=HEAD + "tags: [a]\nexpect: {parameters: 2560}\nvariants: {big: {hidden_size: 50}}\n",
        own="schema: 1\nname: own\nextends: base.yaml\nhidden_size: 7\n",
        nameless="schema: 1\nextends: base.yaml\n",
    )
    models = library.read_all(tmp_path / "own.yaml", builtin)
    assert list(models) == [None]
    assert models[None].spec.expect is None
    assert models[None].spec.tags == ("a",)
    assert refused(tmp_path / "nameless.yaml", builtin) == ["nameless.yaml:1:1: missing key 'name'"]


def test_the_path_is_relative_to_each_file(tmp_path: Path, builtin: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    write(tmp_path, root=HEAD)
    write(tmp_path / "a", middle="schema: 1\nname: m\nextends: ../root.yaml\nhidden_size: 3\n")
    write(tmp_path / "a" / "b", leaf="schema: 1\nname: leaf\nextends: ../middle.yaml\n")
    monkeypatch.chdir(tmp_path / "a")
    assert load(Path("b/leaf.yaml"), builtin).spec.recurrent[0].hidden_size == 3


def test_a_base_need_not_be_complete(tmp_path: Path, builtin: Catalogue) -> None:
    write(
        tmp_path,
        base="schema: 1\nhidden_size: 5\n",
        own="schema: 1\nname: o\nextends: base.yaml\ninput: 1\ncell: gru\n",
    )
    assert load(tmp_path / "own.yaml", builtin).spec.recurrent[0].hidden_size == 5


def test_eight_deep_and_no_deeper(tmp_path: Path, builtin: Catalogue) -> None:
    write(tmp_path, f0=HEAD)
    for i in range(1, 10):
        write(tmp_path, **{f"f{i}": f"schema: 1\nname: n{i}\nextends: f{i - 1}.yaml\n"})
    assert load(tmp_path / "f8.yaml", builtin).spec.name == "n8"
    assert refused(tmp_path / "f9.yaml", builtin) == ["f1.yaml:3:10: extends goes more than 8 files deep"]


def test_a_cycle_shows_the_loop(tmp_path: Path, builtin: Catalogue) -> None:
    for name, base in {"a": "b", "b": "c", "c": "b"}.items():
        write(tmp_path, **{name: f"schema: 1\nname: {name}\nextends: {base}.yaml\n"})
    write(tmp_path, self="schema: 1\nname: s\nextends: ./self.yaml\n")
    assert refused(tmp_path / "a.yaml", builtin) == ["c.yaml:3:10: extends is circular: b.yaml -> c.yaml -> b.yaml"]
    assert refused(tmp_path / "self.yaml", builtin) == ["self.yaml:3:10: extends is circular: self.yaml -> ./self.yaml"]
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    write(tmp_path, links="schema: 1\nname: s\nextends: ./loop.yaml\n")
    assert refused(tmp_path / "links.yaml", builtin) == [
        "links.yaml:3:10: cannot extend this file: is a symbolic link that leads back to itself"
    ]


def test_a_mistake_points_into_the_file_that_holds_it(tmp_path: Path, builtin: Catalogue) -> None:
    write(
        tmp_path,
        base="schema: 1\nname: base\ninput: 10\ncell: lstn\nhidden_size: 20\nfoo: 1\n",
        own="schema: 1\nname: own\nextends: base.yaml\nlayers: 0\n",
    )
    messages = refused(tmp_path / "own.yaml", builtin)
    assert messages[:2] == [
        "own.yaml:4:9: 'layers' must be 1 to 1000 layers, not 0",
        "base.yaml:4:7: unknown cell 'lstn'; did you mean 'lstm'?",
    ]
    assert messages[2].startswith("base.yaml:6:1: unknown key 'foo'; known here: architecture, ")
    assert len(messages) == 3


@each(
    ("extends", "expected"),
    [
        ("none.yaml", "own.yaml:3:10: cannot extend this file: no such file"),
        ("folder.yaml", "own.yaml:3:10: cannot extend this file: is a folder, not a file"),
        ("5", "own.yaml:3:10: extends must be a path, not the number 5"),
        ("[a]", "own.yaml:3:10: extends must be a path, not a list"),
        ("null.yaml", "null.yaml:2:7: ~ (null) may not occur in a spec: leave the key out, or quote it if it is text"),
        ("bare.yaml", "own.yaml:3:10: cannot extend this file: is not a spec, which says schema: 1"),
        ("new.yaml", "new.yaml:1:9: schema 2 is newer than this recurrent-zoo reads (1): pip install -U recurrent-zoo"),
    ],
)
def test_a_base_that_cannot_be_used(extends: str, expected: str, tmp_path: Path, builtin: Catalogue) -> None:
    write(
        tmp_path,
        own=f"schema: 1\nname: own\nextends: {extends}\n",
        null="schema: 1\nname: ~\n",
        bare="name: x\n",
        new="schema: 2\n",
    )
    (tmp_path / "folder.yaml").mkdir()
    assert refused(tmp_path / "own.yaml", builtin) == [expected]


def test_extends_needs_a_file(mistakes: Mistakes, builtin: Catalogue) -> None:
    message = "a path is relative to the file that extends it, and this spec is no file: extend a spec by name"
    assert mistakes("schema: 1\nname: x\nextends: y.yaml\n") == [f"3:10: {message}"]
    with pytest.raises(SpecError, match=message):
        library.load({"schema": 1, "name": "x", "extends": "y.yaml"}, builtin)


def test_variants_replace_whole_keys_before_defaults(models: Resolve) -> None:
    text = HEAD + (
        "layers: 2\ndropout: {input: 0.1, between: 0.2}\nexpect: {parameters: 5920}\nvariants:\n"
        "  small: {hidden_size: 3, expect: {parameters: 300}}\n  dry: {dropout: 0}\n"
    )
    text = text.replace("300", str(4 * 3 * (10 + 3 + 2) + 4 * 3 * (3 + 3 + 2)))
    found = models(text)
    assert [model.spec.id for model in found.values()] == ["x", "x@small", "x@dry"]
    assert [model.spec.recurrent[0].hidden_size for model in found.values()] == [20, 3, 20]
    assert found["small"].spec.recurrent[0].dropout.input == 0.1
    assert found["dry"].spec.recurrent[0].dropout.input == 0
    assert found["dry"].spec.expect is None  # the bare spec's figures are its own
    assert found["small"].description.parameters == 276


def test_every_variant_is_checked(mistakes: Mistakes) -> None:
    text = (
        HEAD
        + "variants:\n  a: {hidden_size: x}\n  b: {cell: lstn, name: y}\n  c: 5\n  D: {}\n  e: {expect: {parameters: 1}}\n"
    )
    assert mistakes(text) == [
        "7:20: 'hidden_size' must be an integer, not the text 'x'",
        "8:13: unknown cell 'lstn'; did you mean 'lstm'?",
        "8:19: a variant may not set 'name'",
        "9:6: a variant must be a mapping of keys, not the number 5",
        "10:3: variant 'D': a name is lower case letters, digits, '.', '_' and '-'",
        "11:28: expects 1 parameters, but the model has 2,560",
    ]


@pytest.mark.parametrize("key", ["schema: 1", "name: y", "extends: y", "variants: {}"])
def test_what_a_variant_may_not_set(key: str, mistakes: Mistakes) -> None:
    name = key.partition(":")[0]
    assert mistakes(HEAD + f"variants: {{a: {{{key}}}}}\n") == [f"6:16: a variant may not set '{name}'"]


def test_the_bare_spec_must_be_complete(mistakes: Mistakes) -> None:
    text = "schema: 1\nname: x\ninput: 10\ncell: lstm\nvariants: {a: {hidden_size: 3}}\n"
    assert mistakes(text) == ["1:1: missing key 'hidden_size'"]


def test_odd_variants(mistakes: Mistakes, models: Resolve) -> None:
    assert mistakes(HEAD + "variants: [a]\n") == ["6:11: variants must be a mapping of names, not a list"]
    assert list(models(HEAD + "variants: {}\n")) == [None]
    assert list(models(HEAD + "variants: {200: {hidden_size: 200}}\n")) == [None, "200"]
    many = ", ".join(f"v{i}: {{}}" for i in range(MOST_VARIANTS + 1))
    assert mistakes(HEAD + f"variants: {{{many}}}\n") == ["6:1: a spec has at most 50 variants, not 51"]


def test_an_unknown_variant(tmp_path: Path, builtin: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, a=HEAD + "variants: {big: {hidden_size: 50}, huge: {hidden_size: 500}}\n", b=HEAD)
    monkeypatch.chdir(tmp_path)
    assert library.load("a.yaml@big", builtin).spec.id == "x@big"
    with pytest.raises(ZooError, match=r"^a\.yaml: unknown variant 'bug' \(variants: big, huge\)$"):
        library.load("a.yaml@bug", builtin)
    with pytest.raises(ZooError, match=r"^b\.yaml: unknown variant 'bug' \(variants: it has none\)$"):
        library.load("b.yaml@bug", builtin)
