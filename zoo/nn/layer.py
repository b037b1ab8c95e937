"""The base of every class of `zoo.nn`: a model as `zoo.build` makes it, by calling a class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import torch

from zoo.model.build import build
from zoo.model.limits import GIBIBYTE
from zoo.model.stack import StackModel
from zoo.nn.keys import Around, InputSize, keys, load
from zoo.spec.canonical import Spec


class Made(NamedTuple):
    """How a model is made, each with its default, as for `zoo.build`."""

    seed: int | None = None
    device: str | torch.device | None = None
    dtype: torch.dtype | None = None
    engine: str = "auto"
    memory_limit: int | None = 4 * GIBIBYTE


class CellModel(StackModel):
    """Layers of one cell: a `zoo.Model` that is made by calling its class, and no other than `zoo.build` makes.

    cell_name: the cell, as a spec names it. spec: the spec that these arguments stand for, of which `zoo.to_yaml` makes
    a file.
    """

    cell_name: ClassVar[str]

    def __init__(
        self,
        input_size: InputSize,
        hidden_size: int,
        num_layers: int,
        options: Mapping[str, Any],
        around: Around,
        made: Made,
    ) -> None:
        """Build the layers; the class says what its arguments mean."""
        name = self.cell_name.rpartition("/")[2]
        cell = {"kind": self.cell_name, **{key: value for key, value in options.items() if value is not None}}
        written = keys(name, input_size, hidden_size, num_layers, cell, around)
        self._adopt(load(written, f"zoo.nn.{type(self).__name__}"), made)

    def _adopt(self, spec: Spec, made: Made) -> None:
        """Become what the spec builds. All that a module is stands in its dictionary."""
        vars(self).update(vars(build(spec, **made._asdict())))
