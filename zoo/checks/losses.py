"""Losses against sums over everything that they are sums over, and answers against the best of all answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from zoo.checks.batch import batch_of
from zoo.checks.heads import Named, every_head, same_head
from zoo.checks.subject import Skip, Subject, close
from zoo.components import Part
from zoo.errors import CheckFailure, InputError
from zoo.heads.adaptive_softmax import AdaptiveSoftmax
from zoo.heads.base import Classifier, Head
from zoo.heads.crf import CRF
from zoo.heads.ctc import CTC
from zoo.heads.mixture_density import MixtureDensity
from zoo.references import heads as reference
from zoo.spec.tree import at

MOST: Final = 20_000
"""Paths that are written out: as many steps, up to 4, as this allows."""
STEPS: Final = 4
LENGTHS: Final = (4, 1, 3, 2)
EDGE: Final = 20.0
GRID: Final = 321

Definition = Callable[[Any, Any, Tensor, Tensor], float]
"""-log P of one sequence, from a head, its options as the spec has them, what it gives and a target."""


def loss_reference(subject: Subject) -> str:
    """Each head's loss equals its definition on a few steps, probabilities add up to 1, and padding counts nothing."""
    known = []
    for one, head in _with_loss(subject):
        output, target, lengths = _example(subject, one, head)
        _held(subject, one, head, output, target, lengths)
        if not one.pooled:
            _padding(one, head, output, target, lengths)
        known.append(f"{type(head).__name__}{'' if _definition(head) else ' (padding alone)'}")
    if not known:
        raise Skip("no head has a loss")
    return f"held: {', '.join(known)}"


def decode(subject: Subject) -> None:
    """Each head's answer is the best of all answers, written out on a few steps, and -1 behind a sequence's end."""
    found = False
    for one in every_head(subject.model()):
        best, options = _best(one.head), _options(subject, one)
        if best is None or not isinstance(one.head, Head):
            continue
        found = True
        for seed in range(3):
            output = _random(subject, one, one.head, seed)
            lengths = None if one.pooled else _lengths(output)
            answers = one.head.decode(output, lengths)
            for row, length in enumerate([1] * len(output) if lengths is None else lengths):
                scores = output[row] if lengths is None else output[row, :length]
                expected = best(options, _array(scores.reshape(-1, output.shape[-1])))
                expected += [] if lengths is None else [-1] * (output.shape[1] - len(expected))
                answer = answers[row].reshape(-1).tolist()
                if answer != expected:
                    label = f"{one.label}: the answer for {length} steps of row {row}"
                    raise CheckFailure(f"{label} is {answer}, the best of all is {expected}")
    if not found:
        raise Skip("no head decodes whole numbers that are known how to find")


def _with_loss(subject: Subject) -> Iterator[tuple[Named, Head]]:
    for one in every_head(subject.model()):
        if isinstance(one.head, Head):
            output = _random(subject, one, one.head, 0)
            try:
                one.head.loss(output, one.head.example_target(output, torch.Generator().manual_seed(0)))
            except InputError:
                continue
            yield one, one.head


def _width(subject: Subject, one: Named, head: Head) -> int:
    """Of a head's output, as the model gives it."""
    seen: list[int] = []
    model = subject.model()
    handle = same_head(model, one).register_forward_hook(lambda module, given, output: seen.append(output.shape[-1]))
    try:
        with torch.no_grad():
            model(**batch_of(subject, 1, 1).call)
    finally:
        handle.remove()
    return seen[0]


def _random(subject: Subject, one: Named, head: Head, seed: int) -> Tensor:
    """Numbers such as a head gives, (4, T, size), or (4, size) behind a pool: with T so that all paths can be told."""
    size = _width(subject, one, head)
    steps = max((t for t in range(1, STEPS + 1) if size**t <= MOST), default=1)
    shape = (4, size) if one.pooled else (4, steps, size)
    drawn = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    if head.gives == "log_probs":
        drawn = torch.log_softmax(drawn, -1)
    return drawn.to(subject.device, subject.exact)


def _lengths(output: Tensor) -> list[int]:
    return [min(length, output.shape[1]) for length in LENGTHS]


def _example(subject: Subject, one: Named, head: Head) -> tuple[Tensor, Tensor, list[int] | None]:
    output = _random(subject, one, head, 1)
    target = head.example_target(output, torch.Generator().manual_seed(1))
    return output, target, None if one.pooled else _lengths(output)


