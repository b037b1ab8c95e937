"""What `zoo doctor` found, and what it means. Imports no torch."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Final

GROWN: Final = 1e3
"""Gradients that grow this many times from the last step back to the first explode: no learning rate fits both."""
LEFT: Final = 1e-3
"""What lies so far back that no more than this is left of its gradient is not learned from."""
STUCK: Final = 0.5
"""Gates of which more than this part stand at their ends may be why no gradient comes through: trouble only with
other trouble: a gate that keeps the state is meant to stand there."""
SLOW: Final = 0.01
"""From this part of denormal numbers on, a processor that does not flush them takes many times as long."""


@dataclass(frozen=True, slots=True)
class Flow:
    """How the gradient goes back through a number of steps.

    Attributes:
        steps: Number of steps.
        first: Size of the gradient at the first step.
        last: Size of the gradient at the last step.
    """

    steps: int
    first: float
    last: float

    @property
    def ratio(self) -> float:
        """What is left at the first step, of what there is at the last; NaN where there is nothing."""
        return self.first / self.last if self.last else math.nan

    @property
    def rate(self) -> float:
        """The same for one step."""
        return float(self.ratio ** (1 / (self.steps - 1))) if self.ratio > 0 else self.ratio

    @property
    def horizon(self) -> float:
        """Steps after which `LEFT` is left; infinite where it does not fall."""
        if not self.rate > 0:
            return 0.0
        return math.log(LEFT) / math.log(self.rate) if self.rate < 1 else math.inf


@dataclass(frozen=True, slots=True)
class Health:
    """One cell in one direction of a layer.

    Attributes:
        place: Where it is in the model.
        cell: Name of the cell.
        flows: How the gradient goes back, for each length.
        saturated: Fraction of gate activations below 0.05 or above 0.95. None for a cell without gates.
        radius: Spectral radius of the map from one step's state to the next one's.
        dead: Number of units of the output that have one value whatever comes in.
        units: Number of units of the output.
        denormal: Fraction of states, outputs and gradients that are denormal numbers in float32.
    """

    place: str
    cell: str
    flows: tuple[Flow, ...]
    saturated: float | None
    radius: float
    dead: int
    units: int
    denormal: float

    def findings(self) -> list[str]:
        """What is wrong, one sentence each; none if all is well."""
        found = []
        shortest, longest = self.flows[0], self.flows[-1]
        if math.isnan(longest.ratio):
            found.append("no gradient reaches any step")
        elif not longest.ratio <= GROWN:
            found.append(f"gradients explode: {longest.ratio:.1e} times as large {longest.steps} steps back in time")
        elif shortest.ratio < LEFT:
            found.append(f"gradients vanish: a thousandth remains after about {max(1, round(shortest.horizon))} steps")
        if found and self.saturated is not None and self.saturated > STUCK:
            found.append(f"gates are saturated: {self.saturated:.0%} of their activations are near 0 or 1")
        if self.dead:
            found.append(f"{self.dead} of {self.units} units are dead: the same output for every input")
        if self.denormal > SLOW:
            found.append(
                f"{self.denormal:.1%} of the numbers are denormal, which is slow on processors that do not flush "
                "them to zero"
            )
        return found

    def cells(self) -> tuple[str, ...]:
        """As the table of `zoo doctor` shows it."""
        return (
            self.place,
            self.cell,
            *(f"{flow.ratio:.1e}" for flow in self.flows),
            "" if self.saturated is None else f"{self.saturated:.0%}",
            f"{self.radius:.2f}",
            f"{self.dead} of {self.units}",
            f"{self.denormal:.1%}",
        )


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The health of a model's recurrent layers, and a plain verdict.

    Attributes:
        name: Of the model.
        layers: What was measured of each layer and direction.
    """

    name: str
    layers: tuple[Health, ...]

    @property
    def healthy(self) -> bool:
        """Whether there is no finding."""
        return not any(layer.findings() for layer in self.layers)

    def verdict(self) -> list[str]:
        """What is wrong, in plain words.

        Returns:
            One line for each finding, or one that says that there is none.
        """
        lines = [f"{layer.place}: {finding}" for layer in self.layers for finding in layer.findings()]
        return lines or [f"{self.name} is healthy"]

    def columns(self) -> tuple[str, ...]:
        """The headings of the table that `zoo doctor` prints.

        Returns:
            One for each column.
        """
        flows = self.layers[0].flows
        return ("where", "cell", *(f"T={f.steps}" for f in flows), "saturated", "radius", "dead", "denormal")

    def to_json(self) -> dict[str, Any]:
        """The diagnosis as plain data.

        Returns:
            What was measured, and the verdict.
        """
        layers = []
        for layer in self.layers:
            flows = [{**asdict(f), "ratio": f.ratio, "rate": f.rate} for f in layer.flows]
            layers.append({**asdict(layer), "flows": flows, "findings": layer.findings()})
        return {"name": self.name, "healthy": self.healthy, "layers": layers, "verdict": self.verdict()}
