"""Cells beside each other: what they cost at one size, in `zoo components` and `zoo bench cells`. No test is timed."""

from __future__ import annotations

import json
import re
import types

import pytest
import torch
from each import each
from typer.testing import CliRunner

import zoo
from zoo.bench import cells
from zoo.bench.memory import peak_bytes
from zoo.cli.main import app
from zoo.components import CellType
from zoo.errors import ZooError
from zoo.plugin.hookspecs import hookimpl
from zoo.plugin.manager import catalogue, given, isolated
from zoo.spec import comparable


def told(*words: str) -> str:
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_memory_is_that_of_the_widest_moment() -> None:
    x = torch.zeros(100)

    def work() -> None:
        a = x * 2  # 400 bytes
        b = a.view(10, 10) + 1  # a view is no memory: 800
        del a  # 400
        c = b * 2  # 800
        (c * 2).add_(1)  # 1200, in place

    assert peak_bytes(work) == 1200


def test_memory_of_training_counts_what_waits_for_the_gradient() -> None:
    p = torch.zeros(100, requires_grad=True)

    def chain(length: int) -> int:
        def work() -> None:
            y = p
            for _ in range(length):
                y = y.sin()
            torch.autograd.grad(y.sum(), p)

        return peak_bytes(work)

    assert chain(12) - chain(11) == 400  # one more input of a sine is kept until the gradient has come by
    with torch.no_grad():
        assert peak_bytes(lambda: [p.sin(), None][1]) == 400


def test_components_says_what_every_cell_costs_with_paper_and_authority() -> None:
    found = json.loads(told("components", "--kind", "cell", "--sort", "parameters", "--json"))
    ours = {one["name"]: one for one in found if one["distribution"] == "recurrent-zoo"}
    assert len(ours) >= 75
    assert [name for name, one in ours.items() if not (one["paper"] and one["authority"])] == []
    sizes = [one["parameters"] for one in found if "parameters" in one]
    assert sizes == sorted(sizes)
    gru = ours["gru"]
    assert gru["parameters"] == 2 * 3 * 64 * 64 + 2 * 3 * 64
    assert (gru["macs_per_step"], gru["state_bytes"], gru["sequential_depth"]) == (2 * 3 * 64 * 64, 4 * 64, 1)
    assert ours["esn"]["parameters"] == 0  # its spec has a head, which is not the cell's
    assert ours["lru"]["state_bytes"] == 4 * 2 * 64  # complex


def test_components_as_a_table_has_the_figures_too() -> None:
    lines = told("components", "--kind", "cell", "--sort", "parameters").splitlines()
    assert lines[0].split()[:7] == ["name", "parameters", "multiply-adds", "state", "bytes", "depth", "summary"]
    assert lines[1].split()[:5] == ["esn", "0", "8,192", "256", "1"]


@each(
    ("words", "message"),
    [
        (("--sort", "size"), "--sort must be 'name' or 'parameters', not 'size'"),
        (("--sort", "parameters"), "--sort parameters compares cells: add --kind cell"),
        (("--kind", "head", "--sort", "parameters"), "--sort parameters compares cells: add --kind cell"),
    ],
)
def test_components_cannot_be_sorted_by_anything(words: tuple[str, ...], message: str) -> None:
    done = CliRunner().invoke(app, ["components", *words])
    assert isinstance(done.exception, ZooError)
    assert str(done.exception) == message


