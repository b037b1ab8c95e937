"""The keys of state_dict of the first models stay as they are, forever: weights that people have saved load by them.

keys.json was written from the models of the library as they were before layers of other kinds, named stacks and heads by
name came in: by `{name: {key: shape}}`, in the order of `state_dict`. A model that it names is never taken out, and a
key is never changed; what comes in later is added.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import zoo

GOLDEN: dict[str, dict[str, list[int]]] = json.loads(Path(__file__).with_name("keys.json").read_text())
SPECS = Path(__file__).parents[2] / "specs"


def keys(spec: Any) -> list[tuple[str, list[int]]]:
    model = zoo.build(spec, device="meta")
    return [(name, list(tensor.shape)) for name, tensor in model.state_dict().items()]


@pytest.mark.parametrize("name", ["root", "cells"])
def test_keys_and_shapes_are_those_of_the_first_models(name: str) -> None:
    chosen = {one: own for one, own in GOLDEN.items() if one.startswith("cells/") == (name == "cells")}
    found = {one: keys(SPECS / f"{one}.yaml") for one in chosen}
    assert found == {one: list(own.items()) for one, own in chosen.items()}


def test_there_are_as_many_as_there_were() -> None:
    assert (len(GOLDEN), sum(map(len, GOLDEN.values()))) == (95, 543)


def test_a_name_of_a_layer_is_in_no_key() -> None:
    plain = {"schema": 1, "name": "a", "input": 3, "hidden_size": 4, "layers": [{"cell": "gru"}, {"cell": "lstm"}]}
    layers = [{"cell": "gru", "name": "low"}, {"cell": "lstm", "name": "high"}]
    assert keys({**plain, "layers": layers}) == keys(plain)
