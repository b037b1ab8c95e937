"""Specs that cover the format's features pairwise, so that each meets each other one somewhere."""

from __future__ import annotations

from typing import Any, Final


def _spec(name: str, **keys: Any) -> dict[str, Any]:
    return {"schema": 1, "name": name, **keys}


TOKENS: Final = {"kind": "tokens", "vocabulary": 50, "size": 24, "padding": 0, "dropout": 0.2}

FEATURES: Final[tuple[dict[str, Any], ...]] = (
    _spec("ten-classes", input=3, cell="gru", hidden_size=5, head={"kind": "linear", "size": 10, "pool": "last"}),
    _spec(
        "mixed-cells",
        input=9,
        layers=[
            {"cell": "lstm", "hidden_size": 14, "norm": {"kind": "layer", "position": "before"}},
            {"kind": "linear", "size": 10, "activation": "gelu", "dropout": 0.2},
            {"cell": {"kind": "gru", "reset_gate": "before"}, "hidden_size": 12, "initial_state": "learned"},
            {"cell": "rnn", "hidden_size": 8, "norm": "rms"},
        ],
    ),
    _spec(
        "both-ways-summed",
        input=8,
        cell={"kind": "gru", "bias": "one"},
        bidirectional=True,
        merge="sum",
        layers=[
            {"hidden_size": 8, "residual": True, "norm": "layer"},
            {"hidden_size": 8, "residual": True, "initial_state": "learned"},
        ],
        dropout={"between": 0.3, "variational": True},
        head={"kind": "linear", "size": 3, "pool": "mean", "dropout": 0.1},
    ),
    _spec(
        "both-ways-mean",
        input=7,
        cell={"kind": "rnn", "bias": "none"},
        hidden_size=12,
        layers=2,
        bidirectional=True,
        merge="mean",
        init="orthogonal",
        dropout={"input": 0.2, "output": 0.4, "recurrent": 0.2},
        head={"kind": "mlp", "size": 3, "hidden": [12], "activation": "tanh", "dropout": 0.2, "pool": "last"},
    ),
    _spec(
        "both-ways-mul",
        input=TOKENS,
        cell={"kind": "lstm", "projection": 5, "forget_bias": 1.0},
        hidden_size=9,
        bidirectional=True,
        merge="mul",
        norm={"kind": "rms", "position": "before", "eps": 1e-4},
        head={"kind": "linear", "size": 4, "pool": {"kind": "attention", "size": 6}},
    ),
    _spec(
        "reversed",
        input=6,
        layers=[
            {"cell": "gru", "hidden_size": 10, "reverse": True, "dropout": {"recurrent": 0.3}},
            {"cell": "lstm", "hidden_size": 10, "reverse": True, "norm": "rms", "residual": True},
        ],
        init={"kind": "uniform", "range": 0.3},
        head={"kind": "linear", "size": 1, "pool": "last", "bias": False},
    ),
    _spec(
        "up-and-down",
        input=6,
        layers=[
            {"cell": "lstm", "hidden_size": 10},
            {"cell": "lstm", "hidden_size": 10, "reverse": True, "initial_state": "learned"},
            {"kind": "linear", "size": 7, "bias": False, "activation": "silu", "max_value": 0.05},
        ],
        head={"kind": "linear", "size": 2, "pool": "max"},
    ),
    _spec(
        "projected-residual",
        input=8,
        cell="lstm",
        dropout={"input": 0.2, "between": 0.3, "output": 0.3, "variational": True, "weight": 0.3},
        layers=[
            {
                "hidden_size": 20,
                "output_projection": {"size": 8, "bias": False},
                "residual": True,
                "norm": "layer",
            },
            {
                "hidden_size": 16,
                "output_projection": 8,
                "residual": True,
                "norm": {"kind": "rms", "position": "before"},
            },
        ],
    ),
    _spec(
        "zoned-out",
        input=7,
        cell={"kind": "lstm", "bias": "one", "forget_bias": 2.0},
        hidden_size=11,
        layers=2,
        dropout={"zoneout": 0.2},
        init="xavier",
    ),
    _spec(
        "relu-rnn",
        input=6,
        cell={"kind": "rnn", "nonlinearity": "relu"},
        hidden_size=13,
        layers=3,
        dropout=0.3,
        head={"kind": "mlp", "size": 5, "hidden": [9, 9]},
    ),
    _spec(
        "tied-language-model",
        input={**TOKENS, "dropout": 0.0},
        cell={"kind": "lstm", "projection": 8, "bias": "none"},
        layers=[{"hidden_size": 30}, {"hidden_size": 30, "output_projection": 24}],
        dropout={"input": 0.3, "recurrent": 0.2, "weight": 0.2, "zoneout": 0.1},
        head="tied",
        init="keras",
    ),
    _spec(
        "tied-both-ways",
        input=TOKENS,
        cell="gru",
        layers=[{"hidden_size": 12, "bidirectional": True, "dropout": {"weight": 0.4, "input": 0.2}}],
        head={"kind": "tied", "bias": False},
        init="torch",
    ),
    _spec(
        "two-projected",
        input=8,
        cell={"kind": "gru", "bias": "none"},
        hidden_size=10,
        bidirectional=True,
        norm="layer",
        residual=True,
        layers=[{"output_projection": 8}, {"output_projection": 8}],
        head={"kind": "linear", "size": 2, "pool": "last"},
    ),
    _spec(
        "zoned-gru",
        input=5,
        cell={"kind": "gru", "reset_gate": "before", "bias": "one"},
        hidden_size=9,
        dropout={"zoneout": 0.3, "recurrent": 0.2, "input": 0.3},
        bidirectional=True,
        merge="mul",
    ),
    _spec(
        "no-recurrence",
        input=6,
        layers=[{"kind": "linear", "size": 5, "activation": "tanh"}],
        head={"kind": "linear", "size": 2},
    ),
)
