"""The architecture: a forward and a backward language model over one input, apart through all layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from zoo.components import NoOptions, Shape
from zoo.engine import forwards
from zoo.engine.memory import apart
from zoo.engine.recurrence import Run
from zoo.engine.sequence import reversal, take, zero_where
from zoo.engine.state import State
from zoo.errors import InputError
from zoo.model import inputs
from zoo.model.base import Model
from zoo.model.embedding import embedded
from zoo.model.layout import NamedLayout
from zoo.model.stack import StackModel

States = dict[str, Tensor]
DIRECTIONS = ("forwards", "backwards")


class BiLM(Model):
    """Reads each sequence from both ends. No output of either direction depends on what the other one reads.

    Parts: `forwards`, a `zoo.StackModel`, whose input and head are those of both; `backwards`, one with layers of its
    own, which reads each sequence from its own last step. `model.forwards(x)` is the forward model alone.

    Source: Peters et al. 2018, arXiv:1802.05365.

    Example:
        >>> forwards = {"input": {"kind": "tokens", "vocabulary": 9, "size": 5}, "cell": "gru", "hidden_size": 5}
        >>> model = zoo.build({"architecture": "bilm", "forwards": {**forwards, "layers": 2}}, seed=0)
        >>> words = torch.tensor([[1, 2, 3, 4], [5, 6, 0, 0]])
        >>> model(words, lengths=[4, 2])[0].shape
        torch.Size([2, 4, 10])
        >>> model(words, lengths=[4, 2], layer_outputs=True)[0].shape
        torch.Size([2, 4, 3, 10])
    """

    def __init__(self, options: NoOptions, stacks: Mapping[str, StackModel]) -> None:
        super().__init__()
        self.forwards, self.backwards = stacks["forwards"], stacks["backwards"]

    def generate(self, *args: Any, **kwargs: Any) -> Any:
        """Not possible: `model.forwards.generate` writes with the forward model alone, where that has a head.

        Args:
            *args: Anything.
            **kwargs: Anything.

        Raises:
            InputError: Always.
        """
        raise InputError(f"{self._called} cannot generate: its backward direction begins at the end of a sequence")

    def forward(
        self,
        x: Tensor,
        state: Mapping[str, Tensor] | None = None,
        *,
        lengths: Tensor | Sequence[int] | None = None,
        layer_outputs: bool = False,
        return_state: bool = False,
    ) -> Any:
        """Run over a batch of sequences.

        Args:
            x: Symbols (B, T), words as characters (B, T, C) or features (B, T, F).
            state: That both directions start from, as with `return_state`; the backward one at each last step.
            lengths: Number of valid steps of each sequence, (B,). Defaults to T for all.
            layer_outputs: Give the outputs of all layers, for a weighted sum of them, and no scores.
            return_state: Whether to return the state too, where there is a head.

        Returns:
            With a head scores (B, T, 2, V), the forward ones first: at step t those of what follows, and of what
            precedes. Without one `(output, state)`, output (B, T, 2 D) of the last layers side by side. With
            `layer_outputs` that is (B, T, 1 + L, 2 D), the input's features first, twice. All are zero in padding.
            `(output, state)` always with `return_state`.

        Raises:
            InputError: If something does not fit.
        """
        if not isinstance(x, Tensor):
            raise InputError(f"x must be a tensor, padded, with lengths beside it, not {type(x).__name__}")
        given = self.forwards._checked(x, None, lengths, None, None, None)
        before = None if state is None else self._inward(state, x.shape[0])
        forward, backward, after = self._directions(given.x, given.run, before)
        if layer_outputs:
            self._equally_wide()
            found = torch.stack([torch.cat(pair, -1) for pair in zip(forward, backward, strict=True)], 2)
        elif self.forwards.head is None:
            found = torch.cat([forward[-1], backward[-1]], -1)
        else:
            found = torch.stack([self._headed(one[-1], given.run) for one in (forward, backward)], 2)
        bare = self.forwards.head is None or layer_outputs
        output, *own = apart([found, *after.values()], (x, *(state or {}).values()), self)
        return (output, State(dict(zip(after, own, strict=True)))) if bare or return_state else output

    def loss(self, output: Tensor, target: Tensor, lengths: Tensor | Sequence[int] | None = None) -> Tensor:
        """The mean of -log P of each next word by the forward scores and each previous one by the backward scores.

        Args:
            output: Scores of a call, (B, T, 2, V), before a softmax.
            target: The words of the sequences, (B, T).
            lengths: As in that call.

        Returns:
            One number.

        Raises:
            InputError: If something does not fit, or no sequence has two words.
        """
        if output.dim() != 4 or tuple(output.shape[:3]) != (*target.shape, 2):
            wanted = f"({', '.join(map(str, target.shape))}, 2, V)"
            raise InputError(f"output must have shape {wanted}, not {tuple(output.shape)}")
        _, valid = inputs.sequence_lengths(lengths, target)
        keep = torch.ones_like(target, dtype=torch.bool) if valid is None else valid
        keep = keep[:, 1:]  # of each pair of neighbours the later one
        if not bool(keep.any()):
            raise InputError("no word has a neighbour: a loss needs sequences of at least two steps")
        scores = output.float() if output.dtype in (torch.bfloat16, torch.float16) else output
        following = F.cross_entropy(scores[:, :-1, 0][keep], target[:, 1:][keep].long())
        preceding = F.cross_entropy(scores[:, 1:, 1][keep], target[:, :-1][keep].long())
        return (following + preceding) / 2

    def init_state(self, batch: int) -> State:
        """The state before the first step, of both directions.

        Args:
            batch: Number of sequences.

        Returns:
            A `zoo.State` with names such as `backwards.layers.0.h`.

        Raises:
            InputError: If batch is no number of sequences.
        """
        inputs.check_sizes(batch=batch)
        found = self._initial(batch)
        return State(dict(zip(found, apart([*found.values()], (), self), strict=True)))

    def output_lengths(self, lengths: Tensor) -> Tensor:
        return lengths

    @property
    def input_shape(self) -> Shape:
        return self.forwards.input_shape

    def example_arguments(self, batch: int, steps: int, *, seed: int = 0) -> dict[str, Tensor]:
        return {"x": self.forwards.example_input(batch, steps, seed=seed)}

    def _directions(
        self, x: Tensor, run: Run, before: Mapping[str, Tensor] | None
    ) -> tuple[list[Tensor], list[Tensor], States]:
        """The input's features and each layer's output, (B, T, D), of both directions; and their states."""
        features = embedded(self.forwards.input, x, run.valid, None)
        order = reversal(run.lengths, x.shape[1], x.device)
        forward, state = _each(self.forwards, features, _own(before, "forwards"), run)
        backward, last = _each(self.backwards, take(features, order), _own(before, "backwards"), run)
        after = {f"forwards.{name}": value for name, value in state.items()}
        after |= {f"backwards.{name}": value for name, value in last.items()}
        return forward, [take(one, order) for one in backward], after

    def _headed(self, output: Tensor, run: Run) -> Tensor:
        """Scores (B, T, V) by the head of both."""
        assert self.forwards.head is not None
        expected = output.shape[:2]
        scores = forwards.called(self.forwards.head, output, expected=expected, leading=True, real=False)
        return zero_where(scores, run.valid)

    def _equally_wide(self) -> None:
        """Outputs of layers can be put together where they are as wide as one another, and as many."""
        shapes = [
            [stack.input.output_shape, *(layer.output_shape for layer in stack.layers._each())]
            for stack in (self.forwards, self.backwards)
        ]
        if shapes[0] != shapes[1] or len(set(shapes[0])) > 1:
            told = " and ".join(", ".join(str(shape) for shape in own) for own in shapes)
            raise InputError(f"layer_outputs needs an input and layers of one width in both directions, not {told}")

    def _initial(self, batch: int) -> States:
        found: States = {}
        for name in DIRECTIONS:
            stack: StackModel = getattr(self, name)
            device, dtype = stack._place()
            own = stack.layers.init_state(batch, device=device, dtype=dtype)
            found |= {f"{name}.{inner}": value for inner, value in own.items()}
        return found

    def _inward(self, state: Mapping[str, Tensor], batch: int) -> States:
        return NamedLayout().inward(state, self._initial(batch))


def _own(state: Mapping[str, Tensor] | None, direction: str) -> States | None:
    if state is None:
        return None
    start = f"{direction}."
    return {name.removeprefix(start): value for name, value in state.items() if name.startswith(start)}


def _each(stack: StackModel, features: Tensor, state: States | None, run: Run) -> tuple[list[Tensor], States]:
    """What flows into the first layer and out of each, and the states behind them."""
    found: list[Tensor] = []

    def seen(index: int, output: Tensor) -> None:
        found.append(output.to(features.dtype))

    y = stack.run_layers(features, state, run, beside=seen)
    return [*found, y.output], y.state
