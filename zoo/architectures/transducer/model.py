"""The architecture: an encoder and a predictor, and a joiner that scores every pair of their steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

import torch
from torch import Tensor

from zoo.architectures.transducer import decoding, loss, predicting
from zoo.architectures.transducer.decoding import Decoded
from zoo.architectures.transducer.joiner import Joiner
from zoo.architectures.transducer.options import TransducerOptions
from zoo.architectures.transducer.predicting import OUTPUT, Lengths, States, Told, initial, told_of
from zoo.architectures.transducer.symbols import Symbols
from zoo.components import Shape
from zoo.engine.memory import apart
from zoo.engine.sequence import valid_steps, zero_where
from zoo.engine.state import State
from zoo.errors import InputError
from zoo.model import inputs
from zoo.model.base import Model
from zoo.model.generation import evaluating
from zoo.model.sampling import Sampling
from zoo.model.stack import StackModel
from zoo.model.tensors import speaking_of
from zoo.spec.traits import not_streamable

ENCODER: Final = "encoder."


class Encoded(NamedTuple):
    """What an encoder has made of sequences.

    Attributes:
        output: Of its last layer, shape (B, T', D), zero in padding.
        lengths: Number of valid steps of that, shape (B,).
        state: The encoder's after the last step, a `zoo.State` with names such as `encoder.layers.0.h`.
    """

    output: Tensor
    lengths: Tensor
    state: State


class Predicted(NamedTuple):
    """What a predictor has made of symbols.

    Attributes:
        output: Of its last layer, shape (B, U + 1, E) from the start, (B, U, E) from a state; zero in padding.
        state: The predictor's after the last symbol, its last output `predictor.output` among it.
    """

    output: Tensor
    state: State


class Transducer(Model):
    """Scores, at every step of the input, the next symbol or none, whatever has been written before it.

    Parts: `encoder` and `predictor`, each a `zoo.StackModel`, and `joiner`. Symbols are those of the predictor's table,
    from 0. Where the blank has no place in that table, the score of symbol k is number k below the blank's index, and
    k + 1 from there.

    Sources: Graves 2012, arXiv:1211.3711; Graves, Mohamed and Hinton 2013, arXiv:1303.5778.

    Example:
        >>> encoder = {"input": 3, "cell": "gru", "hidden_size": 5}
        >>> predictor = {"input": {"kind": "tokens", "vocabulary": 9, "size": 4}, "cell": "gru", "hidden_size": 5}
        >>> joined = {"kind": "transducer", "joiner": {"merge": "sum"}}
        >>> model = zoo.build({"architecture": joined, "encoder": encoder, "predictor": predictor}, seed=0)
        >>> x, target = torch.ones(2, 6, 3), torch.tensor([[1, 2, 3], [4, 5, 0]])
        >>> scores = model(x, target, lengths=[6, 4], target_lengths=[3, 2])
        >>> scores.shape
        torch.Size([2, 6, 4, 10])
        >>> model.loss(scores, target, lengths=[6, 4], target_lengths=[3, 2]).shape
        torch.Size([])
        >>> model.decode(x).symbols.shape[0]
        2
    """

    def __init__(self, options: TransducerOptions, stacks: Mapping[str, StackModel]) -> None:
        super().__init__()
        self.encoder, self.predictor = stacks["encoder"], stacks["predictor"]
        self.vocabulary = self.predictor.input.vocabulary or 0
        self.outputs = options.outputs(self.vocabulary)
        self.blank = options.blank_of(self.outputs)
        self.starts_with_blank = options.start == "blank"
        self._symbols = Symbols(self.blank, self.starts_with_blank)
        (ahead,), (told,) = self.encoder.output_shape, self.predictor.output_shape
        self.joiner = Joiner(options.joiner, ahead, told, self.outputs, options.dropout)

    def forward(
        self,
        x: Tensor,
        target: Tensor,
        *,
        lengths: Lengths | None = None,
        target_lengths: Lengths | None = None,
        return_state: bool = False,
    ) -> Any:
        """Score what may follow each beginning of the targets at each step of the input.

        Args:
            x: What is read, (B, T, F), or (B, T) symbols.
            target: Symbols that are written, (B, U); U may be 0. None of them is the blank.
            lengths: Number of valid steps of each sequence, (B,). Defaults to T for all.
            target_lengths: Number of valid symbols of each target, (B,), from 0. Defaults to U for all.
            return_state: Whether to return the state after input and target too.

        Returns:
            Scores (B, T', U + 1, V), where T' = `output_lengths` of T, zero in padding: at (t, u) those of the symbol
            that follows the first u at step t, or of the blank. `(scores, state)` with return_state.

        Raises:
            InputError: If something does not fit.
        """
        encoded = self._encode(x, None, lengths)
        predicted = self._predict(target, None, target_lengths)
        if encoded.output.shape[0] != predicted.output.shape[0]:
            raise InputError(f"there are {encoded.output.shape[0]} sequences and {predicted.output.shape[0]} targets")
        scores = self._joined(encoded, predicted)
        state = {**encoded.state, **predicted.state}
        scores, *own = apart([scores, *state.values()], (x, target), self)
        return (scores, State(dict(zip(state, own, strict=True)))) if return_state else scores

    def encode(
        self, x: Tensor, state: Mapping[str, Tensor] | None = None, *, lengths: Lengths | None = None
    ) -> Encoded:
        """Read sequences, or pieces of them.

        Args:
            x: Shape (B, T, F), or (B, T) for symbols.
            state: Of the piece before, the encoder's or the whole model's. Defaults to the initial state.
            lengths: Number of valid steps of each, (B,); with a state also 0, for a sequence that has ended.

        Returns:
            The encoder's output, its lengths and the state after it.

        Raises:
            InputError: If something does not fit, or there is a state and the encoder does not run in pieces.
        """
        found = self._encode(x, state, lengths)
        output, *own = apart([found.output, *found.state.values()], (x, *(state or {}).values()), self)
        return Encoded(output, found.lengths, State(dict(zip(found.state, own, strict=True))))

    def predict(
        self, target: Tensor, state: Mapping[str, Tensor] | None = None, *, lengths: Lengths | None = None
    ) -> Predicted:
        """Run the predictor over symbols.

        Args:
            target: Shape (B, U).
            state: Of the symbols before, the predictor's or the whole model's. Without one it begins, and its first
                output is that before the first symbol.
            lengths: Number of valid symbols of each, (B,), from 0.

        Returns:
            The predictor's output and the state after it.

        Raises:
            InputError: If something does not fit.
        """
        found = self._predict(target, state, lengths)
        output, *own = apart([found.output, *found.state.values()], (target, *(state or {}).values()), self)
        return Predicted(output, State(dict(zip(found.state, own, strict=True))))

    def loss(
        self,
        output: Tensor,
        target: Tensor,
        lengths: Lengths | None = None,
        target_lengths: Lengths | None = None,
        *,
        reduction: Literal["mean", "sum", "none"] = "mean",
    ) -> Tensor:
        """-log P(target): over all ways of writing it, with as many blanks as the input has steps.

        It is found by the forward recursion in log space, in float32 at least.

        Args:
            output: Of a call, (B, T', U + 1, V).
            target: As in that call.
            lengths: As in that call: steps of the input, and not of the output.
            target_lengths: As in that call.
            reduction: Of the rows: their mean, their sum, or each.

        Returns:
            One number, or (B,) with `none`.

        Raises:
            InputError: If something does not fit.
        """
        wanted = (target.shape[0], output.shape[1], target.shape[1] + 1, self.outputs)
        if tuple(output.shape) != wanted:
            raise InputError(f"output must have shape (B, T, U + 1, V) = {wanted}, not {tuple(output.shape)}")
        steps = torch.full((target.shape[0],), output.shape[1], device=output.device)
        with speaking_of("lengths"):
            if lengths is not None:
                steps = self.output_lengths(torch.as_tensor(lengths, device=output.device))
            inputs.sequence_lengths(steps, output)
        with speaking_of("target_lengths"):
            known, valid = inputs.sequence_lengths(target_lengths, target, ended=True)
        symbols = torch.full_like(steps, target.shape[1]) if known is None else known
        given = self._symbols.padded(target, valid)
        self._symbols.refuse_blank(given)
        found = loss.negative_logs(output, self._symbols.indices(given), steps, symbols, self.blank)
        if reduction not in ("mean", "sum", "none"):
            raise InputError(f"reduction must be 'mean', 'sum' or 'none', not {reduction!r:.60}")
        return found if reduction == "none" else found.mean() if reduction == "mean" else found.sum()

    def decode(
        self,
        x: Tensor,
        state: Mapping[str, Tensor] | None = None,
        *,
        lengths: Lengths | None = None,
        most: int = 10,
        beam: int = 1,
        temperature: float = 0.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | None = None,
    ) -> Decoded:
        """Write the symbols of sequences, or of pieces of them.

        Args:
            x: Shape (B, T, F), or (B, T) for symbols.
            state: Of the piece before. Defaults to `init_state`.
            lengths: Number of valid steps of each, (B,); with a state also 0.
            most: How many symbols are written at one step at most.
            beam: How many texts are followed at a time; each is scored by all ways of writing it that were followed. 1
                is greedy: the likeliest at each step, until that is the blank.
            temperature: 0 takes the likeliest; else what follows, a symbol or the blank, is drawn from
                softmax(scores / temperature).
            top_k: How many of the likeliest may be drawn, the blank among them.
            top_p: As for a model of one stack, see `zoo.StackModel.generate`.
            seed: Of what is drawn. Row i is drawn as the only row of a batch with seed + i is.

        Returns:
            The symbols, their number, and the state to go on from.

        Raises:
            InputError: If something does not fit, or there is a state and the encoder does not run in pieces.
        """
        sampling = Sampling(temperature, top_k, top_p, seed)
        decoding.check(most, beam, sampling)
        with torch.no_grad(), evaluating(self), self.streaming():
            encoded = self._encode(x, state, lengths)
            rows = encoded.output.shape[0]
            begin = self._begin(rows) if state is None else told_of(self.predictor, state, rows)
            if beam > 1:
                if state is not None:
                    raise InputError("a beam follows whole sequences: leave out state, or beam")
                found = decoding.beam(self, encoded.output, encoded.lengths, begin, most, beam)
            else:
                found = decoding.one_by_one(self, encoded.output, encoded.lengths, begin, most, sampling)
            return Decoded(found.symbols, found.lengths, State({**encoded.state, **found.state}).clone())

    def generate(self, x: Tensor, state: Mapping[str, Tensor] | None = None, **how: Any) -> Decoded:
        """The same as `decode`, under the name by which every model writes.

        How many symbols there are follows from the input, so that there are no `steps` and no `stop`.

        Args:
            x: As for `decode`.
            state: The same.
            **how: `lengths`, `most`, `beam`, `temperature`, `top_k`, `top_p` and `seed` of `decode`.

        Returns:
            What `decode` gives.

        Raises:
            InputError: If something does not fit.
        """
        return self.decode(x, state, **how)

    def init_state(self, batch: int) -> State:
        """The state before the first step, when nothing has been written.

        Args:
            batch: Number of sequences.

        Returns:
            A `zoo.State` with names such as `encoder.layers.0.h` and `predictor.layers.0.h`.

        Raises:
            InputError: If batch is no number of sequences.
        """
        inputs.check_sizes(batch=batch)
        found = {**initial(self.encoder, ENCODER, batch), **self._begin(batch)}
        return State(dict(zip(found, apart([*found.values()], (), self), strict=True)))

    def output_lengths(self, lengths: Tensor) -> Tensor:
        return self.encoder.output_lengths(lengths)

    @property
    def hop(self) -> int:
        return self.encoder.hop

    @property
    def minimum_steps(self) -> int:
        return self.encoder.minimum_steps

    @property
    def input_shape(self) -> Shape:
        return self.encoder.input_shape

    def example_arguments(self, batch: int, steps: int, *, seed: int = 0) -> dict[str, Tensor]:
        """Steps of the input, and a target of one symbol fewer, so that the predictor makes as many."""
        x = self.encoder.example_input(batch, max(steps, self.minimum_steps), seed=seed)
        if x.device.type == "meta":
            return {"x": x, "target": torch.zeros((batch, steps - 1), device=x.device, dtype=torch.int64)}
        generator = torch.Generator().manual_seed(seed + 1)
        symbols = torch.randint(0, self.outputs - 1, (batch, steps - 1), generator=generator)
        if self.starts_with_blank:  # which is a symbol of the table, and of no target
            symbols = symbols + (symbols >= self.blank)
        return {"x": x, "target": symbols.to(x.device)}

    def written(self, symbols: Tensor, state: Mapping[str, Tensor]) -> States:
        """The predictor's state after one more symbol (B,) of each row, inside `decode`."""
        return predicting.written(self.predictor, symbols, state, self.engine)

    def scores(self, encoded: Tensor, state: Mapping[str, Tensor]) -> Tensor:
        """Scores (B, V) of what may follow at one step of the encoder (B, D), inside `decode`."""
        found: Tensor = self.joiner(encoded.unsqueeze(1), state[OUTPUT].to(encoded.dtype).unsqueeze(1))
        return found[:, 0, 0]

    def symbol(self, index: Tensor) -> Tensor:
        """Symbols for indices among the scores."""
        return self._symbols.at(index)

    def _encode(self, x: Tensor, state: Mapping[str, Tensor] | None, lengths: Lengths | None) -> _Encoded:
        before = None
        if state is not None:
            why = not_streamable(self.encoder.declared)
            if why is not None:
                raise InputError(f"{self._called} reads no pieces, so a state cannot be given: {why}")
            before = {name.removeprefix(ENCODER): one for name, one in state.items() if name.startswith(ENCODER)}
        if not isinstance(x, Tensor):
            raise InputError(f"x must be a tensor, padded, with lengths beside it, not {type(x).__name__}")
        output, after = self.encoder(x, before, lengths=lengths, return_state=True)
        named = self.encoder.named_state(after, output.shape[0])
        ends = torch.full((x.shape[0],), output.shape[1], device=output.device)
        if lengths is not None:
            ends = self.output_lengths(torch.as_tensor(lengths, device=output.device))
        return _Encoded(output, ends, {f"{ENCODER}{name}": value for name, value in named.items()})

    def _predict(self, target: Tensor, state: Mapping[str, Tensor] | None, lengths: Lengths | None) -> Told:
        return predicting.predicted(self.predictor, self._symbols, target, state, lengths, self.engine)

    def _begin(self, batch: int) -> States:
        return predicting.begin(self.predictor, self._symbols, batch, self.engine)

    def _joined(self, encoded: _Encoded, predicted: Told) -> Tensor:
        """Scores (B, T, U, V), zero in the padding of either side."""
        scores: Tensor = self.joiner(encoded.output, predicted.output)
        steps = valid_steps(encoded.lengths, scores.shape[1]).unsqueeze(2)
        valid = steps if predicted.valid is None else steps & predicted.valid.unsqueeze(1)
        return zero_where(scores, valid.expand(scores.shape[:3]))


class _Encoded(NamedTuple):
    """As `Encoded`, before anything leaves the model."""

    output: Tensor
    lengths: Tensor
    state: States
