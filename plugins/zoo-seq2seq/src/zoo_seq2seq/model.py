"""The architecture: an encoder whose last state is the decoder's first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

import zoo
from zoo_seq2seq.options import Seq2SeqOptions


class Seq2Seq(zoo.Model):
    """Reads a source, and then a target whose next symbols it scores (teacher forcing).

    Source: Sutskever et al. 2014, arXiv:1409.3215. Parts: `encoder` and `decoder`, each a `zoo.StackModel`.

    Example:
        >>> model = zoo.build("translation", seed=0)
        >>> scores = model(source, target)  # (B, T, V)
    """

    def __init__(self, options: Seq2SeqOptions, stacks: Mapping[str, zoo.StackModel]) -> None:
        super().__init__()
        self.reverse = options.reverse
        self.encoder, self.decoder = stacks["encoder"], stacks["decoder"]

    def forward(
        self,
        source: Tensor,
        target: Tensor,
        *,
        source_lengths: Tensor | None = None,
        lengths: Tensor | None = None,
        return_state: bool = False,
    ) -> Any:
        """Score every next symbol of the targets.

        Args:
            source: What is read, (B, S) symbols or (B, S, F) features.
            target: What the decoder is given at each step, (B, T): the target with a start symbol in front.
            source_lengths: Of each source, (B,).
            lengths: Of each target, (B,).
            return_state: Give the decoder's last state too.

        Returns:
            Scores (B, T, V), zero in padding; `(scores, state)` with return_state.

        Raises:
            zoo.InputError: Something does not fit.
        """
        output, state = self.decoder(target, self.encode(source, source_lengths), lengths=lengths, return_state=True)
        return (output, state) if return_state else output

    def encode(self, source: Tensor, source_lengths: Tensor | None = None) -> Any:
        """The state that the decoder starts from. Arguments as for a call."""
        if self.reverse and isinstance(source, Tensor) and source.dim() > 1:
            source = _reversed(source, source_lengths)
        return self.encoder(source, lengths=source_lengths, return_state=True)[1]

    def step(self, target: Tensor, state: Any) -> tuple[Tensor, Any]:
        """One step of the decoder.

        Args:
            target: The symbol before, (B,).
            state: Of `encode`, or of the step before.

        Returns:
            Scores (B, V) and the next state.
        """
        return self.decoder.step(target, state)

    def greedy(self, source: Tensor, start: int, steps: int, source_lengths: Tensor | None = None) -> Tensor:
        """The likeliest next symbol, again and again.

        Args:
            source: What is read, (B, S).
            start: The symbol that stands in front of a target.
            steps: How many symbols to write.
            source_lengths: Of each source, (B,).

        Returns:
            Symbols (B, steps).
        """
        state = self.encode(source, source_lengths)
        last = torch.full((len(source),), start, dtype=torch.int64, device=source.device)
        written = []
        for _ in range(steps):
            scores, state = self.step(last, state)
            last = scores.argmax(-1)
            written.append(last)
        return torch.stack(written, 1)

    def example_arguments(self, batch: int, steps: int, *, seed: int = 0) -> dict[str, Tensor]:
        return {
            "source": self.encoder.example_input(batch, steps, seed=seed),
            "target": self.decoder.example_input(batch, steps, seed=seed + 1),
        }


def _reversed(source: Tensor, lengths: Tensor | None) -> Tensor:
    """Each source from its own end; padding stays behind it."""
    if lengths is None:
        return source.flip(1)
    steps = torch.arange(source.shape[1], device=source.device)
    ends = lengths.to(source.device).unsqueeze(1)
    order = torch.where(steps < ends, ends - 1 - steps, steps)
    return source[torch.arange(len(source), device=source.device).unsqueeze(1), order]
