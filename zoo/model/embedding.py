"""From what a model is called with to the features that its layers read."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from zoo.engine import forwards
from zoo.engine.sequence import zero_where
from zoo.inputs.base import Input
from zoo.inputs.named import NamedInputs
from zoo.model import several
from zoo.model.tensors import check_symbols


def embedded(source: Input, x: Any, valid: Tensor | None, observed: Tensor | None) -> Tensor:
    """Features (B, T, ...), zero in padding and where nothing was observed, whatever stood there."""
    if isinstance(source, NamedInputs):
        lead = several.lead_of(x, source.reads)
        read = several.embeddable(source, x, valid, observed)
        expected = (*lead.shape[:2], *source.output_shape)
        return zero_where(forwards.called(source, read, valid, expected=expected), valid)
    if observed is not None:
        x = torch.where(observed, x, torch.zeros((), dtype=x.dtype, device=x.device))
    x = zero_where(x, valid)
    if source.vocabulary is not None:
        check_symbols(x, source.vocabulary)
    real = forwards.called(source, x, expected=(*x.shape[:2], *source.output_shape))
    return real if real is x else zero_where(real, valid)
