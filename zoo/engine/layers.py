"""Layers one after the other: those of a stack, or those inside another layer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import cast

import torch
from torch import Tensor, nn

from zoo.components import Shape
from zoo.engine.cell import Cell, States
from zoo.engine.layer import Layer, LayerOutput, RecurrentLayer, rounded, run_layer
from zoo.engine.recurrence import Run


class LayerList(nn.ModuleList):
    """Layers that run one after the other, and their states under names such as `layers.0.h`.

    A layer that holds layers keeps them in one, under the name of its option, and calls `init_state` and `run`.

    Args:
        layers: In their order.
        at: The name under which this list is kept, with which the names of states begin.
    """

    def __init__(self, layers: Iterable[Layer] = (), *, at: str = "layers") -> None:
        super().__init__(layers)
        self.at = at

    @property
    def cells(self) -> list[Cell]:
        """The cells of the forward direction, in order; those inside other layers too."""
        return [module.cell for module in self.modules() if isinstance(module, RecurrentLayer)]

    @property
    def output_shape(self) -> Shape:
        """Shape of one step behind the last layer."""
        *_, last = self._each()
        return last.output_shape

    def init_state(self, batch: int, *, device: torch.device, dtype: torch.dtype) -> States:
        """The states before the first step.

        Args:
            batch: Number of sequences.
            device: Where the states live.
            dtype: Of the model. A state is at least float32.

        Returns:
            Tensors of shape (B, ...) by name.
        """
        state: States = {}
        for index, layer in enumerate(self._each()):
            own = layer.init_state(batch, device=device, dtype=dtype)
            state |= {f"{self.at}.{index}.{name}": value for name, value in own.items()}
        return state

    def run(self, x: Tensor, state: Mapping[str, Tensor] | None, run: Run) -> LayerOutput:
        """Run the layers over a batch of sequences.

        Args:
            x: Input of the first layer, shape (B, T, ...), zero in padding.
            state: Tensors of shape (B, ...) by name; other names are left out. None is the initial state.
            run: What belongs to all layers.

        Returns:
            The last layer's output, and the states of all.
        """
        before = None if state is None else self._apart(state)
        y = LayerOutput(x, {})
        after: States = {}
        states: States = {}
        for index, layer in enumerate(self._each()):
            last = index == len(self) - 1
            # Only the first layer sees what was observed, and only the last is asked for its final output.
            own = run
            if (index and run.observed is not None) or (run.final and not last):  # `replace` takes as long as a kernel
                own = replace(run, observed=run.observed if index == 0 else None, final=run.final and last)
            before_this = None if before is None else before[index]
            y = run_layer(layer, y.output, before_this, own, like=x)
            after |= {f"{self.at}.{index}.{name}": value for name, value in y.state.items()}
            if y.states is not None:
                states |= {f"{self.at}.{index}.{name}": value for name, value in y.states.items()}
        y = rounded(y, x)
        return LayerOutput(y.output, after, y.final, states if run.all_states else None)

    def _each(self) -> Iterator[Layer]:
        return cast(Iterator[Layer], iter(self._modules.values()))

    def _apart(self, state: Mapping[str, Tensor]) -> list[States]:
        """What belongs to each layer, by the names that it gave."""
        own: list[States] = [{} for _ in range(len(self))]
        prefix = f"{self.at}."
        for name, value in state.items():
            if name.startswith(prefix):
                index, _, inner = name.removeprefix(prefix).partition(".")
                own[int(index)][inner] = value
        return own
