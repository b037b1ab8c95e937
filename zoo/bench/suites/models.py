"""Whole models, each against the same one written by hand in plain PyTorch: a training step of both.

A step is a forward pass, the loss, and its gradient by every parameter. Before anything is timed, both are given the
same weights, and outputs, losses and all gradients are compared, in float64. Dropout is off: two draws have nothing to
compare. `ragged` has sequences from half the steps to all of them long; those by hand pack them for their LSTMs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from zoo.bench.contests import Contest, Heat, Work
from zoo.bench.works import compare, random
from zoo.errors import CheckFailure

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from zoo.bench.byhand.parts import ByHand
    from zoo.model.base import Model

GOAL: Final = 1.05
"""At most so many times as long as the model by hand."""
PACKED_GOAL: Final = 1.0
"""At least so many times as fast as the model by hand that packs its sequences."""
HAND: Final = "by hand"
EXACT: Final = 1e-9
"""The part of the largest number by which two may differ, in float64."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A model with its data.

    Attributes:
        output: The forward pass; (B, T, ...).
        loss: Of an output.
        parameters: By names of the zoo's model.
        ends: Number of valid steps of each sequence of the output, or None for all: only they are compared.
    """

    output: Callable[[], Tensor]
    loss: Callable[[Tensor], Tensor]
    parameters: dict[str, Tensor]
    ends: Tensor | None = None

    def step(self) -> tuple[Tensor, ...]:
        """The gradient of the loss by every parameter."""
        import torch

        return torch.autograd.grad(self.loss(self.output()), tuple(self.parameters.values()))


Made = tuple[Trained, Trained]
"""Ours, and the one by hand with its weights."""


def heats() -> tuple[Heat, ...]:
    return (
        *(_heat(name, make, ragged=False) for name, make in MODELS.items()),
        *(_heat(name, MODELS[name], ragged=True) for name in ("deep-speech-2", "gnmt", "mos")),
    )


def _heat(name: str, make: Callable[[bool, torch.dtype], Made], *, ragged: bool) -> Heat:
    beside = f"{HAND}, packed" if ragged else HAND
    whole = f"models/{name}/small{'/ragged' if ragged else ''}/training"
    goal = PACKED_GOAL if ragged else GOAL
    contest = Contest(whole, "zoo", beside, "as fast" if ragged else "as long", goal)

    def works() -> dict[str, Work]:
        import torch

        ours, other = make(ragged, torch.float32)
        return {"zoo": ours.step, beside: other.step}

    def verified() -> None:
        import torch

        same(whole, *make(ragged, torch.float64))

    return Heat((contest,), works, verified)


def same(name: str, ours: Trained, other: Trained) -> None:
    """Compare outputs, losses and the gradients of all parameters.

    Raises:
        CheckFailure: they differ.
    """
    from zoo.bench.byhand.parts import aligned

    if ours.parameters.keys() != other.parameters.keys():
        odd = sorted(ours.parameters.keys() ^ other.parameters.keys())
        raise CheckFailure(f"{name}: not the same computation: one side alone has {', '.join(odd)}")
    outputs = [each.output() for each in (ours, other)]
    check = partial(compare, name, part=EXACT)
    check("outputs", *(_valid(output, ours.ends) for output in outputs))
    losses = [each.loss(output) for each, output in zip((ours, other), outputs, strict=True)]
    check("losses", *losses)
    largest = max(float(theirs.abs().max()) for theirs in other.step())
    for place, mine, theirs in zip(ours.parameters, _by_name(ours), _by_name(other, like=ours), strict=True):
        check(f"gradients of {place}", aligned(mine, theirs), theirs, least=largest / 1000)


def _valid(output: Tensor, ends: Tensor | None) -> Tensor:
    from zoo.engine.sequence import valid_steps, zero_where

    return zero_where(output, None if ends is None else valid_steps(ends, output.shape[1]))


def _by_name(trained: Trained, like: Trained | None = None) -> list[Tensor]:
    found = dict(zip(trained.parameters, trained.step(), strict=True))
    return [found[name] for name in (like or trained).parameters]


def _pair(
    model: Model,
    hand: ByHand,
    dtype: torch.dtype,
    ours: tuple[Callable[[], Tensor], Callable[[Tensor], Tensor]],
    other: tuple[Callable[[], Tensor], Callable[[Tensor], Tensor]],
    ends: Tensor | None = None,
) -> Made:
    """Both in training mode, the second with the weights of the first."""
    model, hand = model.to(dtype), hand.to(dtype)
    own: dict[str, Tensor] = dict(model.named_parameters())
    places = hand.take(model.state_dict())
    theirs: dict[str, Tensor] = {places[name]: parameter for name, parameter in hand.named_parameters()}
    return Trained(*ours, own, ends), Trained(*other, theirs, ends)


def _built(name: str, changes: dict[str, Any]) -> Any:
    """A model of the library, narrower."""
    import zoo

    return zoo.build(name, seed=0, **changes)


def _symbols(batch: int, steps: int, vocabulary: int, *, seed: int) -> Tensor:
    """From 1, since 0 is a blank or padding."""
    import torch

    return torch.randint(1, vocabulary, (batch, steps), generator=torch.Generator().manual_seed(seed))


def _lengths(ragged: bool, batch: int, steps: int) -> Tensor | None:
    from zoo.bench.suites.ragged import sequence_lengths
    from zoo.bench.works import Size

    return sequence_lengths(Size(batch, steps, 0, 0)) if ragged else None


def _crnn(ragged: bool, dtype: torch.dtype) -> Made:
    from zoo.bench.byhand.crnn import CRNN

    channels, hidden = (32, 64, 128, 128, 256, 256, 256), 128  # half of the published ones
    places = (0, 2, 4, 5, 7, 8, 10)
    widths = {f"layers.{place}.channels": width for place, width in zip(places, channels, strict=True)}
    model = _built("crnn", {**widths, "hidden_size": hidden, "layers.12.output_projection": hidden})
    hand = CRNN(channels, hidden, 37)
    images, text = random((8, 1, 32, 100), seed=0).to(dtype), _symbols(8, 8, 36, seed=1)
    columns = images.permute(0, 3, 1, 2).contiguous()
    return _pair(
        model,
        hand,
        dtype,
        (lambda: model(columns), lambda scores: model.loss(scores, text)),
        (lambda: hand(images).transpose(0, 1), lambda scores: hand.loss(scores.transpose(0, 1), text)),
    )


def _deep_speech_2(ragged: bool, dtype: torch.dtype) -> Made:
    from zoo.bench.byhand.deep_speech import DeepSpeech2

    hidden, layers, batch, steps = 128, 3, 8, 100
    model = _built("deep-speech-2", {"hidden_size": hidden, "layers.6.repeat": layers - 1})
    hand = DeepSpeech2(161, 32, hidden, layers, 29)
    lengths = _lengths(ragged, batch, steps)
    x, text = _valid(random((batch, steps, 161), seed=0).to(dtype), lengths), _symbols(batch, 10, 29, seed=1)
    ends = None if lengths is None else model.output_lengths(lengths)
    spectrograms = x.transpose(1, 2).unsqueeze(1).contiguous()
    return _pair(
        model,
        hand,
        dtype,
        (lambda: model(x, lengths=lengths), lambda scores: model.loss(scores, text, ends)),
        (
            lambda: hand(spectrograms, lengths).transpose(0, 1),
            lambda scores: hand.loss(scores.transpose(0, 1), text, lengths),
        ),
        ends,
    )


def _mamba(ragged: bool, dtype: torch.dtype) -> Made:
    from zoo.bench.byhand.mamba import MambaLM

    vocabulary, width, inner, layers = 500, 64, 128, 2
    changes = {
        "input.vocabulary": vocabulary,
        "input.size": width,
        "hidden_size": inner,
        "layers.deep.layers.0.output_projection.size": width,
        "layers.deep.repeat": layers,
    }
    model = _built("mamba-lm", changes)
    hand = MambaLM(vocabulary, width, inner, layers)
    text = _symbols(8, 129, vocabulary, seed=0)
    x, target = text[:, :-1].contiguous(), text[:, 1:].contiguous()
    return _pair(
        model,
        hand,
        dtype,
        (lambda: model(x), lambda scores: model.loss(scores, target)),
        (lambda: hand(x), lambda scores: hand.loss(scores, target)),
    )


def _gnmt(ragged: bool, dtype: torch.dtype) -> Made:
    from zoo.bench.byhand.gnmt import GNMT

    vocabulary, size, batch, steps = 1000, 128, 32, 30
    changes = {
        "encoder.input.vocabulary": vocabulary,
        "encoder.input.size": size,
        "encoder.hidden_size": size,
        "decoder.hidden_size": size,
        "decoder.head.size": vocabulary,
        "architecture.attention.size": size,
        **{f"{side}.layers.{index}.dropout.input": 0.0 for side in ("encoder", "decoder") for index in (1, 2)},
    }
    model = _built("gnmt", changes)
    hand = GNMT(vocabulary, size)
    source, text = _symbols(batch, steps, vocabulary, seed=0), _symbols(batch, steps + 1, vocabulary, seed=1)
    given, target = text[:, :-1].contiguous(), text[:, 1:].contiguous()
    lengths = _lengths(ragged, batch, steps)
    ends = None if lengths is None else lengths.flip(0)
    return _pair(
        model,
        hand,
        dtype,
        (
            lambda: model(source, given, source_lengths=lengths, lengths=ends),
            lambda scores: model.decoder.loss(scores, target, ends),
        ),
        (lambda: hand(source, given, lengths), lambda scores: hand.loss(scores, target, ends)),
        ends,
    )


def _mos(ragged: bool, dtype: torch.dtype) -> Made:
    from zoo.bench.byhand.mos import MoS

    vocabulary, size, hidden, components, batch, steps = 1000, 64, (128, 128, 96), 5, 16, 35
    changes = {
        "input.vocabulary": vocabulary,
        "input.size": size,
        "input.dropout": 0.0,
        **{f"layers.{index}.hidden_size": width for index, width in enumerate(hidden)},
        "dropout": 0.0,
        "head.components": components,
        "head.dropout": 0.0,
        "head.variational": False,
    }
    model = _built("mos", changes)
    hand = MoS(vocabulary, size, hidden, components)
    text = _symbols(batch, steps + 1, vocabulary, seed=0)
    x, target = text[:, :-1].contiguous(), text[:, 1:].contiguous()
    lengths = _lengths(ragged, batch, steps)
    return _pair(
        model,
        hand,
        dtype,
        (lambda: model(x, lengths=lengths), lambda scores: model.loss(scores, target, lengths)),
        (lambda: hand(x, lengths), lambda scores: hand.loss(scores, target, lengths)),
        lengths,
    )


MODELS: Final[dict[str, Callable[[bool, torch.dtype], Made]]] = {
    "crnn": _crnn,
    "deep-speech-2": _deep_speech_2,
    "mamba": _mamba,
    "gnmt": _gnmt,
    "mos": _mos,
}
