"""What a spec puts around a cell, against compositions written by hand from torch's modules."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from each import each
from model_support import build, close, features, symbols
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.model.base import Model
from zoo.model.build import with_engine
from zoo.spec.tree import Recurrent

LENGTHS = [3, 7, 1, 5]
CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


def layers_of(model: Model) -> list[Any]:
    return list(model.layers)


def torch_run(cell: Any, x: Tensor, *, backwards: bool = False) -> Tensor:
    """One direction of one layer by torch, x (1, T, F); backwards, its outputs in the order of time."""
    kind = CELLS[type(cell).__name__.lower()]
    module = kind(x.shape[2], cell.hidden_size, batch_first=True, dtype=x.dtype)
    module.load_state_dict({f"{name}_l0": value for name, value in cell.state_dict().items()})
    y: Tensor = module(x.flip(1) if backwards else x)[0]
    return y.flip(1) if backwards else y


def normed(norm: Any, eps: float, y: Tensor, *, rms: bool = False) -> Tensor:
    if rms:
        scaled: Tensor = y / (y.square().mean(-1, keepdim=True) + eps).sqrt() * norm.weight
        return scaled
    centred = y - y.mean(-1, keepdim=True)
    unit = centred / (centred.square().mean(-1, keepdim=True) + eps).sqrt()
    shifted: Tensor = unit * norm.weight + norm.bias
    return shifted


def by_hand(model: Model, x: Tensor) -> Tensor:
    """The whole stack for one row without padding."""
    for layer, asked in zip(layers_of(model), model.spec.layers, strict=True):
        if not hasattr(layer, "cell"):
            x = F.silu(F.linear(x, layer.linear.weight, layer.linear.bias))
            continue
        assert isinstance(asked, Recurrent)
        eps: Any = None if asked.norm is None else asked.norm.part.options.model_dump()["eps"]
        inner = x
        rms = type(layer.norm).__name__ == "RMSNorm"
        if layer.norm is not None and layer.norm_position == "before":
            inner = normed(layer.norm, eps, inner, rms=rms)
        y = torch_run(layer.cell, inner, backwards=layer.reverse)
        if layer.reverse_cell is not None:
            back = torch_run(layer.reverse_cell, inner, backwards=True)
            merges = {"sum": y + back, "mean": 0.5 * y + 0.5 * back, "mul": y * back}
            y = torch.cat([y, back], 2) if layer.merge == "concat" else merges[layer.merge]
        if layer.norm is not None and layer.norm_position == "after":
            y = normed(layer.norm, eps, y, rms=rms)
        if layer.output_projection is not None:
            y = y @ layer.output_projection.weight.T + layer.output_projection.bias
        x = x + y if layer.residual else y
    return x


STACKS: dict[str, dict[str, Any]] = {
    "norm-after": {"norm": "layer", "layers": 2},
    "norm-before": {"norm": {"kind": "layer", "position": "before", "eps": 0.1}, "layers": 2},
    "rms-after": {"norm": {"kind": "rms", "eps": 0.1}, "bidirectional": True},
    "rms-before": {"norm": {"kind": "rms", "position": "before"}, "bidirectional": True, "layers": 2},
    "residual": {"layers": 2, "residual": True, "hidden_size": 3},
    "residual-both": {"layers": [{"cell": "gru", "hidden_size": 3, "bidirectional": True, "output_projection": 3, "residual": True}]},
    "projection": {"layers": [{"cell": "lstm", "hidden_size": 5, "output_projection": 4}, {"cell": "lstm", "hidden_size": 3}]},
    "sum": {"bidirectional": True, "merge": "sum", "layers": 2},
    "mean": {"bidirectional": True, "merge": "mean", "cell": "gru"},
    "mul": {"bidirectional": True, "merge": "mul", "cell": "lstm"},
    "reverse": {"layers": [{"cell": "gru", "hidden_size": 5, "reverse": True}, {"cell": "rnn", "hidden_size": 4}]},
    "linear": {"layers": [{"cell": "rnn", "hidden_size": 5}, {"kind": "linear", "size": 4, "activation": "silu"}, {"cell": "gru", "hidden_size": 2}]},
    "linear-last": {"layers": [{"cell": "rnn", "hidden_size": 5}, {"kind": "linear", "size": 4, "activation": "silu"}]},
    "all": {
        "cell": "lstm",
        "residual": True,
        "layers": [
            {"hidden_size": 2, "bidirectional": True, "norm": "layer", "output_projection": 3},
            {"hidden_size": 4, "reverse": True, "norm": {"kind": "rms", "position": "before"}, "output_projection": 3},
            {"hidden_size": 3, "bidirectional": True, "merge": "mul"},
        ],
    },
}  # fmt: skip


@each(("engine", "training"), [("auto", True), ("loop", False)])
@each("name", STACKS)
def test_a_stack_equals_its_composition_by_hand(name: str, engine: str, training: bool) -> None:
    model = with_engine(build(**STACKS[name]), engine).train(training)
    for key, parameter in model.named_parameters():
        if "norm" in key:
            torch.nn.init.normal_(parameter, generator=torch.Generator().manual_seed(len(key)))
    x = features()
    for lengths in (None, LENGTHS):
        garbage = x.clone()
        for row, length in enumerate(lengths or []):
            garbage[row, length:] = float("nan")
        output = model(garbage, lengths=lengths)[0]
        for row, length in enumerate(lengths or [7] * 4):
            close(output[row, :length], by_hand(model, x[row : row + 1, :length])[0])
            assert (output[row, length:] == 0).all()


def test_embedded_padding_does_not_come_through_a_residual() -> None:
    keys: dict[str, Any] = {"input": {"kind": "tokens", "vocabulary": 9, "size": 5}, "residual": True}
    bare, pooled = build(**keys), build(**keys, head={"kind": "linear", "size": 2, "pool": "mean"})
    x = symbols(4, 7, 9)
    output, found = bare(x, lengths=LENGTHS)[0], pooled(x, lengths=LENGTHS)
    for row, length in enumerate(LENGTHS):
        alone = x[row : row + 1, :length]
        close(output[row, :length], bare(alone)[0][0])
        assert (output[row, length:] == 0).all()
        close(found[row], pooled(alone)[0])


def test_a_reverse_layer_s_state_is_that_of_the_first_step() -> None:
    model = build(layers=[{"cell": "gru", "hidden_size": 5, "reverse": True}])
    output, state = model(features(), lengths=LENGTHS)
    close(state[0], output[:, 0])
    first = torch.randn(1, 4, 5, dtype=torch.float64)
    different = model(features(), first, lengths=LENGTHS)[0]
    assert all(
        (different[row, length - 1] - output[row, length - 1]).abs().max() > 1e-3 for row, length in enumerate(LENGTHS)
    )


@each("both", [False, True])
@each("kind", ["rnn", "lstm", "gru"])
def test_a_learned_state_is_a_parameter_where_every_row_starts(kind: str, both: bool) -> None:
    model = build(layers=[{"cell": kind, "hidden_size": 5, "initial_state": "learned", "bidirectional": both}])
    names = [name for name, _ in model.named_parameters() if "initial" in name]
    states = ["h", "c"] if kind == "lstm" else ["h"]
    sides = ["initial", "reverse_initial"] if both else ["initial"]
    assert names == [f"layers.0.{side}.{state}" for side in sides for state in sorted(states)]
    plain = build(layers=[{"cell": kind, "hidden_size": 5, "bidirectional": both}])
    plain.load_state_dict({k: v for k, v in model.state_dict().items() if "initial" not in k})
    close(model(features())[0], plain(features())[0])  # it starts at zero
    for index, name in enumerate(names):
        torch.nn.init.normal_(model.get_parameter(name), generator=torch.Generator().manual_seed(index))
    start = [
        torch.stack([model.get_parameter(f"layers.0.{side}.{state}") for side in sides]).unsqueeze(1).expand(-1, 4, 5)
        for state in states
    ]
    given = tuple(start) if kind == "lstm" else start[0]
    close(model(features(), lengths=LENGTHS)[0], plain(features(), given, lengths=LENGTHS)[0])
    model(features(), lengths=LENGTHS)[0].sum().backward()
    for name in names:
        gradient = model.get_parameter(name).grad
        assert gradient is not None
        assert (gradient != 0).all()


def test_a_reset_starts_anew_from_the_learned_state() -> None:
    model = build(layers=[{"cell": "gru", "hidden_size": 5, "initial_state": "learned"}])
    torch.nn.init.normal_(model.get_parameter("layers.0.initial.h"))
    x = features()
    reset = torch.zeros(4, 7, dtype=torch.bool)
    reset[:, 3] = True
    output = model(x, reset=reset)[0]
    close(output[:, :3], model(x[:, :3])[0])
    close(output[:, 3:], model(x[:, 3:])[0])


@pytest.mark.parametrize("engine", ["auto", "loop"])
def test_a_reset_restarts_single_rows_in_both_directions(engine: str) -> None:
    model = with_engine(build(cell="lstm", bidirectional=True), engine)
    x = features()
    reset = torch.zeros(4, 7, dtype=torch.bool)
    reset[1, 4] = True
    output, plain = model(x, reset=reset)[0], model(x)[0]
    for row in (0, 2, 3):
        close(output[row], plain[row])
    close(output[1, :4], model(x[1:2, :4])[0][0])
    close(output[1, 4:], model(x[1:2, 4:])[0][0])


@each(
    ("keys", "layout"),
    [
        ({}, "torch"),
        ({"layers": 3, "bidirectional": True}, "torch"),
        ({"cell": {"kind": "lstm", "projection": 2}}, "torch"),
        ({"layers": [{"cell": "rnn", "hidden_size": 5}, {"kind": "linear", "size": 4}, {"cell": "rnn", "hidden_size": 5}]}, "torch"),
        ({"layers": [{"cell": "rnn", "hidden_size": 5}, {"cell": "rnn", "hidden_size": 4}]}, "named"),
        ({"layers": [{"cell": "rnn", "hidden_size": 5}, {"cell": "gru", "hidden_size": 5}]}, "named"),
        ({"layers": [{"kind": "linear", "size": 4}]}, "named"),
    ],
)  # fmt: skip
def test_the_layout_of_the_state(keys: dict[str, Any], layout: str) -> None:
    model = build(**keys)
    assert model.state_layout == layout
    _, state = model(features())
    assert (type(state).__name__ == "State") == (layout == "named")
