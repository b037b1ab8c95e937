"""A class of `zoo.nn` is its cell's spec by another way of writing: same arguments, same numbers, same keys."""

from __future__ import annotations

import copy
import doctest
import inspect
import io
import pickle
import pydoc
import re
import subprocess
import sys
import typing
from collections.abc import Iterator
from typing import Any

import author_acme
import numpy as np
import pytest
import torch
from each import each

import zoo
from zoo import nn as znn
from zoo.components import CellType
from zoo.nn.arguments import AROUND, MADE, arguments, literal
from zoo.nn.keys import ON_A_LAYER, Around
from zoo.nn.layer import Made
from zoo.plugin.manager import given, isolated, using
from zoo.spec.model import INHERITED_BY_LAYERS, RecurrentEntry

CATALOGUE = isolated()
RECORDS: dict[str, CellType] = {one.record.name: one.record for one in CATALOGUE.all("cell")}  # type: ignore[misc]
MAPS = ("convgru", "convlstm", "st-lstm")


@pytest.fixture(autouse=True)
def builtin() -> Iterator[None]:
    with using(CATALOGUE):
        yield


def class_of(name: str) -> Any:
    return znn.cell(name)


def size_of(name: str) -> Any:
    return (2, 4, 4) if name in MAPS else 6


def mapping(name: str, cell: Any = None, **keys: Any) -> dict[str, Any]:
    source = {"kind": "maps", "channels": 2, "height": 4, "width": 4} if name in MAPS else 6
    return {"name": name, "input": source, "cell": cell or name, "hidden_size": 6, **keys}


def same(one: zoo.Model, other: zoo.Model) -> bool:
    mine, theirs = one.state_dict(), other.state_dict()
    return list(mine) == list(theirs) and all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_every_cell_has_a_class_by_its_own_name() -> None:
    names = {name: class_of(name).__name__ for name in RECORDS}
    assert len(names) == 84
    assert [name for name in names if name.replace("-", "") != names[name].lower()] == []
    assert sorted({*names.values(), "CellModel", "Recurrent", "cell"}, key=str.casefold) == znn.__all__
    assert all(getattr(znn, name) is znn.cell(cell) for cell, name in names.items())
    people = "GRU LSTM RNN MinGRU MinLSTM RHN CoRNN LMU Mamba MLSTM SLSTM RWKV7 IndRNN QRNN SRU LRU S5 ESN CfC LTC"
    assert set(people.split()) <= set(znn.__all__)


def test_a_class_builds_what_its_spec_builds_bit_for_bit() -> None:
    wrong = []
    for name in RECORDS:
        layer = class_of(name)(size_of(name), 6, seed=3)
        built = zoo.build(mapping(name), seed=3)
        if not (same(layer, built) and layer.spec == built.spec and layer.state_layout == built.state_layout):
            wrong.append(name)
    assert wrong == []


def test_every_option_of_every_cell_reaches_the_spec() -> None:
    tried = 0
    for name, record in RECORDS.items():
        for one in arguments(record, maps=name in MAPS):
            if not one.option:
                continue
            value = other_value(record, one.option)
            try:
                expected = zoo.load(mapping(name, {"kind": name, one.option: value}))
            except zoo.SpecError:
                with pytest.raises(zoo.ZooError):
                    class_of(name)(size_of(name), 6, **{one.name: value})
                continue
            assert class_of(name)(size_of(name), 6, **{one.name: value}).spec == expected, (name, one.name)
            assert expected != zoo.load(mapping(name)), (name, one.name)
            tried += 1
    assert tried > 120


def other_value(record: CellType, option: str) -> Any:
    field = record.options.model_fields[option]
    default = field.default
    if isinstance(default, bool):
        return not default
    if typing.get_origin(field.annotation) is typing.Literal:
        return next(one for one in typing.get_args(field.annotation) if one != default)
    if isinstance(default, int):
        return 3 if default != 3 else 2
    return default / 2 + 0.01 if isinstance(default, float) else 2


