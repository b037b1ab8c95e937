"""ncps' modules, made so that their tensors can be replaced for a call and live on any device.

ncps stays as it is, and has no types. Three of its habits are worked around here: a dictionary in which LTC keeps its
parameters a second time, which goes stale when they are replaced; masks that are parameters, which weight decay and
counts would take for weights; and tensors made from arrays, which stay on the CPU whatever the default device is.
"""

from __future__ import annotations

from typing import Any

import torch
from ncps import wirings  # type: ignore[import-untyped]
from ncps.torch import CfCCell, LTCCell, WiredCfCCell  # type: ignore[import-untyped]
from torch import Tensor, nn

from zoo_ncps.options import CfCOptions, LTCOptions, WiredCfCOptions
from zoo_ncps.wiring import WiringOptions


class LiveLTC(LTCCell):  # type: ignore[misc]
    """ncps' LTCCell, with its parameters in one place."""

    def add_weight(self, name: str, init_value: Tensor, requires_grad: bool = True) -> Tensor:
        if requires_grad:
            self.register_parameter(name, nn.Parameter(init_value))
        else:
            self.register_buffer(name, init_value)
        return init_value

    @property
    def _params(self) -> dict[str, Any]:
        return {**self._parameters, **self._buffers}

    @_params.setter
    def _params(self, value: dict[str, Any]) -> None:
        """ncps starts an empty dictionary here, and enters what `add_weight` has registered already."""


def make_wiring(options: WiringOptions, inputs: int, hidden_size: int) -> Any:
    """A wiring of ncps, built for this many inputs."""
    layout = options.layout(hidden_size)
    wiring: Any
    if options.wiring == "full":
        itself = getattr(options, "self_connections", True)  # which only the liquid time-constant cell lets one choose
        wiring = wirings.FullyConnected(hidden_size, layout.motor, options.wiring_seed, itself)
    elif options.wiring == "random":
        wiring = wirings.Random(hidden_size, layout.motor, options.sparsity, options.wiring_seed)
    elif options.wiring == "auto-ncp":
        wiring = wirings.AutoNCP(hidden_size, layout.motor, options.sparsity, options.wiring_seed)
    else:
        wiring = wirings.NCP(
            layout.inter,
            layout.command,
            layout.motor,
            options.sensory_fanout,
            options.inter_fanout,
            options.recurrent_command_synapses or 0,
            options.motor_fanin,
            options.wiring_seed,
        )
    wiring.build(inputs)
    return wiring


def make_ltc(options: LTCOptions, wiring: Any) -> nn.Module:
    """ncps' LTCCell on a built wiring, on the CPU."""
    with torch.device("cpu"):
        return LiveLTC(
            wiring,
            input_mapping=options.input_mapping,
            output_mapping=options.output_mapping,
            ode_unfolds=options.ode_unfolds,
            implicit_param_constraints=options.implicit_param_constraints,
        )


def make_cfc(options: CfCOptions, inputs: int, hidden_size: int) -> nn.Module:
    """ncps' CfCCell, on the CPU, or on meta, where the largest takes no memory."""
    with torch.device("meta" if torch.get_default_device().type == "meta" else "cpu"):
        module: nn.Module = CfCCell(
            inputs,
            hidden_size,
            options.mode,
            options.backbone_activation,
            options.width,
            options.backbone_layers,
            options.backbone_dropout,
        )
    return module


def make_wired_cfc(options: WiredCfCOptions, wiring: Any) -> nn.Module:
    """ncps' WiredCfCCell on a built wiring, on the CPU, its masks as buffers."""
    with torch.device("cpu"):
        module: nn.Module = WiredCfCCell(None, wiring, options.mode)
    for layer in module.children():
        mask = layer.get_parameter("sparsity_mask").detach()
        del layer.sparsity_mask
        layer.register_buffer("sparsity_mask", mask.to(torch.empty(0).dtype))
    return module
