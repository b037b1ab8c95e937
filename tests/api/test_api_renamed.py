"""A member of a public class under its old name works as ever, says so at the line that uses it, and goes in time."""

from __future__ import annotations

import copy
import pickle
import tomllib
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from api_facts import SNAPSHOT, read
from packaging.version import Version
from torch import nn

import zoo
from zoo.renamed import RENAMED
from zoo.testing import isolated_plugins, tiny_spec

ROOT = Path(__file__).parents[2]
VERSION = Version(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])
EVERY = [(of, old) for of, members in RENAMED.items() for old in members]


def overdue(version: Version) -> list[str]:
    return [f"{of}.{old}" for of, old in EVERY if version >= Version(RENAMED[of][old].removed_in)]


class Plain(zoo.Cell):
    """h = f h + i x, with names of the gates for `roles` to have."""

    forget_gate_name, input_gate_name = "f", "i"

    def __init__(self, options: Any, input_shape: tuple[int, ...], hidden_size: int) -> None:
        super().__init__()
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        self.states = {"h": zoo.StateSpec((hidden_size,), initial_value=0.25)}
        self.bias = nn.Parameter(torch.zeros(2 * hidden_size))

    def roles(self) -> Mapping[str, zoo.Role]:
        return {"bias": zoo.Role("bias", ("f", "i"))}

    def step(self, u: Any, state: Mapping[str, torch.Tensor], const: Any) -> dict[str, torch.Tensor]:
        f, i = torch.sigmoid(self.bias).chunk(2)
        return {"h": f * state["h"] + i * u.sum(-1, keepdim=True)}

    def reset_parameters(self) -> None:
        nn.init.zeros_(self.bias)

    def set_fixed_parameters(self) -> None:
        with torch.no_grad():
            self.bias.fill_(3.0)


def caught(of: str, old: str) -> Any:
    entry = RENAMED[of][old]
    said = f"zoo.{of}.{old} is deprecated since {entry.since} and goes in {entry.removed_in}: use {entry.instead}"
    return pytest.warns(DeprecationWarning, match=f"^{said}$".replace(".", r"\."))


def test_what_was_to_go_is_gone() -> None:
    assert overdue(VERSION) == [], "its time has come: take it out of zoo/renamed.py and of its class"
    assert len(overdue(Version("0.3"))) == len(EVERY) == 5
    assert overdue(Version("0.2.9")) == []


@pytest.mark.parametrize(("of", "old"), EVERY)
def test_the_snapshot_has_both_names_alike(of: str, old: str) -> None:
    facts = read(SNAPSHOT.read_text(encoding="utf-8"))
    entry = RENAMED[of][old]
    assert facts[f"zoo.{of}.{old}"] == facts[f"zoo.{of}.{entry.instead}"]
    fact = facts[f"deprecated zoo.{of}.{old}"]
    assert (fact.type, fact.default) == (f"use {entry.instead}", entry.removed_in)


def test_a_state_is_declared_by_the_old_name() -> None:
    with caught("StateSpec", "start") as warned:
        found = zoo.StateSpec((3,), start=0.5)  # type: ignore[call-arg]
    assert [Path(one.filename) for one in warned] == [Path(__file__)]
    assert found == zoo.StateSpec((3,), False, 0.5) == zoo.StateSpec((3,), initial_value=0.5)
    with caught("StateSpec", "start"):
        assert found.start == 0.5  # type: ignore[attr-defined]
    with caught("StateSpec", "start"):
        assert replace(found, start=2.0).initial_value == 2.0  # type: ignore[call-arg]
    assert pickle.loads(pickle.dumps(found)) == copy.deepcopy(found) == found


def test_a_cell_names_its_gates_by_the_old_names() -> None:
    with caught("Cell", "keep") as warned:

        class Old(Plain):
            keep = "i"

    assert [Path(one.filename) for one in warned] == [Path(__file__)]
    assert (Old.forget_gate_name, Old.input_gate_name) == ("i", "i")
    cell = Old(None, (2,), 3)
    for read_from in (Old, cell):
        with caught("Cell", "keep"):
            assert read_from.keep == "i"
        with caught("Cell", "write"):
            assert read_from.write == "i"
    with caught("Cell", "write"):
        cell.write = "f"
    assert cell.input_gate_name == "f"


def test_parameters_are_fixed_by_the_old_name() -> None:
    with caught("Cell", "pin_parameters"):

        class Old(Plain):
            def pin_parameters(self) -> None:
                super().pin_parameters()
                with torch.no_grad():
                    self.bias[0] = 7.0

    class Older(Old):
        def set_fixed_parameters(self) -> None:
            super().set_fixed_parameters()
            with torch.no_grad():
                self.bias[1] = 8.0

    for cls, expected in ((Plain, [3.0, 3.0]), (Old, [7.0, 3.0]), (Older, [7.0, 8.0])):
        for fixed in ("pin_parameters", "set_fixed_parameters"):
            cell = cls(None, (2,), 1)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                getattr(cell, fixed)()
            assert cell.bias.tolist() == expected
    with caught("Cell", "pin_parameters"):
        Plain(None, (2,), 1).pin_parameters()


def test_a_model_fixes_what_its_cell_fixes_by_the_old_name() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        cls = type("Old", (Plain,), {"pin_parameters": lambda self: nn.init.constant_(self.bias, 5.0)})
    model = zoo.nn.Recurrent(cls(None, (2,), 3))
    cell = model.layers[0].cell
    assert cell.bias.tolist() == [0.0] * 6  # the copy of a given cell keeps its values
    built = zoo.nn.Recurrent(lambda i, h: cls(None, (i,), h), 2, 3, init={"kind": "uniform", "range": 0.1})
    assert built.layers[0].cell.bias.tolist() == [5.0] * 6


class Head(nn.Linear):
    """No cell, so that nothing tells it where it is defined."""

    def __init__(self, options: Any, shape: tuple[int, ...], *others: Any) -> None:
        super().__init__(shape[0], 2)
        self.output_shape = (2,)

    def pin_parameters(self) -> None:
        nn.init.constant_(self.bias, 9.0)


class Package:
    @zoo.hookimpl
    def zoo_heads(self) -> list[zoo.HeadType]:
        return [zoo.HeadType(name="pinned", build=f"{__name__}:Head", summary="A head with a bias of nine")]


def test_another_component_fixes_parameters_by_the_old_name() -> None:
    with isolated_plugins(Package()), caught("Cell", "pin_parameters"):
        model = zoo.build(tiny_spec("gru", head="pinned"))
    assert model.head.bias.tolist() == [9.0, 9.0]  # type: ignore[union-attr]


def test_a_module_may_have_an_old_name() -> None:
    cell = Plain(None, (2,), 3)
    cell.write = nn.Linear(2, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert isinstance(cell.write, nn.Linear)
    assert cell.input_gate_name == "i"


def test_a_summary_says_why_by_the_old_name() -> None:
    found = zoo.summary("imdb-bilstm")
    with caught("Summary", "obstacle"):
        assert found.obstacle == found.not_streamable_reason  # type: ignore[attr-defined]
    assert found.not_streamable_reason is not None
    assert found.to_json()["obstacle"] == found.to_json()["not_streamable_reason"] == found.not_streamable_reason


def test_new_names_do_not_warn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cell = Plain(None, (2,), 3)
        cell.set_fixed_parameters()
        assert (cell.forget_gate_name, cell.states["h"].initial_value) == ("f", 0.25)
