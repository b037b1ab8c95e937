"""Building what stands inside a component: layers, and components among its options.

Only what builds the model knows how; while it builds a component, it is asked through here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from torch import nn

from zoo.components import Part, Shape
from zoo.engine.layers import LayerList
from zoo.errors import BuildError


class Builder(Protocol):
    """What builds the component around."""

    def layers(self, layers: tuple[Any, ...], input_shape: Shape, at: str) -> LayerList: ...

    def part(self, part: Part, arguments: tuple[Any, ...]) -> nn.Module: ...

    def inputs(self, inputs: Mapping[str, Any], at: str) -> nn.Module: ...


_builder: ContextVar[Builder | None] = ContextVar("builder", default=None)


@contextmanager
def building(builder: Builder) -> Iterator[None]:
    """While a component is built, by this builder."""
    before = _builder.set(builder)
    try:
        yield
    finally:
        _builder.reset(before)


def build_layers(layers: tuple[Any, ...], input_shape: Shape, *, at: str = "layers") -> LayerList:
    """Build the layers inside another component, for its `build`.

    Args:
        layers: As its option gives them, of type `zoo.Layers`.
        input_shape: Of one step of the first layer's input.
        at: Name of that option, under which the component must store what this returns.

    Returns:
        The layers, initialised.

    Raises:
        BuildError: If one of them cannot be built, or no component is being built.
    """
    return _asked().layers(layers, input_shape, at)


def build_part(part: Part, *arguments: Any) -> nn.Module:
    """Build a component that stands in another's options, for its `build`.

    Args:
        part: As the option gives it, as of type `zoo.NormOption`.
        *arguments: What `build` of its kind takes beside the options.

    Returns:
        The module. It is initialised with the component that holds it.

    Raises:
        BuildError: If it cannot be built, or no component is being built.
    """
    return _asked().part(part, arguments)


def build_inputs(inputs: Mapping[str, Any], *, at: str = "of") -> Any:
    """Build the inputs inside another one, for its `build`.

    Args:
        inputs: As its option gives them, of type `zoo.Inputs`.
        at: Name of that option, under which the input must store what this returns.

    Returns:
        The inputs by name, initialised, as `zoo.NamedInputs` takes them.

    Raises:
        BuildError: If one of them cannot be built, or no component is being built.
    """
    return _asked().inputs(inputs, at)


def _asked() -> Builder:
    builder = _builder.get()
    if builder is None:
        raise BuildError("what stands inside a component is built only while zoo.build builds that component")
    return builder
