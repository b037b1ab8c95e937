"""Convolutions and pools over two axes: of maps at every step, or of time and features."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial, reduce
from operator import add
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.components import Shape, Window
from zoo.engine.cell import States
from zoo.engine.inside import build_part
from zoo.engine.layer import Layer, LayerOutput, Run, normed, refuse_reset
from zoo.engine.sequence import zero_where
from zoo.engine.tracing import is_tracing
from zoo.layers.activations import activate
from zoo.layers.convolutions.mirror import mirrored
from zoo.layers.convolutions.options import (
    Conv2dOptions,
    PoolOptions,
    describe_conv2d,
    describe_window_pool,
    over_time,
    planes,
)
from zoo.layers.convolutions.past import Past
from zoo.layers.convolutions.turned import turned

WIDE: Final = 8
"""A window over more steps than this is several times slower along the rows of a plane than down its columns."""

FEW: Final = 8
"""Fewer channels are not worth while to lie last in memory."""
LARGE: Final = 25
"""A kernel over more places is faster where channels stand first."""


def _lies_channels_last(planes: Tensor) -> bool:
    """Whether planes (B, C, time, features) lie in memory as (B, time, features, C)."""
    return planes.shape[1] > 1 and planes.stride(1) == 1 and planes.is_contiguous(memory_format=torch.channels_last)


def _over_planes(function: Callable[[Tensor], Tensor], x: Tensor, shape: Shape, axes: tuple[str, ...]) -> Tensor:
    """What a function of (N, C, height, width) makes of maps at every step, or of time and features, (B, T, C, ...)."""
    x = x.reshape(*x.shape[:2], *shape)
    if _over_maps(axes):
        y = function(x.flatten(0, 1))
        return y.reshape(*x.shape[:2], *y.shape[1:])
    return function(x.transpose(1, 2)).transpose(1, 2)


def _over_maps(axes: tuple[str, ...]) -> bool:
    return bool({"height", "width"} & set(axes))


def _turned(function: Callable[[Tensor], Tensor], plane: Tensor) -> Tensor:
    """What a function of (B, C, features, time) makes of (B, C, time, features).

    Kernels are faster with the longer axis last, which is time; and so a plane lies in memory from layer to layer.
    """
    return function(plane.transpose(2, 3)).transpose(2, 3)


def _channels_last(plane: Tensor, weight: Tensor) -> bool:
    """Whether a plane is to lie in memory with channels last: a pool behind it is several times faster so on the CPU.

    Products are as fast, but where the kernel, which is copied so too, is large beside the plane.
    """
    if plane.device.type != "cpu" or is_tracing():
        return False
    return weight.shape[0] >= FEW and plane.numel() >= 2 * weight.numel() and weight[0, 0].numel() <= LARGE


class Product(nn.Conv2d):
    """torch's own convolution over time and features, turned where that is faster: it gives the same."""

    def _get_name(self) -> str:
        return "Conv2d"

    def forward(self, plane: Tensor) -> Tensor:
        steps, features = self.kernel_size
        if steps > max(features, WIDE):
            return super().forward(plane)
        if _channels_last(plane, self.weight):
            if plane.shape[1] == 1:  # whose strides tell torch either order
                plane = plane.squeeze(1).unsqueeze(3).permute(0, 3, 1, 2)
            plane, weight = (one.contiguous(memory_format=torch.channels_last) for one in (plane, self.weight))
            return F.conv2d(plane, weight, self.bias, self.stride, self.padding)
        weight = turned(self.weight)  # once, not in the backward again
        stride, padding = (self.stride[1], self.stride[0]), (int(self.padding[1]), int(self.padding[0]))
        return _turned(lambda turned: F.conv2d(turned, weight, self.bias, stride, padding), plane)


