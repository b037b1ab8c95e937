"""What every input component is: from what a model is given to features."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zoo.components import Shape


class Input(nn.Module):
    """Base of inputs: from x (B, T, *input_shape) to features (B, T, *output_shape).

    Attributes:
        input_shape: Of one step of what comes in; () for symbols.
        output_shape: Of one step of the features.
        vocabulary: Number of symbols. None for real numbers.
    """

    input_shape: Shape
    output_shape: Shape
    vocabulary: int | None = None

    def extra_repr(self) -> str:
        """The sizes of one step, where no module inside shows them.

        Returns:
            The text between the brackets of `repr`.
        """
        return "" if any(True for _ in self.children()) else ", ".join(map(str, self.input_shape))

    def example(self, batch: int, steps: int, generator: torch.Generator, dtype: torch.dtype) -> Tensor:
        """A random input on the CPU.

        Args:
            batch: Number of sequences.
            steps: Number of time steps.
            generator: What draws it.
            dtype: Of numbers.

        Returns:
            Numbers of shape (batch, steps, *input_shape), or symbols of shape (batch, steps).
        """
        shape = (batch, steps, *self.input_shape)
        if self.vocabulary is not None:
            return torch.randint(0, self.vocabulary, shape, generator=generator)
        return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)

    def forward(self, x: Tensor) -> Tensor:
        """From what comes in to features.

        Args:
            x: Numbers of shape (B, T, *input_shape), or symbols of shape (B, T).

        Returns:
            Features of shape (B, T, *output_shape).
        """
        raise TypeError(f"{type(self).__name__} does not define forward")
