"""No output knows a later step, and each knows its own."""

from __future__ import annotations

import torch

from zoo.checks import pairs
from zoo.checks.batch import Batch, batch_of, called, run, vocabularies
from zoo.checks.measuring import features_of, weighted
from zoo.checks.subject import Skip, Subject, close
from zoo.components import Part
from zoo.errors import CheckFailure
from zoo.model.base import Model
from zoo.spec.traits import not_streamable
from zoo.spec.tree import dotted, over_time


def causality(subject: Subject) -> None:
    """No output depends on a later step, by gradient of the features and by value, and each depends on its own."""
    if subject.several:
        pairs.causality(subject)
        return
    if not subject.traits.causal:
        raise Skip(_not_causal(subject))
    model = subject.model()
    batch = batch_of(subject, 2, 7, whole=True)
    with features_of(model) as found:
        output, _ = run(model, batch)
    for t in range(7):
        (gradient,) = torch.autograd.grad(weighted(output[:, t]), found[0], retain_graph=True)
        by_step = gradient.abs().flatten(2).amax((0, 2)).reshape(7, -1).amax(1)  # of each hop
        late = by_step[t + 1 :]
        if late.any():
            size = late.max().item()
            raise CheckFailure(f"the output at step {t} has a gradient of {size:.3g} by a later input, bound 0")
        if not by_step[t]:
            raise CheckFailure(f"the output at step {t} does not depend on the input at step {t}")
    _before(model, batch)
    for name in batch.extras:
        _beside(model, batch, name)


def _before(model: Model, batch: Batch) -> None:
    """What comes in at a step changes nothing before it: an input may see later steps, where no gradient goes."""
    expected, _ = run(model, batch)
    for name, vocabulary in vocabularies(model, batch).items():
        for t in range(1, 7) if name not in batch.once else ():
            x, at = batch.arguments[name].clone(), t * batch.hop
            x[:, at] = x[:, at] + 1 if vocabulary is None else (x[:, at] + 1) % vocabulary
            found, _ = run(model, batch.with_extra(name, x))
            close(found[:, :t], expected[:, :t], f"the output before step {t} when {called(name)} changes there")


def _beside(model: Model, batch: Batch, name: str) -> None:
    """dt and `observed` change nothing before their step, and something at all."""
    if name == "observed":  # that zero was seen and that nothing was are two things
        batch = batch.map_x(torch.zeros_like)
    expected, _ = run(model, batch)
    acts = False
    for t in range(7):
        other, at = batch.extras[name].clone(), t * batch.hop
        other[:, at] = ~other[:, at] if other.dtype == torch.bool else 2 * other[:, at]
        found, _ = run(model, batch.with_extra(name, other))
        close(found[:, :t], expected[:, :t], f"the output before step {t} when {name} changes there")
        acts = acts or not torch.equal(found, expected)
    if not acts:
        raise CheckFailure(f"{name} changes no output, though a cell declares that it uses it")


def _not_causal(subject: Subject) -> str:
    reasons = [
        f"{dotted(place)} declares causal: false"
        for place, node in over_time(subject.spec)
        if isinstance(node, Part) and not node.traits.causal
    ]
    return (reasons or [not_streamable(subject.spec) or "a component declares causal: false"])[0]
