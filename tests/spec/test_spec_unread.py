"""A layer that nothing reads is a mistake, wherever layers stand; one that anything reads is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

import zoo

GRU = {"cell": "gru", "hidden_size": 4}
LOST = {"kind": "linear", "size": 4, "from": "input"}
ONE: dict[str, Any] = {"schema": 1, "name": "a", "input": 4}
TOKENS = {"kind": "tokens", "vocabulary": 9, "size": 4}
SIDE: dict[str, Any] = {"input": TOKENS, **GRU}
SCORES = {"kind": "linear", "size": 9}
SUM = {"kind": "join", "merge": "sum"}
CHARACTERS = {"kind": "characters", "vocabulary": 9, "size": 4, "length": 5}


def pair(encoder: list[Any], decoder: list[Any], **options: Any) -> dict[str, Any]:
    return {
        "schema": 1,
        "name": "a",
        "architecture": {"kind": "encoder-decoder", **options},
        "encoder": {**SIDE, "layers": encoder},
        "decoder": {**SIDE, "layers": decoder, "head": SCORES},
    }


def transducer(encoder: list[Any], predictor: list[Any]) -> dict[str, Any]:
    return {
        "schema": 1,
        "name": "a",
        "architecture": {"kind": "transducer", "joiner": {"size": 5}},
        "encoder": {**SIDE, "input": 4, "layers": encoder},
        "predictor": {**SIDE, "layers": predictor},
    }


def join(*of: str) -> dict[str, Any]:
    return {"kind": "join", "of": [*of]}


def bilm(layers: list[Any]) -> dict[str, Any]:
    return {"schema": 1, "name": "a", "architecture": "bilm", "forwards": {**SIDE, "layers": layers}}


LEFT: list[tuple[dict[str, Any], str]] = [
    ({**ONE, "layers": [GRU, LOST]}, "layers.0"),
    ({**ONE, "layers": [{**GRU, "name": "low"}, GRU, join("low", "input")]}, "layers.1"),
    ({**ONE, "layers": [{**GRU, "name": "low"}, GRU, GRU, {**LOST, "from": "low"}]}, "layers.2"),
    ({**ONE, "layers": [{"kind": "block", "layers": [GRU, LOST]}]}, "layers.0.layers.0"),
    ({**ONE, "layers": [{**GRU, "name": "low"}, {"kind": "block", "layers": [GRU, {**LOST, "from": "low"}]}]}, "layers.1.layers.0"),
    ({**ONE, "input": {**CHARACTERS, "layers": [{**GRU, "name": "low"}, GRU, join("low")], "pool": "last"}, "layers": [GRU]}, "input.layers.1"),
    (
        {**ONE, "input": {**CHARACTERS, "branches": [{"layers": [GRU]}, {"layers": [{**GRU, "name": "low"}, GRU, join("low")]}]}, "layers": [GRU]},
        "input.branches.1.layers.1",
    ),
    (
        {**ONE, "input": {"kind": "several", "of": {"a": 4, "b": {**CHARACTERS, "layers": [{**GRU, "name": "low"}, GRU, join("low")]}}}, "layers": [GRU]},
        "input.of.b.layers.1",
    ),
    ({**ONE, "layers": [{**GRU, "name": "low"}, GRU, LOST], "heads": {"a": {**SCORES, "of": "low"}, "b": SCORES}}, "layers.1"),
    ({**ONE, "layers": [{**GRU, "name": "low"}, GRU], "heads": {"a": {**SCORES, "of": "low"}, "b": {**SCORES, "of": "input"}}}, "layers.1"),
    (pair([GRU, {**GRU, "from": "input"}], [GRU, GRU], bridge="zeros", attention={}), "encoder.layers.0"),
    (pair([LOST, {**GRU, "from": "input"}], [GRU], bridge={"kind": "linear", "from": "mean"}), "encoder.layers.0"),
    (pair([GRU, GRU], [GRU, {**GRU, "from": "input"}]), "decoder.layers.0"),
    (transducer([GRU, LOST], [GRU]), "encoder.layers.0"),
    (transducer([GRU], [GRU, LOST]), "predictor.layers.0"),
    (bilm([GRU, {**GRU, "from": "input"}]), "forwards.layers.0"),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "place"), LEFT, ids=[f"{index}-{place}" for index, (_, place) in enumerate(LEFT)])
def test_it_is_one_line_at_its_place(spec: dict[str, Any], place: str, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(yaml.safe_dump(json.loads(json.dumps(spec)), sort_keys=False))
    with pytest.raises(zoo.SpecError) as caught:
        zoo.load(file)
    (one,) = caught.value.diagnostics
    assert one.code == "unread"
    assert "reads this layer" in one.message
    assert (one.line, one.column) == written_at(file.read_text(), place)


def written_at(text: str, place: str) -> tuple[int, int]:
    """Where PyYAML finds what stands at a path."""
    node = yaml.compose(text)
    for step in place.split("."):
        node = node.value[int(step)] if step.isdigit() else next(v for k, v in node.value if k.value == step)
    return node.start_mark.line + 1, node.start_mark.column + 1


def test_the_line_says_what_is_read_in_its_place_and_how_to_mend_it() -> None:
    low = {**GRU, "name": "low"}
    for layers, said in (
        (
            [GRU, LOST],
            "the one behind it reads input, and no other names it; leave it out, or name it in a later layer",
        ),
        (
            [low, GRU, join("low", "input")],
            "reads low and input, and no other names it; leave it out, or name it there",
        ),
    ):
        with pytest.raises(zoo.SpecError, match=said):
            zoo.load({**ONE, "layers": layers})


@pytest.mark.parametrize(
    "spec",
    [
        {**ONE, "layers": [{**GRU, "name": "low"}, {**LOST, "name": "side"}, join("low", "side")]},
        {**ONE, "layers": [{**GRU, "name": "low"}, LOST], "heads": {"a": {**SCORES, "of": "low"}, "b": SCORES}},
        {**ONE, "layers": [{**GRU, "name": "low"}, LOST, {"kind": "block", "layers": [{**GRU, "name": "own"}, {**SUM, "of": ["low", "own"]}]}]},
        pair([GRU, {**GRU, "from": "input"}], [GRU, GRU]),
        pair([GRU, {**GRU, "from": "input"}], [GRU, GRU], bridge={"h": "last"}),
        pair([GRU, GRU], [{**GRU, "name": "asker"}, {**GRU, "from": "input"}], attention={"ask": {"after": "asker"}}),
        pair([GRU, GRU], [GRU, {**GRU, "from": "input"}], attention={"ask": {"after": 0}}),
        pair([GRU, GRU], [GRU, {**GRU, "from": "input"}], attention={"ask": "before", "feed": ["input"]}),
    ],
)  # fmt: skip
def test_what_anything_reads_is_left_alone(spec: dict[str, Any]) -> None:
    assert zoo.load(spec)


def test_of_a_name_that_there_is_not_only_that_is_said() -> None:
    with pytest.raises(zoo.SpecError) as caught:
        zoo.load({**ONE, "layers": [{**GRU, "name": "low"}, {**LOST, "from": "lwo"}]})
    assert [one.code for one in caught.value.diagnostics] == ["misfit"]
