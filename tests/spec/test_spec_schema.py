"""The JSON Schema: equal to the code, accepts what the reader accepts, refuses every mistake of the structure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from spec_support import HEAD, Mistakes
from test_spec_canonical import CORPUS, SPECS
from test_spec_diagnostics import MISTAKES
from test_spec_rules import GOOD

from zoo.plugin.catalogue import Catalogue
from zoo.spec.document import parse
from zoo.spec.schema import json_schema

COMMITTED = Path(__file__).parents[2] / "docs" / "schema" / "v1.json"

STRUCTURE = [
    HEAD + "variants: [a]\n",
    HEAD + "variants: {a: 5}\n",
    HEAD + "variants: {A: {}}\n",
    HEAD + "variants: {a: {name: y}}\n",
    HEAD + "variants: {a: {variants: {}}}\n",
    HEAD + "variants: {a: {extends: y}}\n",
    HEAD + "variants: {a: {hidden_size: x}}\n",
    HEAD + "variants: {a: {foo: 1}}\n",
    HEAD + "extends: 5\n",
    HEAD + "requires: [1]\n",
    HEAD + "layers: [{kind: linear}]\n",
    HEAD + "layers: [{kind: linear, size: 3, cell: lstm}]\n",
    HEAD + "layers: [{kind: 5}]\n",
    HEAD + "layers: [{dropout: {foo: 1}}]\n",
    HEAD + "layers: [{cell: foo}]\n",
    HEAD + "norm: {kind: layer, eps: 0}\n",
    HEAD + "init: uniform\n",
    "lstm: 1\n",
]
"""Mistakes of the structure besides those of the table of messages."""

BEYOND = {
    "'hidden_size' must be an integer, not the number 1000.0",  # to JSON, 1e3 is the integer 1000
    "missing key 'hidden_size'",  # it may stand on the model or on each layer
    "missing key 'cell'",
    "forbid",
    "forget_bias needs a bias: leave it out, or use bias: two or bias: one",  # rules across keys
    "FragileOptions cannot be checked: KeyError: 'oops'",  # a plugin's own code
    "cell 'zoo-acme/broken' 0.1 cannot describe itself: IndexError: list index out of range",
} - {"forbid"}
"""What only the reader can know."""


def good() -> Iterator[str]:
    yield from (path.read_text(encoding="utf-8") for path in SPECS)
    yield from CORPUS.values()
    yield from GOOD
    yield HEAD + "variants: {a: {hidden_size: 3, expect: {parameters: 204}}, 200: {}}\n"
    yield HEAD + "requires: [zoo-acme]\ndescription: x\npaper: y\nlayers: [{cell: {kind: recurrent-zoo/gru}}]\n"


@pytest.fixture(scope="module")
def schema(with_acme: Catalogue) -> Any:
    found = json_schema(with_acme)
    jsonschema.Draft7Validator.check_schema(found)
    return jsonschema.Draft7Validator(found)


def accepts(schema: Any, text: str) -> bool:
    return bool(schema.is_valid(parse(text.encode(), "f").plain()))


def test_the_committed_schema_is_the_code_s(builtin: Catalogue) -> None:
    """After a change of the format: `ZOO_PLUGINS=none zoo schema --output docs/schema/v1.json`."""
    assert json.loads(COMMITTED.read_text(encoding="utf-8")) == json_schema(builtin)


def test_the_bundled_specs_fit_the_committed_schema() -> None:
    committed = jsonschema.Draft7Validator(json.loads(COMMITTED.read_text(encoding="utf-8")))
    for path in SPECS:
        committed.validate(parse(path.read_bytes(), path.name).plain())


def test_it_accepts_what_the_reader_accepts(schema: Any) -> None:
    for text in good():
        schema.validate(parse(text.encode(), "f").plain())


def test_it_accepts_a_file_that_leaves_the_rest_to_its_base(schema: Any) -> None:
    assert accepts(schema, "schema: 1\nname: x\nextends: ./base.yaml\n")


def test_it_refuses_every_mistake_of_the_structure(schema: Any, mistakes: Mistakes) -> None:
    let_through = {message.partition(": ")[2] for text, message in MISTAKES if accepts(schema, text)}
    assert let_through - {m for m in let_through if m.startswith("'name' must be lower case")} == BEYOND
    for text in STRUCTURE:
        assert not accepts(schema, text), text
        assert mistakes(text), text


def test_a_name_with_a_line_end_is_the_only_name_let_through(schema: Any) -> None:
    """Python's `$` matches before a last line end; JavaScript's, which editors use, does not."""
    wrong = [text for text, message in MISTAKES if "'name' must be lower case" in message and accepts(schema, text)]
    assert wrong == ["schema: 1\nname: |\n  x\ninput: 1\ncell: lstm\nhidden_size: 2"]


def test_every_reference_leads_somewhere(schema: Any) -> None:
    def references(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            yield from ([value["$ref"]] if isinstance(value.get("$ref"), str) else [])
            for item in value.values():
                yield from references(item)
        elif isinstance(value, list):
            for item in value:
                yield from references(item)

    names = {reference.removeprefix("#/definitions/") for reference in references(schema.schema)}
    assert names <= set(schema.schema["definitions"])
    assert "cell.zoo-acme.heads.Inner" in names


def test_nothing_in_it_is_null(schema: Any) -> None:
    assert "null" not in json.dumps(schema.schema)
