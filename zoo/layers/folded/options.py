"""Options and closed forms of layers over every so many-th step, and over the last steps of each feature. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field

from zoo.components import CellType, Description, Options, Shape, Traits, Window, features, moving
from zoo.errors import ZooError
from zoo.layers.options import Positive
from zoo.spec.follow import describe_layers
from zoo.spec.model import Layers
from zoo.spec.tree import Layer, Recurrent, parts, recurrent

Distance = Annotated[int, Field(ge=2, le=10_000)]


class PeriodicOptions(Options):
    """Options of layers over the periods of a sequence."""

    period: Distance = Field(description="Number of steps of a period, 24 for the hours of a day.")
    layers: Layers = Field(
        description="Layers from each step to the one a period later. They take nothing from the model: each recurrent "
        "one has its own `cell` and `hidden_size`."
    )

    def tiny(self) -> Mapping[str, Any]:
        """A short period."""
        return {"period": min(self.period, 3)}


class DilatedOptions(Options):
    """Options of layers with a dilation."""

    dilation: Distance = Field(description="Number of steps from each step to the next that the layers see.")
    layers: Layers = Field(
        description="Layers from each step to the one so many steps later. They take nothing from the model: each "
        "recurrent one has its own `cell` and `hidden_size`."
    )

    def tiny(self) -> Mapping[str, Any]:
        """A short dilation."""
        return {"dilation": min(self.dilation, 3)}


class AutoregressionOptions(Options):
    """Options of a linear map of the last steps of every feature."""

    steps: Positive = Field(description="Number of steps that it sees: the step itself and those before it.")
    bias: bool = Field(True, description="Add a bias.")

    def tiny(self) -> Mapping[str, Any]:
        """A short window."""
        return {"steps": min(self.steps, 3)}


def describe_periodic(options: PeriodicOptions, input_shape: Shape) -> Description | None:
    """Every step of the output is a whole period, and stands for as many runs of the layers inside."""
    found = _inside(options.layers, input_shape)
    if found is None:
        return None
    count = options.period
    first, *others = found.output_shape
    return replace(
        found,
        output_shape=(count * first, *others),
        macs_per_step=count * found.macs_per_step,
        macs_per_sequence=count * found.macs_per_sequence,
        state={name: (count, *shape) for name, shape in found.state.items()},
        windows=(Window(kernel=count, stride=count), *moving(found.windows)),
    )


def describe_dilated(options: DilatedOptions, input_shape: Shape) -> Description | None:
    found = _inside(options.layers, input_shape)
    if found is None:
        return None
    if moving(found.windows):
        raise ZooError("a dilated layer has as many steps behind it as before: the layers inside change their number")
    count = options.dilation
    return replace(
        found,
        macs_per_sequence=count * found.macs_per_sequence,
        state={name: (count, *shape) for name, shape in found.state.items()},
        windows=(),
    )


def describe_autoregression(options: AutoregressionOptions, input_shape: Shape) -> Description:
    width, past = features(input_shape), options.steps - 1
    return Description(
        output_shape=input_shape,
        parameters=options.steps + options.bias,
        macs_per_step=width * options.steps,
        state={"past": (past, width)} if past else {},
        fixed=frozenset({"past"} if past else ()),
        windows=(Window(kernel=options.steps, left=past),),
    )


def _inside(layers: tuple[Layer, ...], input_shape: Shape) -> Description | None:
    """The figures of the layers inside, once: each run of them is over its own share of the steps."""
    for layer in layers:
        for cell in _cells(layer):
            for name in sorted(cell.uses & {"dt", "observed"}):
                said = f"cell {cell.name!r} reads {name!r} of each step of the input"
                raise ZooError(f"{said}, and the layers inside see but some of the steps: put the cell before")
    return describe_layers(layers, input_shape)


def _cells(layer: Layer) -> list[CellType]:
    found = [layer] if isinstance(layer, Recurrent) else [one for _, one in recurrent(layer)]
    return [one.cell.record for one in found if isinstance(one.cell.record, CellType)]


def dilated_traits(options: DilatedOptions) -> Traits:
    """Those of the layers inside. A direction that runs backward makes it neither causal nor streamable."""
    found = [part.traits for layer in options.layers for _, part in parts(layer)]
    ahead = any(
        one.bidirectional or one.reverse
        for layer in options.layers
        for one in ([layer] if isinstance(layer, Recurrent) else [inner for _, inner in recurrent(layer)])
    )
    return Traits(
        causal=not ahead and all(one.causal for one in found),
        streamable=not ahead and all(one.streamable for one in found),
    )
