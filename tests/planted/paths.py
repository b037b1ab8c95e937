"""Bugs in the faster ways to run: torch's kernels, and the recurrence that is linear in its state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

import zoo.cells.gru
import zoo.cells.lstm
from zoo.cells.linear.lru import LRU
from zoo.engine import stacked
from zoo.engine.backends import fused, linear, loop

from .patching import Patch, around, edit
from .suite import mutant

# Kernels.


@mutant("gru", "padding_invariance")
def last_state_of_the_kernel_at_the_padded_last_step(patch: Patch) -> None:
    patch.setattr(zoo.cells.gru, "last_output", lambda y, last, state, ctx: {"h": last.squeeze(0)})


@mutant("lstm", "padding_invariance")
def padding_opens_the_input_gate(patch: Patch) -> None:
    patch.setattr(zoo.cells.lstm, "SHUT", -zoo.cells.lstm.SHUT)


@mutant("lstm", "padding_invariance")
def padding_leaves_the_gates_as_they_are(patch: Patch) -> None:
    patch.setattr(zoo.cells.lstm, "SHUT", 0.0)


@mutant("gru", "reset")
def kernel_in_spite_of_a_reset(patch: Patch) -> None:
    def wrong(run: Any, cell: Any, x: Tensor, state: Any, const: Any, ctx: Any, **rest: Any) -> Any:
        return run(cell, x, state, const, replace(ctx, reset=None), **rest)

    around(patch, fused, "run", wrong)


@mutant("zoned", "dropout")
def kernel_in_spite_of_zoneout(patch: Patch) -> None:
    around(patch, fused, "run", lambda run, *args, zoneout, **rest: run(*args, zoneout=0.0, **rest))


@mutant("layers", "dropout")
def kernel_in_spite_of_recurrent_dropout(patch: Patch) -> None:
    def wrong(run: Any, cell: Any, x: Tensor, state: Any, const: Any, ctx: Any, **rest: Any) -> Any:
        return run(cell, x, state, const, replace(ctx, recurrent_dropout=0.0), **rest)

    around(patch, fused, "run", wrong)


@mutant("lstm", "reset")
def stacked_layers_in_spite_of_a_reset(patch: Patch) -> None:
    around(patch, stacked, "possible", lambda f, layers, run: f(layers, replace(run, reset=None)))


@mutant("lstm", "padding_invariance")
def stacked_layers_in_spite_of_padding(patch: Patch) -> None:
    around(patch, stacked, "possible", lambda f, layers, run: f(layers, replace(run, valid=None)))


# Linear in the state.


def _saved(patch: Patch, change: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]) -> None:
    """The backward is given other tensors than the forward kept: a, the state before, and the states."""

    def wrong(backward: Any, ctx: Any, grad: Tensor) -> Any:
        return backward(SimpleNamespace(saved_tensors=change(*ctx.saved_tensors), backwards=ctx.backwards), grad)

    around(patch, linear._Recurrence, "backward", wrong)


@mutant("lru", "engines")
def gradient_without_the_conjugate(patch: Patch) -> None:
    _saved(patch, lambda a, h, states: (a.conj().resolve_conj(), h, states))


@mutant("mingru", "engines")
def gradient_by_the_states_of_the_step_after(patch: Patch) -> None:
    _saved(patch, lambda a, h, states: (a, h, torch.cat([states[:, 1:], states[:, -1:]], 1)))


@mutant("mingru", "engines")
def gradient_by_the_state_before_left_out(patch: Patch) -> None:
    _saved(patch, lambda a, h, states: (a, torch.zeros_like(h), states))


@mutant("mingru", "gradcheck")
def second_derivative_by_the_states_after(patch: Patch) -> None:
    edit(patch, linear, "_differentiable", "torch.cat([first, states[:, :-1]], 1)", "states")


@mutant("lru", "padding_invariance")
def linear_rows_step_on_in_padding(patch: Patch) -> None:
    around(patch, linear, "run", lambda run, steps: run(replace(steps, valid=None)))


@mutant("rglru", "reset")
def linear_resets_left_out(patch: Patch) -> None:
    around(patch, linear, "run", lambda run, steps: run(replace(steps, reset=None)))


@mutant("mingru", "reset")
def linear_resets_to_zeros_where_the_state_is_learned(patch: Patch) -> None:
    def wrong(run: Any, steps: Any) -> Any:
        return run(replace(steps, initial={name: torch.zeros_like(t) for name, t in steps.initial.items()}))

    around(patch, linear, "run", wrong)


# The output over all steps at once.


@mutant("lru", "stepwise")
def output_over_time_of_the_state_before(patch: Patch) -> None:
    def wrong(output: Any, self: LRU, u: Any, state: Any, const: Any) -> Tensor:
        over_time = u[1].dim() == 3
        found: Tensor = output(self, u, {n: t.roll(1, 1) for n, t in state.items()} if over_time else state, const)
        return found

    around(patch, LRU, "output", wrong)


@mutant("mlstm", "stepwise")
def output_over_time_of_a_large_state_before(patch: Patch) -> None:
    patch.setattr(loop, "HOISTED_UP_TO", 1000)
    right = "torch.stack([at[name] for at in history], 1)"
    edit(patch, loop, "over", right, "torch.stack([at[name] for at in [history[-1], *history[:-1]]], 1)")
