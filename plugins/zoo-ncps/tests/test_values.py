"""The cells' numbers: by their equations, by ncps itself, and by hand."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from ncps import wirings
from ncps.torch import LTC, CfC, LTCCell
from ncps_cases import AUTO, CELLS, CIRCUIT, batch, build

from zoo.testing import assert_bug_caught, assert_matches_reference


def own(cell, module):
    """ncps' own recurrent module with the numbers of a cell."""
    module = module.double().eval()
    module.rnn_cell.load_state_dict(cell.module.state_dict())
    return module


def stepwise(module, x, dt):
    """ncps' own cell step by step, the time in the shape that is right for it, (B, 1)."""
    h, outputs = torch.zeros(len(x), module.state_size, dtype=x.dtype), []
    for t in range(x.shape[1]):
        y, h = module.rnn_cell(x[:, t], h, dt[:, t].unsqueeze(1))
        outputs.append(y)
    return torch.stack(outputs, 1)


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_the_equations_at_irregular_times(cell):
    assert_matches_reference(cell, input_size=4, hidden_size=11, steps=6)


OWN = [
    (CELLS[0], lambda: LTC(4, wirings.FullyConnected(11, erev_init_seed=22222))),
    (CELLS[2], lambda: LTC(4, wirings.NCP(4, 3, 4, 2, 2, 4, 2))),
    (CELLS[3], lambda: LTC(4, wirings.AutoNCP(11, 3, 0.7))),
    (CELLS[4], lambda: LTC(4, wirings.Random(11, 2, 0.4, 22222))),
    (CELLS[8], lambda: CfC(4, 11)),
    (CELLS[9], lambda: CfC(4, 11, mode="pure", backbone_layers=2, backbone_units=7)),
    (CELLS[10], lambda: CfC(4, 11, mode="no_gate", backbone_layers=0)),
    (CELLS[15], lambda: CfC(4, 11, activation="gelu")),
    ({"kind": "ncps-wired-cfc", **AUTO}, lambda: CfC(4, wirings.AutoNCP(11, 3))),
    ({"kind": "ncps-wired-cfc", **CIRCUIT}, lambda: CfC(4, wirings.NCP(4, 3, 4, 2, 2, 4, 2))),
]


@pytest.mark.parametrize(("cell", "ncps"), OWN, ids=lambda value: str(value) if isinstance(value, dict) else "")
def test_the_numbers_of_ncps_and_its_checkpoints(cell, ncps):
    model, built = build(cell)
    theirs = own(built, ncps())
    x, dt = batch()
    with torch.no_grad():
        torch.testing.assert_close(model(x)[0], theirs(x)[0], atol=1e-14, rtol=0)
        torch.testing.assert_close(model(x, dt=dt)[0], stepwise(theirs, x, dt), atol=1e-14, rtol=0)
        # one row at a time is what ncps' loop gets right
        rows = torch.cat([theirs(x[k : k + 1], timespans=dt[k : k + 1])[0] for k in range(3)])
        torch.testing.assert_close(model(x, dt=dt)[0], rows, atol=1e-14, rtol=0)


@pytest.mark.parametrize(
    ("cell", "ncps"), [(CELLS[0], lambda: LTC(4, wirings.FullyConnected(11))), (CELLS[8], lambda: CfC(4, 11))]
)
def test_times_of_a_batch_which_ncps_gets_wrong(cell, ncps):
    model, built = build(cell)
    theirs = own(built, ncps())
    x, dt = batch(rows=3)
    with pytest.raises(RuntimeError, match="must match the size"):
        theirs(x, timespans=dt)
    x, dt = batch(rows=11)  # as many rows as neurons: the time of row b becomes that of neuron b, in silence
    with torch.no_grad():
        right = torch.cat([theirs(x[k : k + 1], timespans=dt[k : k + 1])[0] for k in range(11)])
        assert (theirs(x, timespans=dt)[0] - right).abs().max() > 0.05
        torch.testing.assert_close(model(x, dt=dt)[0], right, atol=1e-14, rtol=0)


def test_a_leaking_capacitor_by_hand():
    options = {"ode_unfolds": 1, "implicit_param_constraints": False, "input_mapping": "none", "output_mapping": "none"}
    model, cell = build({"kind": "ncps-ltc", **options}, inputs=1, hidden=1)
    with torch.no_grad():
        cell.module.w.zero_(), cell.module.sensory_w.zero_()
        cell.module.cm.fill_(1.0), cell.module.gleak.fill_(1.0), cell.module.vleak.fill_(1.0)
    y, _ = model(torch.ones(1, 3, 1, dtype=torch.float64), dt=torch.tensor([[1.0, 3.0, 0.5]], dtype=torch.float64))
    # (0 + 1) / (1 + 1); (1/3 * 0.5 + 1) / (1/3 + 1); (2 * 0.875 + 1) / (2 + 1); ncps adds 1e-8 below
    assert y.flatten().tolist() == pytest.approx([0.5, 0.875, 2.75 / 3], abs=1e-8)


