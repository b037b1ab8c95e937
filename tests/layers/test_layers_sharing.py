"""Parameters that both directions of a layer share: one object, one gradient, one key, and what a file may say of it."""

from __future__ import annotations

import copy
import io
from collections.abc import Mapping
from typing import Any

import pytest
import torch
import yaml
from each import each
from torch import Tensor, nn
from torch.nn import functional as F

import zoo
from zoo.engine.recurrent_layer import RecurrentLayer
from zoo.engine.sharing import borrowed, share

S5 = ["Lambda_re", "Lambda_im", "B", "log_step"]


def model(cell: Any, share: Any = "all", **keys: Any) -> Any:
    keys = {"input": 4, "cell": cell, "hidden_size": 3, "bidirectional": True, "share": share, **keys}
    return zoo.build(keys, seed=0, dtype=torch.float64)


def layer(built: Any) -> RecurrentLayer:
    found: RecurrentLayer = built.layers[0]
    return found


def test_both_directions_of_a_gru_are_torchs_with_one_set_of_weights() -> None:
    built = model("gru").eval()
    own = nn.GRU(4, 3, batch_first=True).double()
    own.load_state_dict({f"{name}_l0": value for name, value in layer(built).cell.state_dict().items()})
    x = built.example_input(2, 7)
    y, _ = built(x, lengths=[7, 4])
    for row, end in enumerate((7, 4)):
        alone = x[row : row + 1, :end]
        both = torch.cat([own(alone)[0], own(alone.flip(1))[0].flip(1)], 2)
        torch.testing.assert_close(y[row : row + 1, :end], both, atol=1e-12, rtol=0)


def test_it_is_one_object_one_gradient_and_one_key() -> None:
    built = model("gru")
    cell, reverse = layer(built).cell, layer(built).reverse_cell
    assert reverse is not None
    assert [*built.state_dict()] == [
        f"layers.0.cell.{name}" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    ]
    assert sum(p.numel() for p in built.parameters()) == 3 * 3 * (4 + 3 + 2) == zoo.describe(built.spec).parameters
    assert {name: id(value) for name, value in borrowed(reverse).items()} == {
        name: id(value) for name, value in cell.named_parameters()
    }
    x = built.example_input(1, 5)
    whole, _ = built(x)
    both = torch.autograd.grad(whole.square().sum(), cell.weight_hh)[0]
    halves = [
        torch.autograd.grad(built(x)[0][..., half].square().sum(), cell.weight_hh)[0]
        for half in (slice(3), slice(3, 6))
    ]
    assert all(float(one.abs().max()) > 1e-3 for one in halves)
    torch.testing.assert_close(both, halves[0] + halves[1], atol=1e-12, rtol=0)


def test_some_parameters_are_shared_and_others_are_not() -> None:
    built = model("s5", S5, merge="sum")
    reverse = layer(built).reverse_cell
    assert reverse is not None
    assert sorted(borrowed(reverse)) == sorted(S5)
    assert [name for name, _ in reverse.named_parameters()] == ["C", "D"]
    # Λ twice, B twice 4 · 3, Δ; and for each direction C, twice 4 · 3, and D
    assert (
        sum(p.numel() for p in built.parameters()) == 3 * 3 + 24 + 2 * (24 + 4) == zoo.describe(built.spec).parameters
    )


def test_a_norm_inside_shares_its_parameters_and_keeps_its_own_count_of_what_it_sees() -> None:
    built = model("ligru").train()
    reverse = layer(built).reverse_cell
    assert reverse is not None
    assert [name for name, _ in reverse.named_parameters()] == []
    x = built.example_input(3, 5)
    built(x)
    cell: Any = layer(built).cell
    seen = F.linear(x.flatten(0, 1), cell.weight_ih)
    for norm in (cell.norm, reverse.norm):
        torch.testing.assert_close(norm.running_mean, 0.05 * seen.mean(0), atol=1e-12, rtol=0)
        torch.testing.assert_close(norm.running_var, 0.95 + 0.05 * seen.var(0), atol=1e-12, rtol=0)


def test_dropout_of_a_candidate_takes_units_of_a_sequence_and_scales_the_others() -> None:
    cell = {"kind": "ligru", "norm": "none", "candidate_dropout": 0.5}
    built = zoo.build({"input": 4, "cell": cell, "hidden_size": 40}, seed=0, dtype=torch.float64)
    with torch.no_grad():
        layer(built).cell.get_parameter("weight_hh").zero_()  # so that all is linear in the candidates
    x = built.example_input(3, 5)
    whole = built.eval()(x)[0]
    torch.manual_seed(0)
    dropped = built.train()(x)[0]
    kept = dropped.any(1, keepdim=True)  # of each unit of a sequence, over all its steps
    torch.testing.assert_close(dropped, torch.where(kept, 2 * whole, torch.zeros_like(whole)), atol=1e-12, rtol=0)
    assert 0.3 < float(kept.double().sum() / whole.any(1).double().sum()) < 0.7


