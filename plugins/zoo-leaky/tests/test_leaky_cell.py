"""The cell's numbers, by hand and by another route than the cell's own."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

import zoo

FUNCTIONS = {"relu": torch.relu, "tanh": torch.tanh, "softplus": F.softplus}


def build(hidden=4, inputs=3, seed=0, **options):
    spec = zoo.load(
        {"schema": 1, "name": "t", "input": inputs, "cell": {"kind": "leaky", **options}, "hidden_size": hidden}
    )
    return zoo.build(spec, seed=seed).double()


def cell_of(model):
    return next(module for module in model.modules() if isinstance(module, zoo.Cell))


@pytest.mark.parametrize("nonlinearity", FUNCTIONS)
@pytest.mark.parametrize("alpha", [0.05, 0.2, 1.0])
def test_the_equation_step_by_step(nonlinearity, alpha):
    model = build(nonlinearity=nonlinearity, alpha=alpha).eval()
    cell = cell_of(model)
    with torch.no_grad():
        cell.bias.copy_(torch.tensor([0.1, -0.2, 0.3, 0.0]))
    x = torch.randn(2, 6, 3, dtype=torch.float64)
    h = torch.zeros(2, 4, dtype=torch.float64)
    expected = []
    for t in range(6):
        current = x[:, t] @ cell.weight_ih.T + h @ cell.weight_hh.T + cell.bias
        h = (1 - alpha) * h + alpha * FUNCTIONS[nonlinearity](current)
        expected.append(h)
    torch.testing.assert_close(model(x)[0], torch.stack(expected, 1), atol=1e-12, rtol=0)


def test_one_unit_by_hand():
    model = build(hidden=1, inputs=1, alpha=0.25, nonlinearity="relu").eval()
    cell = cell_of(model)
    with torch.no_grad():
        cell.weight_ih.fill_(2.0), cell.weight_hh.fill_(0.5), cell.bias.fill_(1.0)
    y, _ = model(torch.tensor([[[1.0], [0.0], [-4.0]]], dtype=torch.float64))
    # 0.25 * 3 = 0.75; 0.75 * 0.75 + 0.25 * (0.375 + 1) = 0.90625; relu(0.453125 - 8 + 1) = 0, so 0.75 * 0.90625
    assert y.flatten().tolist() == [0.75, 0.90625, 0.6796875]


def test_alpha_of_one_is_the_simple_recurrent_network():
    model = build(alpha=1.0, nonlinearity="tanh", hidden=5).eval()
    cell = cell_of(model)
    reference = torch.nn.RNN(3, 5, batch_first=True).double()
    with torch.no_grad():
        reference.weight_ih_l0.copy_(cell.weight_ih), reference.weight_hh_l0.copy_(cell.weight_hh)
        reference.bias_ih_l0.copy_(cell.bias), reference.bias_hh_l0.zero_()
    x = torch.randn(2, 9, 3, dtype=torch.float64)
    torch.testing.assert_close(model(x)[0], reference(x)[0], atol=1e-12, rtol=0)


def test_noise_has_the_published_size_and_is_new_at_every_step_row_and_unit():
    alpha, sigma = 0.1, 0.3
    model = build(hidden=50, alpha=alpha, noise=sigma, nonlinearity="tanh").train()
    cell = cell_of(model)
    with torch.no_grad():
        cell.weight_ih.zero_(), cell.weight_hh.zero_()
    torch.manual_seed(0)
    y = model(torch.zeros(40, 30, 3, dtype=torch.float64))[0].detach()
    before = torch.cat([torch.zeros_like(y[:, :1]), y[:, :-1]], 1)
    drawn = torch.atanh((y - (1 - alpha) * before) / alpha)  # the noise itself, since the rest of the current is zero
    assert drawn.std().item() == pytest.approx(math.sqrt(2 / alpha) * sigma, rel=0.02)
    assert abs(drawn.mean().item()) < 0.02
    steps = drawn.permute(1, 0, 2).flatten(1)
    assert torch.corrcoef(steps).fill_diagonal_(0).abs().max() < 0.12
    rows = drawn.flatten(1)
    assert torch.corrcoef(rows).fill_diagonal_(0).abs().max() < 0.12


def test_noise_follows_the_seed_and_is_not_there_when_it_should_not_be():
    x = torch.randn(2, 5, 3, dtype=torch.float64)
    noisy, quiet = build(noise=0.5), build()

    def run(model, seed):
        torch.manual_seed(seed)
        return model(x)[0]

    assert torch.equal(run(noisy.train(), 1), run(noisy.train(), 1))
    assert not torch.equal(run(noisy.train(), 1), run(noisy.train(), 2))
    assert torch.equal(run(noisy.eval(), 1), run(quiet.eval(), 2))
    assert torch.equal(run(quiet.train(), 1), run(quiet.train(), 2))


def test_a_silent_network_leaks_towards_zero_at_the_time_constant():
    model = build(alpha=0.2, nonlinearity="relu", bias=False).eval()
    cell = cell_of(model)
    with torch.no_grad():
        cell.weight_hh.zero_()
    state = model.init_state(1)
    found = [t for t in torch.utils._pytree.tree_leaves(state) if isinstance(t, torch.Tensor)]
    assert len(found) == 1
    found[0].fill_(1.0)
    y, _ = model(torch.zeros(1, 10, 3, dtype=torch.float64), state)
    assert y[0, -1].tolist() == pytest.approx([0.8**10] * 4)


def test_weights_start_as_documented():
    model = build(hidden=400, inputs=100, seed=3)
    cell = cell_of(model)
    assert cell.weight_ih.std().item() == pytest.approx(0.1, rel=0.02)
    assert cell.weight_hh.std().item() == pytest.approx(0.05, rel=0.02)
    assert not cell.bias.any()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"alpha": 0.0}, "alpha"),
        ({"alpha": 1.5}, "alpha"),
        ({"noise": -0.1}, "noise"),
        ({"nonlinearity": "sigmoid"}, "nonlinearity"),
    ],
)
def test_options_out_of_bounds_are_refused(options, said):
    with pytest.raises(zoo.SpecError, match=said) as caught:
        build(**options)
    assert len(caught.value.diagnostics) == 1


def test_what_it_promises_follows_from_its_options():
    from zoo_leaky.options import LeakyOptions, traits

    assert traits(LeakyOptions(noise=0.1)).stochastic
    assert not traits(LeakyOptions()).stochastic
    assert traits(LeakyOptions(nonlinearity="tanh")).bounded
    assert not traits(LeakyOptions(nonlinearity="softplus")).bounded


@pytest.mark.parametrize(("bias", "parameters"), [(True, 4 * (3 + 4) + 4), (False, 4 * (3 + 4))])
def test_parameters_in_closed_form(bias, parameters):
    model = build(bias=bias)
    assert sum(p.numel() for p in model.parameters()) == parameters
    assert zoo.describe(model.spec).parameters == parameters