def test_an_exponential_by_hand():
    model, cell = build({"kind": "ncps-cfc", "mode": "pure", "backbone_layers": 0}, inputs=1, hidden=1)
    with torch.no_grad():
        cell.module.ff1.weight.zero_(), cell.module.ff1.bias.fill_(0.5)
        cell.module.w_tau.fill_(-1.5), cell.module.A.fill_(3.0)
    y, _ = model(torch.ones(1, 2, 1, dtype=torch.float64), dt=torch.tensor([[1.0, 0.25]], dtype=torch.float64))
    # A - A f exp(-dt (|w| + |f|))
    assert y.flatten().tolist() == pytest.approx([3 - 1.5 * math.exp(-2), 3 - 1.5 * math.exp(-0.5)], abs=1e-15)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_no_time_is_no_change_and_no_nan(dtype):
    model, cell = build({"kind": "ncps-ltc"})
    x, dt = batch()
    dt[:, 3] = 0.0
    model, x, dt = model.to(dtype), x.to(dtype).requires_grad_(), dt.to(dtype)
    y, _ = model(x, dt=dt)
    torch.testing.assert_close(y[:, 3], y[:, 2], atol=1e-5, rtol=0)
    y.sum().backward()
    assert all(p.grad.isfinite().all() for p in (x, *model.parameters()))
    h = torch.zeros(3, 11, dtype=dtype)
    assert cell.module(x[:, 0], h, torch.zeros(3, 1, dtype=dtype))[0].isnan().any()  # ncps alone


def test_parameters_that_are_replaced_are_used():
    """ncps' LTC keeps its parameters twice, and computes with those that it had at first."""
    _, cell = build({"kind": "ncps-ltc"})
    theirs = LTCCell(wirings.FullyConnected(11), 4, implicit_param_constraints=True).double()
    x, h = torch.randn(2, 4, dtype=torch.float64), torch.zeros(2, 11, dtype=torch.float64)
    other = {name: tensor + 0.1 for name, tensor in cell.module.state_dict().items()}
    for module, follows in ((theirs, False), (copy.deepcopy(cell.module), True)):
        before = module(x, h)[0]
        module.load_state_dict(other, assign=True)
        assert (not torch.equal(module(x, h)[0], before)) is follows


def test_the_constraints_of_ncps_reach_the_parameters():
    model, cell = build({"kind": "ncps-ltc", "implicit_param_constraints": False})
    x, dt = batch()
    with torch.no_grad():
        cell.module.w[0] = -1.0
        cell.module.gleak[0] = -1.0
    before = model(x, dt=dt)[0]
    cell.module.apply_weight_constraints()
    assert not cell.module.w[0].any()
    assert dict(model.named_parameters())["layers.0.cell.module.gleak"][0] == 0
    assert not torch.allclose(model(x, dt=dt)[0], before)


def test_dropout_acts_behind_the_second_layer_and_in_training_only():
    model, cell = build({"kind": "ncps-cfc", "backbone_layers": 2, "backbone_units": 30, "backbone_dropout": 0.5})
    x, dt = batch()
    assert torch.equal(model(x, dt=dt)[0], model(x, dt=dt)[0])
    model.train()
    assert not torch.equal(model(x, dt=dt)[0], model(x, dt=dt)[0])
    assert [type(part).__name__ for part in cell.module.backbone] == ["Linear", "LeCun", "Linear", "LeCun", "Dropout"]


@pytest.mark.parametrize(
    ("variant", "check", "where", "right", "wrong"),
    [
        ("", "reference", "cells:Ncps.project", "ctx.dt.unsqueeze(2)", "ctx.dt.unsqueeze(2) * 1.01"),
        ("", "reference", "cells:LTC.output", ": self.output_shape[0]", "-self.output_shape[0] :"),
        ("@closed-form", "reference", "cells:WiredCfC.output", "-self.output_shape[0] :", ": self.output_shape[0]"),
        ("", "batch_independence", "cells:Ncps.project", "ctx.dt.unsqueeze(2)", "ctx.dt.roll(1, 0).unsqueeze(2)"),
        ("", "gradient_flow", "cells:Ncps.constants", "tuple(self", "tuple(t.detach() for t in self"),
        ("@unwired", "parameters", "figures:describe_cfc", "biases += options.width", "biases += 1"),
    ],
)
def test_a_bug_would_be_found(variant, check, where, right, wrong):
    assert_bug_caught(f"ncps-irregular{variant}", check, f"zoo_ncps.{where}", right, wrong)