def _pickled(built: Any) -> Any:
    file = io.BytesIO()
    torch.save(built, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


@pytest.mark.parametrize("cell", ["lstm", "ligru"])
def test_copies_share_among_themselves_alone(cell: str) -> None:
    built = model(cell).eval()
    x = built.example_input(2, 5)
    before = built(x)[0]
    for made in (copy.deepcopy(built), _pickled(built)):
        assert torch.equal(made(x)[0], before)
        with torch.no_grad():
            for parameter in made.parameters():
                parameter.mul_(0.5)
        after = made(x)[0]
        assert not torch.equal(after[..., :3], before[..., :3])
        assert not torch.equal(after[..., 3:], before[..., 3:])
        assert torch.equal(built(x)[0], before)


def test_what_takes_the_place_of_a_parameter_is_seen_by_both_directions() -> None:
    built = model("gru").eval()
    x = built.example_input(1, 5)
    half = {name: 0.5 * value.detach() for name, value in built.named_parameters()}
    called: Tensor = torch.func.functional_call(built, half, (x,))[0]
    other = copy.deepcopy(built)
    other.load_state_dict(half)
    assert torch.equal(called, other(x)[0])
    other.to(torch.float32)
    assert other(x.float())[0].dtype == torch.float32
    fresh = zoo.materialise(zoo.build(built.spec, device="meta", dtype=torch.float64), "cpu", seed=0)
    assert torch.equal(fresh.eval()(x)[0], built(x)[0])


def test_what_is_cached_for_steps_is_made_anew_where_a_shared_parameter_changes() -> None:
    built = model("lru", ["nu_log"], merge="sum").eval()
    x = built.example_input(1, 5)
    with torch.no_grad(), built.streaming():
        before = built(x)[0]
        layer(built).cell.get_parameter("nu_log").mul_(0.5)
        after = built(x)[0]
    with torch.no_grad():
        assert torch.equal(after, built(x)[0])
    assert not torch.equal(after, before)


def test_half_precision_sees_shared_weights_as_it_sees_others() -> None:
    built = model("lru", merge="sum").to(torch.bfloat16).eval()
    apart = zoo.build({"input": 4, "cell": "lru", "hidden_size": 3, "bidirectional": True, "merge": "sum"}, seed=0)
    apart = apart.to(torch.bfloat16).eval()
    ours = dict(built.state_dict())
    both = ours | {name.replace(".cell.", ".reverse_cell."): value for name, value in ours.items()}
    apart.load_state_dict(both)
    x = built.example_input(2, 50)
    assert torch.equal(built(x)[0], apart(x)[0])


@each(
    ("keys", "said"),
    [
        ({"share": "all"}, "share names what two directions have in common: it needs bidirectional: true"),
        (
            {"layers": [{"bidirectional": True}, {"share": "all"}]},
            "share names what two directions have in common: it needs bidirectional: true",
        ),
        (
            {"bidirectional": True, "share": ["nu"]},
            "cell 'lru' has no parameter 'nu'; it has nu_log, theta_log, gamma_log, D, B_re, B_im, C_re, C_im",
        ),
        ({"bidirectional": True, "share": ["b_re"]}, "cell 'lru' has no parameter 'b_re'; did you mean 'B_re'?"),
        (
            {"bidirectional": True, "cell": "gru", "share": ["weight_ih"]},
            "cell 'gru' does not say how large each of its parameters is: share: all, or leave it out",
        ),
        (
            {"bidirectional": True, "share": []},
            "'share' must be 'all' or a list of names of the cell's parameters, not a list",
        ),
        (
            {"bidirectional": True, "share": True},
            "'share' must be 'all' or a list of names of the cell's parameters, not the boolean true",
        ),
        ({"bidirectional": True, "share": ["D", "B_re", "D"]}, "'share' names 'D' twice"),
    ],
)
def test_a_mistake_is_one_clear_line(keys: Mapping[str, Any], said: str) -> None:
    with pytest.raises(zoo.SpecError) as caught:
        zoo.load({"input": 4, "cell": "lru", "hidden_size": 3, **keys})
    assert [one.message for one in caught.value.diagnostics] == [said]


def test_parameters_of_other_shapes_are_not_shared() -> None:
    with pytest.raises(KeyError, match="weight"):
        share(nn.Linear(2, 3), nn.Linear(3, 3), ["weight"])
    with pytest.raises(KeyError, match="wieght"):
        share(nn.Linear(3, 3), nn.Linear(3, 3), ["wieght"])


@pytest.mark.parametrize("wanted", ["all", S5])
def test_what_is_shared_is_written_out_again(wanted: Any) -> None:
    keys = {"schema": 1, "name": "a", "input": 4, "cell": "s5", "hidden_size": 3, "bidirectional": True, "layers": 2}
    spec = zoo.load({**keys, "share": wanted})
    written = yaml.safe_load(zoo.to_yaml(spec))
    assert [one["share"] for one in written["layers"]] == [wanted, wanted]
    assert zoo.load(written) == spec
    assert "share" not in yaml.safe_load(zoo.to_yaml(zoo.load(keys)))["layers"][0]
