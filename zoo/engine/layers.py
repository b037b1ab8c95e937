"""Layers one after the other: those of a stack, or those inside another layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import torch
from torch import Tensor, nn

from zoo.components import Shape, Window, moving
from zoo.engine.cell import Cell, States
from zoo.engine.layer import Layer, LayerOutput, rounded
from zoo.engine.recurrence import Run
from zoo.engine.recurrent_layer import RecurrentLayer, run_layer
from zoo.engine.sequence import at_last, zero_where

Joins = Callable[[int, Tensor], Tensor | None]


@dataclass(slots=True)
class Asked:
    """What heads ask of a stack's layers by their names, and are given.

    Attributes:
        names: Of the layers, "input" for what the first one reads.
        finals: Of those whose final output is asked for.
        found: What each gave, with what belongs to the steps behind it. A run fills it.
    """

    names: frozenset[str]
    finals: frozenset[str]
    found: dict[str, tuple[LayerOutput, Run]] = field(default_factory=dict)

    def read(self, names: tuple[str, ...]) -> tuple[LayerOutput, Run]:
        """What some of them gave, features side by side."""
        read = [self.found[name] for name in names]
        if len(read) == 1:
            return read[0]
        run = read[0][1]
        output = torch.cat([one.output for one, _ in read], 2)
        if all(one.final is None for one, _ in read):
            return LayerOutput(output, {}), run
        finals = [at_last(one.output, run.lengths) if one.final is None else one.final for one, _ in read]
        return LayerOutput(output, {}, torch.cat(finals, 1)), run


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

    @property
    def windows(self) -> tuple[Window, ...]:
        """Those that change the number of steps, from the first layer's input to the last layer's output."""
        behind, _ = self.windows_behind()
        return behind[-1] if behind else ()

    @property
    def cuttable(self) -> bool:
        """Whether a sequence can be cut between the windows of all layers that change the number of steps."""
        return all(layer.cuttable for layer in self._each() if moving(layer.windows))

    def windows_behind(self) -> tuple[list[tuple[Window, ...]], dict[str, tuple[Window, ...]]]:
        """Those that change the number of steps, from the first layer's input to the output of each layer.

        Returns:
            Of each layer in order, and of those with a name by that name, with "input" among them.
        """
        found: tuple[Window, ...] = ()
        behind: list[tuple[Window, ...]] = []
        named: dict[str, tuple[Window, ...]] = {"input": ()}
        for layer in self._each():
            if layer.reads:  # of layers around this list it is not known: they have none that those inside lack
                found = named.get(layer.reads[0], ())
            found = (*found, *moving(layer.windows))
            behind.append(found)
            if layer.called is not None:
                named[layer.called] = found
        return behind, named

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

    def run(
        self,
        x: Tensor,
        state: Mapping[str, Tensor] | None,
        run: Run,
        *,
        beside: Joins | None = None,
        asked: Asked | None = None,
    ) -> LayerOutput:
        """Run the layers over a batch of sequences.

        Args:
            x: Input of the first layer, shape (B, T, ...), zero in padding.
            state: Tensors of shape (B, ...) by name; other names are left out. None is the initial state.
            run: What belongs to all layers.
            beside: From the position of a layer and the output of the layer before it to the features (B, T, F) that
                are joined to its input, or None.
            asked: What heads ask of layers by their names, filled in.

        Returns:
            The last layer's output, and the states of all.
        """
        finals: frozenset[str] = frozenset()
        if asked is not None:
            finals = asked.finals
            if "input" in asked.names:
                asked.found["input"] = LayerOutput(x, {}), run
        before = None if state is None else self._apart(state)
        final, observed = run.final, run.observed
        y = LayerOutput(x, {})
        after: States = {}
        states: States = {}
        named = run.named
        for index, layer in enumerate(self._each()):
            given, run = _read(layer, named) if layer.reads else (y.output, run)
            # Only the first layer sees what was observed, and only the last is asked for its final output.
            joined = None if beside is None else beside(index, y.output)
            last = (final and index == len(self) - 1) or layer.called in finals
            run = _with(run, observed if index == 0 else None, last, named, joined)
            y = run_layer(layer, given, None if before is None else before[index], run, like=x)
            if layer.windows:
                run = run.behind(layer.windows, _steps(given))
                y = y._replace(output=zero_where(y.output, run.valid))
            if layer.called is not None:
                named = {**named, layer.called: (y.output, run)}
                if asked is not None and layer.called in asked.names:
                    asked.found[layer.called] = rounded(y, x), run
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


def _read(layer: Layer, named: Mapping[str, tuple[Tensor, Run]]) -> tuple[Any, Run]:
    """What a layer reads of those with a name, and what belongs to its steps."""
    found = [named[name] for name in layer.reads]
    return (tuple(output for output, _ in found) if layer.joins else found[0][0]), found[0][1]


def _with(
    run: Run, observed: Tensor | None, final: bool, named: Mapping[str, tuple[Tensor, Run]], joined: Tensor | None
) -> Run:
    if run.observed is observed and run.final == final and run.named is named and run.joined is joined:
        return run  # `replace` takes as long as a kernel
    return replace(run, observed=observed, final=final, named=named, joined=joined)


def _steps(given: Any) -> int:
    first: Tensor = given[0] if isinstance(given, tuple) else given
    return first.shape[1]
