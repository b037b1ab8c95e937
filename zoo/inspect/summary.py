"""What a model is and what it costs: torchinfo's table, then a cost card in figures that hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any, Final

import torch
from torch import Tensor

from zoo.errors import InputError
from zoo.model.base import Model
from zoo.model.build import build
from zoo.model.stack import StackModel
from zoo.renamed import old_fields
from zoo.spec.canonical import Spec
from zoo.spec.describe import ModelDescription, describe
from zoo.spec.traits import not_streamable, says_streaming
from zoo.spec.tree import parts

MOST_REAL: Final = 2**20
"""Numbers of a model and its run above which a summary is made on meta, where they take neither time nor memory.

Torch takes a second to get ready for meta. Below this, no component takes longer to start: the slowest, a reservoir,
asks for the eigenvalues of a matrix of 1000 rows.
"""
MOST_PRODUCTS: Final = 2**30
"""Multiply-adds of the run above which it is made on meta: a second, where they are those of small convolutions."""
MOST_UNITS: Final = 500
"""Of a layer: S5 starts from the eigenvectors of a matrix of twice as many rows, of which few numbers are kept."""
MOST_STAGES_ON_META: Final = 3000
"""One after the other, in the whole run: seconds, for an operation on meta takes as long as fifty on a CPU."""
MOST_REAL_OF_MANY_STAGES: Final = 2**25
"""Numbers of a model with more stages than that, which a CPU then runs: 128 MiB."""
MOST_STAGES: Final = 2**20
"""One after the other, in any run: some seconds."""
MOST_MEMORY: Final = 4 * 2**30
"""Bytes that a summary takes at most where it is asked to run on a device that keeps numbers."""


@dataclass(frozen=True, slots=True)
class UsedComponent:
    """A component of a model, and where it comes from.

    Attributes:
        kind: Such as "cell".
        name: As written in a spec.
        distribution: Name of the distribution that provides it.
        version: Of the distribution.
    """

    kind: str
    name: str
    distribution: str
    version: str


@old_fields
@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a model is and what it costs; `str()` is the table and the card.

    Attributes:
        name: Of the spec, with its variant.
        table: Rows of modules, as torchinfo writes them.
        batch_size: Number of sequences in the input of the table.
        seq_len: Number of time steps of that input.
        device: Where it ran.
        parameters: Number of trainable numbers; shared ones count once.
        frozen: Number of parameters that are not trained.
        macs_per_step: Multiply-adds of matrix products per sequence, for one time step. None where a component does not
            describe itself.
        macs: The same for the whole sequence.
        macs_per_pair: Multiply-adds for each pair of steps of two stacks, as of attention; 0 for most models.
        state_bytes: Bytes of state carried per sequence.
        sequential_depth: Dependent stages for the whole sequence. None where a component does not describe itself.
        streamable: Whether it runs one step at a time.
        not_streamable_reason: Why it does not, or None.
        components: Every component that it is made of.
        hop: Number of steps of the input for each of the output; it runs so many at a time.
    """

    name: str
    table: str
    batch_size: int
    seq_len: int
    device: str
    parameters: int
    frozen: int
    macs_per_step: int | None
    macs: int | None
    state_bytes: int
    sequential_depth: int | None
    streamable: bool
    not_streamable_reason: str | None
    components: tuple[UsedComponent, ...]
    macs_per_pair: int = 0
    hop: int = 1

    def __str__(self) -> str:
        return f"{self.table}\n{self.card}"

    @property
    def card(self) -> str:
        """The figures, one to a line."""
        streaming = says_streaming(self.not_streamable_reason, self.hop)
        depth = "unknown" if self.sequential_depth is None else f"{self.sequential_depth:,} stages"
        macs = f"{_count(self.macs)} for {self.seq_len} steps,"
        pairs = f"{self.macs_per_pair:,} per pair of steps, " if self.macs_per_pair else ""
        lines = [
            ("parameters", f"{self.parameters:,} (shared ones counted once)"),
            *([("", f"{self.frozen:,} more that are frozen")] if self.frozen else []),
            ("multiply-adds", f"{_count(self.macs_per_step)} per step, {pairs}{macs} per sequence"),
            ("state", f"{self.state_bytes:,} bytes per sequence"),
            ("sequential depth", f"{depth} for {self.seq_len} steps"),
            ("streamable", streaming),
        ]
        lines += [
            ("components" if index == 0 else "", f"{c.kind} {c.name} ({f'{c.distribution} {c.version}'.rstrip()})")
            for index, c in enumerate(self.components)
        ]
        return "\n".join(f"{label:<18}{text}" for label, text in lines)

    def to_json(self) -> dict[str, Any]:
        """Everything but the table, as plain data.

        Returns:
            The attributes by name. `obstacle` is `not_streamable_reason` by its old name, and goes in 0.3.
        """
        found = {key: value for key, value in asdict(self).items() if key != "table"}
        return {**found, "obstacle": self.not_streamable_reason}


def _count(figure: int | None) -> str:
    return "unknown" if figure is None else f"{figure:,}"


MOST_STEPS: Final = 1000
"""Time steps that a summary takes unasked."""
STEPS: Final = 15
"""Time steps of the random input, where nobody says how many and no layer needs more."""