def test_a_cell_without_a_comparable_spec_is_measured_at_its_defaults() -> None:
    @hookimpl
    def zoo_cells() -> list[CellType]:
        lstm = catalogue().find("cell", "lstm").record
        assert isinstance(lstm, CellType)
        narrow = {"describe": "zoo.cells.linear.options:describe_rglru", "build": "zoo.cells.linear.rglru:RGLRU"}
        rglru = catalogue().find("cell", "rglru").record
        return [
            CellType(name="acme", build=lstm.build, options=lstm.options, describe=lstm.describe),
            CellType(name="dumb", build=lstm.build, options=lstm.options),
            CellType(name="narrow", options=rglru.options, **narrow),
        ]

    module = types.ModuleType("acme")
    module.zoo_cells = zoo_cells  # type: ignore[attr-defined]
    known = isolated(given(module, distribution="zoo-acme"))
    rows = comparable.rows(known.all("cell"), known)
    description = rows["zoo-acme/acme"].description
    assert description is not None
    assert description.parameters == 2 * 4 * 64 * 64 + 2 * 4 * 64
    assert "zoo-acme/dumb" not in rows  # does not describe itself
    assert "zoo-acme/narrow" in rows


def test_bench_cells_measures_a_cell_beside_the_lstm() -> None:
    words = ("--only", "mingru", "--rounds", "1", "--seconds", "0", "--batch", "2", "--steps", "3", "--json")
    found = json.loads(told("bench", "cells", *words))
    assert (found["batch"], found["steps"]) == (2, 3)
    (mingru,) = found["cells"]
    spec = zoo.load("cells/mingru")
    assert mingru["parameters"] == zoo.describe(spec).parameters
    assert (mingru["state_bytes"], mingru["sequential_depth"]) == (256, 0)
    assert (mingru["streamable"], mingru["linear"]) == (True, True)
    for kind in ("forward", "training"):
        assert mingru[kind]["name"] == f"cells/mingru/{kind}"
        assert mingru[kind]["beside"] == f"the lstm's {kind}"
        assert mingru[kind]["rounds"] == 1
        ratio = mingru[kind]["seconds"]["median"] / mingru[kind]["beside_seconds"]["median"]
        assert mingru[kind]["figure"]["median"] == pytest.approx(ratio)
    gates = 2 * 3 * 2 * 64 * 4  # bytes of z and n for two rows and three steps
    assert mingru["training"]["peak_bytes"] > mingru["forward"]["peak_bytes"] >= gates


def test_bench_cells_knows_cells_by_their_shortest_names() -> None:
    known = isolated()
    assert list(cells.chosen(known, "min*")) == ["mingru", "minimalrnn", "minlstm"]
    assert len(cells.chosen(known, None)) == len(known.all("cell"))
    with pytest.raises(
        ZooError, match=r"no cell matches 'qqq' among those with a spec in a folder of cells; `zoo list"
    ):
        cells.chosen(known, "qqq")
    with pytest.raises(ZooError, match="--sort must be one of name, parameters, forward, training, not 'size'"):
        cells.ordered((), "size")


def test_on_a_narrow_terminal_the_table_goes_on_below_and_no_number_is_broken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from zoo.cli import bench

    row = ("memory-control-lstm", *(["1,234,567"] * (len(cells.COLUMNS) - 1)))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(bench, "is_terminal", lambda: True)
    bench._wide_table(cells.COLUMNS, [row, row], right=cells.COLUMNS[1:])
    printed = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    lines = [line.rstrip() for line in printed.splitlines()]
    heads = [line for line in lines if line.startswith("cell ")]
    assert len(heads) == 3
    assert max(map(len, lines)) <= 80
    shown = [re.split(r"  +", head)[1:] for head in heads]
    assert [name for names in shown for name in names] == [name.strip() for name in cells.COLUMNS[1:]]
    assert [line.count("1,234,567") for line in lines if line.startswith("memory-control-lstm ")] == [
        len(names) for names in shown for _ in range(2)
    ]
    # Piped, it is one table, however wide.
    monkeypatch.setattr(bench, "is_terminal", lambda: False)
    bench._wide_table(cells.COLUMNS, [row], right=cells.COLUMNS[1:])
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_a_column_that_fits_nowhere_stands_alone() -> None:
    from zoo.cli.bench import _blocks

    assert list(_blocks([10, 5, 5, 90, 5], 24)) == [[0, 1, 2], [0, 3], [0, 4]]
    assert list(_blocks([10], 5)) == [[0]]
