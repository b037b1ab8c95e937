"""What is known of one cell of torchrecurrent, as the table of cells writes it. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import zoo

PREFIX: Final = "tr-"

BIASES: Final = {
    "bias_ih": ("bias",),
    "bias_hh": ("recurrent_bias",),
    "bias_ch": ("cell_bias", "context_bias"),
    "bias_mh": ("multiplicative_bias", "memory_bias"),
}
"""The option that switches each bias on, by whichever name the cell has for it."""

STARTED_BY: Final = {
    "kernel_init": ("weight_ih",),
    "recurrent_kernel_init": ("weight_hh", "vector_u"),
    "cell_kernel_init": ("weight_ch",),
    "context_kernel_init": ("weight_ch",),
    "control_kernel_init": ("weight_ch",),
    "multiplicative_kernel_init": ("weight_mh",),
    "memory_kernel_init": ("weight_mh", "weight_mm"),
    "peephole_kernel_init": ("weight_ph",),
    "proj_init": ("weight_proj",),
    "residual_init": ("weight_res",),
    "bias_init": ("bias_ih",),
    "recurrent_bias_init": ("bias_hh",),
    "cell_bias_init": ("bias_ch",),
    "context_bias_init": ("bias_ch",),
    "multiplicative_bias_init": ("bias_mh",),
    "memory_bias_init": ("bias_mh",),
}
"""The parameter that each initialiser sets, by whichever name the cell has for it."""


@dataclass(frozen=True, slots=True)
class Weight:
    """One parameter of a cell.

    Attributes:
        gates: The blocks along its first axis, each as long as the state, in order; "f" is a gate that keeps the
            memory.
        columns: "I" for a map of the input, "H" for a map of the recurrent state, "h" for a map of anything else as
            long as the state; "" for a vector, "1" for a single number that all units share.
    """

    name: str
    gates: str
    columns: str

    def size(self, inputs: int, hidden: int) -> int:
        if self.columns == "1":
            return 1
        return len(self.gates) * hidden * {"": 1, "I": inputs}.get(self.columns, hidden)

    @property
    def matrix(self) -> bool:
        return self.columns in ("I", "H", "h")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entry:
    """One cell of torchrecurrent.

    Attributes:
        module: The name of its class.
        summary: As in `zoo.CellType`.
        paper: As in `zoo.CellType`.
        weights: Its parameters, each as `name:gates*columns`.
        options: Those of its constructor with their defaults, where they differ from those that nearly every cell has.
        states: The names of its states in torchrecurrent's order; "x" is the last input.
        aside: Whether its module gives its output beside its states, rather than as the first of them.
        delay: Whether its module also takes the state of some steps ago.
        zoneout: Which states zoneout may hold back; all but the last input if not given.
        depth: Dependent matrix products in one step.
        repeated: Weights that a step multiplies by twice.
        amplifies: Whether a small difference between two states grows with every step, as it starts.
        square: Whether its input must be as wide as its state.
        reference: Whether there is an independent reference.
        deviations: Known failures by check, with reasons.
        mended: Options with which those are gone.
    """

    module: str
    summary: str
    paper: str
    weights: str
    options: Mapping[str, bool | float | str | None] = field(default_factory=dict)
    states: str = "h"
    aside: bool = False
    delay: bool = False
    zoneout: str | None = None
    depth: int = 1
    repeated: str = ""
    amplifies: bool = False
    square: bool = False
    reference: bool = True
    deviations: Mapping[str, str] = field(default_factory=dict)
    mended: Mapping[str, bool | float | str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The class's name in lower case: `lem`."""
        return self.module.removesuffix("Cell").lower()

    @property
    def name(self) -> str:
        """The name in a spec: `tr-lem`."""
        return PREFIX + self.key

    def parts(self) -> Iterator[Weight]:
        """The parameters, with every bias that the cell can have."""
        for word in self.weights.split():
            name, _, rest = word.partition(":")
            gates, _, columns = rest.partition("*")
            yield Weight(name, gates, columns)

    def started_by(self, initialiser: str) -> Weight | None:
        """The parameter that an initialiser of this cell sets."""
        names = STARTED_BY.get(initialiser, ())
        return next((weight for weight in self.parts() if weight.name in names), None)

    def switch(self, weight: str) -> str | None:
        """The option that switches a bias off; None for what is always there."""
        return next((option for option in BIASES.get(weight, ()) if option in self.choices), None)

    @property
    def choices(self) -> dict[str, bool | float | str]:
        """Every option with its default."""
        return {name: default for name, default in {**USUAL, **self.options}.items() if default is not None}

    @property
    def held(self) -> tuple[str, ...]:
        """The states that zoneout may hold back."""
        names = self.states.split() if self.zoneout is None else self.zoneout.split()
        return tuple(name for name in names if name != "x")

    @property
    def drops(self) -> bool:
        """Whether there is a recurrent matrix for DropConnect."""
        return any(weight.columns == "H" for weight in self.parts())

    def deviations_of(self, options: object) -> Mapping[str, str]:
        """The known failures of a cell with these options."""
        mended = any(getattr(options, name) == value for name, value in self.mended.items())
        return {} if mended else self.deviations

    def state_shapes(self, inputs: int, hidden: int, delay: int) -> dict[str, tuple[int, ...]]:
        """The shape of each state per sequence, the output first where it stands beside them."""
        found: dict[str, tuple[int, ...]] = {"y": (hidden,)} if self.aside else {}
        found |= {name: (inputs if name == "x" else hidden,) for name in self.states.split()}
        return {**found, "past": (delay, hidden)} if self.delay else found

    def fit(self, input_shape: tuple[int, ...], hidden_size: int) -> int:
        """The input's width.

        Raises:
            zoo.ZooError: the cell cannot take such an input.
        """
        if len(input_shape) != 1:
            raise zoo.ZooError(f"cell {self.name!r} needs flat features at each step, not maps of shape {input_shape}")
        if self.square and input_shape[0] != hidden_size:
            raise zoo.ZooError(
                f"cell {self.name!r} mixes its input into its output: hidden_size must be the width of its input, "
                f"{input_shape[0]}, not {hidden_size}"
            )
        return input_shape[0]


USUAL: Final[dict[str, bool | float | str | None]] = {
    "bias": True,
    "recurrent_bias": True,
    "kernel_init": "xavier_uniform",
    "recurrent_kernel_init": "xavier_uniform",
    "bias_init": "zeros",
    "recurrent_bias_init": "zeros",
}
"""The options of nearly every cell; None in an entry takes one away."""
