"""The suite of whole models: those by hand compute what the zoo's do, and what does not is found."""

from __future__ import annotations

import pytest
import torch
from each import each

from zoo.bench.suites import models
from zoo.errors import CheckFailure

NAMES = [heat.contests[0].name for heat in models.heats()]


def test_the_contests() -> None:
    contests = [
        *(f"models/{name}/small/training" for name in ("crnn", "deep-speech-2", "mamba", "gnmt", "mos")),
        *(f"models/{name}/small/ragged/training" for name in ("deep-speech-2", "gnmt", "mos")),
    ]
    assert contests == NAMES
    assert {heat.contests[0].bound for heat in models.heats()} == {"≤ 1.05", "≥ 1"}


@each("name", NAMES)
def test_both_give_the_same_output_loss_and_gradients(name: str) -> None:
    (heat,) = [heat for heat in models.heats() if heat.contests[0].name == name]
    assert heat.verify is not None
    heat.verify()


@each("place", ["layers.0.cell.weight_hh", "head.prior.weight", "input.embedding.weight"])
def test_another_weight_is_found(place: str) -> None:
    ours, other = models.MODELS["mos"](False, torch.float64)
    with torch.no_grad():
        other.parameters[place].mul_(1 + 1e-6)
    with pytest.raises(CheckFailure, match="mos: not the same computation: outputs differ by "):
        models.same("mos", ours, other)


def test_another_gradient_of_the_same_loss_is_found() -> None:
    ours, other = models.MODELS["mos"](False, torch.float64)
    doubled = models.Trained(other.output, lambda y: 2 * other.loss(y) - other.loss(y).detach(), other.parameters)
    with pytest.raises(CheckFailure, match="mos: not the same computation: gradients of "):
        models.same("mos", ours, doubled)
