"""The adapter hands on what torchrecurrent gives, for every class that it exports, right or wrong."""

from __future__ import annotations

import inspect

import pytest
import torch
import torchrecurrent

import zoo
from zoo.testing import assert_bug_caught, tiny_spec
from zoo_torchrecurrent.options import options_of
from zoo_torchrecurrent.table import ENTRIES

NAMES = [entry.name for entry in ENTRIES]
BY_NAME = {entry.name: entry for entry in ENTRIES}
SIZES = {"input_size", "hidden_size", "device", "dtype", "self"}


def cell_of(model):
    return next(module for module in model.modules() if isinstance(module, zoo.Cell))


def build(name, hidden=7, **options):
    inputs = hidden if BY_NAME[name].square else 5
    return zoo.build(
        tiny_spec({"kind": name, **options}, input=inputs, hidden_size=hidden), seed=0, dtype=torch.float64
    )


def test_every_cell_that_torchrecurrent_exports_is_in_the_table_once():
    exported = {name for name in torchrecurrent.__all__ if name.endswith("Cell")}
    assert {entry.module for entry in ENTRIES} == exported
    assert len(ENTRIES) == len(exported) == 41
    assert sorted(set(NAMES)) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_options_are_those_of_the_constructor_with_its_defaults(name):
    entry = BY_NAME[name]
    parameters = inspect.signature(getattr(torchrecurrent, entry.module)).parameters
    expected = {
        key: parameter.default.__name__.rstrip("_") if callable(parameter.default) else parameter.default
        for key, parameter in parameters.items()
        if key not in SIZES
    }
    assert options_of(entry)().arguments() == expected


@pytest.mark.parametrize("name", NAMES)
def test_the_parameters_are_those_of_the_module(name):
    entry = BY_NAME[name]
    options = {switch: True for weight in entry.parts() if (switch := entry.switch(weight.name))}
    cell = cell_of(build(name, **options))
    found = {key: parameter.numel() for key, parameter in cell.module.named_parameters()}
    assert found == {weight.name: weight.size(7 if entry.square else 5, 7) for weight in entry.parts()}
    assert not list(cell.buffers())


@pytest.mark.parametrize("name", NAMES)
def test_a_model_gives_what_torchrecurrents_own_layer_gives(name):
    model = build(name)
    cell = cell_of(model)
    layer = getattr(torchrecurrent, BY_NAME[name].module.removesuffix("Cell"))
    theirs = layer(cell.input_shape[0], 7, batch_first=True).double()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    theirs.cells[0].load_state_dict(cell.module.state_dict(), strict=False)
    x = torch.randn(3, 9, cell.input_shape[0], generator=generator, dtype=torch.float64)
    expected = theirs(x)[0]
    torch.testing.assert_close(model(x)[0], expected, atol=1e-13, rtol=0)


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ({"kind": "tr-lem", "kernel_init": "xavier_unifrom"}, "kernel_init"),
        ({"kind": "tr-lem", "kernel_init": "sparse"}, "kernel_init"),
        ({"kind": "tr-indrnn", "recurrent_kernel_init": "orthogonal"}, "recurrent_kernel_init"),
        ({"kind": "tr-peepholelstm", "peephole_kernel_init": "xavier_uniform"}, "peephole_kernel_init"),
        ({"kind": "tr-mgu", "bias_init": "xavier_uniform"}, "bias_init"),
        (
            {"kind": "tr-mgu", "bias": False, "bias_init": "ones"},
            "bias_init has nothing to initialise with bias: false",
        ),
        ({"kind": "tr-scrn", "context_bias": False, "context_bias_init": "ones"}, "context_bias: false"),
        ({"kind": "tr-trnn", "recurrent_bias": True}, "recurrent_bias"),
        ({"kind": "tr-mgu", "nonlinearity": "swish"}, "nonlinearity"),
        ({"kind": "tr-lem", "dt": 0.0}, "dt"),
        ({"kind": "tr-taugru", "delay": 0}, "delay"),
    ],
)
def test_what_torchrecurrent_takes_in_silence_is_refused_with_one_message(cell, said):
    with pytest.raises(zoo.SpecError, match=said) as caught:
        tiny_spec(cell)
    assert len(caught.value.diagnostics) == 1


def test_an_input_that_does_not_fit_is_refused():
    with pytest.raises(zoo.ZooError, match="hidden_size must be the width of its input, 5, not 7"):
        zoo.build(tiny_spec("tr-intersectionrnn", input=5, hidden_size=7))


def test_a_bias_that_is_off_stays_off_whatever_a_checkpoint_holds():
    biased, bare = build("tr-mgu", bias_init="ones"), build("tr-mgu", bias=False)
    with pytest.raises(RuntimeError, match=r"Unexpected key.*bias_ih"):
        bare.load_state_dict(biased.state_dict())
    assert cell_of(bare).module.bias_ih.eq(0).all()
    theirs = torchrecurrent.MGUCell(5, 7, bias=False)  # takes it without a word
    theirs.load_state_dict({key: value.float() for key, value in cell_of(biased).module.state_dict().items()})
    assert theirs.bias_ih.eq(1).all()


@pytest.mark.parametrize(("name", "option", "value"), [("tr-scrn", "alpha", 0.25), ("tr-janet", "beta", 2.0)])
def test_what_a_constructor_alone_sets_starts_anew_with_the_rest(name, option, value):
    cell = cell_of(build(name, **{option: value}))
    with torch.no_grad():
        getattr(cell.module, option).fill_(9.0)
    cell.reset_parameters()
    assert getattr(cell.module, option).item() == value


def test_the_checks_of_this_package_bite():
    spec = tiny_spec({"kind": "tr-taugru", "delay": 3})
    step = "zoo_torchrecurrent.cell:TorchRecurrent.step"
    assert_bug_caught(spec, "reference", step, "past[:, 0]", "past[:, 1]")
    assert_bug_caught(spec, "reference", step, "old[0].unsqueeze(1)", "h.unsqueeze(1)")
    mgu = "zoo_torchrecurrent.references.gated:mgu"
    assert_bug_caught(tiny_spec("tr-mgu"), "reference", mgu, "f * h)", "h)")
    assert_bug_caught(
        tiny_spec("tr-peepholelstm"), "summary", "zoo_torchrecurrent.options:describe", "if weight.matrix", "if weight"
    )
