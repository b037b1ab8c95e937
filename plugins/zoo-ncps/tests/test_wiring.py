"""What a wiring leaves out has no influence; seeds draw it; its sizes are as documented."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from ncps import wirings
from ncps_cases import AUTO, CIRCUIT, batch, build

import zoo

SPARSE = {"kind": "ncps-ltc", **AUTO}
WIRED = {"kind": "ncps-wired-cfc", **AUTO}


def masks(cell):
    return {name: b for name, b in cell.module.named_buffers() if name.endswith("sparsity_mask")}


@pytest.mark.parametrize("cell", [SPARSE, {"kind": "ncps-ltc", **CIRCUIT}, {"kind": "ncps-ltc", "wiring": "random"}])
def test_what_ltc_leaves_out_has_no_influence_and_no_gradient(cell):
    model, built = build(cell)
    x, dt = batch()
    before = model(x, dt=dt)[0]
    before.square().sum().backward()
    touched = 0
    for prefix in ("", "sensory_"):
        out = getattr(built.module, f"{prefix}sparsity_mask") == 0
        assert 0 < out.sum() < out.numel()
        for name in ("w", "mu", "sigma", "erev"):
            weight = getattr(built.module, prefix + name)
            assert not weight.grad[out].any()
            assert weight.grad[~out].any()
            touched += int(out.sum())
            with torch.no_grad():
                weight[out] = 7.0
    assert touched
    assert torch.equal(model(x, dt=dt)[0], before)


@pytest.mark.parametrize(("wired", "names"), [(False, "ff1 ff2"), (True, "ff1 ff2 time_a time_b")])
def test_what_wired_cfc_leaves_out_and_its_time_gates(wired, names):
    """ncps masks the two heads alone: its time gates see every neuron of the layer before, whatever the wiring."""
    model, built = build({**WIRED, "wired_time_gates": wired})
    x, dt = batch()
    before = model(x, dt=dt)[0]
    before.square().sum().backward()
    for name, mask in masks(built).items():
        layer = built.module.get_submodule(name.split(".")[0])
        out = mask == 0
        for gate in ("ff1", "ff2", "time_a", "time_b"):
            weight = getattr(layer, gate).weight
            assert weight.shape == mask.shape
            assert weight.grad[~out].any()
            assert bool(out.any() and weight.grad[out].any()) is (bool(out.any()) and gate not in names.split())
            if gate in names.split():
                with torch.no_grad():
                    weight[out] = 7.0
    assert any((mask == 0).any() for mask in masks(built).values())
    assert torch.equal(model(x, dt=dt)[0], before)


def test_a_circuit_has_four_layers():
    """Inputs reach inter neurons alone, these command neurons, these each other and motor neurons."""
    _, cell = build({"kind": "ncps-ltc", **CIRCUIT})
    motor, command, inter = slice(0, 4), slice(4, 7), slice(7, 11)
    inner, outer = cell.module.sparsity_mask.numpy(), cell.module.sensory_sparsity_mask.numpy()
    allowed = np.zeros((11, 11))
    allowed[inter, command] = allowed[command, command] = allowed[command, motor] = 1
    assert not inner[allowed == 0].any()
    assert not outer[:, :7].any()
    assert (outer.sum(1) >= 2).all()
    assert outer[:, inter].any(0).all()
    assert (inner[inter, command].sum(1) >= 2).all()
    assert inner[inter, command].any(0).all()
    assert (inner[command, motor].sum(0) >= 2).all()
    assert 1 <= inner[command, command].sum() <= 4


@pytest.mark.parametrize(
    ("options", "ncps"),
    [
        ({**AUTO, "sparsity": 0.7, "wiring_seed": 5}, wirings.AutoNCP(11, 3, 0.7, 5)),
        ({**CIRCUIT, "wiring_seed": 5}, wirings.NCP(4, 3, 4, 2, 2, 4, 2, 5)),
        ({"wiring": "random", "sparsity": 0.3, "wiring_seed": 5}, wirings.Random(11, None, 0.3, 5)),
        ({"outputs": 2, "self_connections": False, "wiring_seed": 5}, wirings.FullyConnected(11, 2, 5, False)),
    ],
)
def test_the_wiring_is_that_of_ncps(options, ncps):
    ncps.build(4)
    _, cell = build({"kind": "ncps-ltc", **options})
    assert np.array_equal(cell.module.sparsity_mask.numpy(), abs(ncps.adjacency_matrix))
    assert np.array_equal(cell.module.sensory_sparsity_mask.numpy(), abs(ncps.sensory_adjacency_matrix))
    assert np.array_equal(cell.module.erev.detach().numpy(), ncps.adjacency_matrix)
    assert cell.output_shape == (ncps.output_dim,)


@pytest.mark.parametrize("kind", ["ncps-ltc", "ncps-wired-cfc"])
def test_its_own_seed_draws_the_wiring_and_the_models_the_weights(kind):
    def drawn(seed, **options):
        _, cell = build({"kind": kind, **AUTO, **options}, seed=seed)
        return torch.cat([m.flatten() for m in masks(cell).values()]), next(cell.parameters()).detach()

    (mask, weights), (same, others), (other, _) = drawn(0), drawn(1), drawn(0, wiring_seed=1)
    assert torch.equal(mask, same)
    assert not torch.equal(weights, others)
    assert mask.shape == other.shape
    assert not torch.equal(mask, other)
    assert torch.equal(drawn(0)[1], weights)


@pytest.mark.parametrize("cell", [SPARSE, WIRED, {"kind": "ncps-cfc"}])
def test_starting_anew_keeps_the_wiring(cell):
    _, built = build(cell)
    kept = {name: mask.clone() for name, mask in masks(built).items()}
    first = {name: p.detach().clone() for name, p in built.named_parameters()}
    with torch.no_grad():
        for tensor in built.module.state_dict().values():
            tensor.fill_(3.0)
    torch.manual_seed(1)
    built.reset_parameters()
    assert all(torch.equal(mask, kept[name]) for name, mask in masks(built).items())
    parameters = dict(built.named_parameters())
    assert all(p.shape == first[name].shape and (p != 3.0).all() for name, p in parameters.items())
    assert not set(parameters) & set(masks(built))
    if "module.erev" in parameters:
        assert torch.equal(parameters["module.erev"], first["module.erev"])


@pytest.mark.parametrize(
    ("cell", "shape", "state"),
    [
        ({"kind": "ncps-ltc"}, (11,), {"v": (11,)}),
        ({"kind": "ncps-ltc", "outputs": 5}, (5,), {"v": (11,)}),
        ({"kind": "ncps-ltc", **CIRCUIT}, (4,), {"v": (11,)}),
        ({"kind": "ncps-cfc"}, (11,), {"h": (11,)}),
        (WIRED, (3,), {"h": (11,)}),
        ({"kind": "ncps-wired-cfc", "wiring": "random"}, (11,), {"h": (11,)}),
    ],
)
def test_all_neurons_are_the_state_and_the_motor_neurons_the_output(cell, shape, state):
    model, built = build(cell)
    assert (built.output_shape, {name: spec.shape for name, spec in built.states.items()}) == (shape, state)
    assert zoo.describe(model.spec).parameters == sum(p.numel() for p in model.parameters())


def test_layers_of_wired_cfc():
    _, cell = build(WIRED)
    assert cell.module.layer_sizes == [5, 3, 3]  # inter, command and motor neurons, in the order of the state
    assert [tuple(mask.shape) for mask in masks(cell).values()] == [(5, 4 + 5), (3, 5 + 3), (3, 3 + 3)]
