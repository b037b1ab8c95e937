"""What a model of one stack writes: its own answers fed back to it, step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from numbers import Integral
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from zoo.engine.sequence import at_last
from zoo.errors import InputError
from zoo.heads.base import Head
from zoo.model import sampling as ways
from zoo.model.feedback import fed_back, misfit
from zoo.model.heads import together
from zoo.model.sampling import Sampling

if TYPE_CHECKING:
    from zoo.model.stack import StackModel

Stop = int | Sequence[int] | None


class Wanted(NamedTuple):
    """How to write, as `StackModel.generate` takes it."""

    steps: int
    sampling: Sampling
    stop: Stop
    lengths: Tensor | Sequence[int] | None
    beside: Any
    feeds: str | None


def writer(model: StackModel) -> Head:
    """The head that writes. Raises InputError where the model cannot write, and says why."""
    found = _writer(model)
    if isinstance(found, str):
        raise InputError(f"{model._called} cannot generate: {found}")
    return found


def _writer(model: StackModel) -> Head | str:
    """The head, or why there is none that can write."""
    if model.heads is not None and model.heads.merge is None:
        return f"it has several heads ({', '.join(model.heads.pooled)}), and no one output that could be fed back"
    try:
        head = model.head if model.heads is None else together(model.heads)
    except InputError:
        return "its heads are added up, and are not all of one kind that gives logits"
    if model._why_not_stepwise is not None:
        return f"it does not run one step at a time: {model._why_not_stepwise}"
    if head is None:
        return "it has no head, which says what its output means"
    if not isinstance(head, Head):
        return f"its {type(head).__name__} does not say what its output means: derive it from zoo.Head"
    if head.writes is None:
        return f"its head gives {head.gives}, which are no distribution of the next step"
    return misfit(model.input, head.writes) or head


def generated(model: StackModel, prompt: Any, asked: Wanted) -> Tensor:
    """What `StackModel.generate` returns."""
    head = writer(model)
    ways.whole("steps", asked.steps, 1, None)
    ways.check(asked.sampling)
    if head.writes == "numbers":
        refuse_of_symbols(asked.sampling)
    if isinstance(prompt, PackedSequence):
        raise InputError("a prompt is padded, with lengths beside it, and no PackedSequence")
    with torch.no_grad(), evaluating(model), model.streaming():
        outputs, state = model(prompt, lengths=asked.lengths, return_state=True)
        ends = None if asked.lengths is None else torch.as_tensor(asked.lengths, device=outputs.device)
        first = at_last(outputs, ends)
        feedback = fed_back(model.input, head.writes or "symbols", width(head, first), asked.feeds, model._place()[1])
        stops = stops_of(asked.stop, width(head, first) if head.writes == "symbols" else None)
        beside = feedback.beside(asked.beside, first, asked.steps)
        carried = [state]

        def onward(last: Tensor, t: int) -> Tensor:
            output, carried[0] = model.step(feedback(last, prompt, beside, t), carried[0])
            return output  # type: ignore[no-any-return]

        return written(first, onward, chooser(head, asked.sampling, len(first)), asked.steps, stops)


def width(head: Head, output: Tensor) -> int:
    """Of how many symbols an output (B, ...) is a distribution, or of how many numbers a density."""
    return int((head.decode(output) if head.writes == "numbers" else head.symbol_scores(output)).shape[-1])


def chooser(head: Head, sampling: Sampling, rows: int) -> Callable[[Tensor], Tensor]:
    """From an output (B, ...) to what is written, (B,) symbols or (B, D) numbers."""
    draws = ways.streams(sampling, rows)

    def symbols(output: Tensor) -> Tensor:
        return ways.chosen(head.symbol_scores(output), sampling, draws)

    def numbers(output: Tensor) -> Tensor:
        if sampling.greedy:
            return head.decode(output)
        each = [head.sample(output[row : row + 1], draw, sampling.temperature) for row, draw in enumerate(draws)]
        return torch.cat(each)

    return numbers if head.writes == "numbers" else symbols


def written(
    first: Tensor,
    onward: Callable[[Tensor, int], Tensor],
    choose: Callable[[Tensor], Tensor],
    steps: int,
    stops: Tensor | None,
) -> Tensor:
    """What is written, (B, steps) or (B, steps, D). Behind a row's stop stands nothing but that stop.

    Args:
        first: The output that what is written first follows from.
        onward: The next output, from what was written last and the number of steps that have been written before it.
        choose: What is written, from an output.
        steps: How many.
        stops: Symbols that end a row.
    """
    found = [choose(first)]
    ended = _are(found[0], stops)
    for t in range(steps - 1):
        if stops is not None and bool(ended.all()):
            found += [found[-1]] * (steps - 1 - t)
            break
        last = choose(onward(found[-1], t))
        if stops is not None:
            last = torch.where(ended, found[-1], last)
            ended = ended | _are(last, stops)
        found.append(last)
    return torch.stack(found, 1)


def _are(symbols: Tensor, stops: Tensor | None) -> Tensor:
    return (
        torch.zeros_like(symbols, dtype=torch.bool) if stops is None else torch.isin(symbols, stops.to(symbols.device))
    )


def stops_of(stop: Stop, vocabulary: int | None) -> Tensor | None:
    """Symbols that end a row, checked."""
    if stop is None:
        return None
    if vocabulary is None:
        raise InputError("stop is a symbol, and this model writes numbers: leave it out")
    one = isinstance(stop, Integral) or not isinstance(stop, Sequence) or isinstance(stop, str)
    several: Sequence[Any] = [stop] if one else stop  # type: ignore[assignment]
    for symbol in several:
        ways.whole("stop", symbol, 0, vocabulary - 1)
    return torch.tensor([int(symbol) for symbol in several], dtype=torch.int64) if several else None


def refuse_of_symbols(sampling: Sampling) -> None:
    """Raise InputError for what chooses among symbols, where numbers are drawn from a density."""
    for name in ("top_k", "top_p"):
        if getattr(sampling, name) is not None:
            raise InputError(f"{name} chooses among symbols, and this model draws numbers from a density: leave it out")


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Inside, nothing is dropped; a model in training mode is in it again behind."""
    training = [module for module in model.modules() if module.training]
    for module in training:
        module.training = False
    try:
        yield
    finally:
        for module in training:
            module.training = True
