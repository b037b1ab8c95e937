"""The model: input, then layers one after the other, then the head; a plain `torch.nn.Module`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from typing import Any, Self, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from zoo import arguments, provenance
from zoo.components import Shape
from zoo.engine import returned
from zoo.engine.backends import stack
from zoo.engine.cell import Cell
from zoo.engine.constants import caching
from zoo.engine.layer import Layer, LayerOutput, RecurrentLayer, rounded, run_layer
from zoo.engine.memory import apart
from zoo.engine.precision import HALF, casts
from zoo.engine.recurrence import Engine, Run
from zoo.engine.sequence import at_last, zero_where
from zoo.engine.state import State
from zoo.errors import InputError
from zoo.inputs.base import Input
from zoo.spec.canonical import Spec
from zoo.spec.traits import obstacle
from zoo.state_layout import PerLayer, TorchLayout, as_torch, layout_of

AnyState = Tensor | tuple[Tensor, ...] | Mapping[str, Tensor]


class Model(nn.Module):
    """What `zoo.build` gives. Batch first: x is (B, T, F), or (B, T) integers for an input of symbols.

    Its parts are `input`, `layers` (a ModuleList), and, with a head, `pool` and `head`; the keys of `state_dict` follow
    from that, as in `layers.0.cell.weight_ih` and `layers.0.reverse_cell.weight_ih`.

    A `state_dict` says in its metadata which versions built the model, and loading it warns (`ProvenanceWarning`) where
    those of plugins differ; a copy of its tensors alone, and formats that keep nothing else, have lost that.

    spec: the canonical spec that it was built from. engine: how recurrences run; every engine gives the same numbers.
    state_layout: "torch", where all layers are the same one of rnn, lstm and gru with equal sizes: h, or (h, c), each
    (layers * directions, B, H); else "named": a `zoo.State` with names such as `layers.1.h`, each (B, ...).
    """

    spec: Spec
    engine: Engine = "auto"

    def __init__(
        self, input: Input, layers: Iterable[Layer], pool: nn.Module | None = None, head: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.input = input
        self.layers = nn.ModuleList(layers)
        self.pool = pool
        self.head = head
        if not any(t.is_floating_point() for t in chain(self.parameters(), self.buffers())):
            # Without one number of its own, a model would know neither its dtype nor its device.
            self.register_buffer("_like", torch.empty(0), persistent=False)
        self._layout = layout_of(list(self.layers))

    @property
    def _recurrent(self) -> list[RecurrentLayer]:
        return [layer for layer in self.layers._modules.values() if isinstance(layer, RecurrentLayer)]

    @property
    def input_shape(self) -> Shape:
        """The shape of one step of the input; () for symbols."""
        return self.input.input_shape

    @property
    def state_layout(self) -> str:
        return self._layout.name

    def forward(
        self,
        x: Tensor | PackedSequence,
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
            x: (B, T, F), (B, T) integers for symbols, or a PackedSequence of either.
            state: where to go on from, in either layout; None is `init_state`.
            lengths: (B,), from 1 to T, in any order: steps beyond a sequence's length are padding, which changes
                nothing. With a state and without a pool also 0, for a sequence that has ended: its state is held.
            dt: (B, T), time since the last step. observed: (B, T, F), which features were observed. Only for cells
                that use them. reset: (B, T) booleans, where a row's state starts anew before the step.
            return_state: give the state too, with a head. return_states: give the states of all steps, last.

        Returns:
            Without a head `(output, state)`, output (B, T, D) and zero in padding, or a PackedSequence for one.
            With a head its output alone, (B, size) behind a pool and (B, T, size) without; `(output, state)` with
            return_state. With return_states always `(output, state, states)`, states a `zoo.State` of (B, T, ...).

        Raises:
            InputError: what does not fit, and how to mend it.
        """
        output: Tensor | PackedSequence
        if isinstance(x, PackedSequence):
            arguments.refuse_beside_packed(lengths=lengths, dt=dt, observed=observed, reset=reset)
            padded, row_lengths = torch.nn.utils.rnn.pad_packed_sequence(x, batch_first=True)
            steps, after, states = self._run(padded, state, row_lengths, None, None, None, return_states)
            output = steps if self.pool is not None else arguments.packed_like(x, steps, row_lengths)
        else:
            output, after, states = self._run(x, state, lengths, dt, observed, reset, return_states)
        if return_states:
            return output, after, states
        return (output, after) if self.head is None or return_state else output

    def step(
        self,
        x: Tensor,
        state: AnyState | None = None,
        *,
        dt: Tensor | None = None,
        observed: Tensor | None = None,
        reset: Tensor | None = None,
    ) -> tuple[Tensor, Any]:
        """One time step: x (B, F), or (B,) integers for symbols; dt, reset (B,); observed (B, F).

        Returns:
            `(output, state)`, output (B, D). Over all steps, the same as one run over the whole sequence.

        Raises:
            InputError: the model cannot run one step at a time (a reverse direction, a pool over time), and why.
        """
        why_not = obstacle(self.spec)
        if why_not is not None:
            raise InputError(f"{self.spec.id} cannot run one step at a time: {why_not}")
        x, dt, observed, reset = arguments.as_sequence(x, self.input_shape, dt, observed, reset)
        output, after, _ = self._run(x, state, None, dt, observed, reset, False)
        return output.squeeze(1), after

    @contextmanager
    def streaming(self) -> Iterator[Self]:
        """For many calls in eval mode without gradients: inside, parameters must stay as they are.

        What cells derive from them (a discretisation, eigenvalues) is then made once, not at every call of `step`.
        Changes nothing in training or with gradients.

        A block serves the thread (or the asyncio task) that enters it, and this model: a copy of the model, whatever
        is saved, and other threads that run it know nothing of the block. Blocks may be nested and end in any order.
        Parameters that are seen to have changed, as by `load_state_dict` in another thread, are read again; a change
        through `.data` is not seen before the block ends.
        """
        with caching(module for module in self.modules() if isinstance(module, Cell)):
            yield self

    def init_state(self, batch: int) -> Any:
        """The state that `state=None` means, for so many rows. Raises InputError for what is no number of rows."""
        arguments.check_sizes(batch=batch)
        state = self._layout.outward(self._initial(batch, *self._place()))
        return (
            State(dict(zip(state, apart([*state.values()], (), self), strict=True)))
            if isinstance(state, State)
            else state
        )

    def example_input(self, batch: int, steps: int, *, seed: int = 0) -> Tensor:
        """A random input for this model, on its device; the global random state is untouched."""
        arguments.check_sizes(batch=batch, steps=steps)
        device, dtype = self._place()
        if device.type == "meta":
            return torch.zeros((batch, steps, *self.input_shape), device=device, dtype=self._input_dtype(dtype))
        x = self.input.example(batch, steps, torch.Generator().manual_seed(seed), dtype)
        returned.example(self.input, x, (batch, steps, *self.input_shape))
        return x.to(device)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Cast and move as any module does, and say so where the new precision is too low for a component."""
        before = self._place()[1]
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        dtype = self._place()[1]
        if dtype in HALF and dtype != before and hasattr(self, "spec"):
            arguments.warn_of_half(self.spec, dtype)
        return self

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        if hasattr(self, "spec"):  # one that is put together by hand has none
            provenance.record(self.spec, destination, prefix)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, local_metadata: Any, *rest: Any) -> None:
        if hasattr(self, "spec"):
            provenance.compare(self.spec, local_metadata)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)

    def _run(
        self,
        x: Tensor,
        state: AnyState | None,
        lengths: Tensor | Sequence[int] | None,
        dt: Tensor | None,
        observed: Tensor | None,
        reset: Tensor | None,
        all_states: bool,
    ) -> tuple[Tensor, Any, State | None]:
        device, dtype = self._place()
        if casts(device.type) and hasattr(self, "spec") and not torch.compiler.is_compiling():
            arguments.warn_of_half(self.spec, torch.get_autocast_dtype(device.type))
        arguments.check_input(x, self.input_shape, self.input.vocabulary, device=device, dtype=dtype)
        ended = state is not None and self.pool is None
        row_lengths, valid = arguments.row_lengths(lengths, x, ended=ended)
        if dt is not None or observed is not None:
            arguments.check_uses([layer.cell for layer in self._recurrent], dt, observed)
        reset = arguments.check_reset(reset, x)
        dt = arguments.check_dt(dt, x, dtype)
        observed = arguments.check_observed(observed, x)
        run = Run(
            lengths=row_lengths,
            valid=valid,
            dt=dt,
            observed=observed,
            reset=reset,
            engine=self.engine,
            all_states=all_states,
            final=self.pool is not None,
        )
        features = self._embedded(x, valid, observed)
        stacked = self._stacked(state, x.shape[0], run, device, dtype)
        if stacked is not None:
            y = stack.run(self._recurrent, features, stacked, run)
            # The kernel's tensors are its own: only what a pool or a head makes of them is looked at.
            output = y.output if self.head is None else apart([self._headed(y, run)], (x,), self)[0]
            return output, as_torch(y.state), None
        before = self._initial(x.shape[0], device, dtype)
        if state is not None:
            before = self._layout.inward(state, before)
        y = LayerOutput(features, {})
        after: dict[str, Tensor] = {}
        states: dict[str, Tensor] = {}
        for index, layer in enumerate(self.layers):
            last = index == len(self.layers) - 1
            # Only the first layer sees what was observed, and only the last is asked for its final output.
            own = run
            if (index and run.observed is not None) or (run.final and not last):  # `replace` takes as long as a kernel
                own = replace(run, observed=run.observed if index == 0 else None, final=run.final and last)
            y = run_layer(cast(Layer, layer), y.output, before[index], own, like=features)
            after |= {f"layers.{index}.{name}": value for name, value in y.state.items()}
            if y.states is not None:
                states |= {f"layers.{index}.{name}": value for name, value in y.states.items()}
        given = [tensor for tensor in (x, dt, observed) if tensor is not None]
        for one in before:
            given += one.values()
        return self._handed_out(self._headed(rounded(y, features), run), after, states if all_states else None, given)

    def _handed_out(
        self, output: Tensor, after: dict[str, Tensor], states: dict[str, Tensor] | None, given: Iterable[Tensor]
    ) -> tuple[Tensor, Any, State | None]:
        """What a run gives, each tensor with memory of its own."""
        if isinstance(self._layout, TorchLayout) and states is None:  # which stacks the state anew
            return apart([output], given, self)[0], self._layout.outward_flat(after), None
        output, *own = apart([output, *after.values(), *(states or {}).values()], given, self)
        last = dict(zip(after, own, strict=False))
        together = None if states is None else State(dict(zip(states, own[len(after) :], strict=True)))
        return output, self._layout.outward_flat(last), together

    def _stacked(
        self, state: AnyState | None, batch: int, run: Run, device: torch.device, dtype: torch.dtype
    ) -> dict[str, Tensor] | None:
        """The incoming state as one kernel for all layers takes it, or None: run layer by layer."""
        layout = self._layout
        if not isinstance(layout, TorchLayout) or isinstance(state, Mapping):
            return None
        layers = self._recurrent
        if len(layers) != len(self.layers) or not stack.possible(layers, run):
            return None
        return layout.stacked(state, batch, device, dtype)

    def _embedded(self, x: Tensor, valid: Tensor | None, observed: Tensor | None) -> Tensor:
        """Features (B, T, ...), zero in padding and where nothing was observed, whatever stood there."""
        if observed is not None:
            x = torch.where(observed, x, torch.zeros((), dtype=x.dtype, device=x.device))
        x = zero_where(x, valid)
        if self.input.vocabulary is not None:
            arguments.check_symbols(x, self.input.vocabulary)
        real = returned.called(self.input, x, expected=(*x.shape[:2], *self.input.output_shape))
        return real if real is x else zero_where(real, valid)

    def _headed(self, y: LayerOutput, run: Run) -> Tensor:
        output = y.output
        if self.pool is not None:
            final = at_last(output, run.lengths) if y.final is None else y.final
            expected = (*output.shape[:1], *output.shape[2:])
            output = returned.called(self.pool, output, run.valid, final, expected=expected)
        if self.head is None:
            return output
        leading = output.shape[: 1 if self.pool is not None else 2]
        output = returned.called(self.head, output, expected=leading, leading=True, real=False)
        return output if self.pool is not None else zero_where(output, run.valid)

    def _initial(self, batch: int, device: torch.device, dtype: torch.dtype) -> PerLayer:
        layers = cast(Iterable[Layer], self.layers)
        return [layer.init_state(batch, device=device, dtype=dtype) for layer in layers]

    def _place(self) -> tuple[torch.device, torch.dtype]:
        """Where the model lives, and in which real numbers: by its parameters, else its buffers."""
        for kind in ("_parameters", "_buffers"):  # which may be wider than the parameters
            for module in self._by_likelihood():
                for tensor in getattr(module, kind).values():
                    if tensor is not None and tensor.is_floating_point():
                        return tensor.device, tensor.dtype
        return torch.device("cpu"), torch.get_default_dtype()

    def _by_likelihood(self) -> Iterator[nn.Module]:
        """The cells first: they nearly always have parameters, and this runs at every call."""
        yield from (layer.cell for layer in self._recurrent)
        yield from self.modules()

    def _input_dtype(self, dtype: torch.dtype) -> torch.dtype:
        return dtype if self.input.vocabulary is None else torch.int64
