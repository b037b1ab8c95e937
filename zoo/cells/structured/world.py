"""Options, closed form and record of the recurrent core of a world model. Imports no torch."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from zoo.components import CellType, Count, Description, Options, Shape, Traits, Width, features
from zoo.errors import ZooError


class RSSMOptions(Options):
    """Options of the recurrent state-space model's deterministic core."""

    action: Annotated[int, Count] = Field(
        1, ge=1, description="Number of action features; these are the last of the input, the others the latent state."
    )
    units: Annotated[int, Width] | None = Field(
        None,
        ge=1,
        description="Width of what state, latent state and action are mapped to; an eighth of hidden_size if not "
        "given, as in the official configurations.",
    )
    blocks: Annotated[int, Count] = Field(
        1, ge=1, description="Number of blocks of the block-diagonal products; the official configurations have 8."
    )
    layers: int = Field(1, ge=1, le=100, description="Number of block-diagonal layers before the gates.")


def describe_rssm(options: RSSMOptions, input_shape: Shape, hidden_size: int) -> Description:
    stoch, units = latent(options, input_shape), rssm_units(options, hidden_size)
    size = block_size(options, hidden_size)
    mapped = units * (hidden_size + stoch + options.action)
    blocks = hidden_size * (size + 3 * units + (options.layers - 1) * size + 3 * size)
    return Description(
        output_shape=(hidden_size,),
        # a bias and a norm's scale for each output of a layer, and a bias for each gate
        parameters=mapped + blocks + 2 * 3 * units + 2 * options.layers * hidden_size + 3 * hidden_size,
        macs_per_step=mapped + blocks,
        state={"h": (hidden_size,)},
        sequential_depth=2 + options.layers,
    )


def latent(options: RSSMOptions, input_shape: Shape) -> int:
    """How many features of the input are the latent state. Raises ZooError where none are left."""
    width = features(input_shape)
    if options.action >= width:
        raise ZooError(f"action ({options.action}) must be less than the number of input features ({width})")
    return width - options.action


def rssm_units(options: RSSMOptions, hidden_size: int) -> int:
    return options.units or -(-hidden_size // 8)


def block_size(options: RSSMOptions, hidden_size: int) -> int:
    """Units of one block. Raises ZooError where the blocks do not divide the hidden size."""
    if hidden_size % options.blocks:
        raise ZooError(f"blocks ({options.blocks}) must divide hidden_size ({hidden_size})")
    return hidden_size // options.blocks


WORLD: Final = (
    CellType(
        name="rssm",
        options=RSSMOptions,
        build="zoo.cells.structured.rssm:RSSM",
        describe="zoo.cells.structured.world:describe_rssm",
        reference="zoo.references.world:rssm",
        summary="Deterministic core of DreamerV3's recurrent state-space model: a block-diagonal GRU",
        paper="Hafner et al. 2025, Mastering diverse control tasks through world models, Nature 640, "
        "doi:10.1038/s41586-025-08744-2; Hafner et al. 2019, Learning latent dynamics for planning from pixels, ICML, "
        "arXiv:1811.04551",
        authority="official code: danijar/dreamerv3 dreamerv3/rssm.py, embodied/jax/nets.py",
        traits=Traits(bounded=True),
        zoneout=True,
    ),
)
