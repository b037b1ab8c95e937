"""The input that is another stack's."""

from __future__ import annotations

from torch import Tensor

from zoo.architectures.bilm.options import SameOptions
from zoo.inputs.base import Input


class Same(Input):
    """Gives what its owner gives. That stands in a tuple, so that its parameters are the owner's alone."""

    def __init__(self, options: SameOptions, owner: Input) -> None:
        super().__init__()
        self.owner = (owner,)
        self.input_shape, self.output_shape, self.vocabulary = owner.input_shape, owner.output_shape, owner.vocabulary
        self._of = options.of

    def extra_repr(self) -> str:
        return f"of={self._of}"

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.owner[0](x)
        return found
