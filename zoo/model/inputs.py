"""What a model is called with, checked: each mistake is one InputError that says what fits.

Checks that read numbers are left out while compiling or exporting, and never copy.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Final, Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from zoo.engine.cell import Cell
from zoo.engine.layers import LayerList
from zoo.engine.names import Engine
from zoo.engine.precision import HALF
from zoo.engine.recurrence import Run
from zoo.engine.sequence import valid_steps
from zoo.errors import InputError, PrecisionWarning
from zoo.inputs.base import Input
from zoo.inputs.named import NamedInputs
from zoo.model import hops, provenance, several
from zoo.model.tensors import check_input, readable
from zoo.spec.canonical import Spec
from zoo.spec.tree import dotted, parts


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a model was called with, checked once.

    Attributes:
        x: (B, T, ...), padded; of several inputs a tensor for each name.
        run: What belongs to every layer.
        packed: What x was unpacked from, with its lengths.
        first: Of several inputs, the first that has steps.
        place: Device and dtype of the model, where they were asked for: to find them takes a part of a short call.
    """

    x: Any
    run: Run
    packed: tuple[PackedSequence, Tensor] | None = None
    first: Tensor | None = None
    place: tuple[torch.device, torch.dtype] | None = None

    @property
    def lead(self) -> Tensor:
        """A tensor (B, T, ...) that came in."""
        x: Tensor = self.x if self.first is None else self.first
        return x

    @property
    def tensors(self) -> list[Tensor]:
        """All that x is."""
        return [*self.x.values()] if isinstance(self.x, Mapping) else [self.x]


class Reader(NamedTuple):
    """Who reads it: the input, device, dtype, and the layers."""

    source: Input
    device: torch.device
    dtype: torch.dtype
    layers: LayerList


def checked(
    x: Any,
    lengths: Tensor | Sequence[int] | None,
    dt: Tensor | None,
    observed: Tensor | None,
    reset: Tensor | None,
    *,
    reader: Reader,
    ended: bool,
    engine: Engine,
    all_states: bool,
    final: bool,
) -> Inputs:
    """What a stack was called with, as `StackModel.forward` takes it.

    Args:
        x: A batch of sequences, or a packed one; of several inputs a mapping.
        lengths: Of each sequence.
        dt: Time since the step before.
        observed: Which features were observed.
        reset: Where the state starts anew.
        reader: What the stack reads.
        ended: Whether a sequence may have length 0.
        engine: How recurrences run.
        all_states: Whether the states of all steps are asked for.
        final: Whether the final output of each direction is asked for.

    Raises:
        InputError: What does not fit, and how to mend it.
    """
    packed, source, first = None, reader.source, None
    if isinstance(source, NamedInputs):
        x = several.checked(x, source.reads, device=reader.device, dtype=reader.dtype)
        lead = first = several.lead_of(x, source.reads)
    else:
        if isinstance(x, PackedSequence):
            refuse_beside_packed(lengths=lengths, dt=dt, observed=observed, reset=reset)
            padded, lengths = pad_packed_sequence(x, batch_first=True)
            packed, x = (x, lengths), padded
        check_input(x, source.input_shape, source.vocabulary, device=reader.device, dtype=reader.dtype)
        lead = x
    known, valid = sequence_lengths(lengths, lead, ended=ended)
    reset = check_reset(reset, lead)
    hops.check(reader.layers, lead.shape[1], lengths, reset, valid, ended=ended)
    if dt is not None or observed is not None:
        check_uses(reader.layers.cells, dt, observed)
    run = Run(
        lengths=known,
        valid=valid,
        reset=reset,
        dt=check_dt(dt, lead, reader.dtype),
        observed=_observed(observed, x, source),
        engine=engine,
        all_states=all_states,
        final=final,
    )
    return Inputs(x, run, packed, first, (reader.device, reader.dtype))


