"""The head of connectionist temporal classification: symbols without knowing when each of them comes."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.components import Shape, chosen
from zoo.errors import InputError
from zoo.heads.base import Head, Lengths, cleared, wide
from zoo.heads.options import CTCOptions
from zoo.heads.targets import checked_symbols, rows_of, valid_steps, whole


class CTC(Head):
    """(B, T, F) -> W x + b, (B, T, size): scores of the symbols and of the blank.

    A target is symbols (B, S), none of them the blank; `target_lengths` says how many of each row count, or all S.
    The loss is the mean over sequences of -log P(target), where P sums over all paths that give the target when equal
    neighbours are merged and blanks left out; it is infinite for a target that does not fit into its steps. `decode`
    gives what the best path gives so, (B, T), with -1 behind it.

    Source: Graves et al. 2006, doi:10.1145/1143844.1143891, sections 3 and 4.
    """

    gives = "logits"
    writes = None  # a step's symbol may be the blank, or the one before again

    def __init__(self, options: CTCOptions, input_shape: Shape, source: nn.Module) -> None:
        super().__init__()
        self.dropout, self.axes = options.dropout, len(input_shape)
        self.blank = options.size - 1 if options.blank == "last" else options.blank
        self.linear = nn.Linear(math.prod(input_shape), options.size, bias=options.bias)
        self._chosen = chosen(options, "bias")

    def extra_repr(self) -> str:
        return self._chosen

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.linear(F.dropout(x.flatten(-self.axes), self.dropout, self.training))
        return y

    def loss(
        self, output: Tensor, target: Tensor, lengths: Lengths = None, *, target_lengths: Lengths = None
    ) -> Tensor:
        rows = _steps(output)
        batch, steps = rows
        if not isinstance(target, Tensor) or target.dim() != 2:
            shown = f"shape {tuple(target.shape)}" if isinstance(target, Tensor) else type(target).__name__
            raise InputError(f"target must be symbols of shape (B, S), a row for each sequence, not {shown}")
        longest, device = target.shape[1], output.device
        ends = whole("lengths", [steps] * batch if lengths is None else lengths, batch, steps, device)
        given = [longest] * batch if target_lengths is None else target_lengths
        counts = whole("target_lengths", given, batch, longest, device)
        counted = torch.arange(longest, device=device) < counts.unsqueeze(1)
        symbols = checked_symbols(target, (batch, longest), output.shape[-1], counted)
        if target.device.type == "cpu" and bool(((symbols == self.blank) & counted).any()):
            raise InputError(f"target has the blank, {self.blank}, which stands between symbols and is none")
        symbols = symbols.masked_fill(~counted, (self.blank + 1) % output.shape[-1])
        valid = valid_steps(output, ends)
        assert valid is not None
        scores = cleared(wide(output), valid)
        each = F.ctc_loss(
            F.log_softmax(scores, -1).transpose(0, 1), symbols, ends, counts, blank=self.blank, reduction="none"
        )
        return each.mean()

    def decode(self, output: Tensor, lengths: Lengths = None) -> Tensor:
        _steps(output)
        best = output.argmax(-1)
        before = F.pad(best[:, :-1], (1, 0), value=self.blank)
        kept = (best != self.blank) & (best != before)
        valid = valid_steps(output, lengths)
        kept = kept if valid is None else kept & valid
        to_front = torch.argsort((~kept).int(), dim=1, stable=True)
        found = best.gather(1, to_front)
        behind = torch.arange(best.shape[1], device=best.device) >= kept.sum(1, keepdim=True)
        return found.masked_fill(behind, -1)

    def example_target(self, output: Tensor, generator: torch.Generator) -> Tensor:
        """Few enough symbols to fit, though two are equal."""
        batch, steps = _steps(output)
        drawn = torch.randint(1, output.shape[-1], (batch, (steps + 1) // 2), generator=generator)
        return ((drawn + self.blank) % output.shape[-1]).to(output.device)


def _steps(output: Tensor) -> tuple[int, int]:
    rows = rows_of(output)
    if len(rows) != 2:
        raise InputError("CTC needs an output at every step, (B, T, size)")
    return rows[0], rows[1]
