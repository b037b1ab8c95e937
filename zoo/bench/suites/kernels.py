"""rnn, lstm and gru from a spec, against the modules of torch.nn whose kernels they use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from zoo.bench.contests import Heat
from zoo.bench.suites.pairs import KINDS, paired
from zoo.bench.works import SIZES, Contestant, Size, built, of_module, of_zoo

if TYPE_CHECKING:
    from torch import nn

    from zoo.model.base import Model

GOAL: Final = {"toy": 1.10, "small": 1.05, "medium": 1.05}
"""At most so many times as long as torch.nn, for training."""


def heats() -> tuple[Heat, ...]:
    found = []
    for cell in ("rnn", "lstm", "gru"):
        for size, goal in GOAL.items():
            for layers in (1, 3):
                found += [_heat(cell, size, layers, False, kind, goal) for kind in KINDS]
            if size != "medium":  # four directions of it take a minute
                found.append(_heat(cell, size, 2, True, "training", goal))
    return tuple(found)


def _heat(cell: str, size: str, layers: int, both: bool, kind: str, goal: float) -> Heat:
    def make(of: Size) -> tuple[Contestant, Contestant]:
        model = built(cell, of, layers=layers, bidirectional=both)
        return of_zoo(model), of_module(torch_twin(model, cell, of, layers=layers, bidirectional=both))

    training = kind == "training"
    name = f"kernels/{cell}/{size}/x{layers}{'-both' if both else ''}"
    return paired(
        name,
        SIZES[size],
        f"torch.nn.{cell.upper()}",
        make,
        kind="training" if training else "forward",
        goal=goal if training else None,
    )


def torch_twin(model: Model, cell: str, size: Size, *, layers: int = 1, bidirectional: bool = False) -> nn.RNNBase:
    """The module of torch.nn with the weights of a model of rnn, lstm or gru. Batch first."""
    import torch

    kind: Any = getattr(torch.nn, cell.upper())
    twin: nn.RNNBase = kind(size.input, size.hidden, layers, batch_first=True, bidirectional=bidirectional)
    weights = model.state_dict()
    with torch.no_grad():
        for name, parameter in twin.named_parameters():
            # weight_ih_l0_reverse is layers.0.reverse_cell.weight_ih
            own, _, place = name.rpartition("_l")
            index, _, reverse = place.partition("_")
            parameter.copy_(weights[f"layers.{index}.{'reverse_cell' if reverse else 'cell'}.{own}"])
    return twin
