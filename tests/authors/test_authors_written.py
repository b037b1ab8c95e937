"""Options of types that no YAML has are written as YAML can, read back as the same, and varied to the last of them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import author_written
import pytest
import torch
from author_written import Power, Scale, Shape, Stage, Written, WrittenOptions
from each import each

import zoo
from zoo.checks.figures import options as options_of
from zoo.checks.saving import round_trip
from zoo.checks.subject import Subject
from zoo.testing import isolated_plugins, tiny_spec


@pytest.fixture(autouse=True)
def _written() -> Iterator[None]:
    with isolated_plugins(author_written):
        yield


def spec(**options: Any) -> Any:
    return tiny_spec("rnn", input=9, hidden_size=11, head={"kind": "written", "size": 3, **options})


def test_read_from_yaml() -> None:
    found = spec(
        stages=[{"size": 2, "bent": False}], pair=[2, 1.5], last={"kind": "scale"}, shape="bend", share=0.25, places=[3]
    )
    assert found.head.part.options == WrittenOptions(
        size=3,
        stages=(Stage(size=2, bent=False),),
        pair=(2, 1.5),
        last=Scale(),
        shape=Shape.BEND,
        share=Decimal("0.25"),
        places=frozenset({3}),
    )
    round_trip(Subject(found, torch.device("cpu")))


def test_defaults_read_back_as_the_same() -> None:
    round_trip(Subject(spec(), torch.device("cpu")))


@each(
    ("options", "message"),
    [
        ({"shape": "lime"}, "'shape' must be 'line' or 'bend', not the text 'lime'"),
        ({"pair": [1]}, "'pair' must have more entries: the second is missing"),
        ({"pair": ["a", 2.0]}, "an entry of 'pair' must be an integer, not the text 'a'"),
        ({"places": 3}, "'places' must be a list, not the number 3"),
        ({"share": "half"}, "'share' must be a number, not the text 'half'"),
        ({"last": {"kind": "scales"}}, "'last' has the unknown kind 'scales'; did you mean 'scale'?"),
        ({"last": {"by": 2.0}}, "'last' has no 'kind', which says what kind it is"),
        ({"stages": [{"size": 2.0}]}, "'size' must be an integer, not the number 2.0"),
    ],
)
def test_what_does_not_fit_is_said_in_the_words_of_a_spec(options: dict[str, Any], message: str) -> None:
    with pytest.raises(zoo.SpecError) as caught:
        spec(**options)
    assert message in str(caught.value)


def test_each_field_of_each_model_is_varied() -> None:
    said = options_of(Subject(spec(), torch.device("cpu")))
    fields = ("stages", "stages.0.size", "stages.0.bent", "stages.1.bent", "last", "last.of", "pair", "share", "shape")
    for place in (*fields, "places"):
        assert f"head.{place} (" in said, place


def test_a_field_that_does_nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Written, "stage", lambda self, stage, x: torch.tanh(x))
    with pytest.raises(zoo.CheckFailure, match=r"^changes nothing: head\.stages\.0\.bent, head\.stages\.1\.bent$"):
        options_of(Subject(spec(), torch.device("cpu")))


def test_a_kind_that_is_never_looked_at_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Written, "ending", lambda self, x: x.abs() ** getattr(self.options.last, "of", Power().of))
    with pytest.raises(zoo.CheckFailure, match=r"^changes nothing: head\.last$"):
        options_of(Subject(spec(), torch.device("cpu")))
