"""Cells that are linear in their state: the recurrence alone, and whole models against peers and against the loop."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from zoo.bench.contests import Heat
from zoo.bench.suites.pairs import KINDS, paired
from zoo.bench.works import SIZES, Contestant, Size, built, of_module, of_zoo, random

if TYPE_CHECKING:
    from torch import Tensor

NEEDS: Final = ("minGRU_pytorch",)
BLOCKS: Final = {
    "mingru": ("minGRU", "to_hidden_and_gate", (1, 0)),
    "minlstm": ("minLSTM", "to_hidden_and_f_i_gate", (2, 0, 1)),
}
"""Of minGRU-pytorch: the class, its product, and which block of ours each of its blocks is."""


def heats() -> tuple[Heat, ...]:
    long, small = SIZES["long"], SIZES["small"]
    return (
        paired("linear/recurrence/long", long, "autograd loop", _recurrences, goal=0.5, input_gradient=True),
        paired("linear/mingru/long/x1", long, "minGRU-pytorch", _peer("mingru"), sign="as fast", goal=3.0, needs=NEEDS),
        paired("linear/mingru/small/x1", small, "minGRU-pytorch", _peer("mingru"), sign="as fast", needs=NEEDS),
        paired("linear/minlstm/long/x1", long, "minGRU-pytorch", _peer("minlstm"), sign="as fast", needs=NEEDS),
        *(
            paired(
                f"linear/{cell}/long/x1/lstm", long, "torch.nn.LSTM", _lstm(cell), sign="as fast", goal=goal, same=False
            )
            for cell, goal in (("mingru", 2.5), ("lru", 1.3))
        ),
        *(
            paired(f"linear/{cell}/long/x1/loop", long, "engine=loop", _loop(cell), kind=kind, sign="as fast")
            for cell in ("lru", "mingru", "rglru")
            for kind in KINDS
        ),
    )


def _recurrences(size: Size) -> tuple[Contestant, Contestant]:
    """h = a h + b: a (B, T, H) in (0, 1) stands for a parameter, and b is the input."""
    import torch

    from zoo.engine.backends.linear import recurrence

    a = torch.sigmoid(random(size[:3], seed=2)).requires_grad_()
    initial = torch.zeros(size.batch, size.input)

    def ours(b: Tensor) -> Tensor:
        return recurrence(a, b, initial)

    def loop(b: Tensor) -> Tensor:
        h, steps = initial, []
        for a_t, b_t in zip(a.unbind(1), b.unbind(1), strict=True):
            h = torch.addcmul(b_t, a_t, h)
            steps.append(h)
        return torch.stack(steps, 1)

    return Contestant(ours, (a,)), Contestant(loop, (a,))


def _peer(cell: str) -> Callable[[Size], tuple[Contestant, Contestant]]:
    """The cell without biases, as minGRU-pytorch has it."""
    name, product, order = BLOCKS[cell]

    def make(size: Size) -> tuple[Contestant, Contestant]:
        import torch

        model = built({"kind": cell, "bias": "none"}, size)
        module: Any = getattr(importlib.import_module(f"minGRU_pytorch.{name}"), name)(size.input)
        blocks = model.state_dict()["layers.0.cell.weight_ih"].chunk(len(order))
        with torch.no_grad():
            getattr(module, product).weight.copy_(torch.cat([blocks[place] for place in order]))
        return of_zoo(model), Contestant(module, tuple(module.parameters()))

    return make


def _lstm(cell: str) -> Callable[[Size], tuple[Contestant, Contestant]]:
    """Another computation: what a model of that size costs where an LSTM stood."""

    def make(size: Size) -> tuple[Contestant, Contestant]:
        import torch

        return of_zoo(built(cell, size)), of_module(torch.nn.LSTM(size.input, size.hidden, batch_first=True))

    return make


def _loop(cell: str) -> Callable[[Size], tuple[Contestant, Contestant]]:
    def make(size: Size) -> tuple[Contestant, Contestant]:
        return of_zoo(built(cell, size)), of_zoo(built(cell, size, engine="loop"))

    return make
