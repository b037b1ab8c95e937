"""An output projection: a number, or a mapping of its size and whether it has a bias; one meaning has one form."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from spec_support import HEAD, Mistakes, Resolve

import zoo
from zoo.plugin.catalogue import Catalogue
from zoo.spec import library

SAME = ("5", "{size: 5}", "{size: 5, bias: true}")
WRITTEN = "output_projection: {size: 5, bias: false}"


def _projected(text: str) -> str:
    return f"{HEAD}layers: [{{output_projection: {text}}}]\n"


@pytest.mark.parametrize("text", SAME)
def test_what_means_the_same_is_the_same_spec_and_is_written_as_a_number(text: str, models: Resolve) -> None:
    found = models(_projected(text))[None]
    assert found.spec == models(_projected("5"))[None].spec
    assert yaml.safe_load(zoo.to_yaml(found.spec))["layers"][0]["output_projection"] == 5
    assert found.description.parameters == 4 * 20 * (10 + 20 + 2) + 20 * 5 + 5


def test_without_a_bias_it_is_another_spec_that_reads_back(models: Resolve, builtin: Catalogue) -> None:
    found = models(_projected("{size: 5, bias: false}"))[None]
    assert found.spec != models(_projected("5"))[None].spec
    assert found.description.parameters == 4 * 20 * (10 + 20 + 2) + 20 * 5
    data = yaml.safe_load(zoo.to_yaml(found.spec))
    assert data["layers"][0]["output_projection"] == {"size": 5, "bias": False}
    assert library.load(data, builtin).spec == found.spec
    assert found.origins["layers", 0, "output_projection"].line == 6


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true", "must be an integer, or a mapping with 'size', not the boolean true"),
        ("5.0", "must be an integer, or a mapping with 'size', not the number 5.0"),
        ("[5]", "must be an integer, or a mapping with 'size', not a list"),
        ("none", "must be an integer, or a mapping with 'size', not the text 'none'"),
        ("0", "must be at least 1, not 0"),
    ],
)
def test_what_is_neither_is_refused(text: str, expected: str, mistakes: Mistakes) -> None:
    (found,) = mistakes(_projected(text))
    assert found.endswith(f"'output_projection' {expected}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{bias: false}", "missing key 'size'"),
        ("{size: 0}", "'size' must be at least 1, not 0"),
        ("{size: 5, bias: 1}", "'bias' must be true or false, not the number 1"),
        ("{size: 5, bais: true}", "unknown key 'bais'; did you mean 'bias'?"),
    ],
)
def test_a_mistake_in_a_mapping_is_shown_at_its_place(text: str, expected: str, mistakes: Mistakes) -> None:
    (found,) = mistakes(_projected(text))
    assert found.endswith(expected)


@pytest.mark.parametrize(("bias", "keys"), [(True, ["weight", "bias"]), (False, ["weight"])])
def test_what_is_built_has_a_bias_or_none(bias: bool, keys: list[str]) -> None:
    spec: dict[str, Any] = {"input": 3, "cell": "gru", "hidden_size": 4}
    spec["layers"] = [{"bidirectional": True, "output_projection": {"size": 5, "bias": bias}}]
    model = zoo.build(spec, seed=0)
    found = [key.rpartition(".")[2] for key in model.state_dict() if "output_projection" in key]
    assert found == keys
    assert sum(p.numel() for p in model.parameters()) == zoo.describe(zoo.load(spec)).parameters


def test_a_tiny_copy_and_a_diff_keep_it(models: Resolve) -> None:
    from zoo.spec.compare import compare
    from zoo.spec.shrink import shrink

    found = models(_projected("{size: 5, bias: false}"))[None]
    (layer,) = shrink(found.spec).recurrent
    assert not layer.projection_bias
    rows = {row.key: (row.a, row.b) for row in compare(models(_projected("5"))[None], found)}
    assert rows["layers.0.output_projection"] == (5, {"size": 5, "bias": False})
