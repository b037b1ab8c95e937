"""What a model of one stack writes: held to its whole runs, row by row, and to the chances of each symbol."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import torch
from torch import Tensor

from zoo.checks.batch import lengths_of
from zoo.checks.chances import chances, unlike
from zoo.checks.prompts import Prompt, prompt_for
from zoo.checks.subject import Skip, Subject, close
from zoo.errors import CheckFailure, InputError
from zoo.heads.base import Head
from zoo.model.generation import writer
from zoo.model.stack import StackModel

STEPS, MANY, SEED = 5, 1500, 4
LENGTHS: Final = (5, 2, 7, 1, 3)
SCALES: Final = (1.0, 2.5)
"""Of a fresh model's parameters: the larger, the more what it writes hangs on what it has read."""
DRAWN: Final[tuple[dict[str, Any], ...]] = (
    {"temperature": 0.6},
    {"temperature": 2.0},
    {"temperature": 1.0, "top_k": 3},
    {"temperature": 1.3, "top_p": 0.6},
    {"temperature": 0.8, "top_k": 7, "top_p": 0.85},
)

Choose = Callable[[Tensor, int], Tensor]
"""What a row writes, from an output (1, ...) and the number of the row."""


def generate(subject: Subject) -> None:
    """The likeliest of whole runs is written; a batch is its rows one by one; a symbol comes as often as it should.

    No whole run carries a state, so that the steps are held to it. A stop ends its own row alone. The mode of the model
    and the global random state stay as they are.
    """
    for seed, scale in enumerate(SCALES):
        model = subject.model(seed=seed)
        if not isinstance(model, StackModel):
            raise Skip("the check is for models of one stack")
        try:
            head = writer(model)
        except InputError as error:
            raise Skip(str(error).partition("cannot generate: ")[2]) from None
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(scale)
            prompt = prompt_for(subject, model, head, len(LENGTHS), max(LENGTHS), STEPS)
            _greedy(model, head, prompt)
            if head.writes == "symbols":
                _stopped(model, prompt)
                _often(model, head, prompt)
                _rows(model, prompt, {"temperature": 1.5 * _spread(head, model, prompt), "top_p": 0.95})
            else:
                _drawn(model, head, prompt)
                _rows(model, prompt, {"temperature": 1.2})
            _leaves(model, prompt)


def _written(model: StackModel, prompt: Prompt, steps: int = STEPS, **how: Any) -> Tensor:
    """By a ragged batch."""
    lengths = lengths_of(LENGTHS, model._place()[0])
    return model.generate(prompt.given, steps, lengths=lengths, **prompt.keys, **how)


def _by_whole_runs(model: StackModel, prompt: Prompt, choose: Choose) -> Tensor:
    """The same when every step is a run over all before it, each row by itself."""
    rows = []
    for row, length in enumerate(LENGTHS):
        own, found = prompt.row(row, length), []
        for step in range(STEPS):
            found.append(choose(model(own.given)[:, -1], row))
            own = own.longer(found[-1], step)
        rows.append(torch.stack(found, 1))
    return torch.cat(rows)


def _greedy(model: StackModel, head: Head, prompt: Prompt) -> None:
    def best(output: Tensor, row: int) -> Tensor:
        return head.decode(output) if head.writes == "numbers" else head.symbol_scores(output).argmax(-1)

    _same(_written(model, prompt), _by_whole_runs(model, prompt, best), "greedy, against whole runs")
    _rows(model, prompt, {})


def _drawn(model: StackModel, head: Head, prompt: Prompt) -> None:
    """Numbers, as the head draws them from whole runs: that is held to the density elsewhere."""
    for temperature in (0.5, 1.7):
        own = [torch.Generator().manual_seed(SEED + row) for row in range(len(LENGTHS))]
        draw = partial(_drawn_by, head, own, temperature)
        found = _written(model, prompt, temperature=temperature, seed=SEED)
        _same(found, _by_whole_runs(model, prompt, draw), f"drawn at temperature {temperature}, against whole runs")


