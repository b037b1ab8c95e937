"""What can be chosen for each cell, and what it promises. Imports no torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

import zoo
from zoo_ncps.wiring import WiringOptions

Map = Literal["affine", "linear", "none"]
Mode = Literal["default", "pure", "no_gate"]


class LTCOptions(WiringOptions):
    """Options of the liquid time-constant cell."""

    self_connections: bool = Field(True, description="Wiring 'full' only: whether each neuron is connected to itself.")
    ode_unfolds: int = Field(6, ge=1, le=1000, description="Solver steps within one time step.")
    input_mapping: Map = Field(
        "affine", description="Map of each input: 'affine', scale and shift, 'linear', scale only, or 'none'."
    )
    output_mapping: Map = Field("affine", description="Map of each motor neuron's output, as for `input_mapping`.")
    implicit_param_constraints: bool = Field(
        True,
        description="Make conductances and capacities positive by a softplus; without it, training must call ncps' own "
        "apply_weight_constraints.",
    )


class CfCOptions(zoo.Options):
    """Options of the closed-form cell without a wiring."""

    mode: Mode = Field(
        "default",
        description="How the heads are combined: 'default', by a time gate; 'pure', the closed-form solution; "
        "'no_gate', a sum.",
    )
    backbone_units: Annotated[int, zoo.Width] | None = Field(
        None, ge=1, description="Width of the shared backbone layers; 128 if not given."
    )
    backbone_layers: int = Field(1, ge=0, le=100, description="Number of shared backbone layers.")
    backbone_activation: Literal["lecun_tanh", "tanh", "relu", "silu", "gelu"] = Field(
        "lecun_tanh", description="Activation function of the backbone layers; 'lecun_tanh' is 1.7159 tanh(0.666 x)."
    )
    backbone_dropout: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Dropout rate after each backbone layer but the first, with a new mask at each step.",
    )

    @model_validator(mode="after")
    def _nothing_idle(self) -> CfCOptions:
        if self.backbone_dropout and self.backbone_layers < 2:
            raise ValueError("backbone_dropout acts after the second backbone layer: backbone_layers must be 2 or more")
        if not self.backbone_layers and (self.backbone_units or self.backbone_activation != "lecun_tanh"):
            raise ValueError("without a backbone there is no use for backbone_units and backbone_activation")
        return self

    @property
    def width(self) -> int:
        return self.backbone_units or 128


class WiredCfCOptions(WiringOptions):
    """Options of the closed-form cell with a wiring."""

    mode: Mode = Field(
        "default",
        description="How the heads are combined: 'default', by a time gate; 'pure', the closed-form solution; "
        "'no_gate', a sum.",
    )
    wired_time_gates: bool = Field(
        False, description="Whether the wiring masks the time gates too, which it does not in ncps."
    )

    @model_validator(mode="after")
    def _nothing_idle(self) -> WiredCfCOptions:
        if self.outputs is not None and self.wiring == "random":
            raise ValueError(
                "outputs: every neuron of wiring 'random' is an output of this cell; leave it out, or choose "
                "'auto-ncp' or 'ncp'"
            )
        if self.wired_time_gates and self.mode == "pure":
            raise ValueError("wired_time_gates: mode 'pure' has no time gates; leave it out")
        if self.wired_time_gates and self.wiring == "full":
            raise ValueError("wired_time_gates: a full wiring leaves nothing out; leave it out")
        return self

    def takes(self) -> tuple[str, ...]:
        """Within a layer all neurons are connected, and no synapse has a sign: a full wiring has nothing to choose."""
        return () if self.wiring == "full" else super().takes()


def cfc_traits(options: CfCOptions) -> zoo.Traits:
    """Dropout draws random numbers."""
    return zoo.Traits(stochastic=options.backbone_dropout > 0)