def _observed(observed: Tensor | None, x: Any, source: Input) -> Tensor | None:
    """Which of an input's features were observed; of several, those of the only one that has features at each step."""
    if observed is None or not isinstance(source, NamedInputs):
        return check_observed(observed, x)
    return check_observed(observed, x[several.observed_name(source.reads)])


_LEAVE_OUT: Final = (
    ": a sequence of length 0 is allowed only where a state is given and the model has no pool; "
    "leave it out, keep = lengths > 0, with x[keep], lengths[keep] and the state's state[keep], or h[:, keep] "
    "in torch's layout"
)


def sequence_lengths(
    lengths: Tensor | Sequence[int] | None, x: Tensor, *, ended: bool = False
) -> tuple[Tensor | None, Tensor | None]:
    """Lengths (B,) on x's device and the valid steps (B, T); None for both where no sequence has padding.

    With `ended` a sequence may have no step here, as where it ended in an earlier piece and its state is held.
    """
    if lengths is None:
        return None, None
    batch, steps = x.shape[:2]
    given = lengths if isinstance(lengths, Tensor) else _as_tensor(lengths, batch)
    _refuse_sparse("lengths", given)
    if tuple(given.shape) != (batch,) or given.is_floating_point() or given.is_complex() or given.dtype == torch.bool:
        raise InputError(
            f"lengths must be {batch} integers, one per sequence, not shape {tuple(given.shape)} {given.dtype}"
        )
    _refuse_meta("lengths", given, x)
    given = given.to(torch.int64)
    if readable(given):
        low, high = (int(bound) for bound in torch.aminmax(given))
        least = 0 if ended else 1
        if low < least or high > steps:
            mend = _LEAVE_OUT if low == 0 and high <= steps else ""
            raise InputError(
                f"lengths must be from {least} to {steps}, the number of steps, not from {low} to {high}{mend}"
            )
        if low == steps:
            return None, None
    on_device = given.to(x.device)
    return on_device, valid_steps(on_device, steps)


def _as_tensor(lengths: Sequence[int], batch: int) -> Tensor:
    """A list of lengths; sets and mappings have no order."""
    if not isinstance(lengths, Set | Mapping | str):
        try:
            return torch.tensor(list(lengths))
        except (TypeError, ValueError, RuntimeError):
            pass
    raise InputError(f"lengths must be {batch} integers, one per sequence, not {lengths!r:.60}")


def check_reset(reset: Tensor | None, x: Tensor) -> Tensor | None:
    """reset (B, T), booleans."""
    if reset is None:
        return None
    _must_be("reset", "booleans", reset, x.shape[:2])
    _refuse_meta("reset", reset, x)
    return reset.to(x.device)


def warn_of_half(spec: Spec, dtype: torch.dtype) -> None:
    """Say in one line if the model is to be run in half precision and a component does not promise that."""
    for place, part in parts(spec):
        if not part.traits.low_precision:
            where = f"{spec.id}: {dotted(place)} ({part.record.name})"
            text = f"{where} is not reliable in {dtype}, outputs may be far off: use float32"
            warnings.warn(text, PrecisionWarning, stacklevel=provenance.level())
            return


def check_dt(dt: Tensor | None, x: Tensor, dtype: torch.dtype) -> Tensor | None:
    """dt (B, T), real numbers."""
    if dt is None:
        return None
    _must_be("dt", "real numbers", dt, x.shape[:2])
    _refuse_meta("dt", dt, x)
    return dt.to(x.device, torch.float32 if dtype in HALF else dtype)  # time adds up, and so would what is rounded off


def check_observed(observed: Tensor | None, x: Tensor) -> Tensor | None:
    """observed (B, T, F), booleans."""
    if observed is None:
        return None
    _must_be("observed", "booleans", observed, x.shape)
    _refuse_meta("observed", observed, x)
    return observed.to(x.device)