def _drawn_by(head: Head, own: list[torch.Generator], temperature: float, output: Tensor, row: int) -> Tensor:
    return head.sample(output, own[row], temperature)


def _stopped(model: StackModel, prompt: Prompt) -> None:
    """A row ends at its own stop, and what stands before it is what stands there without one."""
    hows: tuple[dict[str, Any], ...] = ({}, {"temperature": 1.5, "seed": SEED})
    for how in hows:
        free = _written(model, prompt, **how)
        for stop in (int(free[1, 1]), int(free[2, 0]), [int(free[0, 2]), int(free[3, 1])]):
            ends = torch.isin(free, torch.tensor(stop, device=free.device))
            first = torch.where(ends.any(1), ends.long().argmax(1), STEPS - 1)
            steps = torch.arange(STEPS, device=free.device).minimum(first.unsqueeze(1))
            found = _written(model, prompt, stop=stop, **how)
            _same(found, free.gather(1, steps), f"{'drawn' if how else 'greedy'} with the stop {stop}")


def _often(model: StackModel, head: Head, prompt: Prompt) -> None:
    """One symbol each of many rows that have read the same, each row by a seed of its own."""
    one = prompt.row(0, 1)
    scores = head.symbol_scores(model(one.given)[:, -1])[0].double().tolist()
    many, spread = one.many(MANY, 1), _spread(head, model, prompt)
    for how in DRAWN:
        how = {**how, "temperature": how["temperature"] * spread}
        drawn = model.generate(many.given, 1, seed=SEED, **many.keys, **how)[:, 0]
        counts = torch.bincount(drawn.cpu(), minlength=len(scores)).tolist()
        why = unlike(counts, chances(scores, **how))
        if why is not None:
            raise CheckFailure(f"drawn with {how}: {why}")


def _spread(head: Head, model: StackModel, prompt: Prompt) -> float:
    """By how much scores differ, at least 1: at a temperature as high more than one symbol comes."""
    return max(1.0, head.symbol_scores(model(prompt.given)[:, -1]).double().std().item())


def _rows(model: StackModel, prompt: Prompt, how: dict[str, Any]) -> None:
    """Each row alone, from its own seed, is what it is in the batch; only the same seed gives the same."""

    def seeded(row: int) -> dict[str, Any]:
        return {**how, "seed": SEED + row} if how else {}

    label = "drawn" if how else "greedy"
    together = _written(model, prompt, **seeded(0))
    if how:
        _same(_written(model, prompt, **seeded(0)), together, "drawn with the same seed again")
        if torch.equal(_written(model, prompt, **seeded(1000)), together):
            raise CheckFailure("drawn with another seed: the same again")
    for row, length in enumerate(LENGTHS):
        own = prompt.row(row, length)
        alone = model.generate(own.given, STEPS, **own.keys, **seeded(row))
        _same(alone[0], together[row], f"{label}: a prompt of {length} steps alone")


def _leaves(model: StackModel, prompt: Prompt) -> None:
    """A seed touches no global random state, and training goes on behind."""
    before = torch.get_rng_state()
    expected = _written(model, prompt, temperature=1.0, seed=SEED)
    model.train()
    try:
        _same(_written(model, prompt, temperature=1.0, seed=SEED), expected, "in training mode")
        if not model.training:
            raise CheckFailure("a model in training mode is not in it any more")
    finally:
        model.eval()
    if not torch.equal(torch.get_rng_state(), before):
        raise CheckFailure("what is drawn by a seed changes the global random state")


def _same(found: Tensor, expected: Tensor, label: str) -> None:
    if found.is_floating_point():
        close(found, expected, label)
    elif not torch.equal(found, expected):
        raise CheckFailure(f"{label}: writes {found.tolist()}, expected {expected.tolist()}")
