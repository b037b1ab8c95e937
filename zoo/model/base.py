"""What every model is, whatever its architecture: the part that summaries, checks, weights and training rely on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

import torch
from torch import Tensor, nn

from zoo.components import Shape
from zoo.engine.backends.linear import is_linear
from zoo.engine.cell import Cell
from zoo.engine.constants import caching
from zoo.engine.layers import LayerList
from zoo.engine.names import Engine
from zoo.engine.precision import HALF
from zoo.engine.recurrent_layer import RecurrentLayer
from zoo.errors import InputError
from zoo.inputs.base import Input
from zoo.model import provenance
from zoo.model.inputs import warn_of_half
from zoo.model.publishing import Publishing
from zoo.spec.canonical import Spec

AnyState = Tensor | tuple[Tensor, ...] | Mapping[str, Tensor]


class Model(Publishing, nn.Module):
    """What `zoo.build` returns: a plain `torch.nn.Module` that knows its spec. Base of what an architecture makes.

    An architecture writes `forward` and `example_arguments`, and `step` and `init_state` where they have a meaning.
    Its stacks come to it as models of their own (`zoo.StackModel`), which it stores under their names, so that the keys
    of `state_dict` begin with these: `encoder.layers.0.cell.weight_ih`.

    A `state_dict` says in its metadata which versions built the model, and loading it warns (`ProvenanceWarning`) where
    those of plugins differ. A copy of its tensors alone, and formats that store nothing else, have lost that.

    Attributes:
        spec: The canonical spec that it was built from.
        engine: How recurrences run. Every engine gives the same numbers.
        input: Of a model that is one stack: from the model's input to features.
        layers: Of a model that is one stack: its layers.
        pool: Of a model that is one stack: the pool over time, or None.
        head: Of a model that is one stack: the head, or None.
    """

    spec: Spec
    engine: Engine = "auto"
    input: Input
    layers: LayerList
    pool: nn.Module | None
    head: nn.Module | None

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run over a batch of sequences.

        Args:
            *args: As the architecture takes them.
            **kwargs: As the architecture takes them, `return_state` among them.

        Returns:
            The output, or `(output, state)` with `return_state=True`.
        """
        raise TypeError(f"{type(self).__name__} does not define forward")

    def step(self, *args: Any, **kwargs: Any) -> tuple[Tensor, Any]:
        """Run one time step.

        Args:
            *args: As the architecture takes them.
            **kwargs: As the architecture takes them.

        Returns:
            The output and the state after the step.

        Raises:
            InputError: If the architecture does not run one step at a time.
        """
        raise InputError(f"{self._called} does not run one step at a time")

    def init_state(self, batch: int) -> Any:
        """The state before the first step.

        Args:
            batch: Number of sequences.

        Returns:
            What `state=None` means in a call.

        Raises:
            InputError: If the architecture has no state to start from.
        """
        raise InputError(f"{self._called} has no initial state")

    @property
    def hop(self) -> int:
        """Number of steps of the input for each of the output: 1, but where layers make one step of several."""
        return 1

    @property
    def input_shape(self) -> Shape:
        """The shape of one step of the input; () for symbols.

        Raises:
            InputError: If there are several inputs.
        """
        raise InputError(f"{self._called} has several inputs")

    @property
    def minimum_steps(self) -> int:
        """The smallest number of steps of a sequence: more than 1 where a layer's window is longer."""
        return 1

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Number of valid steps of the output, where layers change the number of steps.

        Args:
            lengths: Number of valid steps of each sequence of the input, integers of any shape.

        Returns:
            Integers of the same shape.

        Raises:
            InputError: If there are several inputs.
        """
        raise InputError(f"{self._called} has several inputs")

    def example_input(self, batch: int, steps: int, *, seed: int = 0) -> Any:
        """A random input for this model, on its device; the global random state is untouched.

        Args:
            batch: Number of sequences.
            steps: Number of time steps.
            seed: Of what is drawn.

        Returns:
            Numbers of shape (batch, steps, ...), or symbols of shape (batch, steps).

        Raises:
            InputError: If there are several inputs.
        """
        raise InputError(f"{self._called} has several inputs: use model.example_arguments(batch, steps)")

    def example_arguments(self, batch: int, steps: int, *, seed: int = 0) -> dict[str, Any]:
        """Random keyword arguments for a call, on the model's device; the global random state is untouched.

        Args:
            batch: Number of sequences.
            steps: Number of time steps; of the longest, where a call takes sequences of several lengths.
            seed: Of what is drawn.

        Returns:
            Tensors by the names of arguments; of a model of several inputs, x is a mapping of tensors.
        """
        raise TypeError(f"{type(self).__name__} does not define example_arguments")

    def generate(self, *args: Any, **kwargs: Any) -> Any:
        """Write: what the model answers is fed back to it, step by step.

        Args:
            *args: As the architecture takes them.
            **kwargs: As the architecture takes them.

        Returns:
            What was written, (B, steps) symbols or (B, steps, D) numbers.

        Raises:
            InputError: If the architecture writes nothing.
        """
        raise InputError(f"{self._called} cannot generate: its architecture does not say how")

    @contextmanager
    def streaming(self) -> Iterator[Self]:
        """For many calls in eval mode without gradients: inside, parameters must stay as they are.

        What cells derive from them (a discretisation, eigenvalues) is then made once, not at every call of `step`.
        Changes nothing in training or with gradients.

        A block serves the thread (or the asyncio task) that enters it, and this model: a copy of the model, whatever
        is saved, and other threads that run it know nothing of the block. Blocks may be nested and end in any order.
        Parameters that are seen to have changed, as by `load_state_dict` in another thread, are read again; a change
        through `.data` is not seen before the block ends.

        Yields:
            The model.

        Example:
            >>> model, state = zoo.build("lstm", seed=0).eval(), None
            >>> with torch.no_grad(), model.streaming():
            ...     for x in model.example_input(batch=1, steps=3).unbind(1):
            ...         y, state = model.step(x, state)
            >>> y.shape
            torch.Size([1, 20])
        """
        with caching(module for module in self.modules() if isinstance(module, Cell)):
            yield self

    @property
    def _called(self) -> str:
        return self.spec.id if hasattr(self, "spec") else type(self).__name__

    def train(self, mode: bool = True) -> Self:
        """As of any module, but the statistics of a frozen norm do not move.

        Args:
            mode: Whether to train.

        Returns:
            The model.
        """
        super().train(mode)
        frozen = (module for module in self.modules() if getattr(module, "frozen", False))
        for module in frozen:
            for inner in module.modules():
                if hasattr(inner, "num_batches_tracked"):
                    inner.training = False
        return self

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Cast and move as any module does, and say so where the new precision is too low for a component."""
        before = self._place()[1]
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        dtype = self._place()[1]
        if dtype in HALF and dtype != before and hasattr(self, "spec"):
            warn_of_half(self.spec, dtype)
        return self

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        if hasattr(self, "spec"):  # one that is put together by hand, or a part of another, has none
            provenance.record(self.spec, destination, prefix)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, local_metadata: Any, *rest: Any) -> None:
        if hasattr(self, "spec"):
            provenance.compare(self.spec, local_metadata)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)

    def _place(self) -> tuple[torch.device, torch.dtype]:
        """Where the model lives, and in which real numbers: by its parameters, else its buffers."""
        for kind in ("_parameters", "_buffers"):  # which may be wider than the parameters
            for module in self._by_likelihood():
                for tensor in getattr(module, kind).values():
                    if tensor is not None and tensor.is_floating_point():
                        return tensor.device, tensor.dtype
        return torch.device("cpu"), torch.get_default_dtype()

    def _by_likelihood(self) -> Iterator[nn.Module]:
        """Modules, those first that nearly always have parameters: this runs at every call."""
        return self.modules()


def has_faster(model: nn.Module) -> bool:
    """Whether engine `auto` runs any of the cells otherwise than the loop does."""
    return any(layer.cell.fusable or is_linear(layer.cell) for _, layer in recurrent_layers(model))


def recurrent_layers(model: nn.Module) -> Iterator[tuple[str, RecurrentLayer]]:
    """Every recurrent layer of a model with its place in it, which is also that in the spec: `layers.0`."""
    return ((name, module) for name, module in model.named_modules() if isinstance(module, RecurrentLayer))
