"""Which neuron may be connected to which: the options of a wiring, and its layers. Imports no ncps.

`hidden_size` is the number of all neurons, the cell's state; `outputs` of them are motor neurons, the cell's output.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field, JsonValue, model_validator

import zoo

Kind = Literal["full", "random", "auto-ncp", "ncp"]
_CIRCUIT: Final = ("command", "sensory_fanout", "inter_fanout", "recurrent_command_synapses", "motor_fanin")
_TAKES: Final[dict[str, tuple[str, ...]]] = {
    "full": ("outputs", "wiring_seed", "self_connections"),
    "random": ("outputs", "wiring_seed", "sparsity"),
    "auto-ncp": ("outputs", "wiring_seed", "sparsity"),
    "ncp": ("outputs", "wiring_seed", *_CIRCUIT),
}
_NEEDS: Final[dict[str, tuple[str, ...]]] = {"auto-ncp": ("outputs",), "ncp": ("outputs", *_CIRCUIT)}
_ASIDE: Final = ("outputs", "wiring_seed", "self_connections", "sparsity", *_CIRCUIT)
_EXAMPLE: Final[dict[str, JsonValue]] = {
    "wiring": "ncp",
    "outputs": 3,
    "command": 4,
    "sensory_fanout": 2,
    "inter_fanout": 2,
    "recurrent_command_synapses": 3,
    "motor_fanin": 2,
}
"""What a circuit needs, all of which must be given at once."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How many neurons of each kind; without a circuit's layers all that are no motor neurons are `inter`."""

    inter: int
    command: int
    motor: int

    @property
    def neurons(self) -> int:
        return self.inter + self.command + self.motor


class WiringOptions(zoo.Options):
    """What can be chosen for a wiring; what the chosen one has no use for is refused."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"wiring": "random"}, _EXAMPLE]})

    wiring: Kind = Field(
        "full",
        description="How neurons are connected: 'full', all to all; 'random'; or the four layers of a neural "
        "circuit policy.",
    )
    outputs: Annotated[int, zoo.Width] | None = Field(
        None, ge=1, description="Number of motor neurons, whose states are the output; all neurons if not given."
    )
    sparsity: float = Field(
        0.5, ge=0, le=1, description="Wirings 'random' and 'auto-ncp' only: fraction of synapses left out."
    )
    wiring_seed: int = Field(22222, ge=0, lt=2**32, description="Random seed of the synapses and their signs.")
    command: Annotated[int, zoo.Width] | None = Field(
        None,
        ge=1,
        description="Wiring 'ncp' only: number of command neurons; the rest but the motor neurons are inter neurons.",
    )
    sensory_fanout: int | None = Field(
        None, ge=1, description="Wiring 'ncp' only: number of inter neurons that each input connects to."
    )
    inter_fanout: int | None = Field(
        None, ge=1, description="Wiring 'ncp' only: number of command neurons that each inter neuron connects to."
    )
    recurrent_command_synapses: int | None = Field(
        None, ge=0, le=10_000, description="Wiring 'ncp' only: number of recurrent synapses among command neurons."
    )
    motor_fanin: int | None = Field(
        None, ge=1, description="Wiring 'ncp' only: number of command neurons that connect to each motor neuron."
    )

    @model_validator(mode="after")
    def _only_what_the_wiring_takes(self) -> WiringOptions:
        idle = [name for name in self.given() if name not in self.takes()]
        if idle:
            raise ValueError(f"wiring {self.wiring!r} has no use for {', '.join(idle)}: leave it out")
        missing = [name for name in _NEEDS.get(self.wiring, ()) if getattr(self, name) is None]
        if missing:
            raise ValueError(f"wiring {self.wiring!r} needs {', '.join(missing)}")
        if self.wiring == "random" and self.sparsity == 1:
            raise ValueError("sparsity of a random wiring must be below 1, or nothing is connected")
        if self.wiring == "auto-ncp" and self.sparsity < 0.1:
            raise ValueError("sparsity of wiring 'auto-ncp' must be at least 0.1")
        return self

    def takes(self) -> tuple[str, ...]:
        """The options that the chosen wiring reads."""
        return _TAKES[self.wiring]

    def given(self) -> tuple[str, ...]:
        """The options beside `wiring` that are not as they are by themselves."""
        fields = type(self).model_fields
        return tuple(name for name in _ASIDE if name in fields and getattr(self, name) != fields[name].default)

    def layout(self, hidden_size: int) -> Layout:
        """How `hidden_size` neurons are shared out.

        Raises:
            zoo.ZooError: they do not suffice, or a fan-out or fan-in is larger than what it fans to.
        """
        motor = hidden_size if self.outputs is None else self.outputs
        if self.wiring == "auto-ncp":
            if motor >= hidden_size - 2:
                raise zoo.ZooError(
                    f"wiring 'auto-ncp' needs at least 3 neurons that are not outputs: hidden_size must be {motor + 3} "
                    f"or more for {motor} outputs, not {hidden_size}"
                )
            command = max(int(0.4 * (hidden_size - motor)), 1)
            return Layout(hidden_size - motor - command, command, motor)
        if self.wiring != "ncp":
            if motor > hidden_size:
                raise zoo.ZooError(f"outputs are neurons: at most hidden_size, {hidden_size}, not {motor}")
            return Layout(hidden_size - motor, 0, motor)
        command = self.command or 0
        inter = hidden_size - command - motor
        if inter < 1:
            raise zoo.ZooError(
                f"no inter neurons are left: hidden_size must be {command + motor + 1} or more for {command} command "
                f"and {motor} motor neurons, not {hidden_size}"
            )
        for name, most, what in (
            ("sensory_fanout", inter, "inter"),
            ("inter_fanout", command, "command"),
            ("motor_fanin", command, "command"),
        ):
            if getattr(self, name) > most:
                raise zoo.ZooError(f"{name} can be at most {most}, the {what} neurons, not {getattr(self, name)}")
        return Layout(inter, command, motor)
