"""Rules with the bugs that break them: a rule is a function that asserts; under each of its bugs it must fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from each import Test, each
from exotic import F_IN
from planted.patching import Patch
from torch import Tensor

import zoo
from zoo.engine.cell import Cell
from zoo.engine.layer import LayerOutput
from zoo.engine.recurrence import Run
from zoo.engine.recurrent_layer import RecurrentLayer
from zoo.inputs.features import Features
from zoo.inputs.options import FeaturesOptions
from zoo.model.stack import StackModel as Model

CPU = torch.device("cpu")
Rule = Callable[[], None]
Plant = Callable[[Patch], None]


@dataclass(frozen=True)
class Bug:
    """rule: what it breaks. plant: how it gets into the code. error: what comes of it."""

    rule: Rule
    plant: Plant
    error: type[Exception]

    def is_caught(self) -> None:
        torch.manual_seed(0)
        with pytest.MonkeyPatch.context() as patch:
            self.plant(patch)
            with pytest.raises(self.error):
                self.rule()


class Traps:
    """The rules of one file in order, each followed by its bugs."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.bugs: list[Bug] = []

    def rule(self, holds: Rule) -> Rule:
        self.rules.append(holds)
        return holds

    def bug(self, plant: Plant) -> Plant:
        """A bug under which the last rule's assertions fail."""
        return self.bug_raising(AssertionError)(plant)

    def bug_raising(self, error: type[Exception]) -> Callable[[Plant], Plant]:
        """A bug under which the last rule's run raises."""

        def add(plant: Plant) -> Plant:
            self.bugs.append(Bug(self.rules[-1], plant, error))
            return plant

        return add

    def each_rule(self) -> Callable[[Test], Test]:
        return each("rule", self.rules, ids=lambda rule: rule.__name__)

    def each_bug(self) -> Callable[[Test], Test]:
        return each("bug", self.bugs, ids=lambda bug: f"{bug.rule.__name__}-{bug.plant.__name__}")


def model_of(*cells: Cell, width: int = F_IN) -> Model:
    """A model of cells without a spec, in eval mode."""
    return Model(Features(FeaturesOptions(size=width)), [RecurrentLayer(cell) for cell in cells]).eval()


def built(cell: str, *, dtype: torch.dtype = torch.float64, engine: str = "auto", **keys: Any) -> Model:
    """A model of one layer of a built-in cell, 4 units wide as its input, in eval mode. keys: of the layer."""
    layers = [{"cell": cell, "hidden_size": 4, **keys}]
    spec = zoo.load({"schema": 1, "name": "a", "input": 4, "layers": layers})
    return zoo.build(spec, seed=0, dtype=dtype, engine=engine).eval()


def run_alone(layer: RecurrentLayer, x: Tensor, **given: Any) -> LayerOutput:
    """A layer over x (B, T, F) from its initial state."""
    found: LayerOutput = layer(x, layer.init_state(x.shape[0], device=x.device, dtype=x.dtype), Run(**given))
    return found


def same(found: Tensor, right: Tensor) -> None:
    torch.testing.assert_close(found, right, atol=1e-12, rtol=0)
