"""The contract of a recurrent cell: what its author writes, and what the engine hands to it.

A cell sees every run as one forward pass over whole sequences; direction, lengths, resets, carried state and saving are
the engine's work. The order of a run is that of `zoo.engine.recurrence`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.components import Shape
from zoo.engine.precision import apply_held, in_full, widened
from zoo.renamed import OldName, adopt, old_fields

Inputs = Tensor | tuple[Tensor, ...]
"""What `project` gives: a tensor or a flat tuple, leaves (B, T, ...); `step` sees the same without the time axis."""
States = dict[str, Tensor]


@old_fields
@dataclass(frozen=True, slots=True)
class StateSpec:
    """One named state of a cell. Its dtype follows the parameters, at least float32.

    Attributes:
        shape: For one sequence.
        complex: Whether it holds complex numbers.
        initial_value: Of all its numbers, where it is not learned.
        zoneout: Whether zoneout may keep its old value. Never for a stabiliser, a delay buffer or a clock.
        learned: Whether the initial value may be a parameter. False if no step reads it, or if it stands for nothing
            yet, such as a mean whose weights are zero.
        exact: Whether it is a sum over all steps, such as a clock, whose digits float32 would lose. It is then float64,
            where the device has it.

    Example:
        >>> zoo.StateSpec((16,), zoneout=True).dtype(torch.bfloat16)
        torch.float32
    """

    shape: Shape
    complex: bool = False
    initial_value: float = 0.0
    zoneout: bool = False
    learned: bool = True
    exact: bool = False

    def dtype(self, parameters: torch.dtype, device: torch.device | None = None) -> torch.dtype:
        """The state's dtype.

        Args:
            parameters: The dtype of the parameters.
            device: Where the state is carried. Without it, the dtype of an exact state is that of any other.

        Returns:
            A real or complex dtype, of at least float32.
        """
        exact = self.exact and device is not None and device.type != "mps"
        if exact or parameters in (torch.float64, torch.complex128):
            return torch.complex128 if self.complex else torch.float64
        return torch.complex64 if self.complex else torch.float32


@dataclass(frozen=True, slots=True)
class Role:
    """What a parameter is to an initialisation scheme.

    Attributes:
        kind: "input" for a map of the input, "recurrent" for a map of the recurrent state, "bias", or "unit" for one
            recurrent weight for each unit.
        gates: Names of the blocks along its first axis, in order.
        forget: Which block is that of the forget gate, if there is one.

    Example:
        >>> zoo.Role("recurrent", gates=("i", "f", "g", "o"), forget="f").kind
        'recurrent'
    """

    kind: Literal["input", "recurrent", "bias", "unit"]
    gates: tuple[str, ...] = ("",)
    forget: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a cell may know of the run, in the order in which it sees the steps; None where nothing was given.

    Attributes:
        batch: Number of sequences, B.
        device: Where the run is.
        dtype: Of the states' real numbers, except exact ones.
        training: Whether the cell is in training mode.
        states: The cell's own states.
        window: Number of past inputs in front of the first step.
        weight_dropout: The rate for `drop_weight`.
        recurrent_dropout: The rate for `drop_state`.
        valid: Which steps are not padding, shape (B, T).
        lengths: Number of valid steps of each sequence, shape (B,).
        dt: Time since the last step, shape (B, T).
        observed: Which features were observed, shape (B, T, F).
        reset: Before which steps the state starts anew, shape (B, T).
        age: Steps since the sequence or its last reset began, shape (B, T). Given to cells with a `window` and to those
            that use "fresh".
        fresh: Where the age is 0, shape (B, T). Given to the same cells as `age`.
        half: Whether products of the input are in half precision.
    """

    batch: int
    device: torch.device
    dtype: torch.dtype
    training: bool
    states: Mapping[str, StateSpec]
    window: int = 0
    weight_dropout: float = 0.0
    recurrent_dropout: float = 0.0
    valid: Tensor | None = None
    lengths: Tensor | None = None
    dt: Tensor | None = None
    observed: Tensor | None = None
    reset: Tensor | None = None
    age: Tensor | None = None
    fresh: Tensor | None = None
    half: bool = False

    def past(self, y: Tensor, k: int) -> Tensor:
        """What y was k steps ago in its sequence.

        Args:
            y: Values of the window and of all steps, shape (B, window + T, ...).
            k: Number of steps, at most the window.

        Returns:
            Values of shape (B, T, ...), zero before the first step of a sequence.
        """
        steps = y.shape[1] - self.window
        shifted = y[:, self.window - k : self.window - k + steps]
        if k == 0 or self.age is None:
            return shifted
        known = (self.age >= k).view(*self.age.shape, *(1,) * (y.dim() - 2))
        return torch.where(known, shifted, torch.zeros((), dtype=y.dtype, device=y.device))

    def linear(self, x: Tensor, weight: Tensor, bias: Tensor | None = None, *, exact: bool = False) -> Tensor:
        """W x + b for all steps: the product in the run's precision; the sum, and so the result, in the states'.

        In half precision a bias of 7 and what a gate adds to it would be left with two digits, at every step the same.

        Args:
            x: Input of shape (B, T, I).
            weight: Weight of shape (O, I).
            bias: Bias of shape (O,), or None.
            exact: Whether to compute the product in the states' precision too: for what a threshold, a quotient or a
                memory that never forgets makes much of.

        Returns:
            Output of shape (B, T, O).
        """
        if not self.half:
            return F.linear(x, weight, bias)
        if exact:
            with in_full(self.device.type):
                return F.linear(widened(x), widened(weight), widened(bias))
        product = F.linear(x, weight).to(self.dtype)
        return product if bias is None else product + bias

    def drop_weight(self, weight: Tensor) -> Tensor:
        """DropConnect: a recurrent weight as this run uses it. To be called before anything is derived from it.

        Args:
            weight: Of any shape.

        Returns:
            The weight, and while training a copy with some of its numbers zero and the others scaled up.
        """
        if not self.training or not self.weight_dropout:
            return weight
        return torch.dropout(weight, self.weight_dropout, True)

    def drop_state(self, name: str) -> Tensor | None:
        """A dropout mask for the whole run, to multiply into a state where it enters a product.

        Args:
            name: Of the state.

        Returns:
            A mask of shape (B, ...), or None where nothing is dropped.
        """
        if not self.training or not self.recurrent_dropout:
            return None
        keep = 1.0 - self.recurrent_dropout
        shape = (self.batch, *self.states[name].shape)
        # not drawn in place, which torch.vmap has no rule for
        return torch.bernoulli(torch.full(shape, keep, dtype=self.dtype, device=self.device)).div(keep)


