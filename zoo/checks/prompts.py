"""Prompts for the check of generation: of one input or of several, with what the model reads beside what it writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from zoo.checks.subject import Skip, Subject
from zoo.heads.base import Head
from zoo.inputs.named import NamedInputs
from zoo.model.stack import StackModel


@dataclass(frozen=True)
class Prompt:
    """A batch of prompts, and what stands beside each step that is written.

    Attributes:
        x: Each input (B, P, ...), or (B, ...) once per sequence, by name; "" is the name of the only one.
        beside: What somebody else gives at each step that is written, (B, steps, ...), by the same names.
        fed: The name of the input that reads what is written.
        once: Names of those that come in once per sequence.
    """

    x: Mapping[str, Tensor]
    beside: Mapping[str, Tensor]
    fed: str
    once: frozenset[str]

    @property
    def given(self) -> Any:
        """The prompt as a model takes it."""
        return self.x[""] if "" in self.x else dict(self.x)

    @property
    def keys(self) -> dict[str, Any]:
        """The keywords that go with it."""
        if "" in self.x:
            return {"beside": self.beside[""]} if self.beside else {}
        return {"feeds": self.fed} | ({"beside": dict(self.beside)} if self.beside else {})

    def row(self, row: int, length: int) -> Prompt:
        """One row as a batch of one, without its padding."""
        cut = {
            name: one[row : row + 1] if name in self.once else one[row : row + 1, :length]
            for name, one in self.x.items()
        }
        return replace(self, x=cut, beside={name: one[row : row + 1] for name, one in self.beside.items()})

    def many(self, rows: int, steps: int) -> Prompt:
        """The first row many times, to write so many steps."""
        x = {name: one[:1].expand(rows, *one.shape[1:]) for name, one in self.x.items()}
        beside = {name: one[:1, :steps].expand(rows, steps, *one.shape[2:]) for name, one in self.beside.items()}
        return replace(self, x=x, beside=beside)

    def longer(self, written: Tensor, step: int) -> Prompt:
        """With what was written at a step, and what stands beside that, behind it."""
        found = {}
        for name, one in self.x.items():
            if name in self.once:
                found[name] = one
                continue
            parts = [written.unsqueeze(1)] if name == self.fed else []
            parts += [self.beside[name][:, step : step + 1]] if name in self.beside else []
            found[name] = torch.cat([one, torch.cat([part.to(one.dtype) for part in parts], -1)], 1)
        return replace(self, x=found)


def prompt_for(subject: Subject, model: StackModel, head: Head, rows: int, steps: int, ahead: int) -> Prompt:
    """A random prompt. Raises Skip where no input reads what the head writes, which its number of symbols tells."""
    x, later = subject.input(rows, steps), subject.input(rows, ahead, seed=1)
    output = model(x)[:, -1]
    numbers = head.writes == "numbers"
    size = (head.decode(output) if numbers else head.symbol_scores(output)).shape[-1]
    what = f"{size} {'numbers' if numbers else 'symbols'}"
    if not isinstance(x, Mapping):
        reads = x.shape[-1] if numbers else model.input.vocabulary or 0
        if size > reads or (size != reads and not numbers):
            raise Skip(f"the head's output is of {what}, and the input reads {reads}")
        return Prompt({"": x}, {"": later[..., size:]} if numbers and reads > size else {}, "", frozenset())
    assert isinstance(model.input, NamedInputs)
    wanted = ((size,), None) if numbers else ((), size)
    able = [
        name for name, one in model.input.reads.items() if (one.shape, one.vocabulary) == wanted and one.per == "step"
    ]
    if not able:
        raise Skip(f"the head's output is of {what}, which none of the inputs reads")
    others = {name: one for name, one in later.items() if name != able[0] and name not in subject.once}
    return Prompt(x, others, able[0], subject.once)
