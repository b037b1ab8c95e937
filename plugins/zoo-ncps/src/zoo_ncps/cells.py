"""ncps' cells as zoo's: each step is taken by ncps' own module."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar, Final

import torch
from torch import Tensor, nn
from torch.func import functional_call

import zoo
from zoo_ncps.figures import features, layers
from zoo_ncps.modules import make_cfc, make_ltc, make_wired_cfc, make_wiring
from zoo_ncps.options import CfCOptions, LTCOptions, WiredCfCOptions

SHORTEST: Final = 1e-7


class Ncps(zoo.Cell):
    """A cell of ncps.

    Parameters: those of its module, `module.ff1.weight` and so on, so that the `state_dict` of ncps' own cell loads
    into `cell.module`. Masks are buffers.
    """

    uses = frozenset({"dt"})
    state: ClassVar[str] = "h"
    module: nn.Module

    def __init__(self, make: Callable[[], nn.Module], inputs: int, hidden_size: int, outputs: int) -> None:
        """Make the module, `make()`, which is ncps' with fresh parameters, on the CPU."""
        super().__init__()
        self.make = make
        self.input_shape, self.output_shape = (inputs,), (outputs,)
        self.states = {self.state: zoo.StateSpec((hidden_size,), zoneout=True)}
        self.module = make().to(torch.get_default_device())

    def constants(self, ctx: zoo.Context) -> Any:
        """Every tensor of the module: handed to its step from outside, they are the same to every engine."""
        return tuple(self.tensors().values())

    def project(self, x: Tensor, const: Any, ctx: zoo.Context) -> tuple[Tensor, Tensor]:
        """The input, and the time (B, T, 1) that has passed before it: one step if nothing is known.

        ncps' own loop squeezes that axis away, and takes the time of sequence b for that of neuron b.
        """
        dt = torch.ones_like(x[..., :1]) if ctx.dt is None else ctx.dt.unsqueeze(2)
        return x, dt

    def step(self, u: tuple[Tensor, Tensor], state: Mapping[str, Tensor], const: Any) -> dict[str, Tensor]:
        x, dt = u
        tensors = dict(zip(self.tensors(), const, strict=True))
        _, new = functional_call(self.module, tensors, (x, state[self.state], dt))
        return {self.state: new}

    def reset_parameters(self) -> None:
        """As ncps initialises them; masks and signs as the wiring has them."""
        with torch.no_grad():
            for tensor, fresh in zip(self.tensors().values(), named(self.make()).values(), strict=True):
                tensor.copy_(fresh)

    def tensors(self) -> dict[str, Tensor]:
        return named(self.module)

    def extra_repr(self) -> str:
        return f"{self.input_shape[0]}, {self.states[self.state].shape[0]}, {self.output_shape[0]}"


class LTC(Ncps):
    """Liquid time-constant neurons; the output is a map of the motor neurons' voltages. States: v (hidden_size,).

    Source: arXiv:2006.04439, in the form with conductances of Lechner et al. 2020, Nat Mach Intell 2, 642-652.
    """

    state = "v"

    def __init__(self, options: LTCOptions, input_shape: tuple[int, ...], hidden_size: int) -> None:
        inputs = features(input_shape)
        wiring = make_wiring(options, inputs, hidden_size)
        super().__init__(partial(make_ltc, options, wiring), inputs, hidden_size, wiring.output_dim)

    def project(self, x: Tensor, const: Any, ctx: zoo.Context) -> tuple[Tensor, Tensor]:
        """As every cell, but that ncps divides by the time: no time at all, which leaves v as it is, becomes 1e-7."""
        x, dt = super().project(x, const, ctx)
        return x, dt.clamp(min=SHORTEST)

    def output(self, u: Any, state: Mapping[str, Tensor], const: Any) -> Tensor:
        """ncps' own map of the motor neurons slices an axis of time, where there is one."""
        tensors = dict(zip(self.tensors(), const, strict=True))
        y = state["v"][..., : self.output_shape[0]]
        if "output_w" in tensors:
            y = y * tensors["output_w"]
        return y + tensors["output_b"] if "output_b" in tensors else y


class CfC(Ncps):
    """The closed-form cell; the output is h. States: h (hidden_size,). Source: arXiv:2106.13898."""

    def __init__(self, options: CfCOptions, input_shape: tuple[int, ...], hidden_size: int) -> None:
        inputs = features(input_shape)
        super().__init__(partial(make_cfc, options, inputs, hidden_size), inputs, hidden_size, hidden_size)


class WiredCfC(Ncps):
    """Closed-form neurons in the layers of a wiring; the output is the last layer. States: h (hidden_size,).

    h holds the layers in the order in which they are computed: inter, command and motor neurons, where a wiring has
    such, while LTC's v has the motor neurons first. Both are ncps' own order. Source: arXiv:2106.13898.
    """

    def __init__(self, options: WiredCfCOptions, input_shape: tuple[int, ...], hidden_size: int) -> None:
        inputs = features(input_shape)
        wiring = make_wiring(options, inputs, hidden_size)
        make = partial(make_wired_cfc, options, wiring)
        super().__init__(make, inputs, hidden_size, layers(options, hidden_size)[-1])
        self.wired_time_gates = options.wired_time_gates

    def constants(self, ctx: zoo.Context) -> Any:
        """ncps masks the heads by itself; here the time gates are masked as well, where that is wished."""
        tensors = self.tensors()
        if self.wired_time_gates:
            for name, mask in self.tensors().items():
                layer, _, last = name.rpartition(".")
                if last == "sparsity_mask":
                    for gate in ("time_a", "time_b"):
                        tensors[f"{layer}.{gate}.weight"] = tensors[f"{layer}.{gate}.weight"] * mask
        return tuple(tensors.values())

    def output(self, u: Any, state: Mapping[str, Tensor], const: Any) -> Tensor:
        return state["h"][..., -self.output_shape[0] :]


def named(module: nn.Module) -> dict[str, Tensor]:
    """Its parameters and buffers by name, in an order that does not change."""
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}