class Cell(nn.Module):
    """Base of every recurrent cell.

    A subclass sets `input_shape`, `output_shape` and `states`, and writes `step` and `reset_parameters`; usually
    `project` too, so that everything that does not depend on the state is one product over all steps.

    Attributes:
        input_shape: Of one step, (I,), or (C, H, W) for maps.
        output_shape: Of one step.
        states: Every state by name, in order. The first is the output by default.
        window: Number of past inputs that `project` needs.
        uses: What the cell reads or does by itself, of "dt", "observed", "fresh", "weight_dropout",
            "recurrent_dropout".
        peers: Cells of its stack of which it computes something too, itself among them, in order; for a cell whose
            record names an option as `CellType.peers`, where that is true. Its `constants` may read their parameters.
        peer: Its own place among them.
        fusable: Whether `fused` can run it.
        forget_gate_name: Name in `roles` of the forget gate: open, it leaves the state as it is.
        input_gate_name: Name in `roles` of the input gate: open, it overwrites the state.
        surrogates: Names of parameters trained with a surrogate gradient, as behind a threshold. Checks of gradients
            skip them.
        kernel_key: Equal for cells that one call of `fused_stack` can run together. None where there is no such call.
        torch_layout: Whether a model of nothing but this cell, in equal sizes, gives its state as `torch.nn.LSTM` does:
            one tensor for each of `states`, (layers * directions, B, ...).

    Example:
        >>> class Leaky(zoo.Cell):
        ...     def __init__(self, options, input_shape, hidden_size):
        ...         super().__init__()
        ...         self.input_shape, self.output_shape = input_shape, (hidden_size,)
        ...         self.states = {"h": zoo.StateSpec((hidden_size,))}
        ...         self.read = torch.nn.Linear(*input_shape, hidden_size)
        ...     def project(self, x, const, ctx):
        ...         return self.read(x)
        ...     def step(self, u, state, const):
        ...         return {"h": 0.9 * state["h"] + 0.1 * u}
        ...     def reset_parameters(self):
        ...         self.read.reset_parameters()
        >>> Leaky(None, (3,), 5)
        Leaky(
          3, 5
          (read): Linear(in_features=3, out_features=5, bias=True)
        )
    """

    input_shape: Shape
    output_shape: Shape
    states: Mapping[str, StateSpec]
    window: int = 0
    uses: frozenset[str] = frozenset()
    peers: tuple[Cell, ...] = ()
    peer: int = 0
    fusable: bool = False
    forget_gate_name: str | None = None
    input_gate_name: str | None = None
    surrogates: frozenset[str] = frozenset()
    kernel_key: Hashable = None
    torch_layout: bool = False
    _chosen: str = ""
    """The options that differ from their defaults, for `repr`; the builder sets it."""
    keep = OldName("Cell", "keep")
    write = OldName("Cell", "write")
    pin_parameters = OldName("Cell", "pin_parameters")

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        adopt("Cell", cls)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Cast and move as any module, but keep buffers at least float32.

        Those of a cell without parameters, as of a reservoir, are its weights and follow.
        """
        move = super()._apply
        if next(self.parameters(), None) is None:
            move(fn, recurse)  # type: ignore[no-untyped-call]
        else:
            apply_held(self, lambda: move(fn, recurse))  # type: ignore[no-untyped-call]
        return self

    def constants(self, ctx: Context) -> Any:
        """What `step` needs of the parameters, computed once per run.

        It sees parameters that are at least float32, as everything does that meets a state. Outside training it must
        depend on the parameters and the precision alone: `Model.streaming` caches it.

        Args:
            ctx: What is known of the run.

        Returns:
            Tensors and None, one or a flat tuple.
        """
        return ()

    def project(self, x: Tensor, const: Any, ctx: Context) -> Inputs:
        """What `step` needs of the input, for all steps at once.

        Args:
            x: Input of shape (B, window + T, *input_shape).
            const: What `constants` returned.
            ctx: What is known of the run.

        Returns:
            A tensor, or a flat tuple of tensors, of shape (B, T, ...).
        """
        return x

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        """One time step.

        Args:
            u: What `project` returned for this step, tensors of shape (B, ...).
            state: The state before the step, tensors of shape (B, ...) by name.
            const: What `constants` returned.

        Returns:
            The new state, with exactly the keys of `states`.
        """
        return {name: a * state[name] + b for name, (a, b) in self.linear_recurrence(u, const).items()}

    def linear_recurrence(self, u: Any, const: Any) -> Mapping[str, tuple[Tensor, Tensor]]:
        """In place of `step`, for a cell linear and elementwise in its state: h_t = a_t * h_{t-1} + b_t.

        Args:
            u: What `project` returned, tensors of shape (B, ...) or (B, T, ...).
            const: What `constants` returned.

        Returns:
            The pair (a, b) of every state by name, with the leading axes of u. A coefficient that does not depend on
            the input, such as a decay, may have no time axis.
        """
        raise TypeError(f"{type(self).__name__} defines neither step nor linear_recurrence")

    def output(self, u: Any, state: Mapping[str, Tensor], const: Any) -> Tensor:
        """The output of the new state.

        Args:
            u: What `project` returned, tensors of shape (B, ...) or (B, T, ...).
            state: The state after the step, with the same leading axes as u.
            const: What `constants` returned.

        Returns:
            A tensor with the same leading axes, then `output_shape`.
        """
        return state[next(iter(self.states))]

    def fused(self, x: Tensor, state: Mapping[str, Tensor], const: Any, ctx: Context) -> tuple[Tensor, States] | None:
        """The whole run by a faster kernel.

        It is never called with resets, zoneout, recurrent dropout or states of all steps.

        Args:
            x: Input of shape (B, window + T, *input_shape).
            state: The state before the first step, tensors of shape (B, ...) by name.
            const: What `constants` returned.
            ctx: What is known of the run.

        Returns:
            The output (B, T, ...) and the state at each sequence's last valid step, or None to run the loop.
        """
        return None

    @staticmethod
    def fused_stack(
        cells: Sequence[Cell], x: Tensor, state: Mapping[str, Tensor], *, layers: int
    ) -> tuple[Tensor, States]:
        """Several plain layers of this cell by one call of its kernel; only for cells with a `kernel_key`.

        Args:
            cells: Layer by layer, forward before backward, with or without the latter.
            x: Input of shape (B, T, F), without padding.
            state: Tensors of shape (layers * directions, B, ...) by name.
            layers: Number of layers.

        Returns:
            The last layer's output, and the state in the same form.
        """
        raise TypeError(f"{type(cells[0]).__name__} does not define fused_stack")

    def forward(self, x: Tensor, run: Callable[[Cell, Tensor], Any]) -> Any:
        """Run the cell: the engine does so through here, so that hooks and summaries see it as they see any module.

        Args:
            x: Input of shape (B, T, *input_shape).
            run: What the engine does with a cell and its input.

        Returns:
            What `run` returns.
        """
        return run(self, x)

    def extra_repr(self) -> str:
        """Features in and units, (C, H, W) for maps, then the options that differ from their defaults.

        Returns:
            The text between the brackets of `repr`.
        """
        units = getattr(self, "hidden_size", None)
        sizes = [self.input_shape, self.output_shape if units is None else (units,)]
        return ", ".join(
            [*(str(one[0]) if len(one) == 1 else str(one) for one in sizes), *filter(None, [self._chosen])]
        )

    def reset_parameters(self) -> None:
        """Initialise every parameter and every buffer as the cell's paper does."""

    def set_fixed_parameters(self) -> None:
        """Set what an option fixes whatever the initialisation scheme."""

    def roles(self) -> Mapping[str, Role]:
        """The role of each parameter that an initialisation scheme may set.

        Returns:
            Roles by the names of parameters.
        """
        return {}
