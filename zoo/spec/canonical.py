"""The canonical form: what a spec means, every layer spelled out, every component with its distribution.

Immutable and complete: nothing downstream re-parses, re-validates or looks a name up again. Two specs are equal
when their canonical forms are.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Literal

from zoo.components import Part

Merge = Literal["concat", "sum", "mean", "mul"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Dropout:
    """Rates of every kind of dropout of one recurrent layer; 0 is none.

    input, between, output: on the layer's input; on its output where another recurrent layer follows; on its output.
    variational: one mask per sequence instead of one per step, for these three.
    recurrent: one mask per sequence on h where it enters recurrent products.
    weight: DropConnect on the cell's recurrent weights. zoneout: keep a state's old value.
    """

    input: float = 0.0
    between: float = 0.0
    output: float = 0.0
    variational: bool = False
    recurrent: float = 0.0
    weight: float = 0.0
    zoneout: float = 0.0

    def __repr__(self) -> str:
        """The kinds that there are: `Dropout(between=0.1)`."""
        shown = (f"{each.name}={getattr(self, each.name)}" for each in fields(self) if getattr(self, each.name))
        return f"Dropout({', '.join(shown)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Norm:
    """A norm component and whether it stands before the cell (on the layer's input) or after it (on its output)."""

    part: Part
    position: Literal["before", "after"] = "after"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrent:
    """One recurrent layer. Output width: the cell's, twice that for two directions merged by `concat`, or
    `output_projection` where given."""

    cell: Part
    hidden_size: int
    bidirectional: bool = False
    merge: Merge = "concat"
    reverse: bool = False
    dropout: Dropout = Dropout()
    norm: Norm | None = None
    residual: bool = False
    output_projection: int | None = None
    initial_state: Literal["zeros", "learned"] = "zeros"
    init: Part


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """A layer of another kind."""

    part: Part


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The head and the pool over time in front of it; no pool means an output per step."""

    part: Part
    pool: Part | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """Published figures that the build must agree with."""

    parameters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One model. `variant` says which of a file's sizes it is; it is a label, not part of what the model is."""

    name: str
    variant: str | None = field(default=None, compare=False)
    description: str | None = None
    paper: str | None = None
    tags: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    architecture: Part
    input: Part
    layers: tuple[Recurrent | Other, ...]
    head: Head | None = None
    init: Part
    expect: Expect | None = None

    @property
    def id(self) -> str:
        """How the command line names it: `zaremba-lm@medium`."""
        return self.name if self.variant is None else f"{self.name}@{self.variant}"

    @property
    def recurrent(self) -> tuple[Recurrent, ...]:
        return tuple(layer for layer in self.layers if isinstance(layer, Recurrent))
