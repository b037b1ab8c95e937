"""From models to works: forward, or forward and backward, of contestants that are shown to compute the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from zoo.bench.contests import Work
from zoo.errors import CheckFailure

if TYPE_CHECKING:
    from torch import Tensor, nn

    from zoo.model.base import Model


class Size(NamedTuple):
    """What a model reads: (batch, steps, input) numbers; and its hidden size."""

    batch: int
    steps: int
    input: int
    hidden: int


SIZES: Final = {
    "toy": Size(3, 15, 10, 20),
    "small": Size(32, 100, 128, 128),
    "medium": Size(32, 256, 512, 512),
    "long": Size(8, 2048, 256, 256),
    # Narrower or shorter ones, for what would take minutes at those.
    "medium-64": Size(32, 64, 512, 512),
    "long-128": Size(8, 2048, 128, 128),
}
TOLERANCE: Final = 1e-4
"""Between two that compute the same, as a part of the largest number, in float32 over a few steps."""
VERIFIED: Final = Size(4, 24, 0, 0)
"""Sequences and steps that contestants are compared on, at their full width."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """One of two that are measured against each other.

    Attributes:
        run: From x (B, T, I) to the output (B, T, D), or both (T, B, ...) with time_first.
        parameters: What is trained.
    """

    run: Callable[[Tensor], Tensor]
    parameters: tuple[Tensor, ...]
    time_first: bool = False

    def reads(self, x: Tensor) -> Tensor:
        """x (B, T, I) in the layout that it runs in, so that nobody pays for another's."""
        return x.transpose(0, 1).contiguous() if self.time_first else x

    def forward(self, x: Tensor) -> Work:
        """The work of running it without gradients, on x (B, T, I)."""
        import torch

        own = self.reads(x)

        def work() -> None:
            with torch.no_grad():
                self.run(own)

        return work

    def training(self, x: Tensor, *, input_gradient: bool = False) -> Work:
        """The work of running it on x (B, T, I) and taking the gradient of every parameter, and of x too if asked."""
        import torch

        own = self.reads(x).clone().requires_grad_(input_gradient)
        wanted = (*self.parameters, own) if input_gradient else self.parameters
        with torch.no_grad():
            cotangent = random(self.run(own).shape, seed=1)

        def work() -> None:
            torch.autograd.grad(self.run(own), wanted, cotangent)

        return work


def random(shape: Sequence[int], *, seed: int) -> Tensor:
    import torch

    return torch.randn(tuple(shape), generator=torch.Generator().manual_seed(seed))


def example(size: Size) -> Tensor:
    """An input (B, T, I)."""
    return random(size[:3], seed=0)


def built(
    cell: str | Mapping[str, object],
    size: Size,
    *,
    layers: int = 1,
    bidirectional: bool = False,
    output_projection: int | None = None,
    engine: str = "auto",
) -> Model:
    """A model of the zoo, from a spec."""
    import zoo

    spec = {
        "schema": 1,
        "name": "contestant",
        "input": size.input,
        "cell": cell,
        "hidden_size": size.hidden,
        "layers": layers,
        "bidirectional": bidirectional,
    }
    if output_projection is not None:
        spec["layers"] = [{"output_projection": output_projection}] * layers
    return zoo.build(spec, seed=0, engine=engine)


def of_zoo(model: Model, *, lengths: Tensor | None = None) -> Contestant:
    def run(x: Tensor) -> Tensor:
        output: Tensor = model(x, lengths=lengths)[0]
        return output

    return Contestant(run, tuple(model.parameters()))


def of_module(module: nn.Module, *, time_first: bool = False) -> Contestant:
    """A module that gives (output, state)."""

    def run(x: Tensor) -> Tensor:
        output: Tensor = module(x)[0]
        return output

    return Contestant(run, tuple(p for p in module.parameters() if p.requires_grad), time_first)


def verify(name: str, size: Size, make: Callable[[Size], tuple[Contestant, Contestant]]) -> None:
    """Make two contestants at their full width, for a few sequences and steps, and compare what they compute.

    Raises:
        CheckFailure: outputs, gradients of the input or numbers of trained parameters differ.
    """
    few = size._replace(batch=min(size.batch, VERIFIED.batch), steps=min(size.steps, VERIFIED.steps))
    ours, beside = make(few)
    x = example(few)
    (y, gradient), (y_beside, gradient_beside) = (_traced(each, x) for each in (ours, beside))
    compare(name, "outputs", y, y_beside)
    compare(name, "gradients of the input", gradient, gradient_beside)
    counts = [sum(p.numel() for p in each.parameters) for each in (ours, beside)]
    if counts[0] != counts[1]:
        raise CheckFailure(f"{name}: not the same computation: {counts[0]} and {counts[1]} trained parameters")


def _traced(contestant: Contestant, x: Tensor) -> tuple[Tensor, Tensor]:
    """Output and gradient of the input, both (B, T, ...)."""
    import torch

    own = contestant.reads(x).clone().requires_grad_()
    y = contestant.run(own)
    seeds = random((x.shape[0], x.shape[1], y.shape[2]), seed=1)
    (gradient,) = torch.autograd.grad(y, own, contestant.reads(seeds))
    batch_first = [each.detach().transpose(0, 1) if contestant.time_first else each.detach() for each in (y, gradient)]
    return batch_first[0], batch_first[1]


def compare(name: str, what: str, ours: Tensor, beside: Tensor, *, least: float = 0.0, part: float = TOLERANCE) -> None:
    """Hold two tensors that should be the same against each other.

    Args:
        name: Of the contest.
        what: They are.
        ours: One.
        beside: The other.
        least: What the largest number is taken for if it is smaller: a gradient that is 0 but for rounding has none.
        part: Of the largest number, by which they may differ.

    Raises:
        CheckFailure: They differ by more than rounding.
    """
    if ours.shape != beside.shape:
        raise CheckFailure(
            f"{name}: not the same computation: {what} of shape {tuple(ours.shape)} and {tuple(beside.shape)}"
        )
    largest = max(float(beside.detach().abs().max()), least)
    difference = float((ours - beside).detach().abs().max())
    if not difference <= part * largest:
        raise CheckFailure(
            f"{name}: not the same computation: {what} differ by {difference:.1e} where the largest is {largest:.1e}; "
            f"at most {part * largest:.1e} may be rounding"
        )
