"""A number that float32 cannot hold is a mistake at its place, however deep in an option it stands."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

import pytest
from each import each
from pydantic import BaseModel, Field, RootModel

import zoo
from zoo.components import Description, Shape
from zoo.errors import SpecError
from zoo.plugin.manager import given, isolated
from zoo.spec import library
from zoo.spec.places import LARGEST

RANGE = "must be between -3.4e+38 and 3.4e+38, which float32 can hold"
SPEC = {"schema": 1, "name": "x", "input": 3, "hidden_size": 4}


class Inner(BaseModel):
    """Not strict, as a plugin's own model may be: text becomes a number."""

    rate: float = Field(1.0, alias="pace")
    rates: list[float] = Field([])


class Root(RootModel[list[float]]):
    """Written as a list."""


@dataclass
class Pair:
    low: float
    high: float


class NestedOptions(zoo.Options):
    one: float = 1.0
    maybe: float | None = None
    either: float | str = 1.0
    row: Annotated[tuple[float, ...], Field(strict=False)] = ()
    rows: list[list[float]] = Field([])
    fixed: Annotated[tuple[float, str], Field(strict=False)] = (1.0, "a")
    named: dict[str, float] = Field({})
    lists: dict[str, list[float]] = Field({})
    several: set[float] = Field(set(), strict=False)
    inner: Inner = Inner()
    inners: list[Inner] = Field([])
    root: Root | None = None
    pair: Pair | None = None
    exact: Annotated[Decimal, Field(strict=False)] = Decimal(1)
    anything: Any = None
    unbounded: float = math.inf


def describe(options: NestedOptions, shape: Shape, hidden_size: int) -> Description:
    return Description(output_shape=(hidden_size,), parameters=0, state={"h": (hidden_size,)})


class Plugin:
    @zoo.hookimpl
    def zoo_cells(self) -> list[zoo.CellType]:
        here = f"{__name__}:describe"
        return [zoo.CellType(name="nested", options=NestedOptions, build=here, describe=here)]


NESTED = isolated(given(Plugin(), distribution="zoo-nested"))

PLACES = {  # the option, with a number in its place, and how a message calls it
    "one": ("one", lambda n: n, "'one'"),
    "maybe": ("maybe", lambda n: n, "'maybe'"),
    "either": ("either", lambda n: n, "'either'"),
    "row": ("row", lambda n: [1.0, n], "an entry of 'row'"),
    "rows": ("rows", lambda n: [[1.0], [2.0, n]], "an entry of 'rows'"),
    "fixed": ("fixed", lambda n: [n, "b"], "an entry of 'fixed'"),
    "named": ("named", lambda n: {"a": 1.0, "b": n}, "'b'"),
    "lists": ("lists", lambda n: {"a": [n]}, "an entry of 'a'"),
    "several": ("several", lambda n: [1.0, n], "'several'"),
    "inner": ("inner", lambda n: {"pace": n}, "'pace'"),
    "inner-list": ("inner", lambda n: {"rates": [n]}, "an entry of 'rates'"),
    "inners": ("inners", lambda n: [{"pace": 1.0}, {"pace": n}], "'pace'"),
    "root": ("root", lambda n: [n], "an entry of 'root'"),
    "pair": ("pair", lambda n: {"low": 0.0, "high": n}, "'high'"),
    "exact": ("exact", lambda n: n, "'exact'"),
    "anything": ("anything", lambda n: [{"a": (n,)}], "an entry of 'a'"),
}


@each("place", PLACES)
@each("sign", [1, -1])
def test_a_number_is_held_to_float32_wherever_it_stands(place: str, sign: int) -> None:
    option, written, label = PLACES[place]
    for number in (sign * LARGEST, sign * 1e-300):
        keys: Any = {**SPEC, "cell": {"kind": "nested", option: written(number)}}
        assert library.load(keys, NESTED).spec.name == "x"
    for number in (sign * math.nextafter(LARGEST, math.inf), sign * 1e39, sign * 1e300):
        keys = {**SPEC, "cell": {"kind": "nested", option: written(number)}}
        with pytest.raises(SpecError) as caught:
            library.load(keys, NESTED)
        (found,) = caught.value.diagnostics
        assert found.message == f"{label} {RANGE}"
        pointed = found.text[found.column - 1 :][: found.width].rstrip(",]}")
        assert place == "several" or float(pointed) == number  # what stands in a set has no order


def test_every_number_that_is_too_large_is_said_at_once() -> None:
    keys: Any = {**SPEC, "cell": {"kind": "nested", "row": [1e39, 1.0, -1e39], "named": {"b": 1e300}, "one": 1e39}}
    with pytest.raises(SpecError) as caught:
        library.load(keys, NESTED)
    assert [d.message for d in caught.value.diagnostics] == [
        f"{label} {RANGE}" for label in ("an entry of 'row'", "an entry of 'row'", "'b'", "'one'")
    ]


@pytest.mark.parametrize("text", ["inf", "nan", "1e39"])
def test_text_that_a_plugin_takes_for_a_number_is_held_too(text: str) -> None:
    keys: Any = {**SPEC, "cell": {"kind": "nested", "inner": {"pace": text}}}
    with pytest.raises(SpecError, match=f"'pace' {RANGE}".replace("+", r"\+")):
        library.load(keys, NESTED)


def test_a_default_is_its_authors_own() -> None:
    found = library.load({**SPEC, "cell": "nested"}, NESTED).spec.layers[0]
    assert found.cell.options.unbounded == math.inf  # type: ignore[union-attr]
