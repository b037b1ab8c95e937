"""The contract of a recurrent cell: what its author writes, and what the engine hands to it.

A cell sees every run as one forward pass over whole rows; direction, lengths, resets, carried state and saving are
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

Inputs = Tensor | tuple[Tensor, ...]
"""What `project` gives: a tensor or a flat tuple, leaves (B, T, ...); `step` sees the same without the time axis."""
States = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class StateSpec:
    """One named state of a cell.

    shape: per row. complex: complex numbers. start: its value before the first step.
    zoneout: whether zoneout may keep its old value (never a stabiliser, a delay buffer or a clock).
    learned: whether its start can be learned: not where no step reads it, or where it starts as nothing at all, as a
    mean whose weights are zero. exact: a sum over all steps, such as a clock, which float32 would lose the digits of:
    float64, where the device has it.
    Its dtype follows the parameters, at least float32.
    """

    shape: Shape
    complex: bool = False
    start: float = 0.0
    zoneout: bool = False
    learned: bool = True
    exact: bool = False

    def dtype(self, parameters: torch.dtype, device: torch.device | None = None) -> torch.dtype:
        """The state's dtype for parameters of the given one, and as it is carried, if the device is given."""
        exact = self.exact and device is not None and device.type != "mps"
        if exact or parameters in (torch.float64, torch.complex128):
            return torch.complex128 if self.complex else torch.float64
        return torch.complex64 if self.complex else torch.float32


