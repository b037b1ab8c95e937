"""The input that shares another's table."""

from __future__ import annotations

from torch import Tensor, nn

from zoo.architectures.encoder_decoder.options import SharedOptions
from zoo.inputs.base import Input
from zoo.inputs.tokens import Tokens, embedded


class Shared(Tokens):
    """x (B, T), symbols -> (B, T, size), by the table of another input, which owns it.

    That stands in a tuple, so that the table is the owner's alone: in parameters(), in state_dict and on disk. Dropout
    belongs to the use, and not to the table.
    """

    def __init__(self, options: SharedOptions, owner: Input) -> None:
        nn.Module.__init__(self)
        if not isinstance(owner, Tokens):
            raise TypeError("a shared input needs an owner that embeds symbols")
        self.owner = (owner,)
        self.input_shape, self.output_shape, self.vocabulary = owner.input_shape, owner.output_shape, owner.vocabulary
        self.dropout = options.dropout
        self._of = options.of

    @property
    def table(self) -> nn.Embedding:
        return self.owner[0].table

    def extra_repr(self) -> str:
        return f"of={self._of}" + (f", dropout={self.dropout}" if self.dropout else "")

    def set_fixed_parameters(self) -> None:
        """The owner's own."""

    def forward(self, x: Tensor) -> Tensor:
        return embedded(x, self.table, self.dropout if self.training else 0.0)
