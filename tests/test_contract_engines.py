"""Every spec of the library on each engine that can be asked for by name: part of `make test-all` alone."""

from __future__ import annotations

from typing import Final

import pytest
import torch

from zoo.checks.run import check
from zoo.engine.backends.linear import is_linear
from zoo.engine.names import ENGINES
from zoo.model.base import recurrent_layers
from zoo.model.build import build
from zoo.spec import library
from zoo.spec.canonical import Spec
from zoo.spec.shrink import shrink

pytestmark = pytest.mark.long

CHECKS: Final[dict[str, list[str] | None]] = {
    "loop": None,
    "fused": None,
    "linear": None,
    "scan": ["reference", "export"],  # all checks take two minutes a cell
    "compile": ["reference"],  # each check compiles anew, a quarter of a minute each
}
NAMES: Final = [entry.qualified for entry in library.entries() if entry.distribution == "recurrent-zoo"]


def _cannot(spec: Spec, engine: str) -> str | None:
    """Why a model must refuse an engine; None where it must run on it."""
    cells = [layer.cell for _, layer in recurrent_layers(build(shrink(spec), device="meta"))]
    if engine == "linear" and not all(map(is_linear, cells)):
        return "is not linear in its state"
    if engine == "fused" and not all(cell.fusable for cell in cells):
        return "has no fused kernel with these options"
    return None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("engine", CHECKS)
def test_a_model_passes_on_every_engine_or_says_why_not(engine: str, name: str) -> None:
    torch.manual_seed(0)
    torch._dynamo.reset()  # a function is compiled anew for so many models only, and all tests share its count
    for model in library.models(name):
        why = _cannot(model.spec, engine)
        report = check(model.spec, engine=engine, checks=CHECKS[engine], slow=CHECKS[engine] is not None)
        if why is None:
            assert report.ok, str(report)
            assert report.passed
        else:
            refusal, *others = report.outcomes
            assert {other.status for other in others} == {"not run"}
            assert (refusal.check, refusal.status) == ("build", "failed")
            assert why in refusal.reason


def test_every_engine_is_tried() -> None:
    assert {"auto", *CHECKS} == set(ENGINES)
