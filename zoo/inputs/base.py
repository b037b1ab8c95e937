"""What every input component is: from what a model is given to features."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zoo.components import Shape


class Input(nn.Module):
    """Base of inputs. forward: x (B, T, *input_shape) -> (B, T, *output_shape).

    input_shape: of one step; () for symbols. output_shape: per step.
    vocabulary: how many symbols there are; None for real numbers.
    """

    input_shape: Shape
    output_shape: Shape
    vocabulary: int | None = None

    def extra_repr(self) -> str:
        """The sizes of one step, where no module inside shows them."""
        return "" if any(True for _ in self.children()) else ", ".join(map(str, self.input_shape))

    def example(self, batch: int, steps: int, generator: torch.Generator, dtype: torch.dtype) -> Tensor:
        """A random input on the CPU."""
        shape = (batch, steps, *self.input_shape)
        if self.vocabulary is not None:
            return torch.randint(0, self.vocabulary, shape, generator=generator)
        return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)

    def forward(self, x: Tensor) -> Tensor:
        """x (B, T, *input_shape), real or symbols, to features (B, T, *output_shape)."""
        raise TypeError(f"{type(self).__name__} does not define forward")
