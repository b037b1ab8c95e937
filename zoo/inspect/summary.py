"""What a model is and what it costs: torchinfo's table, then a cost card in figures that hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from zoo.errors import InputError
from zoo.model.base import Model
from zoo.model.build import build
from zoo.model.stack import StackModel
from zoo.spec.canonical import Spec
from zoo.spec.describe import ModelDescription, describe
from zoo.spec.traits import not_streamable
from zoo.spec.tree import parts

LARGEST_REAL = 4 * 2**30
"""Bytes of parameters above which a summary is made on meta, where a model takes no memory."""


@dataclass(frozen=True, slots=True)
class UsedComponent:
    """A component of a model, and the distribution and version that it comes from."""

    kind: str
    name: str
    distribution: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A model's figures; `str()` is the table and the card.

    table: torchinfo's rows. batch_size, seq_len: of the input that made them.
    parameters: trainable numbers, shared ones once. macs_per_step, macs: multiply-adds of matrix products per row, for
    one time step and for the whole sequence; None where a component does not describe itself.
    state_bytes: state carried per row. sequential_depth: dependent stages for the whole sequence.
    streamable: whether it runs one step at a time; obstacle: why not.
    """

    name: str
    table: str
    batch_size: int
    seq_len: int
    device: str
    parameters: int
    macs_per_step: int | None
    macs: int | None
    state_bytes: int
    sequential_depth: int | None
    streamable: bool
    obstacle: str | None
    components: tuple[UsedComponent, ...]

    def __str__(self) -> str:
        return f"{self.table}\n{self.card}"

    @property
    def card(self) -> str:
        """The figures, one to a line."""
        streaming = "yes, one step at a time" if self.streamable else f"no: {self.obstacle}"
        depth = "unknown" if self.sequential_depth is None else f"{self.sequential_depth:,} stages"
        macs = f"{_count(self.macs)} for {self.seq_len} steps,"
        lines = [
            ("parameters", f"{self.parameters:,} (shared ones counted once)"),
            ("multiply-adds", f"{_count(self.macs_per_step)} per step, {macs} per row"),
            ("state", f"{self.state_bytes:,} bytes per row"),
            ("sequential depth", f"{depth} for {self.seq_len} steps"),
            ("streamable", streaming),
        ]
        lines += [
            ("components" if index == 0 else "", f"{c.kind} {c.name} ({c.distribution} {c.version})")
            for index, c in enumerate(self.components)
        ]
        return "\n".join(f"{label:<18}{text}" for label, text in lines)

    def to_json(self) -> dict[str, Any]:
        """Everything but the table, as plain data."""
        return {key: value for key, value in asdict(self).items() if key != "table"}


def _count(figure: int | None) -> str:
    return "unknown" if figure is None else f"{figure:,}"


def summarise(
    model: Spec | Model,
    *,
    batch_size: int = 3,
    seq_len: int = 15,
    device: str | torch.device | None = None,
    depth: int = 3,
) -> Summary:
    """The summary of a spec, built for it, or of a built model, which is left exactly as it is.

    Args:
        model: a canonical spec or a built model.
        batch_size, seq_len: of the random input, both at least 1.
        device: where to run; for a spec too large to build, meta is chosen by itself.
        depth: how many levels of modules the table shows.
    """
    if batch_size < 1 or seq_len < 1 or depth < 1:
        raise InputError("a summary needs a batch size, a sequence length and a depth of at least 1")
    from zoo.inspect.table import rows, untouched

    spec = model if isinstance(model, Spec) else model.spec
    description = describe(spec)
    _fits(description, batch_size, seq_len)
    if isinstance(model, Spec):
        where = _device(description, batch_size) if device is None else device
        model = build(spec, seed=0, device=where, memory_limit=None)
    with untouched(model), torch.no_grad():
        given = model.example_arguments(batch_size, seq_len)
        state_bytes = _state_bytes(model, given)
    used = {(part.record.kind, part.provided): None for _, part in parts(spec)}
    sequential = description.sequential_depth
    return Summary(
        name=spec.id,
        table=rows(model, given, depth=depth),
        batch_size=batch_size,
        seq_len=seq_len,
        device=str(next(iter(given.values())).device),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        macs_per_step=description.macs_per_step,
        macs=description.macs(seq_len),
        state_bytes=state_bytes,
        sequential_depth=None if sequential is None else sequential * seq_len,
        streamable=not_streamable(spec) is None,
        obstacle=not_streamable(spec),
        components=tuple(UsedComponent(kind, p.record.name, p.distribution, p.version) for kind, p in used),
    )


def _state_bytes(model: Model, given: Mapping[str, Tensor]) -> int:
    """Of one sequence. An architecture that has no state to start from is run for it."""
    if isinstance(model, StackModel):
        return _bytes(model.init_state(1))
    batch = len(next(iter(given.values())))
    model.eval()  # so that nothing is drawn; the caller puts the mode back
    return _bytes(model(**given, return_state=True)[1]) // batch


def _fits(description: ModelDescription, batch_size: int, seq_len: int) -> None:
    """Refuse a run whose widest tensor alone would be larger than the largest model that is built."""
    widths = [math.prod(row.description.output_shape) for row in description.rows if row.description is not None]
    needed = 4 * batch_size * seq_len * max(widths, default=1)
    if needed > LARGEST_REAL:
        raise InputError(
            f"a run of {batch_size:,} rows of {seq_len:,} steps needs over {needed // 2**30:,} GiB: use fewer of them"
        )


def _device(description: ModelDescription, batch_size: int) -> str:
    numbers = (description.parameters or 0) + (description.buffers or 0)
    numbers += batch_size * (description.state_elements or 0)
    return "meta" if 4 * numbers > LARGEST_REAL else "cpu"


def _bytes(state: Any) -> int:
    from torch.utils import _pytree

    return sum(t.numel() * t.element_size() for t in _pytree.tree_leaves(state) if isinstance(t, torch.Tensor))