def summarise(
    model: Spec | Model,
    *,
    batch_size: int = 3,
    seq_len: int | None = None,
    device: str | torch.device | None = None,
    depth: int = 3,
) -> Summary:
    """Summarise a spec, built for it, or a built model, which is left exactly as it is.

    Args:
        model: A canonical spec or a built model.
        batch_size: Number of sequences in the random input, at least 1.
        seq_len: Number of time steps of the random input, at least 1. Defaults to 15, or to what the layers need.
        device: Where to run. Defaults to meta for a spec too large to build.
        depth: How many levels of modules the table shows.

    Returns:
        The table and the figures.

    Raises:
        InputError: If a size is less than 1, or the run would take too much memory or time.
    """
    if batch_size < 1 or depth < 1 or (seq_len is not None and seq_len < 1):
        raise InputError("a summary needs a batch size, a sequence length and a depth of at least 1")
    from zoo.inspect.table import rows, untouched

    spec = model if isinstance(model, Spec) else model.spec
    description = describe(spec)
    if seq_len is None:
        seq_len = max(STEPS, description.minimum_steps)
        if seq_len > MOST_STEPS:
            raise InputError(f"the layers need at least {seq_len:,} steps: say how many a run is to have (seq_len)")
    if isinstance(model, Spec):
        where = _device(spec, description, batch_size, seq_len) if device is None else device
        _bears(spec, description, batch_size, where)
        model = build(spec, seed=0, device=where, memory_limit=None)
    _fits(model, description, batch_size, seq_len)
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
        device=str(_tensors(dict(given))[0].device),
        parameters=sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad),
        frozen=sum(parameter.numel() for parameter in model.parameters() if not parameter.requires_grad),
        macs_per_step=description.macs_per_step,
        macs=description.macs(seq_len),
        state_bytes=state_bytes,
        sequential_depth=None if sequential is None else sequential * seq_len,
        streamable=not_streamable(spec) is None,
        not_streamable_reason=not_streamable(spec),
        macs_per_pair=description.macs_per_pair,
        hop=description.hop,
        components=tuple(UsedComponent(kind, p.record.name, p.distribution, p.version) for kind, p in used),
    )


def _state_bytes(model: Model, given: Mapping[str, Tensor]) -> int:
    """Of one sequence. An architecture that has no state to start from is run for it."""
    if isinstance(model, StackModel):
        return _bytes(model.init_state(1))
    batch = len(_tensors(dict(given))[0])
    model.eval()  # so that nothing is drawn; the caller puts the mode back
    return _bytes(model(**given, return_state=True)[1]) // batch


def _device(spec: Spec, description: ModelDescription, batch_size: int, seq_len: int) -> str:
    """Where nobody says where: on the CPU what is small, or what cannot run on meta, and says so."""
    if any("meta" in part.record.deviations_of(part.options) for _, part in parts(spec)):
        return "cpu"
    each_step = sum(_widths(description)) + (description.state_elements or 0)
    numbers = _kept(description) + batch_size * seq_len * each_step
    products = batch_size * (description.macs(seq_len) or 0)
    units = max((layer.hidden_size for layer in spec.recurrent), default=0)
    if numbers <= MOST_REAL and products <= MOST_PRODUCTS and units <= MOST_UNITS:
        return "cpu"
    stages = _stages(description, seq_len)
    if stages <= MOST_STAGES_ON_META or seq_len == 1:
        return "meta"
    if numbers <= MOST_REAL_OF_MANY_STAGES and products <= MOST_PRODUCTS:
        return "cpu"
    _holds(description, batch_size, seq_len)
    raise InputError(
        f"{spec.id} is large, and a run of {seq_len:,} steps takes {stages:,} stages, one after the other: use fewer "
        "steps, or say on which device to run"
    )


def _fits(model: Model, description: ModelDescription, batch_size: int, seq_len: int) -> None:
    """Refuse a run that takes more memory or time than a summary is worth."""
    if not any(tensor.is_meta for tensor in chain(model.parameters(), model.buffers())):
        _holds(description, batch_size, seq_len)
    stages = _stages(description, seq_len)
    if stages > MOST_STAGES:
        raise InputError(f"a run of {seq_len:,} steps takes {stages:,} stages, one after the other: use fewer steps")


def _holds(description: ModelDescription, batch_size: int, seq_len: int) -> None:
    """Refuse a run whose widest tensor alone would be larger than the largest model that is built."""
    needed = 4 * batch_size * seq_len * max(_widths(description), default=1)
    if needed > MOST_MEMORY:
        raise InputError(
            f"a run of {batch_size:,} sequences of {seq_len:,} steps needs over {needed // 2**30:,} GiB: use fewer "
            "of them"
        )


def _widths(description: ModelDescription) -> list[int]:
    """What each part puts out at one step, as far as it is known."""
    return [math.prod(row.description.output_shape) for row in description.rows if row.description is not None]


def _stages(description: ModelDescription, seq_len: int) -> int:
    """One after the other in a run, at least one for each part and step, as far as they are known."""
    return seq_len * sum(max(1, row.description.sequential_depth) for row in description.rows if row.description)


def _bears(spec: Spec, description: ModelDescription, batch_size: int, device: str | torch.device) -> None:
    """Refuse to take more memory than a summary is worth."""
    needed = 4 * (_kept(description) + batch_size * (description.state_elements or 0))
    if str(device) != "meta" and needed > MOST_MEMORY:
        raise InputError(
            f"{spec.id} needs {needed / 2**30:,.1f} GiB on {device}, and a summary takes {MOST_MEMORY // 2**30} GiB at "
            "most: use device 'meta', where a model takes no memory"
        )


def _kept(description: ModelDescription) -> int:
    """Parameters and buffers, as far as they are known."""
    return (description.parameters or 0) + (description.buffers or 0)


def _bytes(state: Any) -> int:
    return sum(t.numel() * t.element_size() for t in _tensors(state))


def _tensors(value: Any) -> list[Tensor]:
    from torch.utils import _pytree

    return [leaf for leaf in _pytree.tree_leaves(value) if isinstance(leaf, Tensor)]
