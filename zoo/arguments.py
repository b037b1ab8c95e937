"""What a model is called with, checked: each mistake is one InputError that says what fits.

Checks that read numbers are left out while compiling or exporting, and never copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

from zoo.components import Shape
from zoo.engine.cell import Cell
from zoo.engine.sequence import valid_steps
from zoo.errors import InputError


def check_input(x: Tensor, shape: Shape, vocabulary: int | None, *, device: torch.device, dtype: torch.dtype) -> None:
    """x (B, T, *shape), on the model's device; integers for symbols, else the model's own dtype."""
    if not isinstance(x, Tensor):
        raise InputError(f"x must be a tensor or a PackedSequence, not {type(x).__name__}")
    axes = ", ".join(("B", "T", *map(str, shape)))
    if x.dim() != 2 + len(shape):
        message = f"x must have shape ({axes}), not {tuple(x.shape)}"
        if x.dim() == 1 + len(shape) and tuple(x.shape[1:]) == shape and shape:
            message += ": the batch or the time axis is missing; use x.unsqueeze(0) for one sequence, "
            message += "x.unsqueeze(1) for one step of a batch, or model.step"
        elif x.dim() == 1 and not shape:
            message += ": the batch or the time axis is missing; use x.unsqueeze(0) for one sequence"
        raise InputError(message)
    if tuple(x.shape[2:]) != shape:
        raise InputError(f"x must have shape ({axes}), not {tuple(x.shape)}")
    if 0 in x.shape[:2]:
        raise InputError(f"x has no {'rows' if x.shape[0] == 0 else 'steps'}: shape {tuple(x.shape)}")
    if x.device != device and x.device.type != device.type:
        raise InputError(f"x is on {x.device}, the model on {device}: use x.to({str(device)!r})")
    if vocabulary is not None:
        _check_symbols(x, vocabulary)
    elif not x.is_floating_point():
        raise InputError(f"x must be real numbers of dtype {dtype}, not {x.dtype}: use x.to({dtype})")
    elif x.dtype != dtype and not torch.is_autocast_enabled(x.device.type):
        raise InputError(f"x has dtype {x.dtype}, the model {dtype}: use x.to({dtype}) or model.to({x.dtype})")


def _check_symbols(x: Tensor, vocabulary: int) -> None:
    if x.dtype not in (torch.int64, torch.int32):
        raise InputError(f"x must be symbols of dtype torch.int64, not {x.dtype}: use x.long()")


def row_lengths(lengths: Tensor | Sequence[int] | None, x: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Lengths (B,) on x's device and the valid steps (B, T); None for both where no row has padding."""
    if lengths is None:
        return None, None
    batch, steps = x.shape[:2]
    given = lengths if isinstance(lengths, Tensor) else torch.tensor(list(lengths))
    if tuple(given.shape) != (batch,) or given.is_floating_point() or given.is_complex() or given.dtype == torch.bool:
        raise InputError(f"lengths must be {batch} integers, one per row, not shape {tuple(given.shape)} {given.dtype}")
    if not torch.compiler.is_compiling() and given.device.type != "meta":
        low, high = (int(bound) for bound in torch.aminmax(given))
        if low < 1 or high > steps:
            raise InputError(f"lengths must be from 1 to {steps}, the number of steps, not from {low} to {high}")
        if low == steps:
            return None, None
    on_device = given.to(x.device, torch.int64)
    return on_device, valid_steps(on_device, steps)


def check_reset(reset: Tensor | None, x: Tensor) -> Tensor | None:
    """reset (B, T), booleans."""
    if reset is None:
        return None
    if tuple(reset.shape) != tuple(x.shape[:2]) or reset.dtype != torch.bool:
        raise InputError(
            f"reset must be booleans of shape {tuple(x.shape[:2])}, not {reset.dtype} {tuple(reset.shape)}"
        )
    return reset.to(x.device)


def check_dt(dt: Tensor | None, x: Tensor, dtype: torch.dtype) -> Tensor | None:
    """dt (B, T), real numbers."""
    if dt is None:
        return None
    if tuple(dt.shape) != tuple(x.shape[:2]) or not dt.is_floating_point():
        raise InputError(f"dt must be real numbers of shape {tuple(x.shape[:2])}, not {dt.dtype} {tuple(dt.shape)}")
    return dt.to(x.device, dtype)


def check_observed(observed: Tensor | None, x: Tensor) -> Tensor | None:
    """observed (B, T, F), booleans."""
    if observed is None:
        return None
    if observed.shape != x.shape or observed.dtype != torch.bool:
        found = f"{observed.dtype} {tuple(observed.shape)}"
        raise InputError(f"observed must be booleans of the shape of x, {tuple(x.shape)}, not {found}")
    return observed.to(x.device)


def check_uses(cells: Iterable[Cell], dt: Tensor | None, observed: Tensor | None) -> None:
    """dt and observed are errors where no cell reads them: nothing is ignored."""
    found = list(cells)
    for name, given, readers in (("dt", dt, found), ("observed", observed, found[:1])):
        if given is not None and not any(name in cell.uses for cell in readers):
            names = ", ".join(dict.fromkeys(type(cell).__name__ for cell in readers)) or "no cell"
            raise InputError(f"{name} was given, but this model's cells ({names}) do not use it: leave it out")


def check_step(x: Tensor, shape: Shape) -> None:
    """One step of a batch, (B, *shape)."""
    if not isinstance(x, Tensor) or x.dim() != 1 + len(shape):
        found = tuple(x.shape) if isinstance(x, Tensor) else type(x).__name__
        raise InputError(f"step takes one step of a batch, ({', '.join(('B', *map(str, shape)))}), not {found}")


def refuse_beside_packed(**given: object) -> None:
    """A PackedSequence knows its lengths; what belongs to single steps cannot be packed beside it."""
    for name, value in given.items():
        if value is not None:
            raise InputError(f"{name} cannot be given beside a PackedSequence: pad the batch and give lengths")


def packed_like(packed: PackedSequence, output: Tensor, lengths: Tensor) -> PackedSequence:
    """output (B, T, ...) packed in the order of the input."""
    if packed.sorted_indices is not None:
        order = packed.sorted_indices
        output, lengths = output.index_select(0, order), lengths.index_select(0, order.to(lengths.device))
    data = pack_padded_sequence(output, lengths, batch_first=True).data
    return PackedSequence(data, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices)