class Conv2d(Layer):
    """(B, T, C, ...) -> (B, T', channels, ...): a product with every window, then norm, activation, dropout."""

    _carries = False

    def __init__(self, options: Conv2dOptions, input_shape: Shape) -> None:
        super().__init__()
        self.axes, self.shape = options.axes, planes(input_shape, options.axes)
        self.windows = over_time(options.axes, options.windows)
        self.cuttable = options.not_streamable_reason is None
        pair = options.windows
        mirror = options.beyond == "mirror"
        numbers = (3, 4) if _over_maps(options.axes) else (1, 3)  # of the axes of (B, T, C, ...)
        self.mirror = dict(zip(numbers, pair, strict=True)) if mirror else {}
        self.conv = (nn.Conv2d if _over_maps(self.axes) else Product)(
            self.shape[0],
            options.channels,
            (pair[0].kernel, pair[1].kernel),
            stride=(pair[0].stride, pair[1].stride),
            padding=(0 if mirror or self._carries else pair[0].left, 0 if mirror else pair[1].left),
            bias=options.bias,
        )
        self.norm = None if options.norm is None else build_part(options.norm, (options.channels,))
        self.activation, self.dropout = options.activation, options.dropout
        plain = options.model_copy(update={"norm": None})
        found = describe_conv2d(plain, input_shape)
        assert found is not None  # only a norm may not describe itself
        self.output_shape = found.output_shape

    def extra_repr(self) -> str:
        shown = [f"axes={self.axes}"] + [f"activation={self.activation!r}"] * (self.activation != "none")
        shown += ["beyond='mirror'"] * bool(self.mirror)
        return ", ".join(shown + [f"dropout={self.dropout}"] * bool(self.dropout))

    def forward(self, x: Tensor, state: Mapping[str, Tensor], run: Run) -> LayerOutput:
        if not self.cuttable:
            refuse_reset(self, run)
        shape, read = self.shape, x
        if self.mirror:
            read = mirrored(x.reshape(*x.shape[:2], *shape), self.mirror, run.lengths)
            shape = tuple(read.shape[2:])
        return self._finished(_over_planes(self.conv, read, shape, self.axes), x, run)

    def _finished(self, y: Tensor, x: Tensor, run: Run) -> LayerOutput:
        """The layer's output, made of the products (B, T', channels, ...)."""
        behind = run.behind(self.windows, x.shape[1])
        if self.norm is not None:
            y = self._normed(self.norm, zero_where(y, behind.valid), behind)
        y = F.dropout(activate(self.activation, y), self.dropout, self.training)
        return LayerOutput(zero_where(y, behind.valid), {})

    def _normed(self, norm: nn.Module, y: Tensor, run: Run) -> Tensor:
        """Channel by channel: every place of a step is to the norm what a step is."""
        if _over_maps(self.axes):
            last = y.flatten(3).transpose(2, 3).flatten(1, 2)
            valid = None if run.valid is None else run.valid.repeat_interleave(y[0, 0, 0].numel(), 1)
            done = normed(norm, last, valid).to(y.dtype)
            return done.reshape(*y.shape[:2], -1, y.shape[2]).transpose(2, 3).reshape(y.shape)
        if _lies_channels_last(y.transpose(1, 2)):
            plane = y.transpose(2, 3)  # as it lies in memory: nothing is copied
            valid = None if run.valid is None else run.valid.repeat_interleave(plane.shape[2], 1)
            done = normed(norm, plane.flatten(1, 2), valid).to(y.dtype)
            return done.reshape(plane.shape).transpose(2, 3)
        plane = y.permute(0, 2, 3, 1)  # as it lies in memory: nothing is copied
        valid = None if run.valid is None else run.valid.repeat(1, plane.shape[2])
        done = normed(norm, plane.flatten(2).transpose(1, 2), valid).to(y.dtype)
        return done.transpose(1, 2).reshape(plane.shape).permute(0, 3, 1, 2)


class CarryingConv2d(Conv2d):
    """One over time and features whose window reaches over the steps before a piece, which its state carries."""

    _carries = True

    def __init__(self, options: Conv2dOptions, input_shape: Shape) -> None:
        super().__init__(options, input_shape)
        (window,) = self.windows
        self.past = Past(window, input_shape)

    def _get_name(self) -> str:
        return "Conv2d"

    def init_state(self, batch: int, *, device: torch.device, dtype: torch.dtype) -> States:
        return self.past.init_state(batch, device=device, dtype=dtype)

    def forward(self, x: Tensor, state: Mapping[str, Tensor], run: Run) -> LayerOutput:
        steps, extended = x.shape[1], self.past.around(x, state)
        if run.reset is None:
            y = _over_planes(self.conv, extended, self.shape, self.axes)
        else:
            y = self._after_resets(extended, run.reset)
        after, states = self.past.after(extended, steps, state, run), self.past.every(extended, steps, run)
        return self._finished(y, x, run)._replace(state=after, states=states)

    def _after_resets(self, extended: Tensor, reset: Tensor) -> Tensor:
        """A window does not reach back over a reset: the products of each of its steps by themselves."""
        conv, each = self.conv, []
        stride, padding = (1, conv.stride[1]), (0, int(conv.padding[1]))
        for tap, given in enumerate(self.past.taps(extended, reset)):
            product = partial(F.conv2d, weight=conv.weight[:, :, tap : tap + 1], stride=stride, padding=padding)
            each.append(_over_planes(product, given, self.shape, self.axes))
        y: Tensor = reduce(add, each)
        return y if conv.bias is None else y + conv.bias.view(-1, *(1,) * (y.dim() - 3))


