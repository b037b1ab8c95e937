"""Several inputs as one: side by side, or summed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import add

import torch
from torch import Tensor, nn

from zoo.components import chosen
from zoo.engine.dropout import drop
from zoo.engine.inside import build_inputs, build_part
from zoo.engine.layer import normed
from zoo.inputs.named import NamedInputs
from zoo.inputs.options import SeveralOptions
from zoo.layers.nested.options import JoinOptions, describe_join


class Several(NamedInputs):
    """A mapping of tensors -> (B, T, size): each by an input of its own, then the merge, a norm and dropout."""

    def __init__(self, options: SeveralOptions) -> None:
        super().__init__(build_inputs(options.of))
        self.merge, self.dropout, self.feeds = options.merge, options.dropout, options.feeds
        shapes = [one.output_shape for one in self.of.each().values()]
        self.output_shape = describe_join(JoinOptions(merge=options.merge), shapes).output_shape
        self.norm: nn.Module | None = None
        if options.norm is not None:
            self.norm = build_part(options.norm, self.output_shape)
        self._chosen = chosen(options, "of", "norm")

    def extra_repr(self) -> str:
        return self._chosen

    def observed(self, observed: Tensor, name: str) -> Tensor | None:
        """All other features are observed at every step; a sum has none that are of one input alone."""
        if self.merge != "concat":
            return None
        like = {other: one.output_shape for other, one in self.of.each().items()}
        masks = [
            observed if other == name else observed.new_ones((*observed.shape[:2], *shape))
            for other, shape in like.items()
        ]
        return torch.cat(masks, 2)

    def forward(self, x: Mapping[str, Tensor], valid: Tensor | None = None) -> Tensor:  # type: ignore[override]
        found = [*self.features(x).values()]
        y = torch.cat(found, 2) if self.merge == "concat" else reduce(add, found)
        if self.norm is not None:
            y = normed(self.norm, y, valid).to(y.dtype)
        return drop(y, self.dropout, training=self.training, variational=False)
