"""`zoo diff`: what was added, removed and changed from one tree to another, the same in equal layers once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from browse_support import Said, Zoo

from zoo.plugin.manager import Catalogue
from zoo.spec import library
from zoo.spec.align import pairs
from zoo.spec.compare import compare

FIGURES = (
    "parameters",
    "multiply-adds per step",
    "state numbers per sequence",
    "sequential depth per step",
    "streamable",
)


def found(a: dict[str, Any], b: dict[str, Any]) -> list[tuple[str, str, Any, Any]]:
    """The differences of two models but for their figures."""
    common = {"input": 8, "cell": "gru", "hidden_size": 8}
    rows = compare(library.load(common | a), library.load(common | b))
    return [(row.key, row.change, row.a, row.b) for row in rows if row.key not in FIGURES]


def block(*layers: Any, **keys: Any) -> dict[str, Any]:
    return {"kind": "block", "layers": list(layers), **keys}


def linear(size: int = 8) -> dict[str, Any]:
    return {"kind": "linear", "size": size}


def written(size: int = 8) -> dict[str, Any]:
    return {"kind": "recurrent-zoo/linear", "size": size, "bias": True, "activation": "none", "dropout": 0.0}


LEFT_OUT = object()
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], list[tuple[Any, ...]]]] = {
    "equal": ({"layers": 3}, {"layers": [{}, {}, {"cell": "gru"}]}, []),
    "only labels": ({"name": "a", "tags": ["x"], "paper": "y"}, {"name": "b"}, []),
    "a size": ({}, {"hidden_size": 9}, [("layers.0.hidden_size", "changed", 8, 9)]),
    "a size of all": ({"layers": 24}, {"layers": 24, "hidden_size": 9}, [("layers.0-23.hidden_size", "changed", 8, 9)]),
    "a size of some": (
        {"layers": 5},
        {"layers": [{}, {"reverse": True}, {"reverse": True}, {}, {"reverse": True}]},
        [("layers.1-2,4.reverse", "changed", False, True)],
    ),
    "different values": (
        {"layers": 3},
        {"layers": [{"hidden_size": 9}, {"hidden_size": 9}, {"hidden_size": 7}]},
        [("layers.0-1.hidden_size", "changed", 8, 9), ("layers.2.hidden_size", "changed", 8, 7)],
    ),
    "a norm": (
        {"layers": 2},
        {"layers": 2, "norm": "layer"},
        [("layers.0-1.norm", "added", None, LEFT_OUT)],
    ),
    "a head gone": ({"head": linear(3)}, {}, [("head", "removed", LEFT_OUT, None)]),
    "a layer in the middle": (
        {"layers": [{}, {"reverse": True}]},
        {"layers": [{}, linear(), {"reverse": True}]},
        [("layers.1", "added", None, written())],
    ),
    "the first layer gone": (
        {"layers": [linear(), {}, {"reverse": True}]},
        {"layers": [{}, {"reverse": True}]},
        [("layers.0", "removed", written(), None)],
    ),
    "a layer more and another changed": (
        {"layers": [linear(), {}]},
        {"layers": [linear(), linear(), {"hidden_size": 9}]},
        [("layers.1", "added", None, written()), ("layers.1.hidden_size", "changed", 8, 9)],
    ),
    "more of the same": (
        {"layers": [{}, linear()]},
        {"layers": [{}, linear(), linear(), linear()]},
        [("layers.2-3", "added", None, written())],
    ),
    "deep inside": (
        {"layers": [block(block(linear(), {}))] * 3},
        {"layers": [block(block(linear(), {"cell": "lstm"}))] * 3},
        [
            ("layers.0-2.layers.0.layers.1.cell.kind", "changed", "recurrent-zoo/gru", "recurrent-zoo/lstm"),
            ("layers.0-2.layers.0.layers.1.cell.reset_gate", "removed", "after", None),
            ("layers.0-2.layers.0.layers.1.cell.peephole", "added", None, False),
            ("layers.0-2.layers.0.layers.1.cell.coupled", "added", None, False),
            ("layers.0-2.layers.0.layers.1.cell.gate_norm", "added", None, "none"),
        ],
    ),
    "a layer more in each block": (
        {"layers": [block({}, linear())] * 4},
        {"layers": [block({}, linear(), {})] * 4},
        [("layers.0-3.layers.2", "added", None, LEFT_OUT)],
    ),
    "of a component without options": (
        {"head": {**linear(3), "pool": "mean"}},
        {"head": {**linear(3), "pool": "max"}},
        [("head.pool", "changed", "recurrent-zoo/mean", "recurrent-zoo/max")],
    ),
}


@pytest.mark.parametrize(("a", "b", "rows"), CASES.values(), ids=CASES)
def test_what_differs(a: dict[str, Any], b: dict[str, Any], rows: list[tuple[Any, ...]], catalogue: Catalogue) -> None:
    told = found(a, b)
    assert [row[:2] for row in told] == [row[:2] for row in rows]
    for row, expected in zip(told, rows, strict=True):
        assert all(one == two or two is LEFT_OUT for one, two in zip(row, expected, strict=True))


@pytest.mark.parametrize(("a", "b", "rows"), CASES.values(), ids=CASES)
def test_the_other_way_round_what_was_added_is_removed(
    a: dict[str, Any], b: dict[str, Any], rows: list[tuple[Any, ...]], catalogue: Catalogue
) -> None:
    other = {"added": "removed", "removed": "added", "changed": "changed"}
    assert sorted(other[row[1]] for row in found(b, a)) == sorted(row[1] for row in rows)
    assert found(a, a) == found(b, b) == []


def test_every_place_is_in_the_data(zoo: Zoo) -> None:
    done = zoo("diff", "zaremba-lm", "zaremba-lm@medium", "--json")
    rows = {row["key"]: row for row in json.loads(done.out)}
    assert done.status == 1
    assert rows["layers.0-1.hidden_size"] == {
        "key": "layers.0-1.hidden_size",
        "change": "changed",
        "a": 200,
        "b": 650,
        "keys": ["layers.0.hidden_size", "layers.1.hidden_size"],
    }
    assert rows["parameters"]["b"] == 19_775_200


def test_a_stack_has_its_name_in_the_key(zoo: Zoo) -> None:
    done = zoo("diff", "translation", "translation@sutskever")
    lines = [line.split() for line in done.lines]
    assert ["encoder.input.size", "changed", "64", "1,000"] in lines
    assert ["encoder.layers.0-1.hidden_size", "changed", "128", "1,000"] in lines
    assert ["decoder.head.bias", "changed", "True", "False"] in lines
    assert ["parameters", "changed", "880,348", "384,032,000"] in lines
    assert next(line for line in done.lines if line.startswith("encoder.layers.2-3 ")).split("  ")[-1] == (
        "lstm, hidden_size 1,000"
    )


def test_a_layer_is_said_in_a_few_words(zoo: Zoo, tmp_path: Any) -> None:
    text = "schema: 1\nname: a\ninput: 8\ncell: gru\nhidden_size: 8\nlayers:\n  - {}\n"
    (tmp_path / "a.yaml").write_text(text)
    (tmp_path / "b.yaml").write_text(text + "  - {kind: block, layers: 2}\nhead: {kind: linear, size: 3}\n")
    lines = zoo("diff", "a.yaml", "b.yaml").lines
    assert lines[1].split("  ")[-1].strip() == "block, residual True, 2 layers"
    assert [line.split()[:2] for line in lines[1:3]] == [["layers.1", "added"], ["head", "added"]]


def test_the_status_says_whether_anything_differs(zoo: Zoo) -> None:
    assert zoo("diff", "lstm", "lstm") == Said("lstm and lstm are equal\n", "", 0)
    assert zoo("diff", "lstm", "gru").status == 1
    assert zoo("diff", "lstm", "none").status == 2


def test_long_lists_take_no_time() -> None:
    a = [{"kind": "linear", "size": index} for index in range(1000)]
    b = [{"kind": "linear", "size": index + 1} for index in range(1000)]
    assert pairs(a, b) == [(index, index) for index in range(1000)]
    assert pairs(a, [a[0], {"kind": "x"}, *a[1:]]) == [(0, 0), (None, 1), *((i, i + 1) for i in range(1, 1000))]
    assert pairs(a, []) == [(index, None) for index in range(1000)]
    assert pairs([], []) == []
    same = [{"kind": "x"}] * 300
    one = [{"kind": "a"}, {"kind": "y"}, *same, {"kind": "b"}]
    assert pairs(one, [{"kind": "c"}, *same, {"kind": "d"}]) == [*((i, i) for i in range(302)), (302, None)]
