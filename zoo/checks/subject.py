"""What a check is given: a spec, its tiny copy, and ways to make models and inputs for them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from zoo.components import Traits, Window, count_steps, hop_of, least_steps
from zoo.engine.registered import kept
from zoo.errors import CheckFailure, ZooError, did_you_mean
from zoo.inputs.named import NamedInputs
from zoo.model.base import Model
from zoo.model.build import build
from zoo.spec.canonical import Spec
from zoo.spec.describe import figures
from zoo.spec.shrink import shrink
from zoo.spec.traits import traits

SHAPES = ((1, 1), (1, 7), (5, 1), (2, 13), (3, 7))
"""Batch sizes and lengths: primes apart from every width of a tiny copy, so that swapped axes cannot hide."""


class Skip(Exception):
    """Raised by a check that does not apply, with the declaration that says so."""


def default_device() -> torch.device:
    """`ZOO_DEVICE` if set, else CUDA, then MPS, then the CPU."""
    named = os.environ.get("ZOO_DEVICE")
    if named:
        return as_device(named)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def as_device(name: str | torch.device) -> torch.device:
    """A device that exists here and holds numbers.

    Args:
        name: Such as "cuda".

    Returns:
        The device.

    Raises:
        ZooError: If there is no such device, or it holds no numbers.
    """
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        hint = did_you_mean(str(name), ("cpu", "cuda", "mps"))
        raise ZooError(f"device {str(name)!r} cannot be used here: {str(error).splitlines()[0]}{hint}") from None
    if device.type == "meta":
        raise ZooError(
            "device 'meta' holds no numbers that could be checked: name another, where the check 'meta' runs the model "
            "on meta too"
        )
    return device


@dataclass(frozen=True)
class Subject:
    """A spec under test. Checks read it and build from it; they do not change it.

    Attributes:
        spec: The canonical spec at full size.
        device: Where checks run.
        engine: How its models run recurrences.
        shrunk: Whether `tiny` is a small copy. False leaves a spec that is small already at its size.
        slow: Whether checks that have a longer form run that too.
        tiny: The same structure, small.
    """

    spec: Spec
    device: torch.device
    engine: str = "auto"
    shrunk: bool = True
    slow: bool = False
    tiny: Spec = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tiny", shrink(self.spec) if self.shrunk else self.spec)

    @cached_property
    def traits(self) -> Traits:
        """What all components of the spec promise together."""
        return traits(self.spec)

    @property
    def exact(self) -> torch.dtype:
        """The dtype for comparisons: float64 where the device has it."""
        return torch.float32 if self.device.type == "mps" else torch.float64

    @property
    def several(self) -> bool:
        """Whether the model is made of stacks with names, which checks of one stack do not apply to."""
        return bool(self.spec.stacks[0].name)

    @property
    def pooled(self) -> bool:
        """Whether the model gives one output per sequence rather than one per step."""
        return self.spec.only.pooled

    def model(self, *, seed: int = 0, dtype: torch.dtype | None = None, train: bool = False) -> Model:
        """A fresh tiny model, the same for the same seed.

        What is initialised as one number throughout (zero biases, a learned state) gets noise, for zeros would hide
        mistakes.

        Args:
            seed: Of its parameters.
            dtype: Of its parameters. Defaults to `exact`.
            train: Whether it is in training mode.

        Returns:
            A new model.
        """
        model = build(self.tiny, seed=seed, device=self.device, dtype=dtype or self.exact, engine=self.engine)
        move_constants(model, seed)
        return model.train(train)

    def input(
        self, batch: int, steps: int, *, seed: int = 0, dtype: torch.dtype | None = None, whole: bool = False
    ) -> Any:
        """A random input for the tiny model; the global random state is untouched.

        Args:
            batch: Number of sequences.
            steps: Number of steps of the output, as of the input where no layer changes their number.
            seed: Of what is drawn.
            dtype: Of numbers. Defaults to `exact`.
            whole: Whether there are no steps of the input but those of whole hops.

        Returns:
            Numbers of shape (batch, steps, ...), or symbols of shape (batch, steps); of several inputs a mapping of
            such, of shape (batch, ...) where one comes in once per sequence.
        """
        generator = torch.Generator().manual_seed(1000 * seed + 10 * batch + steps)
        dtype, source = dtype or self.exact, self._probe.get_submodule("input")
        count = max(self.hop * steps, self._least) if whole else self.steps(steps)
        if isinstance(source, NamedInputs):
            several = {name: (*one.leading(batch, count), *one.shape) for name, one in source.reads.items()}
            return {
                name: self._drawn(shape, source.reads[name].vocabulary, generator, dtype)
                for name, shape in several.items()
            }
        vocabulary = getattr(self.tiny.input.options, "vocabulary", getattr(source, "vocabulary", None))
        return self._drawn((batch, count, *self.features), vocabulary, generator, dtype)

    def _drawn(
        self, shape: tuple[int, ...], vocabulary: int | None, generator: torch.Generator, dtype: torch.dtype
    ) -> Tensor:
        """Symbols, or numbers."""
        if vocabulary is not None:
            return torch.randint(0, vocabulary, shape, generator=generator).to(self.device)
        return torch.randn(shape, generator=generator, dtype=torch.float64).to(self.device, dtype)

    @property
    def once(self) -> frozenset[str]:
        """Names of those of several inputs that come in once per sequence."""
        return once_of(self._probe)

    @cached_property
    def windows(self) -> tuple[Window, ...]:
        """Those through which the layers look at the input, that change the number of steps; () for most models."""
        if self.several:
            return ()
        rows = {row.path: row.windows for row in figures(self.tiny)[0].rows}
        for head in self.tiny.only.all_heads:
            if head.pool is None:
                return rows[head.path]
        # Behind pools no output has steps: as many as the longest windows need.
        return max(reversed(rows.values()), key=least_steps)

    @property
    def hop(self) -> int:
        """Number of steps of the input for each of the output: 1 for most models."""
        return hop_of(self.windows)

    def steps(self, outputs: int) -> int:
        """A number of input steps that gives so many steps of the output, and leaves some over where windows move.

        Args:
            outputs: Number of steps of the output.

        Returns:
            The same number for a model without windows.
        """
        if not self.windows:
            return max(outputs, self._least)
        least = max(least_steps(self.windows, outputs), self._least)
        over = outputs % self.hop
        return least + over if count_steps(self.windows, least + over) == outputs else least

    @cached_property
    def _least(self) -> int:
        """Steps that every layer can run on, those too that stand behind another head than the windows."""
        return 1 if self.several else figures(self.tiny)[0].minimum_steps

    @property
    def uneven_steps(self) -> int:
        """A number of input steps, 7 for most models, that leaves as many over as windows can."""
        return least_steps(self.windows, 4) + self.hop - 1 if self.windows else 7

    def lengths(self, outputs: Iterable[int]) -> Tensor:
        """Lengths of input sequences that give so many steps of the output each.

        Args:
            outputs: Numbers of steps of the output.

        Returns:
            Integers of shape (B,), on the device.
        """
        return torch.tensor([self.steps(one) for one in outputs], device=self.device)

    @cached_property
    def features(self) -> tuple[int, ...]:
        """The shape of one step of the input; () for symbols."""
        return self._probe.input_shape

    @cached_property
    def _probe(self) -> Model:
        return self.model()

    def probe(self) -> None:
        """Build the tiny model, which every check does. Whatever building it raises comes through."""
        assert self._probe is not None

    def probe_forward(self) -> None:
        """Run the tiny model forward, as nearly every check does. Whatever that raises comes through."""
        from zoo.checks.batch import batch_of, run  # which need a Subject themselves

        run(self._probe, batch_of(self, 2, 3))
        kept(self._probe)


def once_of(model: Model) -> frozenset[str]:
    """Names of a model's inputs that come in once per sequence; none where it has one input, or several stacks."""
    source = getattr(model, "input", None)
    reads = source.reads if isinstance(source, NamedInputs) else {}
    return frozenset(name for name, one in reads.items() if one.per == "sequence")


