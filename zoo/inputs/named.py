"""Inputs that read several tensors by name: a mapping comes in, and every tensor of it has an input of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from zoo.components import Shape
from zoo.errors import BuildError
from zoo.inputs.base import Input

Often = Literal["step", "sequence"]


@dataclass(frozen=True, slots=True)
class Read:
    """One tensor of several that come in.

    Attributes:
        shape: Of one step of it; () for symbols.
        vocabulary: Number of symbols. None for real numbers.
        per: How often it comes in: (B, T, *shape), or (B, *shape) once for a sequence.
    """

    shape: Shape
    vocabulary: int | None
    per: Often

    def leading(self, batch: int, steps: int) -> tuple[int, ...]:
        """The axes in front of its own."""
        return (batch, steps) if self.per == "step" else (batch,)


class InputsByName(nn.Module):
    """Built inputs by their names, in order. Their keys in `state_dict` are `NAME...`.

    Args:
        inputs: By name.
        per: How often each comes in.
    """

    def __init__(self, inputs: Mapping[str, Input], per: Mapping[str, Often]) -> None:
        super().__init__()
        self.per = dict(per)
        for name, module in inputs.items():
            if hasattr(self, name):
                raise BuildError(f"of.{name}: every module of torch has {name!r} already: give the input another name")
            self.add_module(name, module)

    def extra_repr(self) -> str:
        once = ", ".join(name for name, per in self.per.items() if per == "sequence")
        return f"once per sequence: {once}" if once else ""

    def each(self) -> dict[str, Input]:
        """The inputs by name."""
        return {name: module for name, module in self._modules.items() if isinstance(module, Input)}


class NamedInputs(Input):
    """Base of inputs that read several tensors by name, which `of` reads: from a mapping of them to features.

    Args:
        of: As `zoo.build_inputs` gives them.

    Attributes:
        of: The same, whose parameters have keys such as `of.words.embedding.weight`.
        feeds: Name of the one that is the model's own sample of the step before, where it writes; None where none is.
    """

    feeds: str | None = None

    def __init__(self, of: InputsByName) -> None:
        super().__init__()
        self.of = of
        self.input_shape = ()

    @property
    def reads(self) -> dict[str, Read]:
        """What comes in, by name."""
        each = self.of.each().items()
        return {name: Read(one.input_shape, one.vocabulary, self.of.per[name]) for name, one in each}

    def example(  # type: ignore[override]
        self, batch: int, steps: int, generator: torch.Generator, dtype: torch.dtype
    ) -> dict[str, Tensor]:
        """A random input on the CPU.

        Args:
            batch: Number of sequences.
            steps: Number of time steps.
            generator: What draws it.
            dtype: Of numbers.

        Returns:
            A tensor for each name.
        """
        found = {}
        for name, one in self.of.each().items():
            x = one.example(batch, steps if self.of.per[name] == "step" else 1, generator, dtype)
            found[name] = x if self.of.per[name] == "step" else x[:, 0]
        return found

    def features(self, x: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What every input makes of its own tensor; of one that comes in once per sequence, repeated over the steps.

        Args:
            x: A tensor for each name, (B, T, ...) or (B, ...).

        Returns:
            Features (B, T, *output_shape) of each input, by name, in order.
        """
        steps = next(x[name].shape[1] for name, per in self.of.per.items() if per == "step")
        found = {}
        for name, one in self.of.each().items():
            if self.of.per[name] == "step":
                found[name] = one(x[name])
            else:
                y = one(x[name].unsqueeze(1))
                found[name] = y.expand(-1, steps, *y.shape[2:])
        return found

    def observed(self, observed: Tensor, name: str) -> Tensor | None:
        """Which features were observed, where it is known for one input.

        Args:
            observed: Of the input of that name, booleans (B, T, F).
            name: Of an input of features.

        Returns:
            Booleans (B, T, *output_shape), or None where what comes out mixes observed features with others.
        """
        return None

    def forward(self, x: Mapping[str, Tensor], valid: Tensor | None = None) -> Tensor:  # type: ignore[override]
        """From what comes in to features.

        Args:
            x: A tensor for each name, (B, T, ...), zero in padding, or (B, ...) once per sequence.
            valid: Which steps are no padding, booleans (B, T); None for all.

        Returns:
            Features of shape (B, T, *output_shape).
        """
        raise TypeError(f"{type(self).__name__} does not define forward")
