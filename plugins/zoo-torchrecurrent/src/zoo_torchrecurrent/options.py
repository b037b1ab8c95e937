"""What can be chosen for each cell, what it promises, and its figures. Imports no torch.

The options are those of torchrecurrent's constructors, by the same names and with the same defaults. What those accept
in silence is refused here: an initialiser that does not exist or cannot start what it should, and one for a bias that
is switched off.
"""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar, Final, Literal

from pydantic import Field, create_model, model_validator

import zoo
from zoo_torchrecurrent.entry import Entry
from zoo_torchrecurrent.table import ENTRIES

Activation = Literal[
    "tanh", "sigmoid", "relu", "hard_sigmoid", "softplus", "gelu", "silu", "elu", "leaky_relu", "identity"
]
Initialiser = Literal[
    "xavier_uniform",
    "xavier_normal",
    "kaiming_uniform",
    "kaiming_normal",
    "orthogonal",
    "normal",
    "uniform",
    "uniform_centered",
    "zeros",
    "ones",
]
VectorInitialiser = Literal["zeros", "ones", "normal", "uniform", "uniform_centered"]
"""The others need a matrix."""

NUMBERS: Final[dict[str, dict[str, Any]]] = {
    "epsilon": {"ge": 0, "description": "The step size, or the damping of the velocity."},
    "gamma": {"ge": 0, "description": "The damping, or the frequency of the oscillators."},
    "dt": {"gt": 0, "description": "The step of the discretisation."},
    "alpha": {"ge": 0, "description": "Decay factor of the context, or strength of the restoring force."},
    "beta": {"description": "Subtracted from the forget gate's preactivation to give the input gate's."},
    "update_coefficient": {"ge": 0, "le": 1, "description": "Weight of the old state in the new one."},
    "reset_coefficient": {"ge": 0, "le": 1, "description": "Factor of the old state in the candidate."},
    "alpha_init": {"description": "Initial value of the candidate's weight, before a sigmoid."},
    "beta_init": {"description": "Initial value of the old state's weight, before a sigmoid."},
    "zeta_init": {"description": "Initial value of zeta, before a sigmoid."},
    "nu_init": {"description": "Initial value of nu, before a sigmoid."},
}


class CellOptions(zoo.Options):
    """Base of every cell's options; `entry` says which cell it is."""

    entry: ClassVar[Entry]

    @model_validator(mode="after")
    def _no_idle_initialiser(self) -> CellOptions:
        for name in self.entry.choices:
            started = self.entry.started_by(name)
            if started and not self.has(started.name) and getattr(self, name) != "zeros":
                switch = self.entry.switch(started.name)
                raise ValueError(f"{name} has nothing to initialise with {switch}: false; leave one of the two out")
        return self

    def arguments(self) -> dict[str, Any]:
        """What torchrecurrent's constructor takes."""
        return {name: getattr(self, name) for name in self.entry.choices}

    def has(self, weight: str) -> bool:
        """Whether a parameter is there, and not a bias that is switched off."""
        switch = self.entry.switch(weight)
        return switch is None or bool(getattr(self, switch))


@cache
def options_of(entry: Entry) -> type[CellOptions]:
    """The options model of one cell, the same at every call."""
    fields: dict[str, Any] = {name: _field(entry, name, default) for name, default in entry.choices.items()}
    if entry.delay:
        fields["delay"] = (int, Field(1, ge=1, le=1_000_000, description="How many steps ago the delayed state was."))
    doc = f"Options of torchrecurrent's {entry.module}."
    made = create_model(f"{entry.module}Options", __base__=CellOptions, __module__=__name__, __doc__=doc, **fields)
    made.entry = entry
    return made


def __getattr__(name: str) -> type[CellOptions]:
    """The options models by their names, as pickle asks for them."""
    for entry in ENTRIES:
        if name == f"{entry.module}Options":
            return options_of(entry)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _field(entry: Entry, name: str, default: bool | float | str) -> tuple[Any, Any]:
    if isinstance(default, bool):
        return bool, Field(default, description="Whether to add this bias.")
    if isinstance(default, float):
        return float, Field(default, **NUMBERS[name])
    if name.endswith("nonlinearity"):
        return Activation, Field(default, description="Activation function, by torchrecurrent's name.")
    started = entry.started_by(name)
    assert started is not None, name
    kind = Initialiser if started.matrix else VectorInitialiser
    return kind, Field(default, description=f"Initialiser of {started.name}.")


def traits(options: CellOptions) -> zoo.Traits:
    """What a cell promises follows from its functions, and from how its state grows.

    That outputs are bounded is promised of none: it would have to be shown for every choice of functions. torch has no
    second derivative of its hard sigmoid.
    """
    chosen = {getattr(options, name) for name in options.entry.choices if name.endswith("nonlinearity")}
    return zoo.Traits(second_order="hard_sigmoid" not in chosen, low_precision=not options.entry.amplifies)


def describe(options: CellOptions, input_shape: tuple[int, ...], hidden_size: int) -> zoo.Description:
    """The closed form: every matrix is multiplied by once in each step, but for those that a cell uses twice."""
    entry = options.entry
    inputs = entry.fit(input_shape, hidden_size)
    weights = [weight for weight in entry.parts() if options.has(weight.name)]
    off = [weight for weight in entry.parts() if not options.has(weight.name)]
    products = [weight for weight in weights if weight.matrix]
    products += [weight for weight in products if weight.name in entry.repeated.split()]
    return zoo.Description(
        output_shape=(hidden_size,),
        parameters=sum(weight.size(inputs, hidden_size) for weight in weights),
        buffers=sum(weight.size(inputs, hidden_size) for weight in off),
        macs_per_step=sum(weight.size(inputs, hidden_size) for weight in products),
        state=entry.state_shapes(inputs, hidden_size, getattr(options, "delay", 0)),
        sequential_depth=entry.depth,
    )
