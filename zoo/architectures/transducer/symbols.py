"""The symbols of a transducer: what stands for each among the scores, and for the blank."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from zoo.errors import InputError
from zoo.model.tensors import readable


@dataclass(frozen=True, slots=True)
class Symbols:
    """Symbols are those of the predictor's table, from 0, and indices those of the scores.

    Attributes:
        blank: Its index.
        in_table: Whether the blank has a place in that table: then every symbol is its own index.
    """

    blank: int
    in_table: bool

    def at(self, index: Tensor) -> Tensor:
        """Symbols for indices among the scores."""
        return index if self.in_table else index - (index > self.blank).long()

    def indices(self, symbols: Tensor) -> Tensor:
        """Indices among the scores for symbols."""
        return symbols if self.in_table else symbols + (symbols >= self.blank).long()

    def padded(self, target: Tensor, valid: Tensor | None) -> Tensor:
        """Targets as integers of 64 bits, with a symbol that is not the blank where there is padding."""
        if valid is None:
            return target.long()
        return torch.where(valid, target.long(), int(self.in_table and self.blank == 0))

    def refuse_blank(self, symbols: Tensor) -> None:
        """Raise InputError where a target has the blank."""
        looks = self.in_table and symbols.device.type == "cpu" and readable(symbols)
        if looks and bool((symbols == self.blank).any()):
            raise InputError(f"target has the blank, {self.blank}, as a symbol: leave it out, with target_lengths")


def check_target(target: Tensor, device: torch.device) -> None:
    """Raise InputError for what are no symbols (B, U) on the model's device."""
    if not isinstance(target, Tensor) or target.dim() != 2 or target.dtype not in (torch.int64, torch.int32):
        found = f"{target.dtype} {tuple(target.shape)}" if isinstance(target, Tensor) else type(target).__name__
        raise InputError(f"target must be symbols (B, U) of dtype torch.int64, not {found}")
    if target.device.type != device.type:
        raise InputError(f"target is on {target.device}, the model on {device}: use target.to({str(device)!r})")