@dataclass(frozen=True, slots=True)
class Role:
    """What a parameter is to an initialisation scheme.

    kind: a map of the input, a map of the recurrent state, a bias, or one recurrent weight for each unit.
    gates: the blocks along its first axis, in order. forget: the block of the forget gate, if there is one.
    """

    kind: Literal["input", "recurrent", "bias", "unit"]
    gates: tuple[str, ...] = ("",)
    forget: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a cell may know of the run, in the order in which it sees the steps; None where nothing was given.

    batch: rows, B. device: where the run is. training: whether the cell is in training mode. states: the cell's own.
    window: how many past inputs stand before the first step. weight_dropout: the rate for `drop_weight`.
    recurrent_dropout: the rate for `drop_state`.
    valid: (B, T), which steps are not padding. lengths: (B,). dt: (B, T), time since the last step.
    observed: (B, T, F). reset: (B, T), where the state starts anew. age: (B, T), steps since the sequence or its last
    reset began. fresh: (B, T), age == 0. `age` and `fresh` are there for cells with a `window` or that use "fresh".
    dtype: of the states' real numbers, but for exact ones. half: whether products of the input are in half precision.
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
        """What y was k steps ago in this sequence: (B, window + T, ...) -> (B, T, ...), zero before its first step."""
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
            x: (B, T, I).
            weight: (O, I).
            bias: (O,), or None.
            exact: Compute the product in the states' precision too: for what a threshold, a quotient or a memory that
                never forgets makes much of.
        """
        if not self.half:
            return F.linear(x, weight, bias)
        if exact:
            with in_full(self.device.type):
                return F.linear(widened(x), widened(weight), widened(bias))
        product = F.linear(x, weight).to(self.dtype)
        return product if bias is None else product + bias

    def drop_weight(self, weight: Tensor) -> Tensor:
        """DropConnect: a recurrent weight as this run uses it. To be called before anything is derived from it."""
        if not self.training or not self.weight_dropout:
            return weight
        return torch.dropout(weight, self.weight_dropout, True)

    def drop_state(self, name: str) -> Tensor | None:
        """A mask (B, ...) for the whole run to multiply into a state where it enters a product, or None."""
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

    input_shape: (I,), or (C, H, W) for maps. output_shape: per step. states: in order; the first is the output by
    default. window: how many past inputs `project` needs. uses: what the cell reads or does by itself, of "dt",
    "observed", "fresh", "weight_dropout", "recurrent_dropout". fusable: whether `fused` can run it.
    keep, write: the gates whose opening keeps the state as it is, and overwrites it, by their names in `roles`.
    surrogates: parameters whose gradient stands in for a derivative that is none, as behind a threshold, by name.
    kernel_key: equal for cells that one call of `fused_stack` can run together; None where there is no such call.
    torch_layout: whether a model of nothing but this cell, in equal sizes, gives its state as `torch.nn.LSTM` does: one
    tensor for each of `states`, (layers * directions, B, ...).
    """

    input_shape: Shape
    output_shape: Shape
    states: Mapping[str, StateSpec]
    window: int = 0
    uses: frozenset[str] = frozenset()
    fusable: bool = False
    keep: str | None = None
    write: str | None = None
    surrogates: frozenset[str] = frozenset()
    kernel_key: Hashable = None
    torch_layout: bool = False
    _chosen: str = ""
    """The options that differ from their defaults, for `repr`; the builder sets it."""

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Cast and move as any module, but keep buffers at least float32. Those of a cell without parameters, as of a
        reservoir, are its weights and follow."""
        move = super()._apply
        if next(self.parameters(), None) is None:
            move(fn, recurse)  # type: ignore[no-untyped-call]
        else:
            apply_held(self, lambda: move(fn, recurse))  # type: ignore[no-untyped-call]
        return self

    def constants(self, ctx: Context) -> Any:
        """What `step` needs of the parameters, once per run: tensors and None, one or a flat tuple.

        It sees parameters that are at least float32, as everything does that meets a state.

        Outside training it must depend on the parameters and the precision alone: `Model.streaming` caches it.
        """
        return ()

    def project(self, x: Tensor, const: Any, ctx: Context) -> Inputs:
        """What `step` needs of the input: x (B, window + T, ...) -> leaves (B, T, ...)."""
        return x

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        """The new state, with exactly the keys of `states`; u and the state have leaves (B, ...)."""
        return {name: a * state[name] + b for name, (a, b) in self.linear_recurrence(u, const).items()}

    def linear_recurrence(self, u: Any, const: Any) -> Mapping[str, tuple[Tensor, Tensor]]:
        """In place of `step`, for a cell linear and elementwise in its state: `{state: (a, b)}` for every state.

        h_t = a_t * h_{t-1} + b_t, where a and b are those of u, for leaves (B, ...) and (B, T, ...) alike; a may also
        have no time axis of its own, as a decay that does not depend on the input.
        """
        raise TypeError(f"{type(self).__name__} defines neither step nor linear_recurrence")

    def output(self, u: Any, state: Mapping[str, Tensor], const: Any) -> Tensor:
        """The output of the new state, for leaves (B, ...) and (B, T, ...) alike."""
        return state[next(iter(self.states))]

    def fused(self, x: Tensor, state: Mapping[str, Tensor], const: Any, ctx: Context) -> tuple[Tensor, States] | None:
        """The whole run by a faster kernel: output (B, T, ...) and the state at each row's last valid step.

        None means: run the loop. Never called with resets, zoneout, recurrent dropout or states of all steps.
        """
        return None

    @staticmethod
    def fused_stack(
        cells: Sequence[Cell], x: Tensor, state: Mapping[str, Tensor], *, layers: int
    ) -> tuple[Tensor, States]:
        """Several plain layers of this cell by one call of its kernel; only for cells with a `kernel_key`.

        cells: layer by layer, forwards before backwards, with or without the latter. x: (B, T, F), without padding.
        state: (layers * directions, B, ...) by name. Returns the last layer's output and the state in the same form.
        """
        raise TypeError(f"{type(cells[0]).__name__} does not define fused_stack")

    def forward(self, x: Tensor, run: Callable[[Cell, Tensor], Any]) -> Any:
        """The engine runs a cell through here, so that hooks and summaries see it as they see any module."""
        return run(self, x)

    def extra_repr(self) -> str:
        """Features in and units, (C, H, W) for maps, then the options that differ from their defaults."""
        units = getattr(self, "hidden_size", None)
        sizes = [self.input_shape, self.output_shape if units is None else (units,)]
        return ", ".join(
            [*(str(one[0]) if len(one) == 1 else str(one) for one in sizes), *filter(None, [self._chosen])]
        )

    def reset_parameters(self) -> None:
        """Start every parameter and every buffer as the cell's paper does."""

    def pin_parameters(self) -> None:
        """Set what an option fixes whatever the initialisation scheme."""

    def roles(self) -> Mapping[str, Role]:
        """The role of each parameter that an initialisation scheme may set, by name."""
        return {}