def move_constants(model: Model, seed: int) -> None:
    """Add noise to what is initialised to one number throughout, where a mistake would not show."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.numel() and bool((parameter == parameter.flatten()[0]).all()):
                noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
                parameter.add_((0.3 * noise).to(parameter.device, parameter.dtype))


def close(actual: Tensor, expected: Tensor, what: str, *, bound: float | None = None) -> None:
    """Raise CheckFailure unless two tensors agree, relative to max(1, largest |expected|)."""
    if actual.shape != expected.shape:
        raise CheckFailure(f"{what}: shape {tuple(actual.shape)}, expected {tuple(expected.shape)}")
    if bound is None:
        bound = TOLERANCE.get(expected.dtype, 0.0)  # whole numbers are equal or wrong
    if actual.numel() == 0:
        return
    if not (expected.is_floating_point() or expected.is_complex()):
        actual, expected = actual.double(), expected.double()
    scale = max(1.0, expected.abs().max().item())
    difference = (actual - expected).abs().max().item() / scale
    if not difference <= bound:  # also true for NaN
        raise CheckFailure(f"{what}: differs by {difference:.3g}, bound {bound:.3g}")


TOLERANCE: dict[torch.dtype, float] = {
    torch.float64: 1e-10,
    torch.complex128: 1e-10,
    torch.float32: 1e-5,
    torch.complex64: 1e-5,
    torch.bfloat16: 2e-2,
    torch.float16: 2e-2,
}


def tensors(value: Any) -> list[Tensor]:
    """Every tensor in an output or a state, in a fixed order."""
    from torch.utils import _pytree

    return [leaf for leaf in _pytree.tree_leaves(value) if isinstance(leaf, Tensor)]


def all_close(actual: Any, expected: Any, what: str, *, bound: float | None = None) -> None:
    """`close` for every tensor of two structures of the same form."""
    left, right = tensors(actual), tensors(expected)
    if len(left) != len(right):
        raise CheckFailure(f"{what}: {len(left)} tensors, expected {len(right)}")
    for index, (a, e) in enumerate(zip(left, right, strict=True)):
        close(a, e, f"{what}, tensor {index}" if len(left) > 1 else what, bound=bound)