def _must_be(name: str, kind: Literal["booleans", "real numbers"], given: object, shape: Sequence[int]) -> None:
    if isinstance(given, Tensor):
        _refuse_sparse(name, given)
        right = given.dtype == torch.bool if kind == "booleans" else given.is_floating_point()
        if right and given.shape == shape:
            return
    found = f"{given.dtype} {tuple(given.shape)}" if isinstance(given, Tensor) else type(given).__name__
    raise InputError(f"{name} must be {kind} of shape {tuple(shape)}, not {found}")


def _refuse_meta(name: str, given: Tensor, x: Tensor) -> None:
    if given.device.type == "meta" and x.device.type != "meta":
        verb = "are" if name == "lengths" else "is"
        raise InputError(f"{name} {verb} on meta, which holds no numbers, and x is on {x.device}")


def _refuse_sparse(name: str, given: Tensor) -> None:
    if given.layout != torch.strided:
        raise InputError(f"{name} must be an ordinary dense tensor: use {name}.to_dense()")


def check_uses(cells: Iterable[Cell], dt: Tensor | None, observed: Tensor | None) -> None:
    """dt and observed are errors where no cell reads them: nothing is ignored."""
    found = list(cells)
    for name, given, readers in (("dt", dt, found), ("observed", observed, found[:1])):
        if given is not None and not any(name in cell.uses for cell in readers):
            names = ", ".join(dict.fromkeys(type(cell).__name__ for cell in readers)) or "no cell"
            raise InputError(f"{name} was given, but this model's cells ({names}) do not use it: leave it out")


def as_sequence(
    x: Any, source: Input, hop: int, dt: Tensor | None, observed: Tensor | None, reset: Tensor | None
) -> tuple[Any, Tensor | None, Tensor | None, Tensor | None]:
    """One step of a batch, x (B, ...) as the input reads it and what is given beside it, as sequences of that step.

    Where the layers make one step of several, that is these, x (B, hop, ...), and the state starts anew before them.
    """
    if isinstance(source, NamedInputs):
        x = several.as_sequence(x, source.reads, hop)
        lead = several.lead_of(x, source.reads)
        seen = lead if observed is None else x[several.observed_name(source.reads)]
    else:
        axes = source.input_shape if hop == 1 else (hop, *source.input_shape)
        if not isinstance(x, Tensor) or x.dim() != 1 + len(axes) or tuple(x.shape[1:]) != axes:
            found = tuple(x.shape) if isinstance(x, Tensor) else type(x).__name__
            what = "one step" if hop == 1 else f"{hop} steps"
            raise InputError(f"step takes {what} of a batch, ({', '.join(('B', *map(str, axes)))}), not {found}")
        lead = seen = x = x.unsqueeze(1) if hop == 1 else x
    batch, steps = lead.shape[:2]
    if dt is not None:
        _must_be("dt", "real numbers", dt, (batch,) if hop == 1 else (batch, steps))
        dt = dt.reshape(batch, steps)
    if observed is not None:
        _must_be("observed", "booleans", observed, seen.squeeze(1).shape if hop == 1 else seen.shape)
        observed = observed.reshape(seen.shape)
    if reset is not None:
        _must_be("reset", "booleans", reset, (batch,))
        reset = (
            torch.cat([reset.unsqueeze(1), reset.new_zeros(batch, steps - 1)], 1) if steps > 1 else reset.unsqueeze(1)
        )
    return x, dt, observed, reset


def check_sizes(**sizes: int) -> None:
    """Numbers of sequences or steps."""
    for name, size in sizes.items():
        whole = int(size) if isinstance(size, Integral) and not isinstance(size, bool) else -1
        if not 0 <= whole < 2**63:
            what = "sequences" if name == "batch" else name
            raise InputError(f"{name} must be a number of {what}, not {size!r:.60}")


def refuse_beside_packed(**given: object) -> None:
    """A PackedSequence knows its lengths; what belongs to single steps cannot be packed beside it."""
    for name, value in given.items():
        if value is not None:
            raise InputError(f"{name} cannot be given beside a PackedSequence: pad the batch and give lengths")
