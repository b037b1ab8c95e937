"""The recurrent layer: one cell, or one per direction, and everything around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, Self

import torch
from torch import Tensor, nn

from zoo.engine import forwards, sequence
from zoo.engine.around import Dropout, Merge, merged_shape, projected_shape
from zoo.engine.cell import Cell, States, StateSpec
from zoo.engine.dropout import drop
from zoo.engine.layer import Layer, LayerOutput, normed, rounded
from zoo.engine.precision import HALF, apply_held, dtype_inside, in_half
from zoo.engine.recurrence import Pass, Run, carries, initial_state, recur
from zoo.engine.sharing import borrowed
from zoo.errors import InputError


class RecurrentLayer(Layer):
    """A cell over a sequence, in one or both directions, with what a spec may put around it.

    In order: dropout on the input, a norm before; the cell in its directions; their merge, a norm after, the output
    projection, dropout on the output, and last the residual, which is the layer's input itself.

    In half precision the numbers between these are float32, and are rounded once, at the layer's end: a norm makes much
    of what rounding leaves of units that hardly differ, and a cell with a threshold of what it leaves of its input.
    """

    def __init__(
        self,
        cell: Cell,
        backward_cell: Cell | None = None,
        *,
        reverse: bool = False,
        merge: Merge = "concat",
        dropout: Dropout = Dropout(),  # noqa: B008 - frozen
        norm: nn.Module | None = None,
        norm_position: Literal["before", "after"] = "after",
        output_projection: int | None = None,
        projection_bias: bool = True,
        residual: bool = False,
        learned_state: bool = False,
        joined: int = 0,
    ) -> None:
        super().__init__()
        self.joined = joined
        self.cell = cell
        self.reverse_cell = backward_cell
        self.reverse = reverse
        self.merge = merge
        self.dropout = dropout
        self.norm = norm
        self.norm_position = norm_position
        self.residual = residual
        self.axes = len(cell.output_shape)
        shape = merged_shape(cell.output_shape, merge, both=backward_cell is not None)
        self.output_projection: nn.Linear | None = None
        if output_projection is not None:
            self.output_projection = nn.Linear(shape[-1], output_projection, bias=projection_bias)
        self.output_shape = projected_shape(shape, output_projection)
        normed = norm is not None and norm_position == "after"
        self.bare = not (normed or output_projection or residual or dropout.between or dropout.output)
        self.initial: nn.ParameterDict | None = _learned(cell) if learned_state else None
        self.reverse_initial: nn.ParameterDict | None = None
        if learned_state and backward_cell is not None:
            self.reverse_initial = _learned(backward_cell)

    def extra_repr(self) -> str:
        """What differs from a plain layer."""
        shown = ["reverse=True"] if self.reverse else []
        if self.reverse_cell is not None and self.merge != "concat":
            shown.append(f"merge={self.merge!r}")
        if self.reverse_cell is not None and (shared := borrowed(self.reverse_cell)):
            shown.append(f"share={list(shared)}")
        if self.norm is not None and self.norm_position != "after":
            shown.append(f"norm_position={self.norm_position!r}")
        if self.residual:
            shown.append("residual=True")
        if self.dropout != Dropout():
            shown.append(f"dropout={self.dropout}")
        return ", ".join(shown)

    def init_state(self, batch: int, *, device: torch.device, dtype: torch.dtype) -> States:
        state = _initial_state(self.cell, self.initial, batch, device, dtype)
        if self.reverse_cell is not None:
            backward_state = _initial_state(self.reverse_cell, self.reverse_initial, batch, device, dtype)
            state |= {f"reverse.{name}": value for name, value in backward_state.items()}
        return state

    def forward(self, x: Tensor, state: Mapping[str, Tensor] | None, run: Run) -> LayerOutput:
        """x (B, T, ...), zero in padding; no state is the initial one, made in here: who shards layers needs that."""
        if state is None:
            state = self.init_state(x.shape[0], device=x.device, dtype=x.dtype)
        if x.dtype not in HALF:
            return self._run(x, state, run)
        with in_half(x):  # so that products are in half precision, though the norms' numbers are not
            found = self._run(x, state, run)
        return rounded(found, x)

    def _run(self, x: Tensor, state: Mapping[str, Tensor], run: Run) -> LayerOutput:
        rates = self.dropout
        inner = drop(x, rates.input, training=self.training, variational=rates.variational)
        if self.norm is not None and self.norm_position == "before":
            inner = normed(self.norm, inner, run.valid)
        if self.joined:
            inner = self._joined(inner, run.joined)
        forward_pass = self._pass(self.cell, self.initial, inner, state, run, backwards=self.reverse)
        backward_pass = None
        if self.reverse_cell is not None:
            theirs = {name.removeprefix("reverse."): s for name, s in state.items() if name.startswith("reverse.")}
            backward_pass = self._pass(self.reverse_cell, self.reverse_initial, inner, theirs, run, backwards=True)
        output, final = self._around(forward_pass, backward_pass, x, run)
        if backward_pass is not None:
            both = {**forward_pass.state, **{f"reverse.{name}": value for name, value in backward_pass.state.items()}}
            states = None
            if forward_pass.states is not None and backward_pass.states is not None:
                states = {
                    **forward_pass.states,
                    **{f"reverse.{name}": value for name, value in backward_pass.states.items()},
                }
        else:
            both, states = forward_pass.state, forward_pass.states
        return LayerOutput(self._zeroed(output, run), both, final, states)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Cast and move as any module, but keep a norm's buffers at least float32, whoever wrote it: running means."""
        move = super()._apply
        if self.norm is None:
            move(fn, recurse)  # type: ignore[no-untyped-call]
        else:
            apply_held(self.norm, lambda: move(fn, recurse))  # type: ignore[no-untyped-call]
        return self

    def _joined(self, inner: Tensor, joined: Tensor | None) -> Tensor:
        """What the cell reads, with what the architecture joins to it."""
        if joined is None:
            raise InputError(f"this layer reads {self.joined} features that its model gives it: call the whole model")
        return torch.cat([inner, joined.to(inner.dtype)], -1)

    def _pass(
        self,
        cell: Cell,
        learned: nn.ParameterDict | None,
        x: Tensor,
        state: Mapping[str, Tensor],
        run: Run,
        *,
        backwards: bool,
    ) -> Pass:
        initial: States = {}
        if run.reset is not None:
            initial = initial_state(cell, x.shape[0], device=x.device, dtype=x.dtype, learned=_values(learned))
        recurrence = partial(
            recur, state=dict(state), initial=initial, run=run, rates=self.dropout, backwards=backwards
        )
        found: Pass = cell(x, recurrence)
        return found

    def _around(
        self, forward_pass: Pass, backward_pass: Pass | None, x: Tensor, run: Run
    ) -> tuple[Tensor, Tensor | None]:
        """The layer's output (B, T, ...), and the final output of each direction (B, ...) where the run asks for it.

        That is the last valid step of the forward direction and the first step of the backward one.
        """
        if backward_pass is None:
            output = self._after(forward_pass.output, x, run.valid)
            if not run.final:
                return output, None
            return output, output[:, 0] if self.reverse else sequence.at_last(output, run.lengths)
        merged = _merged(forward_pass.output, backward_pass.output, self.merge, self.axes)
        if not run.final:
            return self._after(merged, x, run.valid), None
        last = _merged(
            sequence.at_last(forward_pass.output, run.lengths), backward_pass.output[:, 0], self.merge, self.axes
        )
        if self.bare:
            return merged, last
        # No step holds the last of one direction and the first of the other. They go through what stands behind the
        # cells as one step more, which has no part in a batch's statistics and shares a sequence's dropout mask.
        beside = x
        if self.residual:  # each half of a residual belongs to the step of its direction
            half = x.shape[2] // 2
            both = torch.cat([sequence.at_last(x, run.lengths)[:, :half], x[:, 0, half:]], 1)
            beside = torch.cat([x, both.unsqueeze(1)], 1)
        valid = run.valid
        if self.norm is not None:
            known = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device) if valid is None else valid
            valid = torch.cat([known, torch.zeros_like(known[:, :1])], 1)
        longer = self._after(torch.cat([merged, last.unsqueeze(1)], 1), beside, valid)
        return longer[:, :-1], longer[:, -1]

    def _after(self, output: Tensor, x: Tensor, valid: Tensor | None) -> Tensor:
        """What stands between the cells' merged output and the layer's, for (B, T, ...)."""
        rates = self.dropout
        if self.norm is not None and self.norm_position == "after":
            output = normed(self.norm, output, valid)
        if self.output_projection is not None:
            output = self.output_projection(output)
        for rate in (rates.between, rates.output):
            output = drop(output, rate, training=self.training, variational=rates.variational)
        return output + x if self.residual else output

    def _zeroed(self, output: Tensor, run: Run) -> Tensor:
        """Norms and biases fill the padding again; a cell alone leaves it zero."""
        touched = self.norm is not None or self.output_projection is not None
        return sequence.zero_where(output, run.valid) if touched else output


