"""Options and closed forms of layers over every so many-th step, and over the last steps of each feature. No torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field

from zoo.components import CellType, Description, Options, Part, Shape, Window, features, moving
from zoo.errors import ZooError
from zoo.layers.options import Positive
from zoo.spec.inside import describe_layers
from zoo.spec.model import Layers
from zoo.spec.tree import Layer, Node, Recurrent, over_time

Distance = Annotated[int, Field(ge=2, le=10_000)]


class PeriodicOptions(Options):
    """Options of layers over the periods of a sequence."""

    period: Distance = Field(description="Number of steps of a period, 24 for the hours of a day.")
    layers: Layers = Field(
        description="Layers from each step to the one a period later. They take nothing from the model: each recurrent "
        "one has its own `cell` and `hidden_size`."
    )

    @property
    def not_streamable_reason(self) -> str:
        """Why it does not run in pieces."""
        return "its periods are counted from the end of a sequence"

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
        windows=(Window(kernel=count, stride=count),),
    )


def describe_dilated(options: DilatedOptions, input_shape: Shape) -> Description | None:
    found = _inside(options.layers, input_shape)
    if found is None:
        return None
    for place, node in ((i, node) for i, layer in enumerate(options.layers) for node in _nodes(layer)):
        if isinstance(node, Recurrent) and (node.bidirectional or node.reverse):
            raise ZooError(f"dilated layers run forward, and layers.{place} runs backward too")
        if isinstance(node, Part) and not node.traits.streamable:
            raise ZooError(f"dilated layers run step by step, and layers.{place} ({node.record.name}) cannot")
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
    """The figures of the layers inside, for one share of the steps."""
    records = [node.record for layer in layers for node in _nodes(layer) if isinstance(node, Part)]
    for cell in (record for record in records if isinstance(record, CellType)):
        for name in sorted(cell.uses & {"dt", "observed"}):
            said = f"cell {cell.name!r} reads {name!r} of each step of the input"
            raise ZooError(f"{said}, and the layers inside see but some of the steps: put the cell before")
    found = describe_layers(layers, input_shape)
    if found is not None and moving(found.windows):
        raise ZooError("the layers inside change the number of steps: put what does so before or behind")
    return found


def _nodes(layer: Layer) -> Iterator[Node]:
    """A layer and all that runs over time in it."""
    yield layer
    for _, node in over_time(layer):
        yield node
