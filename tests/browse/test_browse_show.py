"""`zoo show`: a model on one screen, whose figures are held to those that are counted by hand and add up."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from browse_support import DEEP, ROOT, Said, Zoo

from zoo.browse import card
from zoo.browse.outline import leaves, outline
from zoo.plugin.manager import Catalogue
from zoo.spec import library
from zoo.spec.canonical import Spec
from zoo.spec.describe import describe, described


def deep(repeat: int = 1) -> Spec:
    data = yaml.safe_load(DEEP)
    data["layers"] = [data["layers"][0], *[data["layers"][1]] * repeat]
    return library.load(data).spec


def test_a_model_on_one_screen(zoo: Zoo) -> None:
    done = zoo("show", "zaremba-lm@medium")
    # Embedding 10,000 650; one bias: 4 650 (650 + 650 + 1); 10,000 (650 + 1).
    assert done.out == (
        "zaremba-lm@medium\n"
        "Word-level language model on the Penn Treebank, two LSTM layers with dropout between them; the small size.\n"
        "\n"
        "paper             Zaremba, Sutskever and Vinyals 2014, Recurrent neural network regularization, preprint, "
        "arXiv:1409.2329\n"
        "tags              language-model\n"
        "variants          small, medium, large\n"
        f"file              {ROOT}/specs/zaremba-lm.yaml (recurrent-zoo {version(done)})\n"
        "\n"
        "part      what                                                               output  parameters  "
        "multiply-adds  state\n"
        "input     tokens: vocabulary 10,000, size 650                                   650   6,500,000  "
        "            0      0\n"
        "layers.0  lstm: hidden_size 650, bias one, dropout (input 0.5, between 0.5)     650   3,382,600  "
        "    3,380,000  1,300\n"
        "layers.1  lstm: hidden_size 650, bias one, dropout (output 0.5)                 650   3,382,600  "
        "    3,380,000  1,300\n"
        "head      linear: size 10,000                                                10,000   6,510,000  "
        "    6,500,000      0\n"
        "\n"
        "parameters        19,775,200\n"
        "multiply-adds     13,260,000 per step\n"
        "state             2,600 numbers per sequence\n"
        "sequential depth  2 per step\n"
        "streamable        yes, one step at a time\n"
    )


def version(done: Said) -> str:
    found = re.search(r"\(recurrent-zoo (\S+)\)", done.out)
    assert found is not None
    return found[1]


def test_what_is_inside_is_indented_and_equal_neighbours_are_one(catalogue: Catalogue) -> None:
    rows = card.rows(deep(24))
    # A linear layer of 8 (8 + 1), an LSTM of 4 8 (8 + 8 + 2), a simple network of 8 (8 + 8 + 2).
    linear, lstm, rnn = 72, 576, 144
    block = linear + lstm + 2 * rnn
    assert [(part, what, parameters) for part, what, _, parameters, _, _ in rows] == [
        ("input", "features: size 8", "0"),
        ("layers.0", "linear: size 8", "72"),
        ("layers.1-24", "24 x wrapper: residual", f"{24 * block:,}"),
        ("  layers.0", "linear: size 8", f"{24 * linear:,}"),
        ("  layers.1", "lstm: hidden_size 8", f"{24 * lstm:,}"),
        ("  layers.2", "wrapper: residual", f"{24 * 2 * rnn:,}"),
        ("    layers.0-1", "2 x rnn: hidden_size 8", f"{24 * 2 * rnn:,}"),
        ("head.pool", "mean", "0"),
        ("head", "linear: size 3", "27"),
    ]
    assert [row[5] for row in rows] == ["0", "0", "768", "0", "384", "384", "384", "0", "0"]  # 24 (2 8 + 2 8)


def test_neighbours_that_differ_are_apart(catalogue: Catalogue) -> None:
    spec = library.load(
        {
            "input": 4,
            "cell": "gru",
            "hidden_size": 4,
            "layers": [{}, {}, {"hidden_size": 5}, {}, {"reverse": True}, {"cell": "lstm"}, {}],
        }
    ).spec
    assert [(row[0], row[1]) for row in card.rows(spec)[1:]] == [
        ("layers.0-1", "2 x gru: hidden_size 4"),
        ("layers.2", "gru: hidden_size 5"),
        ("layers.3", "gru: hidden_size 4"),  # as wide, but it reads 5
        ("layers.4", "gru: hidden_size 4, reverse"),
        ("layers.5", "lstm: hidden_size 4"),
        ("layers.6", "gru: hidden_size 4"),
    ]


def test_names_of_layers_and_what_is_read_by_name_are_said_of_every_kind(catalogue: Catalogue) -> None:
    spec = library.load(
        {
            "input": 4,
            "layers": [
                {"kind": "linear", "size": 4, "name": "low"},
                {"cell": "gru", "hidden_size": 4, "name": "high"},
                {"kind": "linear", "size": 4, "from": "low", "name": "side"},
                {"kind": "linear", "size": 4, "from": "low", "name": "other"},
                {"cell": "gru", "hidden_size": 4, "from": "side", "name": "last"},
                {"kind": "linear", "size": 4, "name": "top"},
                {"kind": "join", "of": ["low", "high", "other", "top", "input"]},
            ],
            "heads": {"a": {"kind": "linear", "size": 2}, "b": {"kind": "linear", "size": 2, "of": "side"}},
        }
    ).spec
    assert [row[1] for row in card.rows(spec)[1:8]] == [
        "linear: size 4, name low",
        "gru: hidden_size 4, name high",
        "linear: size 4, name side, from low",
        "linear: size 4, name other, from low",  # equal but for what it is called, and so a line of its own
        "gru: hidden_size 4, name last, from side",
        "linear: size 4, name top",
        "join: of low, high, other, top, input",
    ]


def test_all_that_is_not_as_by_default_is_said(catalogue: Catalogue) -> None:
    layer = {
        "cell": {"kind": "lstm", "peephole": True, "bias": "none"},
        "bidirectional": True,
        "merge": "sum",
        "dropout": {"input": 0.1, "zoneout": 0.2},
        "norm": {"kind": "rms", "position": "before"},
        "residual": True,
        "output_projection": 4,
        "initial_state": "learned",
        "init": "torch",
    }
    spec = library.load({"input": 4, "hidden_size": 6, "layers": [layer]}).spec
    assert outline(spec)[1].text == (
        "lstm: hidden_size 6, bias none, peephole, bidirectional, merge sum, dropout (input 0.1, zoneout 0.2), "
        "norm (rms, position before), residual, output_projection 4, initial_state learned"
    )


def test_each_stack_is_shown(zoo: Zoo) -> None:
    lines = zoo("show", "translation@sutskever").lines
    shown = [re.split(r"  +", line.strip()) for line in lines if re.match(r"( |encoder|decoder|architecture)", line)]
    assert shown == [
        ["encoder", "192,016,000"],
        ["input", "tokens: vocabulary 160,000, size 1,000", "1,000", "160,000,000", "0", "0"],
        ["layers.0-3", "4 x lstm: hidden_size 1,000, bias one", "1,000", "32,016,000", "32,000,000", "8,000"],
        ["decoder", "192,016,000"],
        ["input", "tokens: vocabulary 80,000, size 1,000", "1,000", "80,000,000", "0", "0"],
        ["layers.0-3", "4 x lstm: hidden_size 1,000, bias one", "1,000", "32,016,000", "32,000,000", "8,000"],
        ["head", "linear: size 80,000, no bias", "80,000", "80,000,000", "80,000,000", "0"],
        ["architecture", "seq2seq", "80,000", "0", "0", "0"],
    ]
    assert "A line that says N x has the figures of all N, and so have the lines inside it." in lines


@pytest.mark.parametrize("entry", [entry.name for entry in library.entries() if entry.distribution == "recurrent-zoo"])
def test_the_figures_of_the_parts_add_up_for_every_model(entry: str) -> None:
    for model in library.read_all(entry).values():
        top = [row for row in card.rows(model.spec) if not row[0].startswith(" ")]
        total = sum(int(row[3].replace(",", "")) for row in top)
        assert total == model.description.parameters
        assert model.spec.expect is None or total == model.spec.expect.parameters


def test_the_figures_of_layers_inside_add_up_to_those_of_the_block(catalogue: Catalogue) -> None:
    spec = deep()
    found = described(spec)
    (block,) = [path for path in found if path == ("layers", 1)]
    inside = [path for path in found if path[:-1] == (*block, "layers")]
    assert len(inside) == 3
    for figure in ("parameters", "macs_per_step", "sequential_depth"):
        assert sum(getattr(found[path], figure) for path in inside) == getattr(found[block], figure)
    assert set(found) > {row.path for row in describe(spec).rows}
    assert [item.name for item in leaves(outline(spec))] == [
        "features",
        "linear",
        "linear",
        "lstm",
        "rnn",
        "mean",
        "linear",
    ]


def test_figures_that_are_unknown_are_left_out(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    import nested

    monkeypatch.setattr(nested, "describe", lambda options, shape: None)
    spec = deep()
    assert next(row[2:] for row in card.rows(spec) if row[1].startswith("wrapper")) == ("", "", "", "")
    assert dict(card.totals(spec, describe(spec)))["parameters"] == "unknown"


def test_changes_are_shown_in_every_form(zoo: Zoo) -> None:
    assert "lstm: hidden_size 30 " in zoo("show", "lstm", "--set", "hidden_size=30").out
    data = json.loads(zoo("show", "lstm", "--set", "hidden_size=30", "--json").out)
    assert data["layers"][0]["hidden_size"] == 30
    assert "hidden_size: 30" in zoo("show", "lstm", "--set", "hidden_size=30", "--resolved").out


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ("--source --resolved", "--source and --resolved are different ways to show a spec: choose one"),
        ("--source --svg a.svg", "--source and --svg are different ways to show a spec: choose one"),
        (
            "--source --set a=1",
            "--source shows a file as it is written, and --set changes nothing in it: leave one out",
        ),
        ("--svg no/a.svg", "no/a.svg: cannot be written: No such folder: no"),
        ("--svg .", ".: cannot be written: it is a folder"),
    ],
)
def test_wrong_uses_are_one_line(zoo: Zoo, options: str, line: str) -> None:
    assert zoo("show", "lstm", *options.split()) == Said("", f"zoo: {line}\n", 2)
