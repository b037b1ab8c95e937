"""`feeds: NAME, lag: 1`: which of several inputs a model fills with its own samples, in a file and in the model."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft7Validator

import zoo
from zoo.plugin.manager import catalogue
from zoo.spec.dump import to_data
from zoo.spec.schema import json_schema
from zoo.testing import tiny

WORDS = {"kind": "tokens", "vocabulary": 9, "size": 4}
SPEAKER = {"kind": "tokens", "vocabulary": 3, "size": 4, "per": "sequence"}
HEAD = {"kind": "linear", "size": 9}


def spec(of: dict[str, Any] | None = None, head: Any = HEAD, **keys: Any) -> dict[str, Any]:
    given = {"words": WORDS, "pitch": 2, "speaker": SPEAKER} if of is None else of
    source = {"kind": "several", "of": given, "feeds": "words", "lag": 1}
    source |= {key: keys.pop(key) for key in ("feeds", "lag") if key in keys}
    source = {key: value for key, value in source.items() if value is not None}
    heads = {} if head is None else {"head": head}
    return {"schema": 1, "name": "a", "input": source, "cell": "gru", "hidden_size": 5, **heads, **keys}


def test_it_is_read_written_and_known_to_the_schema() -> None:
    loaded = zoo.load(spec())
    data = to_data(loaded)
    assert (data["input"]["feeds"], data["input"]["lag"]) == ("words", 1)
    assert zoo.load(data) == loaded
    assert loaded != zoo.load(spec(feeds=None, lag=None))
    assert "lag" not in to_data(zoo.load(spec(feeds=None, lag=None)))["input"]
    validator = Draft7Validator(json_schema(catalogue()))
    assert not list(validator.iter_errors(spec()))
    assert not list(validator.iter_errors(data))
    assert list(validator.iter_errors(spec(lag=2)))


def test_the_model_says_which_input_it_is() -> None:
    assert zoo.build(spec(), seed=0).fed == "words"
    assert zoo.build(spec(feeds=None, lag=None), seed=0).fed is None
    assert zoo.build("char-gru", seed=0).fed is None
    assert zoo.build(tiny(zoo.load(spec())), seed=0).fed == "words"


def test_a_density_may_feed_numbers() -> None:
    density = {"kind": "mixture_density", "components": 2, "size": 2}
    assert zoo.build(spec(head=density, feeds="pitch"), seed=0).fed == "pitch"


def test_it_changes_no_number_and_no_key() -> None:
    one: Any = zoo.build(spec(), seed=0)
    other: Any = zoo.build(spec(feeds=None, lag=None), seed=0)
    assert list(one.state_dict()) == list(other.state_dict())
    x = one.example_input(2, 3)
    assert one(x).equal(other(x))


CHARACTERS = {"kind": "characters", "vocabulary": 9, "size": 4, "length": 5, "layers": [HEAD], "pool": "max"}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (spec(lag=None), "feeds is what was sampled one step before: write lag: 1 beside it"),
        (spec(feeds=None), "lag belongs to feeds, the input that is the model's own sample: name it, or leave lag out"),
        (spec(lag=2), "'lag' must be 1, not the number 2"),
        (spec(feeds="word"), "feeds names one of the inputs, and none is called 'word'; did you mean 'words'?"),
        (spec(feeds="speaker"), "a sample is made at each step, and input 'speaker' comes in once per sequence"),
        (
            spec(of={"words": CHARACTERS, "pitch": 2}),
            "a sample is one symbol or some numbers, and input 'words' reads several symbols",
        ),
        (spec(head=None), "input 'words' is fed what the model samples, which needs one head: there is none"),
        (
            spec(head=None, heads={"a": HEAD, "b": HEAD}),
            "input 'words' is fed what the model samples, which needs one head: there are 2",
        ),
        (
            spec(head={**HEAD, "size": 8}),
            "input 'words' is fed what the model samples: it reads 9 symbols, and the head scores 8: make them equal",
        ),
        (
            spec(bidirectional=True),
            "input 'words' is fed what the model samples, which needs a model that runs one step at a time: layers.0 is "
            "bidirectional",
        ),
        (
            spec(head={**HEAD, "pool": "mean"}),
            "input 'words' is fed what the model samples, which needs a model that runs one step at a time: the head "
            "pools over time (pool: mean)",
        ),
    ],
)
def test_a_mistake_is_one_line_at_its_place(written: dict[str, Any], said: str) -> None:
    with pytest.raises(zoo.SpecError) as caught:
        zoo.load(written)
    assert [one.message for one in caught.value.diagnostics] == [said]


def test_the_contract_holds() -> None:
    report = zoo.check(spec())
    assert report.ok, str(report)
