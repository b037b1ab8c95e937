"""The docstrings of the public names are whole, as griffe reads them, and their examples are true."""

from __future__ import annotations

import doctest
import importlib
import inspect
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from docstring_gaps import classes, counted, functions, gaps, gaps_of_class
from each import each

import zoo
import zoo.testing
from zoo.errors import InputError
from zoo.plugin.manager import isolated, using

docstrings = importlib.import_module("docstrings")

SHOWN = (
    *("zoo.build", "zoo.load", "zoo.list_specs", "zoo.summary", "zoo.check", "zoo.convert", "zoo.doctor"),
    *("zoo.describe", "zoo.fit_readout", "zoo.materialise", "zoo.to_yaml", "zoo.Model.streaming", "zoo.State"),
    *("zoo.StackModel", "zoo.StackModel.forward", "zoo.StackModel.step", "zoo.StackModel.init_state"),
    *("zoo.StackModel.example_input", "zoo.Cell", "zoo.CellType", "zoo.StateSpec", "zoo.Role", "zoo.Options"),
    *(f"zoo.testing.{name}" for name in zoo.testing.__all__ if name != "Check"),
)
"""What people call, or write a component from: each shows how."""


def _public() -> dict[str, Any]:
    return {**functions(), **classes()}


@each("name", functions())
def test_a_function_says_all_of_itself(name: str) -> None:
    assert gaps(functions()[name]) == []


@each("name", classes())
def test_a_class_says_all_of_its_fields_and_arguments(name: str) -> None:
    assert gaps_of_class(classes()[name]) == []


@each("name", [provided.record.name for provided in isolated().all("cell")])
def test_a_cell_begins_with_its_records_line_and_says_its_source(name: str) -> None:
    """The same line in lists and in `help`; then its equations, which a test of the pages evaluates, and where from."""
    record = isolated().find("cell", name).record
    cell = zoo.build(f"cells/{name}", seed=0).layers[0].cell
    said = docstrings.said(type(cell))
    assert said.summary == f"{record.summary}."
    assert " = " in said.text
    assert "Source: " in said.text


def test_what_is_counted_is_all_that_is_public() -> None:
    complete, all_of_them = counted()
    assert complete == all_of_them == len(functions())
    public = {f"zoo.{name}" for name in zoo.__all__} | {f"zoo.testing.{name}" for name in zoo.testing.__all__}
    options = {"zoo.InputOption", "zoo.Inputs", "zoo.Layers", "zoo.NormOption", "zoo.PoolOption"}
    beside = {"zoo.Count", "zoo.Vocabulary", "zoo.Width", "zoo.hookimpl", *options}  # neither class nor function
    assert public - set(_public()) == beside
    assert {"zoo.zoo_cells", "zoo.Cell.fused_stack", "zoo.Model.streaming", "zoo.StateSpec.dtype"} <= set(functions())


@each("name", SHOWN)
def test_what_people_call_has_an_example(name: str) -> None:
    assert docstrings.said(_public()[name]).examples


@each("name", [name for name, one in _public().items() if ">>>" in (one.__doc__ or "")])
def test_an_example_gives_what_it_shows(name: str) -> None:
    found = _public()[name]
    names = {"zoo": zoo, "torch": torch}
    example = doctest.DocTestParser().get_doctest(inspect.cleandoc(found.__doc__), names, name, None, None)
    said: list[str] = []
    with using(isolated()):
        failed, tried = doctest.DocTestRunner().run(example, out=said.append)
    assert (failed, tried > 0) == (0, True), "".join(said)


# What is missing is found.


def one(x: int, *more: int, deep: bool = False) -> int:
    if more or deep:
        raise InputError("no")
    return x


def yielding(x: int) -> Iterator[int]:
    yield x


WHOLE = """Do.

Args:
    x: One.
    *more: Others.
    deep: Whether.

Returns:
    What comes back.

Raises:
    InputError: If not.
"""


@each(
    ("change", "found"),
    [
        (("", ""), []),
        ((WHOLE, ""), ["no summary"]),
        (("    deep: Whether.\n", ""), ["argument deep"]),
        (("x: One", "y: One"), ["argument x", "argument y that is not there"]),
        (("    x: One.\n    *more: Others.", "    x: One. more: Others."), ["argument more"]),
        (("    deep: Whether.", "    deep:"), ["argument deep"]),
        (("Returns:\n    What comes back.\n", ""), ["no Returns"]),
        (("What comes", "Both: what comes"), ["Returns begins with what readers take for a type"]),
        (("InputError: If", "ZooError: If"), ["error InputError"]),
    ],
)
def test_what_a_function_leaves_out_is_found(
    change: tuple[str, str], found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one, "__doc__", WHOLE.replace(*change) if change[0] else WHOLE)
    assert gaps(one) == found


def test_an_iterator_says_what_it_yields(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "Do.\n\nArgs:\n    x: One.\n\nReturns:\n    The same."
    monkeypatch.setattr(yielding, "__doc__", text)
    assert gaps(yielding) == ["no Yields"]
    monkeypatch.setattr(yielding, "__doc__", text.replace("Returns", "Yields"))
    assert gaps(yielding) == []


def test_what_a_class_leaves_out_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = zoo.Role.__doc__ or ""
    monkeypatch.setattr(zoo.Role, "__doc__", whole.replace("    gates:", "    doors:"))
    assert gaps_of_class(zoo.Role) == ["attribute gates", "attribute doors that is not there"]
    monkeypatch.setattr(zoo.Role, "__doc__", "Role(kind, gates, forget)")
    assert gaps_of_class(zoo.Role) == ["no summary"]
    monkeypatch.setattr(zoo.State, "__doc__", "State.")
    assert gaps_of_class(zoo.State) == ["argument tensors"]
    monkeypatch.setattr(zoo.Report.ok.fget, "__doc__", None)
    assert gaps_of_class(zoo.Report) == ["property ok"]
