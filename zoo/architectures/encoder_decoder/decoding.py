"""The decoder over a target: all steps at once where no step waits for an answer to the one before, else one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from zoo.architectures.encoder_decoder.attention import Answer, Attention, Source
from zoo.architectures.encoder_decoder.options import After, AttentionOptions
from zoo.architectures.encoder_decoder.plan import asker, waits
from zoo.engine.cell import States
from zoo.engine.layer import Layer, LayerOutput
from zoo.engine.recurrence import Run
from zoo.engine.recurrent_layer import RecurrentLayer
from zoo.engine.sequence import where_sequences, zero_where
from zoo.model.heads import headed
from zoo.model.stack import StackModel


class Decoded(NamedTuple):
    """What a decoder gives: scores (B, T, V), its states (B, ...), and the weights (B, T, S) of its attention."""

    output: Tensor
    state: States
    weights: Tensor | None


class _Ran(NamedTuple):
    """The same before the head: what the head reads, (B, T, F)."""

    features: Tensor
    state: States
    weights: Tensor | None


class Decoder:
    """How one decoder runs. It holds no parameters of its own.

    Attributes:
        whole: Whether all steps of a target can run at once: nothing that is asked waits for an earlier answer.
        feeds_next: Whether what was asked is fed to the next step, as a state.
        query_size: Width of what asks, without what was fed to the step.
        asks_fed: Whether what was fed to the step asks beside that.
    """

    def __init__(self, options: AttentionOptions | None, stack: StackModel) -> None:
        self.stack = (stack,)  # a tuple: the model holds it
        self.options = options
        layers: list[Layer] = list(stack.layers)  # type: ignore[arg-type]
        recurrent = [(index, layer) for index, layer in enumerate(layers) if isinstance(layer, RecurrentLayer)]
        self.feeds_next = options is not None and "next_input" in options.feed
        self.asks_fed = options is not None and isinstance(options.ask, After) and options.ask.fed
        self.query_size, self.asks, self.first, self.last = 0, None, 0, len(layers) - 1
        if options is not None:
            self.first, one = recurrent[0]
            self.asks = asker(options, [layer.called for layer in layers])
            self.remembered = f"layers.{self.first}.{next(iter(one.cell.states))}"
            shape = next(iter(one.cell.states.values())).shape if self.asks is None else layers[self.asks].output_shape
            self.query_size = shape[0]
        self.behind = {index for index, _ in recurrent if self.asks is not None and index > self.asks}
        self.whole = options is None or not waits(options)

    def __call__(
        self, x: Tensor, state: Mapping[str, Tensor], run: Run, attention: Attention | None, source: Source | None
    ) -> Decoded:
        """Run over embedded targets x (B, T, F), zero in padding."""
        (stack,) = self.stack
        ran = self.at_once if self.whole else self.step_by_step
        features, after, weights = ran(x, state, run, attention, source)
        y = LayerOutput(features, after)
        output = headed(y, run, None, stack.head) if stack.heads is None else stack.heads(y, run, None)
        return Decoded(output, after, weights)

    def at_once(
        self, x: Tensor, state: Mapping[str, Tensor], run: Run, attention: Attention | None, source: Source | None
    ) -> _Ran:
        """All steps together."""
        return self._piece(x, state, run, attention, source)

    def step_by_step(
        self, x: Tensor, state: Mapping[str, Tensor], run: Run, attention: Attention | None, source: Source | None
    ) -> _Ran:
        """One step after the other; what a sequence that has ended was fed and has asked stays as it is."""
        features, weights = [], []
        carried = dict(state)
        for t, now in enumerate(torch.split(x, 1, 1)):
            here = run
            if run.lengths is not None:
                alive = run.lengths > t
                here = replace(run, lengths=alive.long(), valid=alive.unsqueeze(1))
            ran = self._piece(now, carried, here, attention, source)
            carried = ran.state
            features.append(ran.features)
            weights += [] if ran.weights is None else [ran.weights]
        return _Ran(torch.cat(features, 1), carried, torch.cat(weights, 1) if weights else None)

    def _piece(
        self, x: Tensor, state: Mapping[str, Tensor], run: Run, attention: Attention | None, source: Source | None
    ) -> _Ran:
        """Steps that wait for no answer among themselves: all of a target, or one."""
        (stack,) = self.stack
        if stack._reads_input:
            run = replace(run, named={"input": (x, run)})
        if attention is None or source is None or self.options is None:
            y = stack.layers.run(x, state, run)
            return _Ran(y.output, y.state, None)
        asked = _Asked(attention, source, state, beside=state["feed"] if self.asks_fed else None)
        if self.asks is None:
            asked(state[self.remembered].unsqueeze(1).to(x.dtype))
        y = stack.layers.run(x, state, run, beside=self._beside(asked, state, x))
        if self.asks == self.last:
            asked(y.output)
        fed, weights, remembered = asked.answer
        after = dict(y.state)
        if "feed" in state:
            after["feed"] = _held(fed[:, -1], state["feed"], run)
        after |= {name: _held(new, state[name], run) for name, new in remembered.items()}
        return _Ran(self._head_reads(y.output, fed), after, zero_where(weights, run.valid))

    def _beside(self, asked: _Asked, state: Mapping[str, Tensor], x: Tensor) -> Callable[[int, Tensor], Tensor | None]:
        """What is joined to the input of each layer; the layer behind the one that asks has it asked."""
        assert self.options is not None
        feed = self.options.feed

        def joined(index: int, output: Tensor) -> Tensor | None:
            if self.asks is not None and index == self.asks + 1:
                asked(output.to(x.dtype))  # between layers it is not rounded
            found = []
            if index == self.first and "input" in feed:
                found.append(asked.answer.fed)
            if index == self.first and "next_input" in feed:
                found.append(state["feed"].unsqueeze(1).to(x.dtype))
            if index in self.behind and "layers" in feed:
                found.append(asked.answer.fed)
            return None if not found else found[0] if len(found) == 1 else torch.cat(found, -1)

        return joined

    def _head_reads(self, output: Tensor, fed: Tensor) -> Tensor:
        """The last layer's output, what was fed, or both."""
        assert self.options is not None
        if "head_alone" in self.options.feed:
            return fed
        if "head" not in self.options.feed:
            return output
        alone = self.asks == self.last and not isinstance(self.options.combine, str)
        return fed if alone else torch.cat([output, fed], -1)


class _Asked:
    """One question, and its answer once it was asked. beside: what asks beside every query, (B, D)."""

    def __init__(
        self, attention: Attention, source: Source, state: Mapping[str, Tensor], *, beside: Tensor | None
    ) -> None:
        self.attention, self.source, self.beside = attention, source, beside
        self.before = {name: state[name] for name in attention.remembers}
        self.answer: Answer

    def __call__(self, query: Tensor) -> None:
        if self.beside is not None:
            query = torch.cat([query, self.beside.unsqueeze(1).to(query.dtype)], -1)
        self.answer = self.attention(query, self.source, self.before)


def _held(new: Tensor, old: Tensor, run: Run) -> Tensor:
    """The new value, but the old one for a sequence that has ended."""
    new = new.to(old.dtype)
    return new if run.valid is None else where_sequences(run.valid[:, -1], new, old)
