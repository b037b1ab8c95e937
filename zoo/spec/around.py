"""The figures of a recurrent layer: of its cell, in both directions, and of what is around it."""

from __future__ import annotations

import math
from typing import Any, Protocol

from zoo.components import Description, Part, Shape
from zoo.engine.around import ALL, merged_shape, projected_shape
from zoo.errors import did_you_mean
from zoo.spec.tree import Path, Recurrent


class Asker(Protocol):
    """Who asks components to describe themselves, and keeps what does not fit."""

    def note(self, path: Path, message: str) -> None: ...

    def ask(self, path: Path, part: Part, *arguments: Any) -> Description | None: ...


def recurrent(
    path: Path, layer: Recurrent, shape: Shape | None, follow: Asker, *, pooled: bool, beside: int = 0
) -> Description | None:
    """The figures of a recurrent layer, to whose cell's input so many features are joined (`beside`).

    If a pool follows (`pooled`), the final output of two directions is projected too, once per sequence.
    """
    read = shape
    if beside and shape is not None:
        if len(shape) != 1:
            said = f"features are joined to its input, which must be flat, not maps of shape {shape}"
            follow.note(path, said)
            return None
        read = (shape[0] + beside,)
    cell = follow.ask((*path, "cell"), layer.cell, read, layer.hidden_size)
    if cell is None or shape is None:
        return None
    directions = 2 if layer.bidirectional else 1
    output = merged_shape(cell.output_shape, layer.merge, both=layer.bidirectional)
    shared = _shared(path, layer, cell, follow) if layer.bidirectional and layer.share else 0
    parameters, buffers = directions * cell.parameters, directions * cell.buffers
    frozen = directions * cell.frozen
    if layer.cell.frozen:
        frozen -= shared
    else:
        parameters -= shared
    macs = directions * cell.macs_per_step
    once = directions * cell.macs_per_sequence
    if layer.norm is not None:
        normed = shape if layer.norm.position == "before" else output
        norm = follow.ask((*path, "norm"), layer.norm.part, normed)
        if norm is None:
            return None
        parameters, buffers = parameters + norm.parameters, buffers + norm.buffers
        frozen += norm.frozen
        macs += norm.macs_per_step
    if layer.output_projection is not None and len(output) != 1:
        follow.note((*path, "output_projection"), f"needs flat features at each step, not maps of shape {output}")
        return None
    if layer.output_projection is not None:
        product = output[-1] * layer.output_projection
        parameters, macs = parameters + product, macs + product
        parameters += layer.output_projection if layer.projection_bias else 0
        once += product if pooled and layer.bidirectional else 0
        output = projected_shape(output, layer.output_projection)
    if layer.residual and output != shape:
        mend = f"output_projection: {shape[0]}" if len(output) == 1 else f"hidden_size: {shape[0]}"
        follow.note(
            (*path, "residual"),
            f"residual adds the layer's input to its output, but the input is {_wide(shape)} and the output "
            f"{_wide(output)}; make them equal, for example with {mend}",
        )
    state = {prefix + name: s for prefix in ("", "reverse.")[:directions] for name, s in cell.state.items()}
    if layer.initial_state == "learned":
        learned = directions * sum(math.prod(s) for name, s in cell.state.items() if name not in cell.fixed)
        if not learned:
            problem = f"cell {layer.cell.record.name!r} has no state with a learnable initial value; use zeros"
            follow.note((*path, "initial_state"), problem)
        parameters += learned
    return Description(
        output_shape=output,
        parameters=parameters,
        buffers=buffers,
        frozen=frozen,
        macs_per_step=macs,
        macs_per_sequence=once,
        state=state,
        sequential_depth=cell.sequential_depth,
    )


def _shared(path: Path, layer: Recurrent, cell: Description, follow: Asker) -> int:
    """How many numbers of a cell its two directions have in common."""
    if layer.share == ALL:
        return cell.parameters + cell.frozen
    where, who = (*path, "share"), f"cell {layer.cell.record.name!r}"
    if not cell.named:
        follow.note(where, f"{who} does not say how large each of its parameters is: share: all, or leave it out")
        return 0
    for name in layer.share:
        if name not in cell.named:
            hint = did_you_mean(name, cell.named) or f"; it has {', '.join(cell.named)}"
            follow.note(where, f"{who} has no parameter {name!r}{hint}")
    return sum(cell.named.get(name, 0) for name in layer.share)


def _wide(shape: Shape) -> str:
    return f"{shape[0]} wide" if len(shape) == 1 else f"of shape {shape}"
