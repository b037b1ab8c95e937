"""A heat of two contestants: forward, or forward and backward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from zoo.bench.contests import Contest, Heat, Sign, Work
from zoo.bench.works import Contestant, Size, example, verify

Kind = Literal["forward", "training"]
KINDS: tuple[Kind, ...] = ("forward", "training")


def paired(
    name: str,
    size: Size,
    beside: str,
    make: Callable[[Size], tuple[Contestant, Contestant]],
    *,
    kind: Kind = "training",
    sign: Sign = "as long",
    goal: float | None = None,
    input_gradient: bool = False,
    needs: tuple[str, ...] = (),
    same: bool = True,
) -> Heat:
    """The contest `name` between a model of the zoo and something else.

    Args:
        name: `suite/what/size/...`; the kind is put behind it.
        size: Of the model and its input.
        beside: What it is held against, for the reader.
        make: Gives ours and the other for a size.
        kind: Forward, without gradients; or training, forward and the gradient of every parameter.
        sign: Whether the figure is how many times as long ours takes, or how many times as fast it is.
        goal: What the figure has to reach, or None.
        input_gradient: The gradient of the input too, as in a model that goes on in front of it.
        needs: Modules that must be installed.
        same: Whether both compute the same, which is then verified.
    """

    def works() -> dict[str, Work]:
        x = example(size)
        ours, other = make(size)
        if kind == "forward":
            return {"zoo": ours.forward(x), beside: other.forward(x)}
        return {
            "zoo": ours.training(x, input_gradient=input_gradient),
            beside: other.training(x, input_gradient=input_gradient),
        }

    contest = Contest(f"{name}/{kind}", "zoo", beside, sign, goal)

    def verified() -> None:
        verify(contest.name, size, make)

    return Heat((contest,), works, verified if same else None, needs)
