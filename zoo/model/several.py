"""What a model of several inputs is called with, checked: a mapping that has a tensor for each of their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from zoo.engine.sequence import zero_where
from zoo.errors import InputError, did_you_mean
from zoo.inputs.named import NamedInputs, Read
from zoo.model.tensors import check_input, check_symbols

Reads = Mapping[str, Read]


def checked(x: Any, reads: Reads, *, device: torch.device, dtype: torch.dtype) -> dict[str, Tensor]:
    """The tensors of a call by name, in the order of the inputs. Raises InputError for what does not fit."""
    _names(x, reads)
    found: dict[str, Tensor] = {}
    for name, read in reads.items():
        given, label = x[name], f"x[{name!r}]"
        if isinstance(given, PackedSequence):
            raise InputError(f"{label} is a PackedSequence: pad it, and use lengths=")
        once = read.per == "sequence" and isinstance(given, Tensor)
        if once and given.dim() != 1 + len(read.shape):
            axes = ", ".join(("B", *map(str, read.shape)))
            raise InputError(f"{label} comes in once per sequence and must have shape ({axes}), not {_shape(given)}")
        seen = given.unsqueeze(1) if once else given
        check_input(seen, read.shape, read.vocabulary, device=device, dtype=dtype, label=label)
        found[name] = given
    _agree(found, reads)
    return found


def lead_of(x: Mapping[str, Tensor], reads: Reads) -> Tensor:
    """The first that has steps."""
    return next(x[name] for name, read in reads.items() if read.per == "step")


def as_sequence(x: Any, reads: Reads, hop: int) -> dict[str, Tensor]:
    """One step of a batch, (B, ...) each, as a sequence of that step; what comes in once per sequence stays.

    Where the layers make one step of several, it is these, (B, hop, ...).
    """
    _names(x, reads)
    found = {}
    for name, read in reads.items():
        given = x[name]
        many = hop > 1 and read.per == "step"
        fits = isinstance(given, Tensor) and given.dim() == 1 + many + len(read.shape)
        if not fits or (many and given.shape[1] != hop):
            axes = ", ".join(("B", *(str(hop),) * many, *map(str, read.shape)))
            what = f"{hop} steps" if many else "one step"
            raise InputError(f"step takes {what} of a batch, x[{name!r}] ({axes}), not {_shape(given)}")
        found[name] = given.unsqueeze(1) if read.per == "step" and not many else given
    return found


def embeddable(
    source: NamedInputs, x: Mapping[str, Tensor], valid: Tensor | None, observed: Tensor | None
) -> dict[str, Tensor]:
    """What the input reads: zero in padding and where nothing was observed, and symbols that it knows."""
    found = {}
    reads, seen = source.reads, None if observed is None else observed_name(source.reads)
    for name, read in reads.items():
        one = x[name]
        if observed is not None and name == seen:
            one = torch.where(observed, one, torch.zeros((), dtype=one.dtype, device=one.device))
        if read.per == "step":
            one = zero_where(one, valid)
        if read.vocabulary is not None:
            check_symbols(one, read.vocabulary, label=f"x[{name!r}]")
        found[name] = one
    return found


def observed_name(reads: Reads) -> str:
    """The input that `observed` is of: the only one of real numbers at each step."""
    real = [name for name, read in reads.items() if read.vocabulary is None and read.per == "step"]
    if len(real) != 1:
        many = f"{len(real)} of them are" if real else "none of them is"
        raise InputError(f"observed needs one input of real numbers at each step, and {many}: leave it out")
    return real[0]


def observed_features(source: NamedInputs, observed: Tensor) -> Tensor:
    """Which of the features that the layers read were observed, (B, T, F)."""
    found = source.observed(observed, observed_name(source.reads))
    if found is None:
        raise InputError("observed cannot be given: this model's input mixes the features of several inputs")
    return found


def _names(x: Any, reads: Reads) -> None:
    """That x is a mapping of these names, all of them and no others."""
    if isinstance(x, PackedSequence):
        raise InputError("a model of several inputs takes no PackedSequence: pad each input, and use lengths=")
    if not isinstance(x, Mapping):
        example = ", ".join(f"{name!r}: ..." for name in reads)
        raise InputError(f"x must be a mapping of the model's inputs, {{{example}}}, not {_kind(x)}")
    missing = [name for name in reads if name not in x]
    extra = [name for name in x if name not in reads]
    if extra:
        hint = did_you_mean(extra[0], missing or reads) if isinstance(extra[0], str) else ""
        raise InputError(f"x has {extra[0]!r}, which is no input of this model{hint or f': it has {_list(reads)}'}")
    if missing:
        raise InputError(f"x lacks {_list(missing)}: the model's inputs are {_list(reads)}")


def _agree(x: Mapping[str, Tensor], reads: Reads) -> None:
    """That all have as many sequences, and as many steps."""
    first = next(name for name, read in reads.items() if read.per == "step")
    batch, steps = x[first].shape[:2]
    for name, read in reads.items():
        if x[name].shape[0] != batch:
            raise InputError(f"x[{name!r}] has {x[name].shape[0]} sequences, and x[{first!r}] {batch}")
        if read.per == "step" and x[name].shape[1] != steps:
            raise InputError(f"x[{name!r}] has {x[name].shape[1]} steps, and x[{first!r}] {steps}: pad the shorter one")


def _list(names: Any) -> str:
    return ", ".join(map(repr, names))


def _shape(given: Any) -> str:
    return str(tuple(given.shape)) if isinstance(given, Tensor) else type(given).__name__


def _kind(given: Any) -> str:
    return f"a tensor of shape {tuple(given.shape)}" if isinstance(given, Tensor) else f"{type(given).__name__}"
