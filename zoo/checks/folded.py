"""Layers over every so many-th step: each share of the steps by itself gives what the layer gives there."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor

from zoo.checks.subject import Subject, close
from zoo.engine.layer import LayerOutput
from zoo.engine.recurrence import Run
from zoo.spec.tree import Component, dotted, layers

DISTANCES: Final = {"periodic": "period", "dilated": "dilation"}
"""Kinds of such layers, each with its option that says how far apart the steps of a share are."""
STEPS: Final = 11


def shares(subject: Subject) -> None:
    """Raise CheckFailure where a layer gives something else than the layers inside it, run over each share alone."""
    found = [
        (dotted(path), layer.part.record.name, getattr(layer.part.options, DISTANCES[layer.part.record.name]))
        for path, layer in layers(subject.tiny)
        if isinstance(layer, Component) and layer.part.record.name in DISTANCES and not subject.several
    ]
    if not found:
        return
    model = subject.model().eval()
    given: dict[str, tuple[Tensor, LayerOutput]] = {}
    for place, _, _ in found:

        def note(module: Any, arguments: Any, output: LayerOutput, place: str = place) -> None:
            given[place] = arguments[0], output

        model.get_submodule(place).register_forward_hook(note)
    with torch.no_grad():
        model(subject.input(2, STEPS))
        for place, kind, apart in found:
            x, output = given[place]
            inside: Any = model.get_submodule(place).get_submodule("layers")
            first = x.shape[1] % apart if kind == "periodic" else 0
            parts = [inside.run(x[:, first + at :: apart], None, Run()).output for at in range(apart)]
            size = parts[0].shape[2]
            for at, alone in enumerate(parts):
                y = output.output
                own = y[:, :, at * size : (at + 1) * size] if kind == "periodic" else y[:, at::apart]
                close(own, alone, f"{place}: every {apart}th step from the {first + at + 1}th on, run alone")