def conv2d(options: Conv2dOptions, input_shape: Shape) -> Conv2d:
    """The layer `conv2d`."""
    carries = any(window.left for window in over_time(options.axes, options.windows))
    return (CarryingConv2d if carries and options.not_streamable_reason is None else Conv2d)(options, input_shape)


class WindowPool(Layer):
    """(B, T, C, ...) -> the largest number under every window, or the mean of those that count."""

    def __init__(self, options: PoolOptions, input_shape: Shape, *, largest: bool) -> None:
        super().__init__()
        self.axes, self.largest = options.axes, largest
        self.windows = over_time(options.axes, options.windows)
        self.cuttable = options.not_streamable_reason is None
        self.shape = input_shape if options.axes == ("time",) else planes(input_shape, options.axes)
        self.output_shape = describe_window_pool(options, input_shape).output_shape
        by_axis: dict[str, Window] = dict(zip(options.axes, options.windows, strict=True))
        names = ("height", "width") if _over_maps(options.axes) else ("time", "features")
        two = [by_axis.get(name) for name in names]
        self.kernel = tuple(window.kernel if window else 1 for window in two)
        self.stride = tuple(window.stride if window else 1 for window in two)
        self.padding = tuple(window.left if window else 0 for window in two)

    def extra_repr(self) -> str:
        return f"axes={self.axes}, size={self.kernel}, stride={self.stride}"

    def forward(self, x: Tensor, state: Mapping[str, Tensor], run: Run) -> LayerOutput:
        if not self.cuttable:
            refuse_reset(self, run)
        behind = run.behind(self.windows, x.shape[1])
        if self.axes == ("time",):
            flat = x.flatten(2).unsqueeze(2)  # (B, T, 1, F): one channel, features as they are
            y = self._pooled(flat, run, (1, flat.shape[3]), ("time", "features"))
            y = y.reshape(x.shape[0], y.shape[1], *x.shape[2:])
        else:
            y = self._pooled(x, run, self.shape, self.axes)
        return LayerOutput(zero_where(y, behind.valid), {})

    def _pooled(self, x: Tensor, run: Run, shape: Shape, axes: tuple[str, ...]) -> Tensor:
        padded = run.valid is not None and bool(self.windows)
        if self.largest:
            if padded:
                valid = run.valid.view(*run.valid.shape, *(1,) * (x.dim() - 2))  # type: ignore[union-attr]
                least = torch.full((), -torch.inf, dtype=x.dtype, device=x.device)
                x = torch.where(valid, x, least)  # which leaves it as it lies in memory
            return _over_planes(self._largest, x, shape, axes)
        total = _over_planes(self._mean, x, shape, axes)
        if not (padded or any(self.padding)):
            return total
        counted = torch.ones_like(x) if run.valid is None else zero_where(torch.ones_like(x), run.valid)
        share = _over_planes(self._mean, counted, shape, axes)  # of the window that counts
        return total / share.clamp(min=torch.finfo(share.dtype).tiny)

    def _mean(self, planes: Tensor) -> Tensor:
        return self._windows(F.avg_pool2d, planes)

    def _largest(self, planes: Tensor) -> Tensor:
        return self._windows(F.max_pool2d, planes)

    def _windows(self, pool: Callable[..., Tensor], planes: Tensor) -> Tensor:
        kernel, stride, padding = self.kernel, self.stride, self.padding
        if _lies_channels_last(planes):
            return pool(planes, kernel, stride, padding)
        if self.axes == ("time",) or _over_maps(self.axes):
            return pool(planes, kernel, stride, padding)
        return _turned(lambda turned: pool(turned, kernel[::-1], stride[::-1], padding[::-1]), planes)


def max_pool(options: PoolOptions, input_shape: Shape) -> WindowPool:
    """The layer `max_pool`."""
    return WindowPool(options, input_shape, largest=True)


def avg_pool(options: PoolOptions, input_shape: Shape) -> WindowPool:
    """The layer `avg_pool`."""
    return WindowPool(options, input_shape, largest=False)
