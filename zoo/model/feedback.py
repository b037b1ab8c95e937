"""How what a model has written becomes its next input: as it is, beside other features, or as one of several inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from zoo.errors import InputError, did_you_mean
from zoo.inputs.base import Input
from zoo.inputs.named import NamedInputs, Read
from zoo.model.tensors import check_input

Writes = Literal["symbols", "numbers"]
ONLY = ""
"""The name of the input of a model that has one."""


@dataclass(frozen=True)
class Feedback:
    """From what was written to the next step of the input.

    Attributes:
        fed: The name of the input that reads what was written.
        rest: Number of features behind what was written, which somebody else has to give.
        others: The inputs beside it, by name.
        dtype: Of the model's numbers.
    """

    fed: str
    rest: int
    others: Mapping[str, Read]
    dtype: torch.dtype

    def __call__(self, last: Tensor, prompt: Any, beside: Mapping[str, Tensor], t: int) -> Any:
        """The input (B, ...) of the step behind the t-th that was written."""
        own = last if not last.is_floating_point() else last.to(self.dtype)
        if self.fed == ONLY:
            return torch.cat([own, beside[ONLY][:, t]], -1) if self.rest else own
        found = {self.fed: own}
        for name, read in self.others.items():
            found[name] = beside[name][:, t] if read.per == "step" else prompt[name]
        return found

    def beside(self, given: Any, like: Tensor, steps: int) -> dict[str, Tensor]:
        """What is to stand beside what is written, by the names of inputs, checked.

        Args:
            given: As `StackModel.generate` takes it.
            like: An output (B, ...), of as many rows and on the same device.
            steps: How many are written.
        """
        if self.fed == ONLY:
            wanted = {ONLY: Read((self.rest,), None, "step")} if self.rest else {}
            found = {} if given is None else {ONLY: given}
        else:
            wanted = {name: read for name, read in self.others.items() if read.per == "step"}
            found = {} if given is None else given
            if not isinstance(found, Mapping) or (wanted and set(found) != set(wanted)):
                raise InputError(
                    f"beside must be a mapping of {', '.join(wanted) or 'nothing'}: the inputs of each step"
                )
        if given is not None and not wanted:
            raise InputError("beside is given, and the model reads nothing beside what it writes: leave it out")
        for name, read in wanted.items():
            label = f"beside[{name!r}]" if name else "beside"
            shape = (len(like), steps, *read.shape)
            if name not in found:
                raise InputError(
                    f"beside is missing: {self.rest} features of each step stand behind what is written, give {label}= "
                    f"of shape {shape}"
                    if name == ONLY
                    else f"beside is missing: give beside={{{name!r}: ...}} of shape {shape}"
                )
            check_input(found[name], read.shape, read.vocabulary, device=like.device, dtype=self.dtype, label=label)
            if tuple(found[name].shape) != shape:
                raise InputError(f"{label} must have shape {shape}, not {tuple(found[name].shape)}")
        return dict(found)


def misfit(source: Input, writes: Writes) -> str | None:
    """Why an input cannot read symbols, or numbers; None where it can."""
    if isinstance(source, NamedInputs):
        return None
    if writes == "numbers":
        if source.vocabulary is not None:
            return "its head gives a density of numbers, and its input reads symbols"
        return None if len(source.input_shape) == 1 else "its head gives a density of numbers, and its input reads maps"
    if source.vocabulary is None:
        return "its head scores symbols, and its input reads features"
    if source.input_shape:
        return "its head scores symbols, and its input reads the parts of each, such as a word's characters"
    return None


def fed_back(source: Input, writes: Writes, size: int, feeds: str | None, dtype: torch.dtype) -> Feedback:
    """How a model's input reads what it writes.

    Args:
        source: The model's input.
        writes: What it writes.
        size: Of how many symbols one is, or how many numbers.
        feeds: The name of the one of several inputs that is to read it; None where only one can.
        dtype: Of the model's numbers.

    Raises:
        InputError: If none can.
    """
    if isinstance(source, NamedInputs):
        return _named(source.reads, writes, size, feeds, dtype)
    if feeds is not None:
        raise InputError(f"feeds names one of several inputs, and this model has one: leave out feeds={feeds!r:.60}")
    if writes == "symbols":
        if size != source.vocabulary:
            raise InputError(_unread(size, source.vocabulary))
        return Feedback(ONLY, 0, {}, dtype)
    (features,) = source.input_shape
    if features < size:
        raise InputError(f"the model writes {size} numbers at each step and reads {features}: it cannot read them all")
    return Feedback(ONLY, features - size, {}, dtype)


def _named(reads: Mapping[str, Read], writes: Writes, size: int, feeds: str | None, dtype: torch.dtype) -> Feedback:
    able = [name for name, read in reads.items() if _able(read, writes, size)]
    what = f"one of {size} symbols" if writes == "symbols" else f"{size} numbers"
    if feeds is not None and feeds not in able:
        hint = did_you_mean(feeds, able) if isinstance(feeds, str) else ""
        raise InputError(f"feeds names {feeds!r:.60}, which is no input that reads {what} at each step{hint}")
    if not able:
        raise InputError(
            f"the model writes {what} at each step, and none of its inputs ({', '.join(reads)}) reads that"
        )
    if feeds is None and len(able) > 1:
        raise InputError(f"{' and '.join(able)} could read what is written: say which, feeds={able[0]!r}")
    fed = feeds or able[0]
    return Feedback(fed, 0, {name: read for name, read in reads.items() if name != fed}, dtype)


def _able(read: Read, writes: Writes, size: int) -> bool:
    if read.per != "step":
        return False
    if writes == "symbols":
        return read.vocabulary == size and not read.shape
    return read.vocabulary is None and read.shape == (size,)


def _unread(size: int, vocabulary: int | None) -> str:
    return (
        f"the head gives {size:,} numbers at each step, and {vocabulary or 0:,} symbols are read: what is written "
        "cannot be read"
    )