def test_the_signature_has_the_types_and_defaults_of_the_options() -> None:
    for name, record in RECORDS.items():
        found = inspect.signature(class_of(name)).parameters
        known = arguments(record, maps=name in MAPS)
        assert tuple(found) == tuple(one.name for one in known), name
        for one in known:
            if one.option:
                field = record.options.model_fields[one.option]
                assert found[one.name].default == field.default, (name, one.name)
                assert found[one.name].kind is inspect.Parameter.KEYWORD_ONLY
                if typing.get_origin(field.annotation) is typing.Literal:
                    assert found[one.name].annotation == field.annotation
    assert arguments(RECORDS["ligru"])[3].name == "cell_norm", "what every class has keeps its name"


def test_every_key_of_a_layer_and_every_argument_of_build_is_an_argument() -> None:
    fields = RecurrentEntry.model_fields
    assert {*Around._fields} == {*fields} - {"kind", "cell", "hidden_size"}
    assert {*ON_A_LAYER} == {*fields} - {*INHERITED_BY_LAYERS} - {"kind"}
    built = inspect.signature(zoo.build).parameters
    assert Made._field_defaults == {name: built[name].default for name in Made._fields}
    assert {*Made._fields} == {*built} - {"spec", "changes"}
    assert [row[0] for row in AROUND] == [*Around._fields]
    assert [row[0] for row in MADE] == [*Made._fields]
    assert [row[2] for row in AROUND] == [literal(Around._field_defaults[row[0]]) for row in AROUND]


@each(
    ("given", "keys"),
    [
        ({"num_layers": 3, "dropout": 0.2}, {"layers": 3, "dropout": 0.2}),
        (
            {"num_layers": 2, "bidirectional": True, "merge": "sum"},
            {"layers": 2, "bidirectional": True, "merge": "sum"},
        ),
        ({"residual": True, "norm": "rms"}, {"residual": True, "norm": "rms"}),
        ({"num_layers": 2, "output_projection": 3}, {"layers": [{"output_projection": 3}] * 2}),
        (
            {"output_projection": {"size": 3, "bias": False}},
            {"layers": [{"output_projection": {"size": 3, "bias": False}}]},
        ),
        ({"reverse": True, "initial_state": "learned"}, {"layers": [{"reverse": True, "initial_state": "learned"}]}),
        ({"init": {"kind": "uniform", "range": 0.1}}, {"init": {"kind": "uniform", "range": 0.1}}),
        (
            {"dropout": {"output": 0.1, "recurrent": 0.2, "variational": True}},
            {"dropout": {"output": 0.1, "recurrent": 0.2, "variational": True}},
        ),
    ],
    ids=str,
)
def test_what_stands_around_the_cells_is_what_the_spec_says(given: dict[str, Any], keys: dict[str, Any]) -> None:
    layer, built = znn.GRU(6, 6, seed=1, **given), zoo.build(mapping("gru", **keys), seed=1)
    assert layer.spec == built.spec
    assert same(layer, built)


