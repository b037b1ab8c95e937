"""What `print(model)` shows: sizes, and what differs from the defaults; nothing that is as it always is."""

from __future__ import annotations

import re

from each import each

import zoo
from zoo.spec import library


def built(**keys: object) -> zoo.Model:
    return zoo.build({"schema": 1, "name": "a", "input": 10, "hidden_size": 20, "cell": "lstm", **keys})


def test_a_plain_model_shows_its_sizes() -> None:
    assert str(built(layers=2)) == (
        "StackModel(\n"
        "  (input): Features(10)\n"
        "  (layers): LayerList(\n"
        "    (0): RecurrentLayer(\n"
        "      (cell): LSTM(10, 20)\n"
        "    )\n"
        "    (1): RecurrentLayer(\n"
        "      (cell): LSTM(20, 20)\n"
        "    )\n"
        "  )\n"
        ")"
    )


def test_a_layer_shows_what_differs_from_a_plain_one() -> None:
    dropout = {"input": 0.1, "variational": True, "zoneout": 0.2}
    model = built(dropout=dropout, bidirectional=True, merge="sum", residual=True, input=20)
    assert model.layers[0].extra_repr() == (
        "merge='sum', residual=True, dropout=Dropout(input=0.1, variational=True, zoneout=0.2)"
    )
    assert built(norm={"kind": "layer", "position": "before"}).layers[0].extra_repr() == "norm_position='before'"
    assert built(layers=[{"reverse": True}]).layers[0].extra_repr() == "reverse=True"
    assert built(layers=[{"output_projection": 3, "initial_state": "learned"}]).layers[0].extra_repr() == ""


@each(
    ("cell", "shown"),
    [
        ({"kind": "lstm", "peephole": True, "bias": "one"}, "LSTMVariant(10, 20, bias='one', peephole=True)"),
        ({"kind": "lstm", "projection": 8}, "LSTM(10, 20, projection=8)"),
        ({"kind": "rnn", "nonlinearity": "relu"}, "RNN(10, 20, nonlinearity='relu')"),
        ({"kind": "gru", "reset_gate": "after"}, "GRU(10, 20)"),
        ("lmu", "LMU(10, 20)"),
        ({"kind": "lmu", "order": 5}, "LMU(10, 20, order=5)"),
    ],
)
def test_a_cell_shows_its_sizes_and_the_options_that_were_chosen(cell: object, shown: str) -> None:
    model = built(cell=cell, bidirectional=True)
    assert [str(model.layers[0].cell), str(model.layers[0].reverse_cell)] == [shown, shown]


def test_maps_are_shown_whole() -> None:
    model = built(input={"kind": "maps", "channels": 3, "height": 8, "width": 6}, cell="convlstm", hidden_size=4)
    assert str(model.input) == "Maps(3, 8, 6)"
    assert str(model.layers[0].cell) == "ConvLSTM((3, 8, 6), 4)"


def test_heads_and_other_layers_show_what_was_chosen() -> None:
    layer = {"kind": "linear", "size": 6, "activation": "tanh", "dropout": 0.1}
    model = built(layers=[{}, layer], head={"kind": "mlp", "size": 2, "hidden": [4], "activation": "gelu"})
    assert model.layers[1].extra_repr() == "activation='tanh', dropout=0.1"
    assert model.head.extra_repr() == "activation='gelu'"
    assert built(head={"kind": "linear", "size": 2}).head.extra_repr() == ""
    assert built(head={"kind": "linear", "size": 2, "bias": False, "dropout": 0.3}).head.extra_repr() == "dropout=0.3"
    tokens = {"kind": "tokens", "vocabulary": 50, "size": 20, "dropout": 0.2}
    tied = built(input=tokens, head="tied")
    assert (tied.input.extra_repr(), tied.head.extra_repr()) == ("dropout=0.2", "20, 50")


@each("name", [entry.name for entry in library.entries() if entry.name.startswith("cells/")])
def test_every_cell_of_the_catalogue_has_its_sizes_in_one_short_line(name: str) -> None:
    layer = zoo.build(name, device="meta").layers[0]
    text = f"{type(layer.cell).__name__}({layer.cell.extra_repr()})"
    assert re.fullmatch(r"\w+\((\(\d+, \d+, \d+\)|\d+), \d+(, \w+=[^\n]*)?\)", text), text
    assert len(text) < 100
    assert "dropout" not in layer.extra_repr()
