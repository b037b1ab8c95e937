import pytest
import torch

import zoo
from zoo.testing import assert_bug_caught, assert_matches_reference, tiny_spec
from zoo_tutorial.options import EMAOptions, describe_ema


@pytest.mark.parametrize("damped", [True, False])
@pytest.mark.parametrize("engine", ["linear", "loop"])
def test_the_equation(damped, engine):
    assert_matches_reference({"kind": "ema", "damped": damped}, input_size=7, hidden_size=12, engine=engine)


def test_one_unit_by_hand():
    model = zoo.build(tiny_spec({"kind": "ema", "damped": False}, input=1, hidden_size=1), dtype=torch.float64)
    cell = model.layers[0].cell
    with torch.no_grad():
        cell.weight_ih.fill_(2.0)
        cell.rate.fill_(0.0)  # alpha is a half
    output, _ = model(torch.tensor([[[1.0], [0.0], [3.0]]], dtype=torch.float64))
    assert output.flatten().tolist() == [1.0, 0.5, 3.25]


@pytest.mark.parametrize(
    ("check", "where", "right", "wrong"),
    [
        ("reference", "modules:EMA.constants", "1 - (", "("),
        ("gradient_flow", "modules:EMA.constants", "(self.damping)", "(self.damping.detach())"),
        ("padding_invariance", "modules:Range.forward", "valid is None", "True"),
        ("parameters", "options:describe_ema", "2 if options.damped else 1", "1"),
    ],
)
def test_a_bug_would_be_found(check, where, right, wrong):
    assert_bug_caught("swing", check, f"zoo_tutorial.{where}", right, wrong)


def test_maps_are_refused():
    with pytest.raises(zoo.ZooError, match="needs flat features"):
        describe_ema(EMAOptions(), (3, 8, 8), 16)
