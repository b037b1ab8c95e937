"""Batch norm over valid steps, around cells and inside one, against torch's own on those steps alone."""

from __future__ import annotations

import pytest
import torch
from model_support import build, close, features
from torch import nn

from zoo.layers.norms import BatchNorm
from zoo.layers.options import BatchNormOptions

LENGTHS = torch.tensor([7, 2, 5, 1])
VALID = torch.arange(7) < LENGTHS.unsqueeze(1)


def pair() -> tuple[BatchNorm, nn.BatchNorm1d]:
    ours = BatchNorm(BatchNormOptions(momentum=0.3, eps=1e-3), (3,)).double()
    theirs = nn.BatchNorm1d(3, momentum=0.3, eps=1e-3).double()
    with torch.no_grad():
        ours.weight.copy_(torch.tensor([0.5, 2.0, -1.0])), ours.bias.copy_(torch.tensor([0.25, 0.5, 0.75]))
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


@pytest.mark.parametrize("ragged", [False, True])
def test_training_uses_valid_steps_alone_and_keeps_running_figures(ragged: bool) -> None:
    ours, theirs = pair()
    for seed in (1, 2):
        x = 3 * features(seed=seed) + 5
        if ragged:
            x[~VALID] = torch.nan
        steps = x[VALID] if ragged else x.flatten(0, 1)
        found = ours(x, VALID if ragged else None)
        close(found[VALID] if ragged else found.flatten(0, 1), theirs(steps))
    assert ours.num_batches_tracked == theirs.num_batches_tracked == 2
    close(ours.running_mean, theirs.running_mean)
    close(ours.running_var, theirs.running_var)
    x = features(seed=3)
    close(ours.eval()(x).flatten(0, 1), theirs.eval()(x.flatten(0, 1)))


def test_gradients_equal_those_of_torch() -> None:
    ours, theirs = pair()
    x = features(seed=4)
    mine, yours = x.clone().requires_grad_(), x.clone().requires_grad_()
    weights = features(seed=5)
    (ours(mine, VALID)[VALID] * weights[VALID]).sum().backward()
    (theirs(yours[VALID]) * weights[VALID]).sum().backward()
    assert mine.grad is not None
    assert not mine.grad[~VALID].any()
    close(mine.grad, yours.grad)
    close(ours.weight.grad, theirs.weight.grad)
    close(ours.bias.grad, theirs.bias.grad)


def test_a_single_step_gives_the_shift() -> None:
    ours, _ = pair()
    close(ours(features(1, 1)), torch.tensor([[[0.25, 0.5, 0.75]]], dtype=torch.float64))
    close(ours(features(2, 3), torch.zeros(2, 3, dtype=torch.bool)).isfinite().all(), torch.tensor(True))


@pytest.mark.parametrize("position", ["before", "after"])
def test_a_layer_normalises_what_enters_or_leaves_its_cell(position: str) -> None:
    model = build(norm={"kind": "batch", "position": position}).train()
    bare = build().train()
    bare.load_state_dict({name: t for name, t in model.state_dict().items() if ".norm." not in name})
    x = features()
    norm = nn.BatchNorm1d(3 if position == "before" else 5).double()
    padded = x.masked_fill(~VALID.unsqueeze(2), torch.nan)
    found, _ = model(padded, lengths=LENGTHS)
    if position == "before":
        within = torch.zeros_like(x)
        within[VALID] = norm(x[VALID])
        expected = bare(within, lengths=LENGTHS)[0][VALID]
    else:
        expected = norm(bare(x, lengths=LENGTHS)[0][VALID])
    close(found[VALID], expected)
    assert not found[~VALID].any()


@pytest.mark.parametrize("merge", ["concat", "sum", "mul"])
def test_the_final_output_of_both_directions_has_no_part_in_the_statistics(merge: str) -> None:
    keys = {"bidirectional": True, "merge": merge, "head": {"kind": "linear", "size": 2, "pool": "last"}}
    model = build(norm="batch", **keys).train()
    layer = model.layers[0]
    x = features()
    model(x, lengths=LENGTHS)
    seen = layer.norm.running_mean.clone()
    bare = build(**{**keys, "head": "none"}).train()
    bare.load_state_dict(
        {name: t for name, t in model.state_dict().items() if ".norm." not in name and "head" not in name}
    )
    close(seen, 0.1 * bare(x, lengths=LENGTHS)[0][VALID].mean(0))


def test_light_gru_normalises_the_products_of_valid_steps() -> None:
    model = build(cell="ligru").train()
    cell = model.layers[0].cell
    x = features()
    model(x.masked_fill(~VALID.unsqueeze(2), torch.nan), lengths=LENGTHS)
    close(cell.norm.running_mean, 0.05 * (x[VALID] @ cell.weight_ih.detach().T).mean(0))
