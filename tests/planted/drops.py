"""Bugs in dropout and zoneout."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

import zoo.engine.dropout
import zoo.engine.recurrent_layer
from zoo.cells.lstm import LSTM
from zoo.engine.backends import loop
from zoo.engine.cell import Context

from .patching import Patch, around, edit
from .suite import mutant


@mutant("layers", "repeatable")
def dropout_in_eval(patch: Patch) -> None:
    around(
        patch,
        zoo.engine.recurrent_layer,
        "drop",
        lambda f, x, rate, training, variational: f(x, rate, training=True, variational=variational),
    )


@mutant("layers", "dropout")
def dropout_never(patch: Patch) -> None:
    patch.setattr(zoo.engine.recurrent_layer, "drop", lambda x, rate, training, variational: x)


@mutant("layers", "dropout")
def variational_mask_for_each_step(patch: Patch) -> None:
    around(
        patch,
        zoo.engine.recurrent_layer,
        "drop",
        lambda f, x, rate, training, variational: f(x, rate, training=training, variational=False),
    )


@mutant("layers", "dropout")
def rate_taken_for_what_is_kept(patch: Patch) -> None:
    around(
        patch,
        zoo.engine.recurrent_layer,
        "drop",
        lambda f, x, rate, training, variational: f(x, rate and 1 - rate, training=training, variational=variational),
    )


@mutant("layers", "dropout")
def what_is_kept_as_it_was(patch: Patch) -> None:
    edit(patch, zoo.engine.dropout, "drop", ".div(keep)", "")


@mutant("layers", "dropout")
def weights_never_dropped(patch: Patch) -> None:
    patch.setattr(Context, "drop_weight", lambda self, weight: weight)


@mutant("layers", "dropout")
def recurrent_dropout_never(patch: Patch) -> None:
    patch.setattr(Context, "drop_state", lambda self, name: None)


@mutant("zoned", "dropout")
def zoneout_keeps_the_new_instead_of_the_old(patch: Patch) -> None:
    around(
        patch, zoo.engine.dropout, "zoneout", lambda f, old, new, rate, training: f(new, old, rate, training=training)
    )


@mutant("layers", "dropout")
def recurrent_mask_drawn_at_every_step(patch: Patch) -> None:
    def wrong(step: Any, self: LSTM, u: Tensor, state: Any, const: Any) -> Any:
        kept, U, W_hr, mask = const
        anew = mask if mask is None else torch.where(torch.rand_like(mask) < 0.3, 0.0, 1 / 0.7)
        return step(self, u, state, (kept, U, W_hr, anew))

    around(patch, LSTM, "step", wrong)


@mutant("timed", "dropout")
def recurrent_mask_shared_by_all_rows(patch: Patch) -> None:
    def wrong(drop_state: Any, self: Context, name: str) -> Any:
        mask = drop_state(self, name)
        return mask if mask is None else mask[:1].expand_as(mask)

    around(patch, Context, "drop_state", wrong)


@mutant("layers", "dropout")
def weights_dropped_anew_at_every_step(patch: Patch) -> None:
    def wrong(step: Any, self: LSTM, u: Tensor, state: Any, const: Any) -> Any:
        kept, U, W_hr, mask = const
        return step(self, u, state, (kept, F.dropout(U, 0.3, self.training and mask is None), W_hr, mask))

    around(patch, LSTM, "step", wrong)
    patch.setattr(LSTM, "fusable", False)
    patch.setattr(Context, "drop_weight", lambda self, weight: weight)


@mutant("zoned", "dropout")
def zoneout_in_training_only(patch: Patch) -> None:
    _zoneout(patch, lambda f, old, new, rate, training: f(old, new, rate, training=True) if training else new)


@mutant("zoned", "dropout")
def zoneout_by_its_mean_in_training_too(patch: Patch) -> None:
    _zoneout(patch, lambda f, old, new, rate, training: f(old, new, rate, training=False))


@mutant("zoned", "repeatable")
def zoneout_by_chance_in_eval_too(patch: Patch) -> None:
    _zoneout(patch, lambda f, old, new, rate, training: f(old, new, rate, training=True))


def _zoneout(patch: Patch, wrong: Any) -> None:
    around(patch, zoo.engine.dropout, "zoneout", wrong)


@mutant("timed", "dropout")
def zoneout_on_a_state_that_forbids_it(patch: Patch) -> None:
    edit(patch, loop, "run", "if not cell.states[name].zoneout:", "if False:")


@mutant("timed", "dropout")
def zoneout_in_training_on_a_state_that_forbids_it(patch: Patch) -> None:
    edit(
        patch,
        loop,
        "run",
        "cell.states[name].zoneout:",
        "(cell.states[name].zoneout or cell.training):",
    )