@pytest.mark.parametrize(
    ("ours", "theirs"), [(znn.GRU, torch.nn.GRU), (znn.LSTM, torch.nn.LSTM), (znn.RNN, torch.nn.RNN)]
)
def test_with_the_weights_of_torch_it_gives_the_numbers_of_torch(ours: Any, theirs: Any) -> None:
    layer = ours(5, 7, num_layers=2, bidirectional=True, dtype=torch.float64)
    other = theirs(5, 7, num_layers=2, bidirectional=True, batch_first=True, dtype=torch.float64)
    weights = {
        re.sub(
            r"(.*)_l(\d)(_reverse)?", lambda m: f"layers.{m[2]}.{'reverse_' if m[3] else ''}cell.{m[1]}", name
        ): value
        for name, value in other.state_dict().items()
    }
    layer.load_state_dict(weights, strict=True)
    x = torch.randn(3, 11, 5, dtype=torch.float64)
    (y, state), (expected, last) = layer(x), other(x)
    torch.testing.assert_close(y, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(state, last, rtol=0, atol=1e-12)
    again, _ = layer(x, zoo.detach(state))
    torch.testing.assert_close(again, other(x, last)[0], rtol=0, atol=1e-12)


def test_copies_pickles_and_saved_weights_are_the_same_layer() -> None:
    layer = znn.MinGRU(4, 6, num_layers=2, bidirectional=True, seed=0).eval()
    x = torch.randn(2, 5, 4)
    whole = io.BytesIO()
    torch.save(layer, whole)
    whole.seek(0)
    for made in (
        copy.deepcopy(layer),
        pickle.loads(pickle.dumps(layer)),
        torch.load(whole, weights_only=False),
    ):
        assert type(made) is znn.MinGRU
        assert made.spec == layer.spec
        assert torch.equal(made(x)[0], layer(x)[0])
        assert made.layers[0].cell is not layer.layers[0].cell
    fresh = zoo.build(layer.spec, seed=5)
    fresh.load_state_dict(layer.state_dict(), strict=True)
    assert torch.equal(fresh.eval()(x)[0], layer(x)[0])


def test_a_layer_is_a_module_like_any_other() -> None:
    class Tagger(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.reader = znn.LSTM(4, 6, projection=3, peephole=True)
            self.out = torch.nn.Linear(3, 2)

        def forward(self, x: torch.Tensor) -> Any:
            return self.out(self.reader(x)[0])

    model = Tagger()
    model(torch.randn(2, 5, 4)).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert "reader.layers.0.cell.weight_hr" in model.state_dict()
    assert isinstance(model.reader, zoo.StackModel)
    assert zoo.summary(model.reader).parameters == zoo.describe(model.reader.spec).parameters


def test_seed_device_dtype_and_engine_are_those_of_build() -> None:
    before = torch.get_rng_state()
    first, second = znn.GRU(3, 4, seed=7), znn.GRU(3, 4, seed=7)
    assert torch.equal(torch.get_rng_state(), before)
    assert same(first, second)
    assert not same(first, znn.GRU(3, 4, seed=8))
    torch.manual_seed(1)
    drawn = znn.GRU(3, 4)
    torch.manual_seed(1)
    assert same(drawn, znn.GRU(3, 4))
    assert {p.device.type for p in znn.GRU(3, 4, device="meta").parameters()} == {"meta"}
    assert {p.dtype for p in znn.GRU(3, 4, dtype=torch.float64).parameters()} == {torch.float64}
    assert znn.GRU(3, 4, engine="loop").engine == "loop"
    with pytest.raises(zoo.BuildError, match="is not linear in its state"):
        znn.GRU(3, 4, engine="linear")
    with pytest.raises(zoo.BuildError, match="over the limit"):
        znn.GRU(300, 400, memory_limit=1000)


@each(
    ("wrong", "message"),
    [
        (lambda: znn.GRU(0, 3), "input_size must be a whole number from 1, not 0"),
        (lambda: znn.GRU(3.0, 3), "input_size must be a whole number from 1, not 3.0"),  # type: ignore[arg-type]
        (lambda: znn.GRU(3, 3, 0), "num_layers must be a whole number from 1, not 0"),
        (lambda: znn.GRU(3, 0), "hidden_size must be a whole number from 1, not 0"),
        (lambda: znn.GRU(3, 3, output_projection=0), "zoo.nn.GRU: 'output_projection' must be at least 1, not 0"),
        (lambda: znn.GRU(3, 3, bias=True), "zoo.nn.GRU: 'bias' must be 'two', 'one' or 'none', not the boolean true"),  # type: ignore[arg-type]
        (lambda: znn.GRU(3, 3, init="orthogonl"), "zoo.nn.GRU: unknown init 'orthogonl'; did you mean 'orthogonal'?"),
        (lambda: znn.ConvGRU(3, 4), "zoo.nn.ConvGRU: needs maps of shape (channels, height, width)"),  # type: ignore[arg-type]
        (lambda: znn.ConvGRU((3, 4), 4), "input_size must be a number of features, or (channels, height, width)"),  # type: ignore[arg-type]
        (lambda: znn.cell("gruu"), "unknown cell 'gruu'; did you mean 'gru'?"),
    ],
)
def test_what_is_wrong_is_said_of_the_class(wrong: Any, message: str) -> None:
    with pytest.raises(zoo.ZooError) as caught:
        wrong()
    assert str(caught.value).startswith(message)


def test_numbers_of_numpy_are_sizes_too() -> None:
    assert znn.GRU(np.int64(3), np.int32(4)).spec == znn.GRU(3, 4).spec  # type: ignore[arg-type]
    assert znn.Recurrent(author_acme_cell, np.int64(3), np.int64(4)).layers[0].output_shape == (4,)  # type: ignore[arg-type]


def author_acme_cell(input_size: int, hidden_size: int) -> author_acme.Base:
    assert type(input_size) is type(hidden_size) is int
    return author_acme.Base(author_acme.DecayOptions(), (input_size,), hidden_size)


def test_the_package_gives_the_module_when_it_is_asked_for() -> None:
    code = "import sys, zoo; assert 'torch' not in sys.modules; print(zoo.nn.GRU.__name__)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "GRU\n"


def test_the_example_of_every_class_is_right() -> None:
    runner = doctest.DocTestRunner(verbose=False)
    parser = doctest.DocTestParser()
    examples = 0
    for name in znn.__all__:
        text = inspect.getdoc(getattr(znn, name)) or ""
        test = parser.get_doctest(text, {}, name, None, None)
        examples += bool(test.examples)
        runner.run(test)
    assert runner.failures == 0
    assert examples == 85


def test_help_says_what_a_reader_needs() -> None:
    # From Python 3.13 on a long signature has a line for each argument.
    text = " ".join(pydoc.plain(pydoc.render_doc(znn.GRU)).replace(" | ", " ").split())
    for said in (
        "r = σ(W_r x + U_r h + b_r)",
        'reset_gate ("after" or "before"): Apply the reset gate \'after\' the recurrent product',
        "bidirectional (bool): Run over the sequence in both directions. Default: False.",
        "x: (B, T, I), batch first",
        "Paper: Cho et al. 2014",
        "input_size: int, hidden_size: int, num_layers: int = 1, *, bias: Literal['two', 'one', 'none'] = 'two'",
    ):
        assert said in text
    longest = max(len(line) for name in znn.__all__ for line in (inspect.getdoc(getattr(znn, name)) or "").splitlines())
    assert longest <= 120


class Plugin:
    @zoo.hookimpl
    def zoo_cells(self) -> list[zoo.CellType]:
        """The cell of `author_acme`, whose option is a number."""
        return [
            zoo.CellType(
                name="acme", build="author_acme:Base", options=author_acme.DecayOptions, summary="Decays", paper="None"
            )
        ]


def test_a_plugins_cell_has_a_class_made_from_its_record() -> None:
    with using(isolated(given(Plugin(), distribution="zoo-acme"))):
        Acme = znn.cell("zoo-acme/acme")
        assert Acme is znn.cell("acme")
        layer = Acme(4, 6, num_layers=2, rate=0.25, seed=0)  # type: ignore[call-arg, arg-type]
        built = zoo.build(mapping("acme", {"kind": "zoo-acme/acme", "rate": 0.25}, input=4, layers=2), seed=0)
        assert layer.spec == built.spec
        assert same(layer, built)
        found = inspect.signature(Acme).parameters
        assert (found["rate"].default, found["rate"].annotation) == (0.5, float)
        assert "rate (float)" in (Acme.__doc__ or "")
        for made in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
            assert type(made) is Acme
            assert same(made, layer)
        with pytest.raises(TypeError, match="unexpected keyword argument 'rat'"):
            Acme(4, 6, rat=0.5)  # type: ignore[call-arg]
        with pytest.raises(zoo.SpecError, match=r"zoo\.nn\.Base: 'rate' must be a number"):
            Acme(4, 6, rate="fast")  # type: ignore[call-arg]
    with pytest.raises(zoo.ZooError, match="unknown cell 'zoo-acme/acme'"):
        znn.cell("zoo-acme/acme")
