"""What a head is: what it gives, how that is trained, and the best answer and a random one that can be read from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.engine.precision import HALF
from zoo.errors import InputError
from zoo.heads.targets import DROPPED, checked_symbols, rows_of, valid_steps

Gives = Literal["logits", "log_probs", "density", "emissions", "features"]
Writes = Literal["symbols", "numbers"]
Lengths = Tensor | Sequence[int] | None


_WRITES: Final[dict[str, Writes]] = {"logits": "symbols", "log_probs": "symbols", "density": "numbers"}


class Head(nn.Module):
    """Base of heads. A module that is no `Head` may stand as one too; it then has no loss.

    `forward` is called with features (B, T, ...), or (B, ...) behind a pool, and gives raw numbers that `loss`,
    `decode` and `sample` read. It never takes targets.

    Attributes:
        gives: What these numbers are. `logits`: scores whose softmax is a distribution. `log_probs`: logarithms of one.
            `density`: the parameters of a density. `emissions`: scores of labels at each step, for a path through all
            of them. `features`: numbers without a meaning of their own.
    """

    gives: Gives = "features"

    @property
    def decodes(self) -> bool:
        """Whether `decode` has a meaning: unless a head gives features."""
        return self.gives != "features"

    @property
    def writes(self) -> Writes | None:
        """What the output of one step is a distribution of, so that a model may go on from its own answer.

        `symbols` for logits and log probabilities, `numbers` for a density, None where it is none.
        """
        return _WRITES.get(self.gives)

    def symbol_scores(self, output: Tensor) -> Tensor:
        """Scores of every symbol, whose softmax is its distribution.

        Args:
            output: What `forward` gave.

        Returns:
            Of shape (..., V).

        Raises:
            InputError: If the output is no distribution of symbols.
        """
        if self.writes != "symbols":
            raise InputError(f"a head that gives {self.gives} scores no symbols of one step")
        return output

    def loss(
        self, output: Tensor, target: Tensor, lengths: Lengths = None, *, target_lengths: Lengths = None
    ) -> Tensor:
        """What training makes small. What stands beyond a sequence's end counts for nothing, in output and target.

        Args:
            output: What `forward` gave, (B, T, ...), or (B, ...) behind a pool.
            target: As the head says.
            lengths: Number of valid steps of each sequence, (B,). Defaults to T for all.
            target_lengths: Number of symbols of each target, (B,), for a head whose targets have lengths of their own.

        Returns:
            A number.

        Raises:
            InputError: If the head has no loss, or something does not fit.
        """
        raise InputError(f"a head that gives {self.gives} has no loss of its own: compute one from the output")

    def decode(self, output: Tensor, lengths: Lengths = None) -> Tensor:
        """The best answer, with -1 beyond a sequence's end where it is whole numbers.

        Args:
            output: What `forward` gave.
            lengths: Number of valid steps of each sequence, (B,).

        Returns:
            As the head says.

        Raises:
            InputError: If the head's output has no best answer.
        """
        raise InputError(f"a head that gives {self.gives} has nothing to decode: use the output itself")

    def sample(self, output: Tensor, generator: torch.Generator | None = None, temperature: float = 1.0) -> Tensor:
        """A random answer of each step.

        Args:
            output: What `forward` gave.
            generator: What draws it, on any device. Defaults to torch's own.
            temperature: Below 1 the likely ones come more often, at 0 always the likeliest.

        Returns:
            As the head says.

        Raises:
            InputError: If the head's output is no distribution of one step.
        """
        raise InputError(f"a head that gives {self.gives} has no distribution of one step to sample from")

    def example_target(self, output: Tensor, generator: torch.Generator) -> Tensor:
        """A random target that fits an output, of which every step is valid: for checks and examples.

        Args:
            output: What `forward` gave.
            generator: What draws it, on the CPU.

        Returns:
            A target on the output's device.
        """
        return self.sample(output.detach().cpu(), generator).to(output.device)


class Classifier(Head):
    """Base of heads that score symbols at each step, or behind a pool once: cross-entropy, arg max, a random symbol.

    Targets are symbols (B, T), or (B,) behind a pool; the loss is the mean of -log P over valid steps. An output of
    one number is the logit of a yes, its targets are 0 and 1.
    """

    gives: Gives = "logits"

    def loss(
        self, output: Tensor, target: Tensor, lengths: Lengths = None, *, target_lengths: Lengths = None
    ) -> Tensor:
        if self.gives not in ("logits", "log_probs"):
            return super().loss(output, target, lengths, target_lengths=target_lengths)
        refuse(target_lengths)
        rows = rows_of(output)
        valid = valid_steps(output, lengths)
        classes = output.shape[-1]
        symbols = checked_symbols(target, rows, 2 if classes == 1 else classes, valid)
        scores = cleared(wide(output), valid)
        if classes == 1:
            each = F.binary_cross_entropy_with_logits(scores.squeeze(-1), symbols.to(scores.dtype), reduction="none")
            return mean_of(each, valid)
        kept = symbols if valid is None else symbols.masked_fill(~valid, DROPPED)
        by_symbol = F.nll_loss if self.gives == "log_probs" else F.cross_entropy
        each = by_symbol(scores.flatten(0, -2), kept.flatten(), ignore_index=DROPPED, reduction="none")
        return mean_of(each.view(rows), valid)

    def decode(self, output: Tensor, lengths: Lengths = None) -> Tensor:
        if self.gives not in ("logits", "log_probs"):
            return super().decode(output, lengths)
        best = (output.squeeze(-1) > 0).long() if output.shape[-1] == 1 else output.argmax(-1)
        valid = valid_steps(output, lengths)
        return best if valid is None else best.masked_fill(~valid, -1)

    def sample(self, output: Tensor, generator: torch.Generator | None = None, temperature: float = 1.0) -> Tensor:
        if self.gives not in ("logits", "log_probs"):
            return super().sample(output, generator, temperature)
        scores = wide(output)
        if scores.shape[-1] == 1:
            scores = torch.cat([torch.zeros_like(scores), scores], -1)
        return draw(scores, generator, temperature)


def draw(scores: Tensor, generator: torch.Generator | None, temperature: float) -> Tensor:
    """A random index along the last axis, with probabilities that are the softmax of scores / temperature."""
    if not temperature >= 0:
        raise InputError(f"temperature must be at least 0, not {temperature}")
    if temperature == 0:
        return scores.argmax(-1)
    # The largest of log p plus noise of Gumbel's distribution: each index with its probability.
    waits = exponential(scores, generator)
    return (scores / temperature - waits.log()).argmax(-1)


def exponential(like: Tensor, generator: torch.Generator | None) -> Tensor:
    """Numbers from the exponential distribution, drawn where the generator is."""
    where = like.device if generator is None else generator.device
    drawn = torch.empty(like.shape, device=where, dtype=like.dtype).exponential_(generator=generator)
    return drawn.to(like.device)


def wide(output: Tensor) -> Tensor:
    """Half precision as float32: a sum of exponentials needs the digits."""
    return output.float() if output.dtype in HALF else output


def cleared(output: Tensor, valid: Tensor | None) -> Tensor:
    """Zero beyond a sequence's end, whatever stood there: a NaN would reach the gradient through a product with 0."""
    return output if valid is None else output.masked_fill(~valid.unsqueeze(-1), 0.0)


def mean_of(each: Tensor, valid: Tensor | None) -> Tensor:
    """The mean over valid steps, 0 where there is none; numbers beyond may be anything."""
    if valid is None:
        return each.mean()
    kept = torch.where(valid, each, torch.zeros((), dtype=each.dtype, device=each.device))
    return kept.sum() / valid.sum().clamp(min=1)


def refuse(target_lengths: Lengths) -> None:
    """Raise InputError where targets have lengths of their own, and the head has one for each step."""
    if target_lengths is not None:
        raise InputError("this head has a target for every step, so that lengths say it all: leave target_lengths out")


def soft_capped(y: Tensor, cap: float | None) -> Tensor:
    """y bounded by c, as c tanh(y / c); y itself without a cap."""
    return y if cap is None else cap * torch.tanh(y / cap)
