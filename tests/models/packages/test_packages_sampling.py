"""What may be drawn, against the warpers of transformers one after the other."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from borrowed import needed

from packages.table import VERSIONS
from zoo.model.sampling import Sampling, distribution

OPTIONS = [
    {"temperature": 0.5},
    {"temperature": 1.7},
    {"temperature": 1.0, "top_k": 1},
    {"temperature": 0.7, "top_k": 4},
    {"temperature": 0.7, "top_k": 100},
    {"temperature": 1.0, "top_p": 0.5},
    {"temperature": 1.6, "top_p": 0.9},
    {"temperature": 1.0, "top_p": 1e-9},
    {"temperature": 1.0, "top_p": 1.0},
    {"temperature": 1.3, "top_k": 5, "top_p": 0.8},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_transformers_keeps_the_same(options: dict[str, Any]) -> None:
    needed("transformers", VERSIONS["transformers"])
    from transformers.generation import logits_process as theirs

    scores = 2 * torch.randn((40, 50), generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    warpers: list[Any] = [theirs.TemperatureLogitsWarper(options["temperature"])]
    warpers += [theirs.TopKLogitsWarper(options["top_k"])] if "top_k" in options else []
    warpers += [theirs.TopPLogitsWarper(options["top_p"])] if "top_p" in options else []
    warped = scores
    for warper in warpers:
        warped = warper(None, warped)
    torch.testing.assert_close(distribution(scores, Sampling(**options)), warped.softmax(-1))
