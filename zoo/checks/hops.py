"""What lies between the hops of a model whose layers make one step of several: steps left over, and resets inside."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from zoo.checks.batch import Batch, batch_of, lengths_of, run
from zoo.checks.subject import Subject, all_close
from zoo.errors import CheckFailure, InputError
from zoo.model.base import Model

HOPS = 6


def between_hops(subject: Subject, model: Model) -> None:
    """The last piece may end inside a hop, and then nothing follows it, but in rows that start anew."""
    batch = batch_of(subject, 3, HOPS, whole=True)
    raw = Batch(batch.arguments, batch.once)
    for over in range(1, batch.hop):
        steps = (HOPS - 1) * batch.hop + over
        longer = raw.steps(0, steps)
        ends = lengths_of((steps, batch.hop * 3, batch.hop + over), batch.lead.device)  # the last in the first piece
        for lengths in (None, ends):
            expected = run(model, longer, lengths=lengths)
            cut = 2 * batch.hop
            here, left = (None, None) if lengths is None else (lengths.clamp(max=cut), (lengths - cut).clamp(min=0))
            first, state = run(model, longer.steps(0, cut), lengths=here)
            second, after = run(model, longer.steps(cut, steps), state, lengths=left)
            label = f"a last piece that ends {over} steps behind a multiple of {batch.hop}"
            all_close((torch.cat([first, second], 1), after), expected, label)
            _must_refuse(partial(run, model, batch.steps(0, 2), after), f"a piece behind {label}")
        anew = torch.zeros(batch.steps(0, 2).lead.shape[:2], dtype=torch.bool, device=batch.lead.device)
        anew[:, 0] = True
        found, now = run(model, batch.steps(0, 2), after, reset=anew)
        all_close((found, now), run(model, batch.steps(0, 2)), f"sequences that start anew behind {label}")


def inside_a_hop(model: Model, batch: Batch) -> None:
    """A sequence starts anew before a hop, and nowhere else."""
    for over in range(1, batch.hop):
        where = torch.zeros(batch.lead.shape[:2], dtype=torch.bool, device=batch.lead.device)
        where[0, 2 * batch.hop + over] = True
        _must_refuse(partial(run, model, batch, reset=where), f"a reset {over} steps inside a hop")


def _must_refuse(call: Callable[[], Any], label: str) -> None:
    try:
        call()
    except InputError:
        return
    raise CheckFailure(f"{label} must be an InputError, and gives numbers")