def run_layer(layer: Layer, x: Any, state: Mapping[str, Tensor] | None, run: Run, like: Tensor) -> LayerOutput:
    """One layer of several, whose first is given `like`, from a state or the initial one.

    Between recurrent ones nothing is rounded to half precision either; layers of other kinds, and a head (`rounded`),
    are given what `like` is in.
    """
    if not isinstance(layer, RecurrentLayer):
        x = _as_given(x, like)
        if state is None:
            first: Tensor = x[0] if isinstance(x, tuple) else x
            state = layer.init_state(first.shape[0], device=first.device, dtype=first.dtype)
        found: LayerOutput = forwards.layer(layer, x, state, run)
        return found
    if like.dtype not in HALF:
        return layer(x, state, run)  # type: ignore[no-any-return]
    with in_half(like):
        return layer(x.to(dtype_inside(like)), state, run)  # type: ignore[no-any-return]


def _as_given(x: Any, like: Tensor) -> Any:
    """A layer's input, one tensor or a tuple of them, in the half precision of `like`, if that is what it is in."""
    if like.dtype not in HALF:
        return x
    return tuple(one.to(like.dtype) for one in x) if isinstance(x, tuple) else x.to(like.dtype)


def _learned(cell: Cell) -> nn.ParameterDict:
    """Initial values as parameters; complex ones as pairs, which no change of dtype can rob of a part."""
    dtype = torch.empty(0).dtype  # not torch.get_default_dtype(): a model may be built in another
    found = {}
    for name, spec in cell.states.items():
        if not spec.learned:
            continue
        value = torch.full(spec.shape, spec.initial_value, dtype=spec.dtype(dtype))
        found[name] = nn.Parameter(torch.view_as_real(value).clone() if spec.complex else value)
    return nn.ParameterDict(found)


def _values(learned: nn.ParameterDict | None) -> dict[str, Tensor] | None:
    return None if learned is None else dict(learned.items())


def _initial_state(
    cell: Cell, learned: nn.ParameterDict | None, batch: int, device: torch.device, dtype: torch.dtype
) -> States:
    state = initial_state(cell, batch, device=device, dtype=dtype, learned=_values(learned))
    if carries(cell):
        state["age"] = torch.zeros(batch, dtype=torch.int64, device=device)
    if cell.window:
        wide = StateSpec(()).dtype(dtype)  # as the layer in front, or a norm, gives it
        state["past"] = torch.zeros((batch, cell.window, *cell.input_shape), dtype=wide, device=device)
    return state


def _merged(forward: Tensor, backward: Tensor | None, merge: Merge, axes: int) -> Tensor:
    """Two directions as one, along the first of the last `axes` axes: the features, or the channels of maps."""
    if backward is None:
        return forward
    if merge == "concat":
        return torch.cat([forward, backward], -axes)
    if merge == "sum":
        return forward + backward
    return (forward + backward) / 2 if merge == "mean" else forward * backward
