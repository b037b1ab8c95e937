"""The architecture: an encoder reads a source, and a decoder that starts from it, and may ask it, scores a target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from zoo.architectures.encoder_decoder import generation, numbers, states
from zoo.architectures.encoder_decoder.attention import Attention, Source
from zoo.architectures.encoder_decoder.bridge import Bridge
from zoo.architectures.encoder_decoder.decoding import Decoded, Decoder
from zoo.architectures.encoder_decoder.options import AttentionOptions, EncoderDecoderOptions
from zoo.architectures.encoder_decoder.plan import fed_width, starts
from zoo.architectures.encoder_decoder.sources import Lengths, Read, given_source, source_of
from zoo.engine.memory import apart
from zoo.engine.recurrence import Run
from zoo.engine.state import State
from zoo.errors import InputError
from zoo.heads.base import Head
from zoo.model import inputs
from zoo.model.base import Model
from zoo.model.embedding import embedded
from zoo.model.generation import Stop, evaluating
from zoo.model.sampling import Sampling
from zoo.model.stack import StackModel
from zoo.model.tensors import speaking_of


class Encoded(NamedTuple):
    """What an encoder has made of sources.

    Attributes:
        memory: Its output, shape (B, S, M), zero in padding: what the decoder asks.
        lengths: Number of valid steps of that, shape (B,), or None for all.
        state: What the decoder starts from, a `zoo.State` with names such as `decoder.layers.0.h`.
    """

    memory: Tensor
    lengths: Tensor | None
    state: State


class EncoderDecoder(Model):
    """Reads a source, and scores every next symbol of a target (teacher forcing), or generates one.

    Parts: `encoder` and `decoder`, each a `zoo.StackModel`; `bridge`; and `attention`, or None.

    Example:
        >>> tokens = {"kind": "tokens", "vocabulary": 9, "size": 4}
        >>> stack = {"input": tokens, "cell": "gru", "hidden_size": 5}
        >>> head = {"kind": "linear", "size": 9}
        >>> keys = {"architecture": {"kind": "encoder-decoder"}, "encoder": stack, "decoder": {**stack, "head": head}}
        >>> model = zoo.build({"schema": 1, "name": "copy", **keys}, seed=0)
        >>> model(**model.example_arguments(batch=2, steps=6)).shape
        torch.Size([2, 6, 9])
        >>> model.generate(torch.tensor([[1, 2, 3]]), steps=4, start=0).shape
        torch.Size([1, 4])
    """

    def __init__(self, options: EncoderDecoderOptions, stacks: Mapping[str, StackModel]) -> None:
        super().__init__()
        self.encoder, self.decoder = stacks["encoder"], stacks["decoder"]
        theirs, mine = states.shapes(self.encoder), states.shapes(self.decoder)
        self.bridge = Bridge(
            starts(options, theirs, mine, self.encoder.output_shape),
            {name: shape[0] for name, shape in mine.items() if shape},
        )
        self.attention: Attention | None = None
        if isinstance(options.attention, AttentionOptions):
            self._decoder = Decoder(options.attention, self.decoder)
            memory, asks = self.encoder.output_shape[0], self._decoder.query_size
            fed = fed_width(options.attention, memory) if self._decoder.asks_fed else 0
            self.attention = Attention(options.attention, asks + fed, memory)
        else:
            self._decoder = Decoder(None, self.decoder)

    def forward(
        self,
        source: Tensor,
        target: Tensor,
        *,
        source_lengths: Lengths | None = None,
        lengths: Lengths | None = None,
        return_state: bool = False,
    ) -> Any:
        """Score every next symbol of the targets.

        Args:
            source: What is read, (B, S) symbols or (B, S, F) features.
            target: What the decoder is given at each step, (B, T) or (B, T, F): a target behind a start symbol.
            source_lengths: Number of valid steps of each source, (B,). Defaults to S for all.
            lengths: Number of valid steps of each target, (B,). Defaults to T for all.
            return_state: Whether to return the decoder's state after the target too.

        Returns:
            Scores (B, T, V), zero in padding; `(scores, state)` with return_state.

        Raises:
            InputError: If something does not fit.
        """
        with speaking_of("target"):
            given = self.decoder._checked(_plain(target), None, lengths, None, None, None)
        encoded = self._encode(source, source_lengths)
        if given.x.shape[0] != encoded.memory.shape[0]:
            raise InputError(f"there are {encoded.memory.shape[0]} sources and {given.x.shape[0]} targets")
        found = self._decode(given, encoded.state, self._source(encoded))
        output, *own = apart([found.output, *found.state.values()], (source, target), self)
        return (output, states.outward(dict(zip(found.state, own, strict=True)))) if return_state else output

    def encode(self, source: Tensor, *, lengths: Lengths | None = None) -> Encoded:
        """Read sources.

        Args:
            source: Shape (B, S), or (B, S, F) for features.
            lengths: Number of valid steps of each, (B,).

        Returns:
            What the decoder may ask, and what it starts from.

        Raises:
            InputError: If something does not fit.
        """
        memory, lengths, state = self._encode(source, lengths)
        memory, *own = apart([memory, *state.values()], (source,), self)
        return Encoded(memory, lengths, states.outward(dict(zip(state, own, strict=True))))

    def decode(
        self,
        target: Tensor,
        state: Mapping[str, Tensor],
        *,
        memory: Tensor | None = None,
        memory_lengths: Lengths | None = None,
        lengths: Lengths | None = None,
    ) -> tuple[Tensor, State]:
        """Score a piece of the targets.

        Args:
            target: Shape (B, T), or (B, T, F) for features.
            state: Of `encode`, or of the piece before.
            memory: Of `encode`, (B, S, M). Not needed without attention.
            memory_lengths: Of `encode`.
            lengths: Number of valid steps of each target in this piece, (B,), from 0.

        Returns:
            Scores (B, T, V), zero in padding, and the state after the piece.

        Raises:
            InputError: If something does not fit.
        """
        with speaking_of("target"):
            given = self.decoder._checked(_plain(target), state, lengths, None, None, None)
        batch = given.x.shape[0]
        asked = given_source(self.attention, memory, memory_lengths, batch, self.encoder.output_shape[0])
        before = states.inward(state, self._initial(batch, 0 if asked is None else asked.memory.shape[1]))
        found = self._decode(given, before, asked)
        came = (target, *state.values(), *(() if memory is None else (memory,)))
        output, *own = apart([found.output, *found.state.values()], came, self)
        return output, states.outward(dict(zip(found.state, own, strict=True)))

    def step(
        self,
        target: Tensor,
        state: Mapping[str, Tensor],
        *,
        memory: Tensor | None = None,
        memory_lengths: Lengths | None = None,
    ) -> tuple[Tensor, State]:
        """One step of the decoder. Over all steps this is the same as one call with the whole target.

        Args:
            target: The symbol before, (B,), or features (B, F).
            state: Of `encode`, or of the step before.
            memory: Of `encode`, (B, S, M). Not needed without attention.
            memory_lengths: Of `encode`.

        Returns:
            Scores (B, V) and the next state.

        Raises:
            InputError: If something does not fit.
        """
        with speaking_of("target"):
            x, *_ = inputs.as_sequence(target, self.decoder.input, 1, None, None, None)
        scores, after = self.decode(x, state, memory=memory, memory_lengths=memory_lengths)
        return scores.squeeze(1), after

    def init_state(self, batch: int) -> State:
        """The decoder's state before the first step, where the bridge is `zeros`.

        Args:
            batch: Number of sequences.

        Returns:
            A `zoo.State` with names such as `decoder.layers.0.h`.

        Raises:
            InputError: If the decoder starts from what the encoder has read, which `encode` gives.
        """
        if not self.bridge.zeros or any(size is None for size in self._remembers.values()):
            raise InputError("the decoder starts from what the encoder has read: use model.encode(source).state")
        inputs.check_sizes(batch=batch)
        return states.outward(self._initial(batch, 0))

    def alignments(
        self, source: Tensor, target: Tensor, *, source_lengths: Lengths | None = None, lengths: Lengths | None = None
    ) -> Tensor:
        """The weights by which each step of the target has read the steps of the source. Arguments as for a call.

        Args:
            source: What is read.
            target: What the decoder is given.
            source_lengths: Of each source.
            lengths: Of each target.

        Returns:
            Shape (B, T, S): each row sums to 1, but not of score `window`, and is zero in the source's padding. Zero in
            the target's padding.

        Raises:
            InputError: If the model has no attention.
        """
        if self.attention is None:
            raise InputError(f"{self._called} has no attention")
        with speaking_of("target"):
            given = self.decoder._checked(_plain(target), None, lengths, None, None, None)
        encoded = self._encode(source, source_lengths)
        found = self._decode(given, encoded.state, self._source(encoded))
        assert found.weights is not None
        return found.weights.clone()

    def generate(
        self,
        source: Tensor,
        steps: int,
        *,
        start: int | Tensor,
        stop: Stop = None,
        lengths: Lengths | None = None,
        beam: int = 1,
        length_penalty: float = 0.0,
        temperature: float = 0.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | None = None,
        return_scores: bool = False,
    ) -> Any:
        """Write a target, step by step. It runs in eval mode, whatever mode the model is in.

        Args:
            source: What is read, (B, S) or (B, S, F).
            steps: How many steps to write at most.
            start: The symbol that the decoder is given first; of one that writes numbers a vector (D,), or (B, D).
            stop: A symbol, or several, that ends a target: behind it stands nothing but itself. Defaults to none.
            lengths: Number of valid steps of each source, (B,).
            beam: How many targets are followed at a time. 1 is greedy.
            length_penalty: α of the score by which targets of a beam are compared, log p / ((5 + length) / 6)^α
                (arXiv:1609.08144, equation 14). 0 compares log p.
            temperature: 0 takes the likeliest symbol; else one is drawn from softmax(scores / temperature). Of a
                density 0 takes the mean of its likeliest component, and else `head.sample` draws.
            top_k: As for a model of one stack, see `zoo.StackModel.generate`.
            top_p: The same.
            seed: Of what is drawn. Row i is drawn as the only row of a batch with seed + i is.
            return_scores: Whether to return the log-probability of each target too, up to its end.

        Returns:
            Symbols (B, steps), without the first; `(symbols, scores)` with return_scores, where scores is (B,). Numbers
            (B, steps, D), where the decoder's head gives a density.

        Raises:
            InputError: If something does not fit.
        """
        way = Sampling(temperature, top_k, top_p, seed)
        if isinstance(self.decoder.head, Head) and self.decoder.head.writes == "numbers":
            if stop is not None or beam != 1 or length_penalty or return_scores:
                raise InputError(
                    f"{self._called} writes numbers: stop, beam, length_penalty and return_scores are of symbols"
                )
            generation.check(steps, way, beam, length_penalty)
            return numbers.written(self, source, lengths, start, steps, way)
        vocabulary = self.decoder.input.vocabulary
        if vocabulary is None:
            raise InputError(f"{self._called} writes no symbols: its decoder reads features")
        chosen = generation.chosen(steps, start, stop, beam, length_penalty, way, vocabulary)
        with torch.no_grad(), evaluating(self), self.streaming():
            encoded = self._encode(source, lengths)
            symbols, scores = generation.written(self, chosen, encoded.state, self._source(encoded), vocabulary)
        return (symbols, scores) if return_scores else symbols

    def example_arguments(self, batch: int, steps: int, *, seed: int = 0) -> dict[str, Tensor]:
        return {
            "source": self.encoder.example_input(batch, steps, seed=seed),
            "target": self.decoder.example_input(batch, steps, seed=seed + 1),
        }

    def scores(
        self, symbols: Tensor, state: Mapping[str, Tensor], source: Source | None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """One step inside `generate`: symbols (B,), states without a prefix -> scores (B, V), states."""
        output, after = self.answer(symbols, state, source)
        head = self.decoder.head
        # Any module stands as a head: of one that is no zoo.Head, numbers are taken as they are.
        return (head.symbol_scores(output) if isinstance(head, Head) else output), after

    def answer(
        self, written: Tensor, state: Mapping[str, Tensor], source: Source | None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """One step inside `generate`: what was written (B, ...), states -> the output (B, ...), states."""
        given = inputs.Inputs(written.unsqueeze(1), Run(engine=self.engine))
        found = self._decode(given, state, source)
        return found.output.squeeze(1), found.state

    def _encode(self, source: Tensor, lengths: Lengths | None) -> Read:
        with speaking_of("source"):
            memory, state = self.encoder(_plain(source), lengths=lengths, return_state=True)
        batch = memory.shape[0]
        if lengths is not None:
            lengths = self.encoder.output_lengths(torch.as_tensor(lengths, device=memory.device))
        named = self.encoder.named_state(state, batch)
        return Read(memory, lengths, self.bridge(self._initial(batch, memory.shape[1]), named, memory, lengths))

    def _initial(self, batch: int, source_steps: int) -> dict[str, Tensor]:
        return states.initial(self.decoder, self.attention, batch, source_steps, feeds_next=self._decoder.feeds_next)

    @property
    def _remembers(self) -> Mapping[str, int | None]:
        return states.remembered(self.attention)

    def _source(self, read: Read | Encoded) -> Source | None:
        return source_of(self.attention, read.memory, read.lengths)

    def _decode(self, given: inputs.Inputs, state: Mapping[str, Tensor], source: Source | None) -> Decoded:
        run = given.run
        features = embedded(self.decoder.input, given.x, run.valid, None)
        return self._decoder(features, state, replace(run, engine=self.engine), self.attention, source)


def _plain(x: Any) -> Any:
    if isinstance(x, Tensor):
        return x
    raise InputError(f"must be a tensor, padded, with lengths beside it, not {type(x).__name__}")
