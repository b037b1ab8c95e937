"""Bugs in what a state means: where it starts, what carries on from it, where it starts anew."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

import zoo.engine.recurrence
import zoo.engine.recurrent_layer
import zoo.engine.sequence
import zoo.model.inputs
import zoo.model.layout
from zoo.model.stack import StackModel

from .patching import Patch, around
from .suite import mutant


@mutant("both", "state_default")
def incoming_state_ignored(patch: Patch) -> None:
    around(patch, StackModel, "_run", lambda run, self, given, state: run(self, given, None))


@mutant("lstm", "chunked")
def cell_state_zeroed_at_chunk_borders(patch: Patch) -> None:
    def wrong(run: Any, self: StackModel, given: Any, state: Any) -> Any:
        if isinstance(state, tuple):
            state = (state[0], torch.zeros_like(state[1]))
        return run(self, given, state)

    around(patch, StackModel, "_run", wrong)


@mutant("gru", "chunked")
def state_detached_between_chunks(patch: Patch) -> None:
    def wrong(run: Any, self: StackModel, given: Any, state: Any) -> Any:
        return run(self, given, state.detach() if isinstance(state, Tensor) else state)

    around(patch, StackModel, "_run", wrong)


@mutant("lstm", "state_default")
def layers_swapped_in_the_torch_layout(patch: Patch) -> None:
    def wrong(stacked: Any, self: Any, state: Any, *rest: Any) -> dict[str, Tensor]:
        found: dict[str, Tensor] = stacked(self, state, *rest)
        return {name: t.flip(0) for name, t in found.items()}

    around(patch, zoo.model.layout.TorchLayout, "stacked", wrong)


@mutant("lstm", "stepwise")
def states_of_all_steps_one_late(patch: Patch) -> None:
    def wrong(recur: Any, *args: Any, **kwargs: Any) -> Any:
        output, state, states, *rest = recur(*args, **kwargs)
        late = states and {name: t.roll(1, 1) for name, t in states.items()}
        return zoo.engine.recurrence.Pass(output, state, late, *rest)

    around(patch, zoo.engine.recurrent_layer, "recur", wrong)


@mutant("gru", "stepwise")
def step_starts_anew(patch: Patch) -> None:
    around(patch, StackModel, "step", lambda step, self, x, state=None, **rest: step(self, x, None, **rest))


@mutant("gru", "reset")
def reset_ignored(patch: Patch) -> None:
    patch.setattr(zoo.model.inputs, "check_reset", lambda reset, x: None)


@mutant("both", "reset")
def reset_flipped_as_values_are(patch: Patch) -> None:
    def wrong(gaps: Any, reset: Tensor, lengths: Tensor | None) -> Tensor:
        order = zoo.engine.sequence.reversal(lengths, reset.shape[1], reset.device)
        return zoo.engine.sequence.take(reset, order)

    around(patch, zoo.engine.sequence, "gaps_backward", wrong)


@mutant("layers", "reset")
def reset_to_zeros_where_the_state_is_learned(patch: Patch) -> None:
    def wrong(start: Any, *args: Any, learned: Any = None, **kwargs: Any) -> Any:
        return start(*args, learned=None, **kwargs)

    # The layer's own start is right, the engine's after a reset is not.
    original = zoo.engine.recurrent_layer._initial_state
    right = zoo.engine.recurrent_layer.initial_state

    def initial(*args: Any) -> Any:
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(zoo.engine.recurrent_layer, "initial_state", right)
            return original(*args)

    around(patch, zoo.engine.recurrent_layer, "initial_state", wrong)
    patch.setattr(zoo.engine.recurrent_layer, "_initial_state", initial)


@mutant("lstm", "reset")
def reset_leaves_one_state_alone(patch: Patch) -> None:
    def wrong(start: Any, cell: Any, *args: Any, **kwargs: Any) -> Any:
        found = start(cell, *args, **kwargs)
        return {name: t + 0.1 if name == "c" else t for name, t in found.items()}

    around(patch, zoo.engine.recurrence, "initial_state", wrong)
    around(patch, zoo.engine.recurrent_layer, "initial_state", wrong)
    patch.setattr(zoo.engine.recurrent_layer, "_initial_state", _plain_initial)


def _plain_initial(cell: Any, learned: Any, batch: int, device: Any, dtype: Any) -> Any:
    return {
        name: torch.full((batch, *s.shape), s.initial_value, dtype=s.dtype(dtype), device=device)
        for name, s in cell.states.items()
    }
