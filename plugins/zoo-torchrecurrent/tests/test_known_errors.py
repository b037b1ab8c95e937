"""What is wrong in torchrecurrent 0.2.5: found by the contract alone, by these figures, and by nothing else."""

from __future__ import annotations

import re

import pytest
import torch

import zoo
from zoo.components import resolve
from zoo.testing import assert_matches_reference, planted, tiny_spec
from zoo_torchrecurrent.table import ENTRIES

RESIDUAL, MEMORY = "zoo_torchrecurrent.references.residual", "zoo_torchrecurrent.references.memory"

ERRORS = {
    # cell: by how much it is off, where its reference is written, the right words in it, and torchrecurrent's
    "tr-lem": (0.206, f"{RESIDUAL}:lem", 'p("ch", 0, new_z)', 'p("ch", 0, z)'),
    "tr-scrn": (1.35, f"{RESIDUAL}:scrn", "(new_hidden, new_context)", "(output, new_context)"),
    "tr-fastgrnn": (2.25, f"{RESIDUAL}:fastgrnn", "z = sigmoid(shared", "z = np.tanh(shared"),
    "tr-janet": (0.028, f"{MEMORY}:janet", "options.beta", 'p.number("beta")'),
    "tr-nas": (0.0785, f"{MEMORY}:nas", "seen[3] * kept[3]", "seen[3] + kept[3]"),
    "tr-gatedantisymmetricrnn": (
        0.117,
        f"{RESIDUAL}:gatedantisymmetricrnn",
        "z = sigmoid(recurrent +",
        'z = sigmoid(recurrent - p.bias("hh", 0) +',
    ),
}


def trained(cell):
    """The declared reference, with the constant of the paper that is trained in torchrecurrent as it is there."""
    declared = resolve(next(f"zoo_torchrecurrent.references:{entry.key}" for entry in ENTRIES if entry.name == cell))

    def reference(x, parameters, options):
        if cell != "tr-scrn":
            return declared(x, parameters, options)
        return declared(x, parameters, options.model_copy(update={"alpha": float(parameters["module.alpha"])}))

    return reference


def differs(cell):
    """By how much a cell differs from its reference, relative to the largest output."""
    with pytest.raises(AssertionError, match="against its reference: differs by") as caught:
        assert_matches_reference(cell)
    return float(re.search(r"differs by ([\d.e+-]+),", str(caught.value))[1])


@pytest.mark.parametrize("cell", ERRORS)
def test_a_wrong_cell_is_off_by_its_figure_and_by_its_errors_alone(cell):
    figure, where, right, wrong = ERRORS[cell]
    assert differs(cell) == pytest.approx(figure, rel=0.01)
    with planted(where, right, wrong):  # torchrecurrent's error in the reference: then they agree to the last digits
        assert_matches_reference(cell, trained(cell), bound=1e-13)


def test_no_other_cell_declares_an_error_in_its_values():
    assert {entry.name for entry in ENTRIES if entry.deviations} == set(ERRORS)


def test_what_can_be_mended_from_a_spec():
    # without the bias that is left out of the gate, nothing is wrong, and nothing is declared
    mended = {"kind": "tr-gatedantisymmetricrnn", "recurrent_bias": False}
    (found,) = zoo.check(tiny_spec(mended), checks=["reference"]).outcomes
    assert (found.status, found.reason) == ("passed", "")
    # a sigmoid gate with a candidate of tanh is the paper's cell; what `nonlinearity` should have chosen stays tanh
    with planted(f"{RESIDUAL}:fastgrnn", "phi(options.nonlinearity, shared", "np.tanh(shared"):
        assert_matches_reference({"kind": "tr-fastgrnn", "nonlinearity": "sigmoid"})


@pytest.mark.parametrize(("options", "share"), [({}, 3.29e-10), ({"alpha_init": -3.0, "beta_init": 3.0}, 0.229)])
def test_fastrnn_starts_with_its_two_shares_swapped(options, share):
    """Its values are right, so that no check of the contract finds this: what it forgets over 64 steps does."""
    model = zoo.build(tiny_spec({"kind": "tr-fastrnn", **options}, hidden_size=32), seed=0, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(4, 64, 5, generator=generator, dtype=torch.float64)
    state = model.init_state(4)
    (h,) = (t.requires_grad_() for t in torch.utils._pytree.tree_leaves(state) if isinstance(t, torch.Tensor))
    output, _ = model(x, state)
    first, last = (torch.autograd.grad(output[:, t].sum(), h, retain_graph=True)[0].norm().item() for t in (0, -1))
    assert last / first == pytest.approx(share, rel=0.05, abs=1e-14)


def test_the_taugru_layer_loses_its_delay_between_calls_and_the_cell_does_not():
    options = {"kind": "tr-taugru", "delay": 2}
    layer = zoo.build(
        zoo.load({"schema": 1, "name": "layer", "input": 5, "layers": [{**options, "hidden_size": 7}]}),
        seed=0,
        dtype=torch.float64,
    )
    cell = zoo.build(tiny_spec(options), seed=0, dtype=torch.float64)
    with torch.no_grad():
        for mine, theirs in zip(cell.parameters(), layer.parameters(), strict=True):
            mine.copy_(theirs)
        x = torch.randn(3, 12, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        whole = layer(x)[0]
        torch.testing.assert_close(cell(x)[0], whole, atol=1e-14, rtol=0)
        off = []
        for model in (layer, cell):
            first, state = model(x[:, :6])
            off.append((torch.cat([first, model(x[:, 6:], state)[0]], 1) - whole).abs().max().item())
    assert off == pytest.approx([0.138, 0.0], rel=0.01, abs=1e-14)