def _held(subject: Subject, one: Named, head: Head, output: Tensor, target: Tensor, lengths: list[int] | None) -> None:
    """The loss of a ragged batch against that of its definition, and what adds up to 1 against 1."""
    if head.gives == "log_probs" or isinstance(head, AdaptiveSoftmax):
        _adds_up(subject, one)
    if isinstance(head, MixtureDensity):
        _integrates(subject, one, head)
    definition = _definition(head)
    if definition is None:
        return
    rows = len(output)
    ends = [1] * rows if lengths is None else lengths
    flat = [output[row].reshape(1, -1) if lengths is None else output[row, :length] for row, length in enumerate(ends)]
    more: dict[str, Any] = {}
    if isinstance(head, CTC):
        counts = [min((length + 1) // 2, target.shape[1]) for length in ends]
        counts[0] = 0  # nothing but blanks
        more, targets = {"target_lengths": counts}, [target[row, :count] for row, count in enumerate(counts)]
    else:
        targets = [
            target[row].reshape(1, *target.shape[1:]) if lengths is None else target[row, :length]
            for row, length in enumerate(ends)
        ]
    options = _options(subject, one)
    each = [definition(head, options, scores, wanted) for scores, wanted in zip(flat, targets, strict=True)]
    whole = sum(each) / (len(each) if isinstance(head, CTC | CRF) else sum(ends))
    found = head.loss(output, target, lengths, **more)
    close(found, torch.tensor(whole, dtype=torch.float64).to(found), f"{one.label}: loss against its definition")


def _definition(head: Head) -> Definition | None:
    """-log P of one sequence, written out; None for a head of somebody else."""
    for kind, definition in _DEFINITIONS.items():
        if isinstance(head, kind):
            return definition
    return None


def _of_ctc(head: CTC, options: Any, scores: Tensor, target: Tensor) -> float:
    return -reference.ctc(_array(scores), target.tolist(), _blank(options))


def _of_crf(head: CRF, options: Any, scores: Tensor, target: Tensor) -> float:
    given = (_array(scores), _array(head.transitions), options.ends)
    total = np.log(np.exp([score for score, _ in reference.crf(*given)]).sum())
    return float(total) - reference.crf_score(given[0], target.tolist(), *given[1:])


def _of_density(head: MixtureDensity, options: Any, scores: Tensor, target: Tensor) -> float:
    sizes = (options.components, options.size, options.form)
    pairs = zip(_array(scores), _array(target), strict=True)
    return -sum(reference.density(step, wanted, *sizes, end=options.end) for step, wanted in pairs)


def _of_classifier(head: Classifier, options: Any, scores: Tensor, target: Tensor) -> float:
    given = _array(scores)
    if given.shape[1] == 1:
        given = np.concatenate([np.zeros_like(given), given], 1)
    logs = given if head.gives == "log_probs" else reference.log_softmax(given)
    return -sum(float(logs[t, symbol]) for t, symbol in enumerate(target.tolist()))


def _of_clusters(head: AdaptiveSoftmax, options: Any, scores: Tensor, target: Tensor) -> float:
    """Each symbol's probability is its cluster's times its own within it."""
    x, total = _array(scores), 0.0
    top = reference.log_softmax(x @ _array(head.head.weight).T + _bias(head.head))
    for t, symbol in enumerate(target.tolist()):
        if symbol < options.cutoffs[0]:
            total += float(top[t, symbol])
            continue
        index = sum(symbol >= cutoff for cutoff in options.cutoffs[1:])
        narrow, wide = (_array(part.weight) for part in head.tail[index])
        inside = reference.log_softmax(x[t] @ narrow.T @ wide.T)
        total += float(top[t, options.cutoffs[0] + index] + inside[symbol - options.cutoffs[index]])
    return -total


def _options(subject: Subject, one: Named) -> Any:
    """A head's options, as the spec has them."""
    stack = (one.stack,) if one.stack else ()
    return at(subject.tiny, (*stack, *(("heads", one.name) if one.name else ("head",))), Part).options


def _blank(options: Any) -> int:
    return int(options.size - 1 if options.blank == "last" else options.blank)


def _bias(linear: torch.nn.Linear) -> Any:
    return 0.0 if linear.bias is None else _array(linear.bias)


_DEFINITIONS: Final[dict[type[Head], Definition]] = {
    CTC: _of_ctc,
    CRF: _of_crf,
    MixtureDensity: _of_density,
    AdaptiveSoftmax: _of_clusters,
    Classifier: _of_classifier,
}


def _best(head: object) -> Callable[[Any, Any], list[int]] | None:
    """The best of all answers for scores (T, size), written out."""
    if isinstance(head, CRF):
        transitions = _array(head.transitions)
        return lambda options, scores: list(max(reference.crf(scores, transitions, options.ends, decoded=True))[1])
    if isinstance(head, CTC):
        return lambda options, scores: reference.merged(scores.argmax(1).tolist(), _blank(options))
    if isinstance(head, Classifier) and head.gives != "features":
        return lambda _, scores: [int(row.argmax()) if len(row) > 1 else int(row[0] > 0) for row in scores]
    return None


def _adds_up(subject: Subject, one: Named) -> None:
    """Probabilities of all symbols, as the model really gives them."""
    model = subject.model()
    head = same_head(model, one)
    seen: list[Tensor] = []
    handle = head.register_forward_hook(lambda module, given, output: seen.append(output))
    try:
        with torch.no_grad():
            model(**batch_of(subject, 3, 5).call)
    finally:
        handle.remove()
    logs = head.log_prob(seen[0]) if isinstance(head, AdaptiveSoftmax) else seen[0]
    total = logs.exp().sum(-1)
    close(total, torch.ones_like(total), f"{one.label}: the sum of the probabilities of all symbols")


def _integrates(subject: Subject, one: Named, head: MixtureDensity) -> None:
    """The density of two numbers, of this form, over a wide grid of both; and over yes and no."""
    options = _options(subject, one)
    small = MixtureDensity(options.model_copy(update={"size": 2}), (3,), torch.nn.Identity())
    width = small.linear.out_features
    output = 0.4 * torch.randn(width, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    axis = torch.linspace(-EDGE, EDGE, GRID, dtype=torch.float64)
    total = 0.0
    for end in (0.0, 1.0) if head.end else (None,):
        for first in axis:
            numbers = [torch.stack([first.expand(GRID), axis], 1)]
            numbers += [] if end is None else [torch.full((GRID, 1), end, dtype=torch.float64)]
            total += float(small.log_prob(output.expand(GRID, width), torch.cat(numbers, 1)).exp().sum())
    total *= (2 * EDGE / (GRID - 1)) ** 2
    close(torch.tensor(total), torch.tensor(1.0), f"{one.label}: the integral of the density", bound=1e-5)


def _padding(one: Named, head: Head, output: Tensor, target: Tensor, lengths: list[int] | None) -> None:
    """What stands beyond a sequence's end, and how much, changes no loss and gets no gradient."""
    assert lengths is not None
    more: dict[str, Any] = {}
    if isinstance(head, CTC):
        more = {"target_lengths": [min((length + 1) // 2, target.shape[1]) for length in lengths]}
    beyond = torch.arange(output.shape[1], device=output.device) >= torch.tensor(
        lengths, device=output.device
    ).unsqueeze(1)
    expected = head.loss(output, target, lengths, **more)
    for value in (0.0, 1e9, torch.nan):
        filled = output.masked_fill(beyond.unsqueeze(2), value).requires_grad_()
        found = head.loss(filled, _filled(head, target, beyond, value, more), lengths, **more)
        close(found, expected, f"{one.label}: loss with {value} in padding")
        (gradient,) = torch.autograd.grad(found, filled)
        if not torch.equal(gradient[beyond], torch.zeros_like(gradient[beyond])):
            raise CheckFailure(f"{one.label}: the loss has a gradient in padding, with {value} there")
    longer = torch.cat([output, torch.ones_like(output[:, :1]).expand(-1, 3, -1)], 1)
    wanted = target if isinstance(head, CTC) else torch.cat([target, target[:, :1], target[:, :1], target[:, :1]], 1)
    close(head.loss(longer, wanted, lengths, **more), expected, f"{one.label}: loss with 3 more steps of padding")


def _filled(head: Head, target: Tensor, beyond: Tensor, value: float, more: dict[str, Any]) -> Tensor:
    """A target with something else beyond each end: of its steps, or of its own symbols."""
    if isinstance(head, CTC):
        counts = torch.tensor(more["target_lengths"], device=target.device)
        beyond = torch.arange(target.shape[1], device=target.device) >= counts.unsqueeze(1)
    if not target.is_floating_point():
        return target.masked_fill(beyond, -7)
    return target.masked_fill(beyond.unsqueeze(2), value)


def _array(tensor: Tensor) -> Any:
    return tensor.detach().double().cpu().numpy()
