"""The architecture `stack`: input, then layers one after the other, then the head."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from zoo.components import NoOptions, Shape, Window, count_steps, hop_of, least_steps
from zoo.engine import stacked
from zoo.engine.cell import States
from zoo.engine.layer import Layer, LayerOutput
from zoo.engine.layers import Asked, Joins, LayerList
from zoo.engine.precision import casts
from zoo.engine.recurrence import Run
from zoo.engine.recurrent_layer import RecurrentLayer
from zoo.engine.state import State
from zoo.errors import InputError
from zoo.inputs.base import Input
from zoo.inputs.named import NamedInputs
from zoo.model import hops, inputs, outputs, reading, several
from zoo.model.base import AnyState, Model
from zoo.model.embedding import embedded
from zoo.model.examples import example
from zoo.model.generation import Stop, Wanted, generated
from zoo.model.heads import Heads, Pools, decoded, headed, loss_of
from zoo.model.inputs import Inputs
from zoo.model.layout import NamedLayout, TorchLayout, as_torch, layout_of
from zoo.model.sampling import Sampling
from zoo.spec.traits import not_streamable
from zoo.spec.tree import Stack


def stack(options: NoOptions, stacks: Mapping[str, StackModel]) -> StackModel:
    """The architecture `stack`, which is its only stack."""
    return stacks[""]


class StackModel(Model):
    """Layers one after the other, batch first.

    Its parts are `input`, `layers` (a ModuleList), and, with a head, `pool` and `head`; with several heads `heads`,
    by their names, and `pools`. The keys of `state_dict` follow from that, as in `layers.0.cell.weight_ih`,
    `layers.0.reverse_cell.weight_ih` and `heads.actor.linear.weight`.

    Args:
        input: From the model's input to features.
        layers: In their order.
        pool: From a sequence of features to one. None for an output at every step.
        head: From features to the output. None for a model whose output is that of its last layer, or of its pool.
        heads: A pool, or None, and a head, or None, for each of several outputs, by name.
        merge: "sum" for one output, the sum of what several heads give. None for a mapping.
        reads: Names of the layers that a head reads, "input" for what the first layer reads, by the heads' names, ""
            for that of the only head. A head without any reads the last layer.
        declared: What the spec says of the stack.

    Attributes:
        declared: What the spec says of the stack.
        heads: Several heads by name, or None.
        pools: Those in front of several heads, by the heads' names, or None.

    Example:
        >>> model = zoo.build("rnn-classifier", seed=0)
        >>> model(model.example_input(batch=4, steps=7)).shape
        torch.Size([4, 1])
    """

    declared: Stack

    def __init__(
        self,
        input: Input,
        layers: Iterable[Layer],
        pool: nn.Module | None = None,
        head: nn.Module | None = None,
        *,
        heads: Mapping[str, tuple[nn.Module | None, nn.Module | None]] | None = None,
        merge: Literal["sum"] | None = None,
        reads: Mapping[str, tuple[str, ...]] | None = None,
        declared: Stack | None = None,
    ) -> None:
        super().__init__()
        self.input = input
        self.layers = LayerList(layers)
        self.pool = pool
        self.head = head
        self.heads = self.pools = None
        if heads:
            pools = {name: one for name, (one, _) in heads.items() if one is not None}
            self.pools = Pools(pools) if pools else None
            pooled = {name: name in pools for name in heads}
            self.heads = Heads({name: one for name, (_, one) in heads.items()}, pooled, merge)
        self._reads = {name: of for name, of in (reads or {}).items() if of}
        if not any(t.is_floating_point() for t in chain(self.parameters(), self.buffers())):
            # Without one number of its own, a model would know neither its dtype nor its device.
            self.register_buffer("_like", torch.empty(0), persistent=False)
        self._hop, self._carries_hops = hop_of(self._windows), False
        self._why_not_stepwise: str | None = None
        if declared is not None:
            self.declared = declared
            self._why_not_stepwise = not_streamable(declared)
            self._carries_hops = self._hop > 1 and self._why_not_stepwise is None
        self._layout = NamedLayout() if self._carries_hops else layout_of(list(self.layers))
        self._reads_input = any(
            "input" in module.reads for module in self.layers.modules() if isinstance(module, Layer)
        )

    @property
    def _recurrent(self) -> list[RecurrentLayer]:
        return [layer for layer in self.layers._modules.values() if isinstance(layer, RecurrentLayer)]

    @property
    def input_shape(self) -> Shape:
        """The shape of one step of the input; () for symbols.

        Raises:
            InputError: If there are several inputs.
        """
        if isinstance(self.input, NamedInputs):
            raise InputError(f"{self._called} has several inputs: each has its own shape in model.input.reads")
        return self.input.input_shape

    @property
    def output_shape(self) -> Shape:
        """The shape of one step of the last layer's output."""
        return self.layers.output_shape if len(self.layers) else self.input.output_shape

    @property
    def fed(self) -> str | None:
        """Name of the input that is the model's own sample of the step before, where it writes.

        The others are given. None where the spec marks none by `feeds`, and in a model of one input.
        """
        return self.input.feeds if isinstance(self.input, NamedInputs) else None

    def named_state(self, state: AnyState, batch: int) -> State:
        """A state of this model under its names.

        Args:
            state: In either layout.
            batch: Number of sequences.

        Returns:
            Tensors of shape (B, ...) by names such as `layers.0.h`.

        Raises:
            InputError: If it is no state of this model.

        Example:
            >>> model = zoo.build("lstm", seed=0)
            >>> model.named_state(model.init_state(3), 3)
            State(layers.0.h: (3, 20), layers.0.c: (3, 20))
        """
        return State(self._layout.inward(state, self._first_state(batch)))

    @property
    def hop(self) -> int:
        """Number of steps of the input for each of the output: 1, but where layers make one step of several.

        A model that runs step by step takes so many at a time. Its state has a `left_over` then: how many steps stood
        behind the last whole hop of each sequence, which can go on only where that is 0.

        Example:
            >>> layers = [{"kind": "stack_frames", "count": 2}, {}]
            >>> model = zoo.build({"input": 3, "cell": "gru", "hidden_size": 4, "layers": layers}, seed=0)
            >>> output, state = model.step(torch.ones(5, model.hop, 3))
            >>> model.hop, output.shape
            (2, torch.Size([5, 4]))
        """
        return self._hop

    def _first_state(self, batch: int) -> States:
        """The state before the first step by its names, whatever the layout.

        Args:
            batch: Number of sequences.

        Returns:
            Tensors of shape (B, ...) by names such as `layers.0.h`.
        """
        device, dtype = self._place()
        state = self.layers.init_state(batch, device=device, dtype=dtype)
        if self._carries_hops:
            state[hops.LEFT_OVER] = torch.zeros(batch, dtype=torch.int64, device=device)
        return state

    @property
    def state_layout(self) -> str:
        """The form of the state: "torch" or "named".

        "torch", where all layers are the same one of rnn, lstm and gru with equal sizes: the state is h, or (h, c),
        each of shape (layers * directions, B, H). Else "named": a `zoo.State` with names such as `layers.1.h`, each of
        shape (B, ...).
        """
        return self._layout.name

    def forward(
        self,
        x: Tensor | PackedSequence | Mapping[str, Tensor],
        state: AnyState | None = None,
        *,
        lengths: Tensor | Sequence[int] | None = None,
        dt: Tensor | None = None,
        observed: Tensor | None = None,
        reset: Tensor | None = None,
        return_state: bool = False,
        return_states: bool = False,
    ) -> Any:
        """Run over a batch of sequences.

        Args:
            x: Input of shape (B, T, F), integers of shape (B, T) for symbols, or a PackedSequence of either. Of several
                inputs a mapping of their names to such tensors, or of shape (B, ...) where one comes in once per
                sequence.
            state: The state to start from, in either layout. Defaults to `init_state`.
            lengths: Number of valid steps of each sequence, shape (B,), from 1 to T, in any order. Steps beyond are
                padding, which changes nothing. With a state and without a pool also 0, for a sequence that has ended:
                its state is held. Defaults to T for all.
            dt: Time since the last step, shape (B, T), for cells that use it.
            observed: Which features were observed, booleans of shape (B, T, F), for cells that use them; of several
                inputs, those of the only one that has features.
            reset: Before which steps a sequence's state starts anew, booleans of shape (B, T).
            return_state: Whether to return the state too, where there is a head.
            return_states: Whether to return the states of all steps too, last.

        Returns:
            Without a head `(output, state)`, with output of shape (B, T, D), zero in padding, or a PackedSequence for
            one. With a head its output alone, of shape (B, size) behind a pool and (B, T, size) without, or
            `(output, state)` with return_state. With a pool and no head it is what the pool gives, (B, D), and with
            several heads a mapping of their names to what each gives. With return_states always
            `(output, state, states)`, where states is a `zoo.State` of (B, T, ...).

        Raises:
            InputError: If something does not fit. It says how to mend it.

        Example:
            >>> model = zoo.build("lstm", seed=0)
            >>> output, (h, c) = model(torch.ones(2, 5, 10), lengths=[5, 3])
            >>> output[1, 3:].abs().max().item()
            0.0
        """
        given = self._checked(x, state, lengths, dt, observed, reset, all_states=return_states)
        output: Any
        output, after, states = self._run(given, state)
        if given.packed is not None:
            packed, before = given.packed
            output = outputs.packed_again(packed, output, self.output_lengths(before), self._pooled)
        if return_states:
            return output, after, states
        return (output, after) if return_state or self._bare else output

    def step(
        self,
        x: Tensor | Mapping[str, Tensor],
        state: AnyState | None = None,
        *,
        dt: Tensor | None = None,
        observed: Tensor | None = None,
        reset: Tensor | None = None,
    ) -> tuple[Any, Any]:
        """Run one time step. Over all steps this is the same as one run over the whole sequence.

        Where the layers make one step of several (`hop`), it takes these, and gives one: then x is (B, hop, ...), and
        so are dt and observed.

        Args:
            x: Input of shape (B, F), or integers of shape (B,) for symbols; of several inputs a mapping of such, where
                one that comes in once per sequence is given at every step.
            state: The state to start from, in either layout. Defaults to `init_state`.
            dt: Time since the last step, shape (B,), for cells that use it.
            observed: Which features were observed, booleans of shape (B, F), for cells that use them.
            reset: Whether a sequence's state starts anew before the step, booleans of shape (B,).

        Returns:
            The pair `(output, state)`, with output of shape (B, D), or a mapping of such for several heads.

        Raises:
            InputError: If the model cannot run one step at a time (a reverse direction, a pool over time), or something
                does not fit.

        Example:
            >>> model = zoo.build("lstm", seed=0)
            >>> output, state = model.step(torch.zeros(2, 10))
            >>> output.shape
            torch.Size([2, 20])
        """
        if self._why_not_stepwise is not None:
            raise InputError(f"{self._called} cannot run one step at a time: {self._why_not_stepwise}")
        given, dt, observed, reset = inputs.as_sequence(x, self.input, self._hop, dt, observed, reset)
        output, after, _ = self._run(self._checked(given, state, None, dt, observed, reset), state)
        if isinstance(output, dict):
            return {name: one.squeeze(1) for name, one in output.items()}, after
        return output.squeeze(1), after

    def init_state(self, batch: int) -> Any:
        """The state before the first step, which is what `state=None` means.

        Args:
            batch: Number of sequences.

        Returns:
            The state in the model's own layout, see `state_layout`.

        Raises:
            InputError: If batch is no number of sequences.

        Example:
            >>> h, c = zoo.build("lstm", seed=0).init_state(3)
            >>> h.shape
            torch.Size([1, 3, 20])
        """
        inputs.check_sizes(batch=batch)
        state = self._layout.outward(self._first_state(batch))
        return State(outputs.own(dict(state), (), self)) if isinstance(state, State) else state

    @property
    def minimum_steps(self) -> int:
        """The smallest number of steps of a sequence: more than 1 where a layer's window is longer."""
        behind, _ = self.layers.windows_behind()
        return max((least_steps(windows) for windows in behind), default=1)

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Number of valid steps of the output, where layers change the number of steps.

        Args:
            lengths: Number of valid steps of each sequence of the input, integers of any shape.

        Returns:
            Integers of the same shape.

        Example:
            >>> zoo.build("lstm", seed=0).output_lengths(torch.tensor([5, 3]))
            tensor([5, 3])
        """
        found: Tensor = count_steps(self._windows, lengths)
        return found

    @property
    def _windows(self) -> tuple[Window, ...]:
        """From the input's steps to those of the output: of the heads that give one at every step, if any does."""
        return reading.windows(self.layers, self._reads, self._pooled)

    @property
    def _pooled(self) -> Mapping[str, bool]:
        """Whether a pool stands in front of each head, by name; "" is the only one's."""
        return {"": self.pool is not None} if self.heads is None else self.heads.pooled

    def example_arguments(self, batch: int, steps: int, *, seed: int = 0) -> dict[str, Any]:
        return {"x": self.example_input(batch, steps, seed=seed)}

    def example_input(self, batch: int, steps: int, *, seed: int = 0) -> Any:
        """A random input for this model, on its device; the global random state is untouched.

        Args:
            batch: Number of sequences.
            steps: Number of time steps.
            seed: Of what is drawn.

        Returns:
            Numbers of shape (batch, steps, ...), or symbols of shape (batch, steps); of several inputs a mapping of
            their names to such, of shape (batch, ...) where one comes in once per sequence.

        Raises:
            InputError: If a size is less than 1.

        Example:
            >>> zoo.build("lstm", seed=0).example_input(batch=2, steps=5).shape
            torch.Size([2, 5, 10])
        """
        inputs.check_sizes(batch=batch, steps=steps)
        device, dtype = self._place()
        return example(self.input, batch, steps, seed, device=device, dtype=dtype)

    def loss(
        self,
        output: Any,
        target: Any,
        lengths: Tensor | Sequence[int] | None = None,
        *,
        target_lengths: Tensor | Sequence[int] | None = None,
    ) -> Any:
        """What training makes small: the loss of the head, a mean over valid steps or over sequences as the head says.

        Args:
            output: What a call gave.
            target: As the head takes it; for several heads a mapping by their names, of all of them or of some.
            lengths: Number of valid steps of each sequence, as in the call. What stands beyond counts for nothing.
            target_lengths: Number of symbols of each target, where these have lengths of their own, as with `ctc`.

        Returns:
            A number; for several heads a dict of numbers, whose sum is one way to train them together.

        Raises:
            InputError: If there is no head with a loss, or something does not fit.

        Example:
            >>> head = {"kind": "linear", "size": 3}
            >>> model = zoo.build("lstm", seed=0, head=head)
            >>> output = model(torch.ones(2, 5, 10), lengths=[5, 3])
            >>> model.loss(output, torch.ones(2, 5, dtype=torch.int64), lengths=[5, 3]).shape
            torch.Size([])
        """
        return loss_of(self, output, target, lengths, target_lengths)

    def decode(self, output: Any, lengths: Tensor | Sequence[int] | None = None) -> Any:
        """The head's best answer: the likeliest symbol, path or label sequence, with -1 beyond a sequence's end.

        Args:
            output: What a call gave.
            lengths: Number of valid steps of each sequence, as in the call.

        Returns:
            Integers of shape (B, T), or (B,) behind a pool; for several heads a dict of them, of those that decode.

        Raises:
            InputError: If there is no head that decodes.
        """
        return decoded(self, output, lengths)

    def generate(
        self,
        prompt: Tensor | Mapping[str, Tensor],
        steps: int,
        *,
        lengths: Tensor | Sequence[int] | None = None,
        temperature: float = 0.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | None = None,
        stop: Stop = None,
        beside: Any = None,
        feeds: str | None = None,
    ) -> Tensor:
        """Go on from a prompt: each answer is fed back as the next input.

        It runs in eval mode, whatever mode the model is in, over the prompt at once and then step by step.

        Args:
            prompt: What was before, as for a call: (B, P) symbols or (B, P, F) numbers, or a mapping of several inputs.
            steps: How many steps to write.
            lengths: Number of valid steps of each prompt, (B,). Defaults to P for all.
            temperature: 0 takes the likeliest symbol, or the mean of the likeliest component of a density. Else one is
                drawn, from softmax(scores / temperature), or as the head's `sample` says.
            top_k: How many of the likeliest symbols may be drawn; those that score as much as the last of them too.
            top_p: The likeliest symbols may be drawn that have this probability together, as few as are needed
                (arXiv:1904.09751). It sees what `temperature` and `top_k` have left.
            seed: Of what is drawn. Row i is drawn as the only row of a batch with seed + i is. Defaults to one that
                torch draws.
            stop: A symbol, or several, that ends a row: behind it stands nothing but itself.
            beside: What else the model reads at each step that is written: of an input that is wider than what is
                written, the features behind it, (B, steps, F - D); of several inputs a mapping of the others that come
                in at each step, (B, steps, ...). That of the last step is not read.
            feeds: Of several inputs, the one that reads what is written. Defaults to that which the spec marks, else to
                the only one that could.

        Returns:
            What was written, without the prompt: (B, steps) symbols, or (B, steps, D) numbers.

        Raises:
            InputError: If the model cannot write (no head, a reverse direction, a pool), or something does not fit.

        Example:
            >>> model = zoo.build("char-gru", seed=0)
            >>> prompt = torch.tensor([[20, 43, 50], [1, 2, 0]])
            >>> model.generate(prompt, 5, lengths=[3, 2], temperature=0.8, top_k=10, seed=1).shape
            torch.Size([2, 5])
        """
        wanted = Wanted(steps, Sampling(temperature, top_k, top_p, seed), stop, lengths, beside, feeds or self.fed)
        return generated(self, prompt, wanted)

    def _checked(
        self,
        x: Any,
        state: AnyState | None,
        lengths: Tensor | Sequence[int] | None,
        dt: Tensor | None,
        observed: Tensor | None,
        reset: Tensor | None,
        *,
        all_states: bool = False,
    ) -> Inputs:
        device, dtype = self._place()
        if casts(device.type) and hasattr(self, "spec") and not torch.compiler.is_compiling():
            inputs.warn_of_half(self.spec, torch.get_autocast_dtype(device.type))
        return inputs.checked(
            x,
            lengths,
            dt,
            observed,
            reset,
            reader=inputs.Reader(self.input, device, dtype, self.layers),
            ended=state is not None and not self._pools,
            engine=self.engine,
            all_states=all_states,
            final=any(pools and name not in self._reads for name, pools in self._pooled.items()),
        )

    @property
    def _bare(self) -> bool:
        """Whether it gives its last layer's output as it is."""
        return self.head is None and self.pool is None and self.heads is None

    @property
    def _pools(self) -> bool:
        return any(self._pooled.values())

    def _run(self, given: Inputs, state: AnyState | None) -> tuple[Any, Any, State | None]:
        """Embed, run the layers, then the head."""
        run = given.run
        features = embedded(self.input, given.x, run.valid, run.observed)
        if run.observed is not None and isinstance(self.input, NamedInputs):
            run = replace(run, observed=several.observed_features(self.input, run.observed))
            given = replace(given, run=run)
        asked = reading.asked(self._reads, self._pooled)
        initial = self._stacked(state, given) if asked is None else None
        if initial is not None:
            y = stacked.run(self._recurrent, features, initial, run)
            # The kernel's tensors are its own: only what a pool or a head makes of them is looked at.
            output = y.output if self._bare else outputs.own(self._headed(y, given, None), given.tensors, self)
            return output, as_torch(y.state), None
        before = None
        if state is not None:
            before = self._layout.inward(state, self._first_state(features.shape[0]))
        if self._carries_hops and before is not None:
            hops.check_whole(before[hops.LEFT_OVER], run, self._hop)
        y = self.run_layers(features, before, run, asked=asked)
        if self._carries_hops:
            over = hops.left_over(features, before, run.lengths, self._hop)
            y = y._replace(state={**y.state, hops.LEFT_OVER: over})
        came = [tensor for tensor in (*given.tensors, run.dt, run.observed) if tensor is not None]
        came += (before or {}).values()
        output, states = self._headed(y, given, asked), y.states if run.all_states else None
        return outputs.handed_out(output, y.state, states, came, self._layout, self)

    def run_layers(
        self,
        features: Tensor,
        state: Mapping[str, Tensor] | None,
        run: Run,
        *,
        beside: Joins | None = None,
        asked: Asked | None = None,
    ) -> LayerOutput:
        """Run the layers alone, for an architecture that makes the features itself.

        Args:
            features: What the input would give, (B, T, ...), zero in padding.
            state: Tensors of shape (B, ...) by names such as `layers.0.h`. None is the initial state.
            run: What belongs to all layers.
            beside: As `LayerList.run` takes it.
            asked: The same.

        Returns:
            The last layer's output, and the states of all.
        """
        if self._reads_input:
            run = replace(run, named={"input": (features, run)})
        return self.layers.run(features, state, run, beside=beside, asked=asked)

    def _stacked(self, state: AnyState | None, given: Inputs) -> dict[str, Tensor] | None:
        """The incoming state as one kernel for all layers takes it, or None: run layer by layer."""
        layout = self._layout
        if not isinstance(layout, TorchLayout) or isinstance(state, Mapping):
            return None
        layers = self._recurrent
        if len(layers) != len(self.layers) or not stacked.possible(layers, given.run):
            return None
        return layout.stacked(state, given.lead.shape[0], *(given.place or self._place()))

    def _headed(self, y: LayerOutput, given: Inputs, asked: Asked | None) -> Any:
        """What the head makes of the layers' output; with several, what each makes, or their sum."""
        last = y, given.run.behind(self.layers.windows, given.lead.shape[1])

        def read(name: str) -> tuple[LayerOutput, Run]:
            return last if asked is None or name not in self._reads else asked.read(self._reads[name])

        if self.heads is None:
            return headed(*read(""), self.pool, self.head)
        return self.heads({name: read(name) for name in self.heads.pooled}, self.pools)

    def _by_likelihood(self) -> Iterator[nn.Module]:
        """The cells first."""
        return chain((layer.cell for layer in self._recurrent), self.modules())
