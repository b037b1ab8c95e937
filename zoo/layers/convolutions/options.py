"""Options and closed forms of convolutions and of pools over windows. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from zoo.components import Count, Description, Options, Shape, Traits, Width, Window, features
from zoo.errors import ZooError
from zoo.layers.options import Activation, Positive, Rate, with_norm
from zoo.spec.model import NormOption

Natural = Annotated[int, Field(ge=0)]
Axis = Literal["time", "features", "height", "width"]


Pair = Annotated[tuple[Positive, Positive], Field(strict=False)]
Sizes = Annotated[tuple[Positive, ...], Field(strict=False, min_length=1, max_length=2)]
Axes = Annotated[tuple[Axis, ...], Field(strict=False, min_length=1, max_length=2)]
Two = Annotated[tuple[Axis, Axis], Field(strict=False)]


class Conv1dOptions(Options):
    """Options of a convolution over time."""

    channels: Annotated[int, Field(ge=1), Width] = Field(description="Number of output features.")
    kernel_size: Positive = Field(description="Number of steps under the window.")
    stride: Positive = Field(1, description="Number of steps by which the window moves.")
    dilation: Positive = Field(1, description="Distance between two neighbouring steps under the window.")
    groups: Annotated[int, Field(ge=1), Count] = Field(
        1, description="Number of groups of features that do not see each other."
    )
    padding: Literal["same", "valid", "causal"] | Annotated[tuple[Natural, Natural], Field(strict=False)] = Field(
        "same",
        description="`same`: as many zeros on both sides as keep the number of steps at stride 1; `valid`: none; "
        "`causal`: all of them before the first step; or a list of the two numbers.",
    )
    bias: bool = Field(True, description="Add a bias.")
    norm: NormOption | None = Field(None, description="A norm of the result.")
    activation: Activation = Field("none", description="Activation function of the result, after its norm.")
    dropout: Rate = Field(0.0, description="Dropout rate on the result.")

    @model_validator(mode="after")
    def _symmetric(self) -> Self:
        if self.padding == "same" and self.reach % 2 == 0:
            raise ValueError(
                f"padding: same puts equally many zeros on both sides, which a window over {self.reach} steps cannot "
                "have: use an odd kernel_size, or padding: [left, right]"
            )
        return self

    @property
    def reach(self) -> int:
        """Number of steps from the first under the window to the last."""
        return self.dilation * (self.kernel_size - 1) + 1

    @property
    def window(self) -> Window:
        """The window over time."""
        around = self.reach - 1
        ends = {"same": (around // 2, around // 2), "valid": (0, 0), "causal": (around, 0)}
        left, right = ends[self.padding] if isinstance(self.padding, str) else self.padding
        return Window(kernel=self.kernel_size, stride=self.stride, dilation=self.dilation, left=left, right=right)

    @property
    def not_streamable_reason(self) -> str | None:
        """Why it cannot carry its window from piece to piece."""
        return self.window.not_streamable_reason

    def tiny(self) -> Mapping[str, Any]:
        """Short windows of the same kind: odd or even, with gaps or without, longer than the stride or not."""
        kernel, stride = _small(self.kernel_size, self.stride)
        small: dict[str, Any] = {"kernel_size": kernel, "stride": stride, "dilation": min(self.dilation, 2)}
        if not isinstance(self.padding, str):
            reach = small["dilation"] * (kernel - 1)
            small["padding"] = [min(side, reach) for side in self.padding]
        return small


class Conv2dOptions(Options):
    """Options of a convolution over two axes."""

    channels: Annotated[int, Field(ge=1), Width] = Field(description="Number of output channels.")
    axes: Two = Field(
        description="What the two sizes of the window are along: `height` and `width` of maps, or `time` and "
        "`features`, the last axis of a step.",
        examples=[["time", "features"], ["height", "width"]],
    )
    kernel_size: Pair = Field(description="Size of the window along each axis.")
    stride: Pair = Field((1, 1), description="Number of places by which the window moves along each axis.")
    padding: Literal["same", "valid"] | Annotated[tuple[Natural, Natural], Field(strict=False)] = Field(
        "same", description="`same`, `valid`, or the number of zeros on both sides of each axis."
    )
    beyond: Literal["zeros", "mirror"] = Field(
        "zeros",
        description="What is filled in there: zeros, or what stands as far inside a sequence and its maps.",
    )
    bias: bool = Field(True, description="Add a bias to each channel.")
    norm: NormOption | None = Field(None, description="A norm of the channels of the result.")
    activation: Activation = Field("none", description="Activation function of the result, after its norm.")
    dropout: Rate = Field(0.0, description="Dropout rate on the result.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        _check_axes(self.axes)
        if self.padding == "same" and any(kernel % 2 == 0 for kernel in self.kernel_size):
            raise ValueError("padding: same needs odd sizes of the window: write the two numbers of zeros instead")
        return self

    @property
    def not_streamable_reason(self) -> str | None:
        """Why it cannot carry its window from piece to piece."""
        windows = over_time(self.axes, self.windows)
        if self.beyond == "mirror" and any(window.left for window in windows):
            return "what stands before its first step is a mirror of later ones"
        return next((window.not_streamable_reason for window in windows), None)

    @property
    def windows(self) -> tuple[Window, Window]:
        """The window along each axis."""
        if isinstance(self.padding, str):
            whole = self.padding == "same"
            sides = (self.kernel_size[0] // 2 * whole, self.kernel_size[1] // 2 * whole)
        else:
            sides = self.padding
        first, second = (
            Window(kernel=kernel, stride=stride, left=side, right=side)
            for kernel, stride, side in zip(self.kernel_size, self.stride, sides, strict=True)
        )
        return first, second

    def tiny(self) -> Mapping[str, Any]:
        """Small windows of the same kind along both axes."""
        pairs = [_small(kernel, stride) for kernel, stride in zip(self.kernel_size, self.stride, strict=True)]
        small: dict[str, Any] = {"kernel_size": [one for one, _ in pairs], "stride": [one for _, one in pairs]}
        if not isinstance(self.padding, str):
            small["padding"] = [min(side, size // 2) for side, (size, _) in zip(self.padding, pairs, strict=True)]
        return small


class PoolOptions(Options):
    """Options of a pool over windows."""

    axes: Axes = Field(
        description="Along which axes: `time`, `features`, `height`, `width`, one or two of them.",
        examples=[["time"], ["features"], ["height"], ["width"], ["time", "features"], ["height", "width"]],
    )
    size: Sizes = Field(description="Size of the window along each axis.")
    stride: Sizes | None = Field(
        None, description="By how many places it moves; its size if not given.", examples=[[1], [3], [1, 1], [1, 2]]
    )
    padding: Annotated[tuple[Natural, ...], Field(strict=False, min_length=1, max_length=2)] | None = Field(
        None,
        description="By how much the window may reach over both ends of each axis; not at all if not given.",
        examples=[[1], [1, 1], [0, 1]],
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        _check_axes(self.axes)
        for name, value in (("size", self.size), ("stride", self.stride), ("padding", self.padding)):
            if value is not None and len(value) != len(self.axes):
                raise ValueError(f"{name} must have a number for each of the axes, {len(self.axes)}, not {len(value)}")
        if self.padding is not None and any(2 * p > k for p, k in zip(self.padding, self.size, strict=True)):
            raise ValueError("padding must be at most half the size of the window")
        return self

    @property
    def not_streamable_reason(self) -> str | None:
        """Why a sequence cannot be cut between its windows."""
        for window in over_time(self.axes, self.windows):
            if window.left or window.kernel > window.stride:
                return window.not_streamable_reason or "its windows overlap"
        return None

    @property
    def windows(self) -> tuple[Window, ...]:
        """The window along each axis."""
        padding = self.padding or (0,) * len(self.axes)
        return tuple(
            Window(kernel=kernel, stride=stride, left=side, right=side)
            for kernel, stride, side in zip(self.size, self.stride or self.size, padding, strict=True)
        )


def describe_conv1d(options: Conv1dOptions, input_shape: Shape) -> Description | None:
    width = features(input_shape)
    for name, size in (("input", width), ("channels", options.channels)):
        if size % options.groups:
            raise ZooError(f"groups must divide the width of the {name}, and {options.groups} does not divide {size}")
    product = width // options.groups * options.kernel_size * options.channels
    windows = (options.window,)
    found = Description(
        output_shape=(options.channels,),
        parameters=product + options.channels * options.bias,
        macs_per_step=product,
        state=_carried(options, windows, input_shape),
        fixed=frozenset(_carried(options, windows, input_shape)),
        windows=windows,
    )
    return with_norm(found, options.norm, (options.channels,))


def describe_conv2d(options: Conv2dOptions, input_shape: Shape) -> Description | None:
    shape = planes(input_shape, options.axes)
    sizes = _sizes(shape, options.axes, options.windows)
    if options.beyond == "mirror":
        _check_mirror(options, shape)
    product = shape[0] * math.prod(options.kernel_size) * options.channels
    windows = over_time(options.axes, options.windows)
    found = Description(
        output_shape=(options.channels, *sizes),
        parameters=product + options.channels * options.bias,
        macs_per_step=product * math.prod(sizes),
        state=_carried(options, windows, input_shape),
        fixed=frozenset(_carried(options, windows, input_shape)),
        windows=windows,
    )
    return with_norm(found, options.norm, (options.channels,))


def describe_window_pool(options: PoolOptions, input_shape: Shape) -> Description:
    windows = over_time(options.axes, options.windows)
    if options.axes == ("time",):
        return Description(output_shape=input_shape, parameters=0, windows=windows)
    shape = planes(input_shape, options.axes)
    sizes = _sizes(shape, options.axes, options.windows)
    return Description(output_shape=(shape[0], *sizes), parameters=0, windows=windows)


def _carried(options: Conv1dOptions | Conv2dOptions, windows: tuple[Window, ...], shape: Shape) -> dict[str, Shape]:
    """The steps that a convolution carries from piece to piece."""
    left = sum(window.left for window in windows)
    return {"past": (left, *shape)} if left and options.not_streamable_reason is None else {}


def planes(shape: Shape, axes: tuple[str, ...]) -> Shape:
    """The shape of a step as channels and the axes behind them; flat features are one channel."""
    named = ("height", "width") if {"height", "width"} & set(axes) else ("features",)
    shape = (1, *shape) if len(shape) == 1 and named == ("features",) else shape
    if len(shape) != 1 + len(named):
        raise ZooError(f"axes: [{', '.join(axes)}] need steps of channels, {' and '.join(named)}, not of shape {shape}")
    return shape


def over_time(axes: tuple[str, ...], windows: tuple[Window, ...]) -> tuple[Window, ...]:
    """The window along time, if it sees or moves by more than one step."""
    return tuple(window for axis, window in zip(axes, windows, strict=True) if axis == "time" and window != Window())


def _sizes(shape: Shape, axes: tuple[str, ...], windows: tuple[Window, ...]) -> Shape:
    """What the windows leave of the axes behind the channels."""
    named = ("height", "width")[: len(shape) - 1] if len(shape) == 3 else ("features",)
    by_axis = dict(zip(axes, windows, strict=True))
    found = tuple(by_axis[n].count(s) if n in by_axis else s for n, s in zip(named, shape[1:], strict=True))
    for name, size in zip(named, found, strict=True):
        if size < 1:
            raise ZooError(f"the window is longer than the {name} of a step, of shape {shape}")
    return found


def _check_mirror(options: Conv2dOptions, shape: Shape) -> None:
    """Raises ZooError where a map has too few places to fill so many in from."""
    if not any(window.left for window in options.windows):
        raise ZooError("beyond: mirror fills in what padding puts around, and this one puts nothing: leave it out")
    places = (None, shape[-1]) if options.axes[0] == "time" else shape[-2:]
    for name, size, window in zip(options.axes, places, options.windows, strict=True):
        if size is not None and window.left >= size:
            raise ZooError(f"beyond: mirror fills in {window.left} of {name} on each side, and there are only {size}")


def _check_axes(axes: tuple[str, ...]) -> None:
    for order in (("time", "features"), ("height", "width")):
        if axes in (order, order[:1], order[1:]):
            return
    raise ValueError(f"axes are [time, features] or [height, width], in this order, not [{', '.join(axes)}]")


def _small(kernel: int, stride: int) -> tuple[int, int]:
    small_stride = min(stride, 2)
    if kernel == stride:
        return small_stride, small_stride
    small = 1 if kernel == 1 else 2 + kernel % 2
    if kernel < stride:
        return (small, 3) if small >= small_stride else (small, small_stride)
    return (small + 2 if small <= small_stride else small), small_stride


def conv1d_traits(options: Conv1dOptions) -> Traits:
    """Causal and streamable where it carries its window."""
    norm = options.norm.traits if options.norm is not None else Traits(bounded=True)
    streams = options.not_streamable_reason is None
    return Traits(causal=streams, streamable=streams, bounded=norm.bounded)


def windows_traits(options: Conv2dOptions | PoolOptions) -> Traits:
    """Causal and streamable where a sequence can be cut between its windows."""
    streams = options.not_streamable_reason is None
    return Traits(causal=streams, streamable=streams, bounded=True)
