"""Layers that run within every step, over its first axis: characters of a word, points of a frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo.components import Shape, Window, least_steps
from zoo.engine.inside import build_layers, build_part
from zoo.engine.layer import Layer, LayerOutput, Run
from zoo.engine.layers import LayerList
from zoo.engine.names import Engine
from zoo.engine.sequence import at_last, valid_steps, zero_where
from zoo.layers.nested.options import EachOptions, takes_final


class Branch(nn.Module):
    """Layers over the first axis of every step, and what reduces it: (N, P, ...) -> (N, size).

    Args:
        layers: As an option gives them.
        pool: The same; None flattens.
        shape: Of one position.
        at: Where the layers stand among the options.
    """

    layers: LayerList
    pool: nn.Module | None
    takes_final: bool

    def __init__(self, layers: Any, pool: Any, shape: Shape, at: str) -> None:
        super().__init__()
        _fill(self, layers, pool, shape, at)


class Within(nn.Module):
    """A module whose layers run over the first axis of every step: in one branch, which is its own, or in several.

    Attributes:
        engine: How recurrences run, as of the model.
    """

    branches: nn.ModuleList | None
    after: LayerList | None
    engine: Engine = "auto"

    def fill(self, options: EachOptions, shape: Shape) -> int:
        """Build what the options say for steps of this shape, and give the size of what comes out."""
        if options.branches is None:
            self.branches = None
            _fill(self, options.layers, options.pool, shape[1:], "layers")
        else:
            self.branches = nn.ModuleList(Branch(layers, pool, shape[1:], at) for at, layers, pool in options.within)
        self.after = None
        with torch.no_grad():  # the size of layers that do not describe themselves, too
            size: int = self.eval().reduced(torch.zeros(1, *shape)).shape[1]
        self.train()
        if options.after is None:
            return size
        self.after = build_layers(options.after, (size,), at="after")
        return self.after.output_shape[0]

    def reduced(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """x (N, P, ...), with how many positions count, (N,), None for all -> (N, size)."""
        holders = (self,) if self.branches is None else self.branches
        together = torch.cat([_reduced(one, x, lengths, self.engine) for one in holders], 1)
        if self.after is None:
            return together
        return self.after.run(together.unsqueeze(1), None, Run(engine=self.engine)).output.flatten(1)


def _fill(holder: Any, layers: Any, pool: Any, shape: Shape, at: str) -> None:
    """Give a module the layers and the pool of one branch."""
    holder.layers = build_layers(layers, shape, at=at)
    holder.pool = None if pool is None else build_part(pool, holder.layers.output_shape)
    holder.takes_final = takes_final(pool)


def _reduced(holder: Any, x: Tensor, lengths: Tensor | None, engine: Engine) -> Tensor:
    """What the layers and the pool of one branch make of x.

    Where fewer positions count than a window is long, as many as it is long do, for it to have something to look at.
    """
    valid = None
    if lengths is not None:
        lengths = lengths.clamp(min=_least(holder.layers.windows))
        valid = valid_steps(lengths, x.shape[1])
    run = Run(lengths=lengths, valid=valid, engine=engine, final=holder.takes_final)
    found = holder.layers.run(zero_where(x, valid), None, run)
    if holder.pool is None:
        flat: Tensor = found.output.flatten(1)
        return flat
    behind = run.behind(holder.layers.windows, x.shape[1])
    final = at_last(found.output, behind.lengths) if found.final is None else found.final
    y: Tensor = holder.pool(found.output, behind.valid, final)
    return y.flatten(1)


def _least(windows: tuple[Window, ...]) -> int:
    """The smallest number of positions that layers with these windows can run on."""
    return max((least_steps(windows[: end + 1]) for end in range(len(windows))), default=1)


class Each(Layer, Within):
    """(B, T, P, ...) -> (B, T, size): every step by itself, with P as its steps."""

    def __init__(self, options: EachOptions, input_shape: Shape) -> None:
        super().__init__()
        self.output_shape = (self.fill(options, input_shape),)

    def forward(self, x: Tensor, state: Mapping[str, Tensor], run: Run) -> LayerOutput:
        y = self.reduced(x.flatten(0, 1))  # (B · T, P, ...)
        return LayerOutput(zero_where(y.reshape(*x.shape[:2], -1), run.valid), {})
