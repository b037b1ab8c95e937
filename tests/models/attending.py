"""A published encoder-decoder against its source's own forward pass: the same weights give the same scores.

The source runs every pair alone, and so sees no padding; the model has all of them in one batch, padded on both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from proving import Theirs, drawn, identity, together, weights_of, with_weights
from torch import Tensor, nn

import zoo

SOURCES: Final = (9, 3, 1, 6)
TARGETS: Final = (5, 7, 2, 7)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """How an encoder-decoder is proved.

    Attributes:
        theirs: The source's model at small sizes: of a source (1, S, ...) and a target (1, T, ...) it gives (1, T, N).
        ours: From its parameters to ours, by name.
        changes: The same small sizes, of the spec.
        mistakes: Changes of the spec that leave every shape as it is, each by what is wrong: the proof must fail.
        sources: Numbers of steps of the sources.
        spread: Standard deviation of the weights.
        idle: Weights that change nothing, each with the reason.
        after: What makes our output of the source's, where its numbers stand in another order.
    """

    theirs: Callable[[], nn.Module]
    ours: Callable[[Theirs], Mapping[str, Tensor]]
    changes: Mapping[str, Any]
    mistakes: Mapping[str, Mapping[str, Any]]
    sources: tuple[int, ...] = SOURCES
    spread: float = 0.5
    idle: Mapping[str, str] = field(default_factory=dict)
    after: Callable[[Tensor], Tensor] = identity


@dataclass(frozen=True)
class Attending:
    """Both models with the same weights, what they read, and what the source gives of each pair by itself."""

    model: zoo.Model
    given: dict[str, Tensor]
    expected: tuple[Tensor, ...]

    def difference(self, model: zoo.Model | None = None) -> float:
        """The largest one; scores in the target's padding must be zero."""
        with torch.no_grad():
            output = together((model or self.model)(**self.given))
        differences = []
        for found, wanted in zip(output, self.expected, strict=True):
            assert found[: len(wanted)].shape == wanted.shape
            assert not found[len(wanted) :].any(), "scores in padding"
            differences.append(float((found[: len(wanted)] - wanted).abs().max()))
        return max(differences)


def built(name: str, pair: Pair, more: Mapping[str, Any] | None = None) -> zoo.Model:
    """The small copy of a spec of the library."""
    return zoo.build(name, dtype=torch.float64, seed=0, **{**pair.changes, **(more or {})})


def attend(name: str, pair: Pair) -> Attending:
    """The pair, ready to be compared."""
    source_model = drawn(pair.theirs(), pair.spread).to(torch.float64)
    weights = Theirs(source_model)
    ours = pair.ours(weights)
    assert not weights.left, f"of the source, {sorted(weights.left)} went nowhere"
    model = with_weights(built(name, pair), ours)
    rows = len(TARGETS)
    source = model.encoder.example_input(rows, max(pair.sources), seed=1)
    target = model.decoder.example_input(rows, max(TARGETS), seed=2)
    with torch.no_grad():
        expected = tuple(
            pair.after(source_model(source[row : row + 1, :steps], target[row : row + 1, :length])[0])
            for row, (steps, length) in enumerate(zip(pair.sources, TARGETS, strict=True))
        )
    assert max(float(row.abs().max()) for row in expected) > 0.05, "an output near zero tells nothing"
    lengths = {"source_lengths": torch.tensor(pair.sources), "lengths": torch.tensor(TARGETS)}
    return Attending(model, {"source": source, "target": target, **lengths}, expected)


__all__ = ["Attending", "Pair", "attend", "built", "weights_of", "with_weights"]
