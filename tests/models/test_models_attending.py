"""Published models that attend to a source, held to their sources: the same weights, padded on both sides."""

from __future__ import annotations

import pytest
import torch
from attending import Attending, attend, built, weights_of, with_weights
from of_attention import PAIRS

import zoo

BOUND = 1e-10
each = pytest.mark.parametrize("name", PAIRS)


@pytest.fixture
def pair(name: str) -> Attending:
    return attend(name, PAIRS[name])


@each
def test_a_model_scores_as_its_source_does(name: str, pair: Attending) -> None:
    assert pair.difference() <= BOUND


@each
def test_no_weight_is_mapped_in_vain(name: str, pair: Attending) -> None:
    """Each moves the scores away from the source's, and so was not anywhere else before."""
    for key, value in weights_of(pair.model).items():
        kept = value.clone()
        with torch.no_grad():
            value.add_(0.1 * torch.rand(value.shape, generator=torch.Generator().manual_seed(1), dtype=value.dtype))
        moved = pair.difference()
        assert moved <= BOUND if key in PAIRS[name].idle else moved > 1e-4, key
        with torch.no_grad():
            value.copy_(kept)


@each
def test_another_model_of_the_same_shapes_is_not_taken_for_it(name: str, pair: Attending) -> None:
    for what, changes in PAIRS[name].mistakes.items():
        other = with_weights(built(name, PAIRS[name], changes), weights_of(pair.model))
        assert pair.difference(other) > 1e-4, what


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("vision/show-attend-tell", 20_483_859),
        ("handwriting/handwriting-synthesis", 3_632_431),
        ("speech/tacotron2", 28_193_153 - 4_348_144),  # all but what stands behind it
        ("speech/listen-attend-spell", 595_520),
    ],
)
def test_published_counts(name: str, parameters: int) -> None:
    assert zoo.describe(zoo.load(name)).parameters == parameters
    model = zoo.build(name, device="meta")
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters
